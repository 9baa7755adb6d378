"""From samples to batches: crops, flips, cut-outs pasted over one another, and what lenses and files do to colours.

Every batch is a function of (seed, step), so that training resumes exactly.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor
from torch.nn import functional as F

from maquette.labels import LABELS
from maquette.train.data import Sample
from maquette.train.targets.instances import THINGS

STRIDE = 4
SEMANTIC_SHARE = {"osd": 0.3}
"""How much the semantics of a group count, where not fully: one table in one laboratory is not the world."""
DEPTH_CAMERAS = ("osd", "aims")
"""Groups of one camera each."""
MIN_THING_CELLS = 12
"""Smallest visible part of a thing, in cells, that is asked of the network."""


@dataclass(frozen=True)
class Cutout:
    """One thing to paste.

    Attributes:
        rgba: (h, w, 4) uint8.
        label: Its id.
    """

    rgba: NDArray[np.uint8]
    label: int


@dataclass(frozen=True)
class Batch:
    """What a step learns from; N pictures of (H, W), h and w a quarter.

    Attributes:
        image: (N, 3, H, W) float32 in [-1, 1].
        semantic: (N, 45, h, w) float32 probabilities times the weight of the picture, all zero where unknown.
        log_depth: (N, h, w) float32, log metres as the canonical camera sees them.
        depth_weight: (N, h, w) float32, 0 where unknown.
        weak: (N,) bool, whether the depth is a guess from geometry.
        heat: (N, h, w) float32, 0 to 1, 1 at centres of things.
        heat_known: (N, h, w) float32, 0 where it is unknown whether a centre is near.
        offset: (N, 2, h, w) float32, pixels from a cell's centre to its thing's.
        offset_known: (N, h, w) float32, 1 on known things.
    """

    image: Tensor
    semantic: Tensor
    log_depth: Tensor
    depth_weight: Tensor
    weak: Tensor
    heat: Tensor
    heat_known: Tensor
    offset: Tensor
    offset_known: Tensor


def cutouts(samples: Sequence[Sample], least_cells: int = 400) -> list[Cutout]:
    """Return every whole thing of photos among ``samples``: known, large enough and off the picture's border."""
    found = []
    for sample in samples:
        if sample.semantic.ndim == 2:
            continue
        ids = sample.semantic.argmax(0) + 1
        for thing in np.unique(sample.instances[sample.instances > 0]):
            mask = sample.instances == thing
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            box = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
            inside = box[0] > 0 and box[1] < mask.shape[0] and box[2] > 0 and box[3] < mask.shape[1]
            label = int(np.bincount(ids[mask]).argmax())
            if mask.sum() < least_cells or not inside or not THINGS[label - 1]:
                continue
            y0, y1, x0, x1 = box
            alpha = Image.fromarray((mask[y0:y1, x0:x1] * 255).astype(np.uint8))
            alpha = alpha.resize((2 * (x1 - x0), 2 * (y1 - y0)), Image.Resampling.BILINEAR)
            alpha = alpha.filter(ImageFilter.MinFilter(3)).filter(ImageFilter.GaussianBlur(0.8))
            rgb = sample.image[2 * y0 : 2 * y1, 2 * x0 : 2 * x1]
            found.append(Cutout(np.dstack([rgb, np.asarray(alpha)]), label))
    return found


def crop(
    sample: Sample, size: tuple[int, int], rng: np.random.Generator, zoom: tuple[float, float], flip: bool
) -> tuple[NDArray[np.uint8], Tensor, NDArray[np.int16], NDArray[np.float32]]:
    """Cut a window of the aspect of ``size`` from a sample and bring it to ``size``.

    Args:
        sample: The picture.
        size: (H, W) in pixels.
        rng: Chooses the window.
        zoom: Range of the window's magnification; 1 is the largest window of this aspect that fits.
        flip: Mirror the result.

    Returns:
        Image (H, W, 3) uint8, semantic (45, H/4, W/4) float32, instances (H/4, W/4) int16, and depth (H/4, W/4)
        float32 in metres as the canonical camera of this window sees it, 0 where unknown.
    """
    height, width = sample.image.shape[:2]
    fit = min(height / size[0], width / size[1]) / float(np.exp(rng.uniform(*np.log(zoom))))
    box_h, box_w = min(size[0] * fit, height), min(size[1] * fit, width)
    top, left = rng.uniform(0, height - box_h), rng.uniform(0, width - box_w)
    image = Image.fromarray(sample.image).resize(
        (size[1], size[0]), Image.Resampling.BILINEAR, box=(left, top, left + box_w, top + box_h)
    )
    h, w = size[0] // STRIDE, size[1] // STRIDE
    at_y = top + (np.arange(h) + 0.5) / h * box_h
    at_x = left + (np.arange(w) + 0.5) / w * box_w
    half_y = np.minimum((at_y / 2).astype(int), sample.instances.shape[0] - 1)
    half_x = np.minimum((at_x / 2).astype(int), sample.instances.shape[1] - 1)
    instances = sample.instances[np.ix_(half_y, half_x)]
    pixel_y, pixel_x = at_y.astype(int).clip(0, height - 1), at_x.astype(int).clip(0, width - 1)
    depth = sample.depth_m[np.ix_(pixel_y, pixel_x)]
    focal = sample.focal_px * size[1] / box_w
    depth = depth.astype(np.float32) * np.float32(max(size) / focal)

    y0, y1 = int(half_y[0]), int(half_y[-1]) + 1
    x0, x1 = int(half_x[0]), int(half_x[-1]) + 1
    part = sample.semantic[..., y0:y1, x0:x1]
    window = torch.from_numpy((part if part.ndim == 3 else one_hot_ids(part)).astype(np.float32))
    semantic = F.interpolate(window[None], size=(h, w), mode="bilinear", antialias=True, align_corners=False)[0]
    semantic = semantic / semantic.sum(0, keepdim=True).clamp_min(1.0)
    pixels = np.asarray(image)
    if flip:
        return pixels[:, ::-1], semantic.flip(2), instances[:, ::-1], depth[:, ::-1]
    return pixels, semantic, instances, depth


def paste(
    image: NDArray[np.uint8],
    semantic: Tensor,
    instances: NDArray[np.int16],
    depth: NDArray[np.float32],
    things: Sequence[Cutout],
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], Tensor, NDArray[np.int16], NDArray[np.float32]]:
    """Put cut-outs over a crop, near one another so that they touch and overlap; depth under them becomes unknown."""
    height, width = image.shape[:2]
    canvas = Image.fromarray(np.ascontiguousarray(image))
    semantic, instances, depth = semantic.clone(), instances.copy(), depth.copy()
    cx, cy = rng.uniform(0.2, 0.8) * width, rng.uniform(0.35, 0.8) * height
    spread = rng.uniform(0.05, 0.35)
    for thing in things:
        rgba = Image.fromarray(thing.rgba)
        longest = rng.uniform(0.15, 0.6) * max(height, width)
        scale = min(longest / max(rgba.size), 2.0)
        rgba = rgba.resize((max(8, round(rgba.width * scale)), max(8, round(rgba.height * scale))))
        if rng.random() < 0.5:
            rgba = rgba.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        left = round(cx + rng.normal(0, spread) * width - rgba.width / 2)
        top = round(cy + rng.normal(0, spread) * height - rgba.height / 2)
        layer = Image.new("L", (width, height))
        layer.paste(rgba.getchannel("A"), (left, top))
        canvas.paste(rgba.convert("RGB"), (left, top), rgba.getchannel("A"))
        small = layer.resize((width // STRIDE, height // STRIDE), Image.Resampling.BOX)
        alpha = np.asarray(small, np.float32) / 255
        solid = torch.from_numpy(alpha)
        semantic *= 1 - solid
        semantic[thing.label - 1] += solid
        instances[alpha > 0.5] = max(int(instances.max()), 0) + 1
        depth[alpha > 0.02] = 0
    return np.asarray(canvas), semantic, instances, depth


def photometric(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return (H, W, 3) float32 in [-1, 1] of a picture with other exposure, colours, sharpness and noise."""
    x = image.astype(np.float32) / 255
    if rng.random() < 0.8:
        x = x ** float(np.exp(rng.normal(0, 0.3)))
        x = (x - 0.5) * rng.uniform(0.75, 1.25) + 0.5 + rng.normal(0, 0.05)
        x = x * (1 + rng.normal(0, 0.05, 3)).astype(np.float32)
        grey = x.mean(2, keepdims=True)
        x = grey + (x - grey) * rng.uniform(0.6, 1.35)
    pixels = np.rint(x.clip(0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.3:
        picture = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(float(np.exp(rng.uniform(-1.2, 1.0)))))
        pixels = np.asarray(picture)
    if rng.random() < 0.3:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=int(rng.integers(30, 90)))
        pixels = np.asarray(Image.open(buffer))
    x = pixels.astype(np.float32) / 127.5 - 1
    if rng.random() < 0.3:
        x = x + rng.normal(0, rng.uniform(0.01, 0.06), x.shape).astype(np.float32)
    return np.asarray(x.clip(-1, 1), np.float32)


def centres(instances: NDArray[np.int16], sigma_px: float = 8.0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the centre heatmap (h, w) and the offsets (2, h, w) in pixels of things given as ids above 0.

    A thing's centre is the mean of its visible cells; its Gaussian grows with it.
    """
    h, w = instances.shape
    heat = np.zeros((h, w), np.float32)
    offset = np.zeros((2, h, w), np.float32)
    y, x = np.mgrid[:h, :w].astype(np.float32)
    for thing in np.unique(instances[instances > 0]):
        mask = instances == thing
        if mask.sum() < MIN_THING_CELLS:
            continue
        cy, cx = float(y[mask].mean()), float(x[mask].mean())
        sigma = max(sigma_px, 0.06 * STRIDE * float(np.sqrt(mask.sum()))) / STRIDE
        spot = np.exp(-((y - round(cy)) ** 2 + (x - round(cx)) ** 2) / (2 * sigma**2))
        heat = np.maximum(heat, spot)
        offset[0][mask], offset[1][mask] = (cx - x[mask]) * STRIDE, (cy - y[mask]) * STRIDE
    return heat, offset


def make(
    sample: Sample,
    size: tuple[int, int],
    library: Sequence[Cutout],
    paste_chance: float,
    rng: np.random.Generator,
    whole: bool = False,
) -> tuple[Tensor, ...]:
    """Return one picture's share of a ``Batch``, in its order; ``whole`` keeps a depth camera's all but uncropped."""
    whole = whole and sample.group in DEPTH_CAMERAS
    zoom = (1.0, 1.08) if whole else (1.0, 1.5) if sample.depth_noise == 0 else (1.0, 2.2)
    image, semantic, instances, depth = crop(sample, size, rng, zoom, bool(rng.random() < 0.5))
    if library and rng.random() < paste_chance:
        chosen = [library[int(i)] for i in rng.integers(0, len(library), rng.integers(1, 5))]
        image, semantic, instances, depth = paste(image, semantic, instances, depth, chosen, rng)
    known = depth > 0
    log_depth = np.log(np.where(known, depth, 1.0)) + rng.normal(0, 1) * sample.depth_noise
    heat, offset = centres(instances)
    return (
        torch.from_numpy(photometric(image, rng)).permute(2, 0, 1),
        semantic * SEMANTIC_SHARE.get(sample.group, 1.0),
        torch.from_numpy(log_depth.astype(np.float32)),
        torch.from_numpy(known.astype(np.float32)),
        torch.tensor(sample.depth_noise > 0),
        torch.from_numpy(heat),
        torch.from_numpy((instances >= 0).astype(np.float32)),
        torch.from_numpy(offset),
        torch.from_numpy((instances > 0).astype(np.float32)),
    )


def one_hot_ids(ids: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return the soft target (45, h, w) uint8 of label ids (h, w), 1 to 45."""
    one_hot = ids == np.arange(1, len(LABELS) + 1, dtype=np.uint8)[:, None, None]
    return np.where(one_hot, np.uint8(255), np.uint8(0))
