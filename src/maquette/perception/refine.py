"""Segments and depth from a network's grid to the photo's resolution, along the photo's edges.

Segments: a fast guided filter (He and Sun, "Fast Guided Filter", 2015, over He, Sun and Tang, "Guided Image Filtering",
PAMI 2013, section 3.2 for colour) fits, around each point of a coarse picture, each segment's soft mask as a linear
function of colour; the functions are interpolated and applied to the full picture, and the segment with the highest
value wins. Tiles bound the memory; a tile that shows one segment costs nothing.

Depth: interpolated within each segment alone, as inverse depth (linear over any plane), so that no depth leaks across
an edge.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maquette.perception.panoptic import SoftSegments
from maquette.perception.regions import absorb, connected

FloatMap = NDArray[np.float32]

GUIDE_PER_CELL = 2
"""Samples of the coarse picture a cell of the network's grid."""
RADIUS = 4
"""Of the guided filter's windows, in samples of the coarse picture."""
EPSILON = 1e-3
"""Variance of colour (0 to 1) below which a window counts as flat."""
TRUST = 0.7
"""Weight of the guided mask against the mask itself, which knows better where colours do not tell segments apart."""
TILE = 64
"""Side of a tile, in samples of the coarse picture."""
SPECK = 1.5e-5
"""Share of the photo below which a region goes to the neighbour around it."""


def refine_segments(rgb: NDArray[np.uint8], soft: SoftSegments) -> NDArray[np.int32]:
    """Bring segments to the photo's resolution.

    Args:
        rgb: (H, W, 3) uint8, the photo.
        soft: Segments on a grid that covers the photo.

    Returns:
        (H, W) int32, ids as in ``soft``; no segment is lost while the photo has at least as many pixels as the grid.
    """
    height, width = rgb.shape[:2]
    rows, columns = soft.ids.shape
    size = (min(height, rows * GUIDE_PER_CELL), min(width, columns * GUIDE_PER_CELL))
    coarse = Image.fromarray(rgb).resize((size[1], size[0]), Image.Resampling.BOX)
    masks = soft.masks
    if not soft.ids.all():
        masks = np.concatenate([masks, (soft.ids == 0)[None].astype(np.float32)])
    numbers = np.array([*(segment.id for segment in soft.segments), 0], np.int32)
    models = GuidedMasks(np.asarray(coarse, np.float32) / np.float32(255), masks)
    ids = np.zeros((height, width), np.int32)
    for top in range(0, size[0], TILE):
        for left in range(0, size[1], TILE):
            box = (left, top, min(left + TILE, size[1]), min(top + TILE, size[0]))
            x0, x1 = (round(x * width / size[1]) for x in box[::2])
            y0, y1 = (round(y * height / size[0]) for y in box[1::2])
            winner = models.decide(box, rgb[y0:y1, x0:x1], (x0, y0, x1, y1), (width, height))
            ids[y0:y1, x0:x1] = numbers[winner]
    _pin(ids, soft)
    return _despeckle(ids, soft)


class GuidedMasks:
    """Soft masks as locally linear functions of colour.

    Attributes:
        size: (h, w) of the guide.
        planes: Of each mask, slopes for red, green and blue, and offset, as pictures of the guide's size.
        value: (n, h, w) float32, the functions applied to the guide.
    """

    def __init__(self, guide: FloatMap, masks: FloatMap) -> None:
        """Fit the functions.

        Args:
            guide: (h, w, 3) float32, sRGB from 0 to 1.
            masks: (n, rows, columns) float32 on a grid over the same picture.
        """
        self.size = guide.shape[:2]
        mean, inverse = _window_statistics(guide)
        self.planes: list[list[Image.Image]] = []
        self.value = np.empty((len(masks), *self.size), np.float32)
        for number, mask in enumerate(masks):
            target = np.asarray(Image.fromarray(mask).resize(self.size[::-1], Image.Resampling.BILINEAR))
            slope, offset = _fit(guide, target, mean, inverse)
            slope *= np.float32(TRUST)
            offset += np.float32(1 - TRUST) * (target - offset)
            self.value[number] = np.einsum("hwc,chw->hw", guide, slope) + offset
            self.planes.append([Image.fromarray(plane) for plane in (*slope, offset)])

    def decide(
        self,
        box: tuple[int, int, int, int],
        pixels: NDArray[np.uint8],
        area: tuple[int, int, int, int],
        full: tuple[int, int],
    ) -> NDArray[np.int64]:
        """Return for each pixel of a tile the mask with the highest value.

        Args:
            box: The tile in samples of the guide (left, top, right, bottom).
            pixels: (h, w, 3) uint8, the photo there.
            area: The tile in pixels of the photo.
            full: Width and height of the photo.
        """
        left, top, right, bottom = box
        there = self.value[:, max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1].max((1, 2))
        candidates = np.flatnonzero(there > 0.1)
        if len(candidates) == 1:
            return np.full(pixels.shape[:2], candidates[0])
        kx, ky = self.size[1] / full[0], self.size[0] / full[1]
        source = (area[0] * kx, area[1] * ky, area[2] * kx, area[3] * ky)
        size = (area[2] - area[0], area[3] - area[1])
        colour = pixels.transpose(2, 0, 1).astype(np.float32) / 255
        best = np.full(pixels.shape[:2], -np.inf, np.float32)
        winner = np.zeros(pixels.shape[:2], np.int64)
        for number in candidates:
            slopes = [
                np.asarray(plane.resize(size, Image.Resampling.BILINEAR, source)) for plane in self.planes[number]
            ]
            value = slopes[3] + slopes[0] * colour[0] + slopes[1] * colour[1] + slopes[2] * colour[2]
            better = value > best
            best[better] = value[better]
            winner[better] = number
        return winner


def _window_statistics(guide: FloatMap) -> tuple[FloatMap, FloatMap]:
    """Return the mean (3, h, w) and the inverse (3, 3, h, w) of covariance + epsilon of each window's colours."""
    planes = guide.transpose(2, 0, 1).astype(np.float64)
    mean = np.stack([_box(plane) for plane in planes])
    matrix = np.empty((*guide.shape[:2], 3, 3))
    for i in range(3):
        for j in range(i, 3):
            covariance = _box(planes[i] * planes[j]) - mean[i] * mean[j]
            matrix[..., i, j] = matrix[..., j, i] = covariance + (EPSILON if i == j else 0)
    return mean.astype(np.float32), np.linalg.inv(matrix).astype(np.float32).transpose(2, 3, 0, 1)


def _fit(guide: FloatMap, target: FloatMap, mean: FloatMap, inverse: FloatMap) -> tuple[FloatMap, FloatMap]:
    centre = _box(target)
    covariance = np.stack([_box(guide[..., i] * target) - mean[i] * centre for i in range(3)])
    slope = np.einsum("ijhw,jhw->ihw", inverse, covariance)
    offset = centre - (slope * mean).sum(0)
    return np.stack([_box(plane) for plane in slope]), _box(offset)


def _box(plane: NDArray[Any]) -> NDArray[Any]:
    from scipy.ndimage import uniform_filter

    return np.asarray(uniform_filter(plane, 2 * RADIUS + 1, mode="nearest"))


def _pin(ids: NDArray[np.int32], soft: SoftSegments) -> None:
    """Give each segment the pixels of the cell that is most its own, so that none is lost."""
    (height, width), (rows, columns) = ids.shape, soft.ids.shape
    for segment, mask in zip(soft.segments, soft.masks, strict=True):
        row, column = np.unravel_index(np.argmax(np.where(soft.ids == segment.id, mask, -1)), mask.shape)
        top, bottom = int(row) * height // rows, (int(row) + 1) * height // rows
        left, right = int(column) * width // columns, (int(column) + 1) * width // columns
        ids[top:bottom, left:right] = segment.id


def _despeckle(ids: NDArray[np.int32], soft: SoftSegments) -> NDArray[np.int32]:
    regions = connected(ids)
    area = np.bincount(regions.ravel())
    id_of = np.zeros(area.size, np.int32)
    id_of[regions] = ids
    keep = area >= max(2, SPECK * ids.size)
    order = np.lexsort((-area, id_of))
    keep[order[np.unique(id_of[order], return_index=True)[1]]] = True  # the largest region of each segment stays
    if keep.all():
        return ids
    return id_of[absorb(regions, keep)][regions]


def upsample_within(values: FloatMap, coarse_ids: NDArray[np.int32], ids: NDArray[np.int32]) -> FloatMap:
    """Interpolate a map to the photo's resolution, each segment from its own values alone.

    Args:
        values: (h, w) float32, finite.
        coarse_ids: (h, w) int32, the segment of each value.
        ids: (H, W) int32, the segment of each pixel, over the same picture.

    Returns:
        (H, W) float32. A segment that ``coarse_ids`` lacks takes the values at its place.
    """
    from scipy.ndimage import distance_transform_edt, find_objects

    height, width = ids.shape
    rows, columns = values.shape
    result = np.empty(ids.shape, np.float32)
    numbers = np.flatnonzero(np.bincount(ids.ravel()))
    rank = np.zeros(int(numbers[-1]) + 1, np.int32)
    rank[numbers] = np.arange(1, len(numbers) + 1)
    for number, where in zip(numbers, find_objects(rank[ids]), strict=True):
        (y0, y1), (x0, x1) = ((part.start, part.stop) for part in where)
        top, bottom = max(0, y0 * rows // height - 2), min(rows, -(-y1 * rows // height) + 2)
        left, right = max(0, x0 * columns // width - 2), min(columns, -(-x1 * columns // width) + 2)
        part = values[top:bottom, left:right]
        outside = coarse_ids[top:bottom, left:right] != number
        if outside.any() and not outside.all():
            nearest = distance_transform_edt(outside, return_distances=False, return_indices=True)
            part = part[tuple(nearest)]
        box = (
            x0 * columns / width - left,
            y0 * rows / height - top,
            x1 * columns / width - left,
            y1 * rows / height - top,
        )
        fine = np.asarray(Image.fromarray(part).resize((x1 - x0, y1 - y0), Image.Resampling.BILINEAR, box))
        here = ids[where] == number
        result[where][here] = fine[here]
    return result
