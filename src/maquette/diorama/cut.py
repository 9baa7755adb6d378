"""Cut the photo into textures: soft edges, colours behind, and a stack that gives the photo back."""

from __future__ import annotations

import math
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from maquette.diorama.fill import Method, fill
from maquette.diorama.matte import estimate_foreground, solve_alpha
from maquette.diorama.options import DioramaOptions
from maquette.diorama.planes import InverseDepth

Mask = NDArray[np.bool_]
Texture = NDArray[np.uint8]
Box = tuple[int, int, int, int]

PAPER_EROSION_PX = 3
"""Pixels removed from a segment's border before filling (diorama paper, section 3.3.3)."""

EROSION = 0.005
"""The same by default, as a fraction of the photo's longer side: segments do not end exactly where things do."""

SEEN_THROUGH = 0.1
"""Opacity of what lies in front from which a pixel's own colour is no longer trusted."""

SEAM = 0.008
"""Width, as a fraction of the longer side, of the seam in which layers may overlap although their depths contradict
their order a little: without it, surfaces that meet would part when the camera moves."""

SEAM_ROOM = 0.7
"""Least ratio of depths in a seam; elsewhere it is 1."""

_ANY = [0] + [255] * 255


WORKERS = 2
"""Layers cut at the same time."""

WORK_PIXELS = 2_500_000
"""About how many pixels edges and filling are worked out on; a larger photo gets them enlarged around its own
pixels."""


@dataclass(frozen=True)
class Sheet:
    """What one layer is cut to, on the working copy of the photo.

    Attributes:
        box: (left, top, right, bottom) in pixels of the working copy; may reach outside it.
        behind: (bottom - top, right - left) bool: where the layer is continued behind what covers it, or beyond the
            frame.
        band: Half width in pixels of the soft edge.
        soft: (n,) bool, one a layer: whether the edge against it is soft.
        plane: (a, b, c): 1 / depth_m = a * x + b * y + c at the pixel (x, y) of the working copy.
    """

    box: tuple[int, int, int, int]
    behind: Mask
    band: int
    soft: Mask
    plane: InverseDepth

    def inverse_depth(self) -> NDArray[np.float32]:
        """Inverse depth in 1/m at the pixels of the box."""
        left, top, right, bottom = self.box
        a, b, c = self.plane
        x = np.arange(left, right, dtype=np.float32) + 0.5
        y = np.arange(top, bottom, dtype=np.float32)[:, None] + 0.5
        return np.float32(a) * x + (np.float32(b) * y + np.float32(c))


def work_factor(shape: tuple[int, ...]) -> int:
    """By how much the working copy of an (H, W) photo is smaller, a whole number."""
    return max(1, round(math.sqrt(shape[0] * shape[1] / WORK_PIXELS)))


def shrink(level: NDArray[np.int16], factor: int) -> NDArray[np.int16]:
    """(H, W) to (ceil(H / factor), ceil(W / factor)), by the middle pixel of each block."""
    rows, cols = (np.minimum(np.arange(0, n, factor) + factor // 2, n - 1) for n in level.shape)
    return level[np.ix_(rows, cols)]


def cut(
    rgb: NDArray[np.uint8], level: NDArray[np.int16], sheets: list[Sheet], options: DioramaOptions
) -> list[Texture]:
    """Cut one texture a layer.

    From front to back, each layer's soft edge is solved against what lies behind, and its share is taken out of the
    picture, so that the layers behind are cut from clean colours. A layer is only continued where it stays behind what
    is already there (but for a seam between surfaces that meet), and its soft edge only lies where it is in front of
    what is seen there, so that no layer cuts through another. Layers that do not touch are cut at the same time. Then,
    from back to front, colours are settled so that the painted stack equals the photo.

    Args:
        rgb: (H, W, 3) uint8 photo.
        level: (H, W) int16, the layer seen at each pixel, 0 at the back.
        sheets: One a layer, from back to front, on a working copy that is ``work_factor`` times smaller.
        options: Style, filler and seed.

    Returns:
        A texture a layer, (h, w, 4) uint8, sRGB with straight alpha, at the photo's resolution: that of its sheet's
        box times ``work_factor``.
    """
    factor = work_factor(level.shape)
    stack = _Stack(rgb, level, sheets, factor)
    top = np.full(level.shape, -1, dtype=np.int16)
    boxes = [_times(sheet.box, factor) for sheet in sheets]

    def take(index: int, earlier: list[Future[Texture]]) -> Texture:
        wait(earlier)
        texture, own = stack.cut(index, options)
        if factor > 1:
            texture = _enlarge(texture, own, boxes[index], rgb, level, index)
        frame, part = _inside_frame(boxes[index], level.shape)
        top[frame][(texture[part][..., 3] > 0) & (top[frame] < 0)] = index
        return texture

    jobs: dict[int, Future[Texture]] = {}
    with ThreadPoolExecutor(WORKERS) as pool:
        for index in range(len(sheets) - 1, -1, -1):
            touching = [job for other, job in jobs.items() if _overlap(boxes[index], boxes[other])]
            jobs[index] = pool.submit(take, index, touching)
    textures = [jobs[index].result() for index in range(len(sheets))]
    top = np.where(top < 0, level, top)
    _settle(rgb, top, boxes, textures)
    return textures


class _Stack:
    """The working copy of the photo, from which layers are taken from front to back."""

    def __init__(self, rgb: NDArray[np.uint8], level: NDArray[np.int16], sheets: list[Sheet], factor: int) -> None:
        self.sheets = sheets
        self.level = shrink(level, factor)
        self.clean = np.array(Image.fromarray(rgb).reduce(factor))
        """(h, w, 3) uint8, what is seen where the layers taken so far are not."""
        self.cover = np.zeros(self.level.shape, dtype=np.uint8)
        """(h, w) opacity of the layers taken so far."""
        self.farthest = np.full(self.level.shape, np.inf, dtype=np.float32)
        """(h, w) inverse depth of the farthest of them."""
        table = np.array([sheet.plane for sheet in sheets], dtype=np.float32)
        height, width = self.level.shape
        self.seen = table[:, 0][self.level] * (np.arange(width, dtype=np.float32) + 0.5)
        """(h, w) inverse depth of the layer seen at each pixel."""
        self.seen += table[:, 1][self.level] * (np.arange(height, dtype=np.float32)[:, None] + 0.5)
        self.seen += table[:, 2][self.level]

    def cut(self, index: int, options: DioramaOptions) -> tuple[Texture, Mask]:
        """Take the next layer: its texture, and where that shows the photo's own colours."""
        sheet = self.sheets[index]
        level = _window(self.level, sheet.box, -1)
        inverse = sheet.inverse_depth()
        inside = level == index
        room = _window(self.farthest, sheet.box, np.inf) / inverse
        seam = _near(inside, round(SEAM * max(self.level.shape)))
        behind = sheet.behind & (room >= np.where(seam, SEAM_ROOM, 1))
        lower = (level < index) & (level >= 0) & sheet.soft[level]
        lower &= inverse >= _window(self.seen, sheet.box, 0)
        soft = bool(lower.any())
        own, erosion = inside, PAPER_EROSION_PX
        method: Method = "spread"
        if options.style != "paper":
            method = options.fill
            own = inside & (_window(self.cover, sheet.box, 0) < SEEN_THROUGH * 255)
            erosion = round(EROSION * max(self.level.shape))
        known = own & ~_near(level > index, erosion)
        if not known.any():
            own = known = inside
        wanted = behind | (inside & ~own)
        if soft:  # the edge must not be solved with colours of what is neither this layer nor behind it
            wanted = wanted | (_near(inside, sheet.band) & _near(lower, sheet.band) & ~inside & ~lower)
        colours = np.stack([_window(self.clean[..., c], sheet.box, 0) for c in range(3)], axis=-1)
        colours = fill(colours, known, wanted, method, options.seed)
        alpha = (inside | behind).astype(np.float32)
        if soft:
            clear = lower & ~_near(inside, sheet.band)
            solved = solve_alpha(colours, ~_near(lower, sheet.band), clear)
            alpha = np.where(inside | (lower & ~clear), solved, alpha)
            alpha[alpha < 2 / 255] = 0
            edge = (alpha > 0) & (alpha < 1)
            colours = np.where(edge[..., None], estimate_foreground(colours, alpha), colours).astype(np.uint8)
        texture = np.dstack([colours, np.rint(alpha * 255).astype(np.uint8)])
        self._take(texture, inverse, sheet.box)
        return texture, own & (alpha == 1)

    def _take(self, texture: Texture, inverse: NDArray[np.float32], box: Box) -> None:
        frame, part = _inside_frame(box, self.level.shape)
        opacity = texture[part][..., 3]
        sheer = (opacity > 0) & (opacity < 255)
        if sheer.any():
            a = opacity[sheer].astype(np.float32)[:, None] / 255
            view = self.clean[frame]
            peeled = (view[sheer] - a * texture[part][..., :3][sheer]) / np.maximum(1 - a, 0.1)
            view[sheer] = np.clip(np.rint(peeled), 0, 255).astype(np.uint8)
        clear = (255 - self.cover[frame].astype(np.uint16)) * (255 - opacity.astype(np.uint16)) // 255
        self.cover[frame] = 255 - clear.astype(np.uint8)
        np.minimum(self.farthest[frame], inverse[part], out=self.farthest[frame], where=opacity > 0)


def _enlarge(
    texture: Texture, own: Mask, box: Box, rgb: NDArray[np.uint8], level: NDArray[np.int16], index: int
) -> Texture:
    """Bring a texture of the working copy to the photo's resolution, with the photo's own pixels where it shows
    them."""
    size = (box[2] - box[0], box[3] - box[1])
    large = [np.asarray(Image.fromarray(texture[..., c]).resize(size, Image.Resampling.BILINEAR)) for c in range(4)]
    out = np.stack(large, axis=-1)
    mask = np.asarray(Image.fromarray(own.astype(np.uint8) * 255).resize(size, Image.Resampling.BILINEAR)) > 127
    frame, part = _inside_frame(box, level.shape)
    here = mask[part] & (level[frame] == index)
    out[part][..., :3][here] = rgb[frame][here]
    return out


def _settle(rgb: NDArray[np.uint8], top: NDArray[np.int16], boxes: list[Box], textures: list[Texture]) -> None:
    """Change the colour (and where that is not enough, the opacity) of what lies on top until the stack equals the
    photo."""
    canvas = np.zeros_like(rgb)
    covered = np.zeros(top.shape, dtype=bool)
    for index, (box, texture) in enumerate(zip(boxes, textures, strict=True)):
        frame, part = _inside_frame(box, top.shape)
        view, seen = texture[part], top[frame] == index
        below, target = canvas[frame], rgb[frame]
        opaque = view[..., 3] == 255
        done = seen & opaque
        view[..., :3][done] = target[done]
        below[opaque] = view[..., :3][opaque]
        covered[frame] |= opaque
        wanted = seen & ~opaque
        if wanted.any():
            goal, under = target[wanted].astype(np.float32), below[wanted].astype(np.float32)
            change = goal - under
            room = np.where(change > 0, 255 - under, under)
            least = np.max(np.where(change == 0, 0, np.abs(change) / np.maximum(room, 1e-3)), axis=1)
            opacity = np.ceil(np.maximum(view[..., 3][wanted], least * 255)).clip(1, 255)
            opacity[~covered[frame][wanted]] = 255
            colour = under + change * 255 / opacity[:, None]
            view[..., 3][wanted] = opacity.astype(np.uint8)
            view[..., :3][wanted] = np.clip(np.rint(colour), 0, 255).astype(np.uint8)
        partial = (view[..., 3] > 0) & ~opaque
        if partial.any():
            a = view[..., 3][partial].astype(np.float32)[:, None] / 255
            below[partial] = np.rint(view[..., :3][partial] * a + below[partial] * (1 - a)).astype(np.uint8)


def _near(mask: Mask, radius: int) -> Mask:
    """Where a pixel of ``mask`` lies within ``radius`` pixels (in a square)."""
    grown = Image.fromarray(mask.astype(np.uint8) * 255)
    while radius > 0:
        step = min(radius, 5)  # beyond 11, a lone pixel would round to 0 in the box's mean
        grown = grown.filter(ImageFilter.BoxBlur(step)).point(_ANY)
        radius -= step
    return np.asarray(grown) > 0


def _overlap(one: Box, two: Box) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


def _times(box: Box, factor: int) -> Box:
    left, top, right, bottom = box
    return left * factor, top * factor, right * factor, bottom * factor


def _inside_frame(box: Box, shape: tuple[int, ...]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The part of a box that lies in the frame: as slices of the frame, and as slices of the box."""
    left, top, right, bottom = box
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(right, shape[1]), min(bottom, shape[0])
    return (slice(y0, y1), slice(x0, x1)), (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))


def _window(array: NDArray[Any], box: Box, outside: float) -> NDArray[Any]:
    """Copy a box out of a picture; what lies outside the frame gets a constant."""
    left, top, right, bottom = box
    out = np.full((bottom - top, right - left), outside, dtype=array.dtype)
    frame, part = _inside_frame(box, array.shape)
    out[part] = array[frame]
    return out
