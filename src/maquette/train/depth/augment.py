"""What is done to a picture and its depth before they are learned from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from maquette.train.depth.options import AugmentOptions

CUTDEPTH_EVERY = 4
"""One picture in so many gets a strip of depth (code of GLPN's authors)."""
CUTDEPTH_WIDTH = 0.75
"""Widest strip, as a share of what is right of where it starts (GLPN, section 3.3, p)."""

Picture = NDArray[np.uint8]
Depth = NDArray[np.float32]


def augment(
    rgb: Picture, depth_m: Depth, number: int, max_depth: float, options: AugmentOptions, rng: np.random.Generator
) -> tuple[Picture, Depth]:
    """Return an altered copy of a picture and its depth.

    Args:
        rgb: (H, W, 3) uint8 sRGB.
        depth_m: (H, W) float32 metres, 0 where unknown.
        number: Of the sample in the whole training, for what is done to every so many.
        max_depth: Metres that CutDepth shows white.
        options: What to do.
        rng: Chooses.
    """
    if options.cutdepth and number % CUTDEPTH_EVERY == 0:
        rgb = cutdepth(rgb, depth_m, max_depth, rng)
    if options.crop_height is not None or options.crop_width is not None:
        rows, columns = options.crop_height or rgb.shape[0], options.crop_width or rgb.shape[1]
        top = int(rng.integers(rgb.shape[0] - rows + 1))
        left = int(rng.integers(rgb.shape[1] - columns + 1))
        window = np.s_[top : top + rows, left : left + columns]
        rgb, depth_m = rgb[window], depth_m[window]
    if rng.random() < options.flip:
        rgb, depth_m = rgb[:, ::-1], depth_m[:, ::-1]
    return jitter(rgb, options, rng), np.ascontiguousarray(depth_m)


def cutdepth(rgb: Picture, depth_m: Depth, max_depth: float, rng: np.random.Generator) -> Picture:
    """Return the picture with its depth, as grey, in a vertical strip of all its rows (GLPN, section 3.3)."""
    width = rgb.shape[1]
    alpha, beta = rng.random(2)
    left = int(alpha * width)
    strip = np.s_[:, left : left + int(max((width - alpha * width) * beta * CUTDEPTH_WIDTH, 1))]
    rgb = rgb.copy()
    rgb[strip] = np.clip(depth_m[strip] / max_depth * 255, 0, 255).astype(np.uint8)[..., None]
    return rgb


def jitter(rgb: Picture, options: AugmentOptions, rng: np.random.Generator) -> Picture:
    """Return the picture with other brightness, contrast, saturation and hue, changed in a random order."""
    image = Image.fromarray(rgb)
    turn = round(rng.uniform(-options.hue, options.hue) * 256) % 256
    spreads = (options.brightness, options.contrast, options.saturation)
    factors = [1 + float(rng.uniform(-spread, spread)) for spread in spreads]
    for which in rng.permutation(4):
        if which < 3:
            enhance = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)[which]
            image = enhance(image).enhance(factors[which])
        elif turn:  # the way to hues and back rounds
            hue, saturation, value = image.convert("HSV").split()
            turned = Image.fromarray(np.asarray(hue) + np.uint8(turn))
            image = Image.merge("HSV", (turned, saturation, value)).convert("RGB")
    return np.asarray(image)
