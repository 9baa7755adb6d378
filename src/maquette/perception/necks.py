"""Things that touch, taken apart by their outline alone, where the network marks no centres.

The outline's distance transform has a ridge in every part and a saddle at every neck between two parts. Basins of a
watershed are joined from the highest saddle down, unless the neck is clear, both parts are large, and they stand side
by side.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

NECK = 0.65
"""A neck is narrower than this share of the narrower part."""
SHARE = 0.3
"""The smaller part has at least this share of the larger one's area, lest an arm or a tail be cut off."""
OVERLAP = 0.5
"""Side by side: fewer than this share of the narrower part's columns are columns of the other (a head is over its
body)."""
SMALLEST_CELLS = 36
"""A part has at least this area."""


def part(mask: NDArray[np.bool_], solid: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Number the parts of one connected region.

    Args:
        mask: (h, w), the region.
        solid: (h, w), where things are: the outline against another thing, which may stand in front, is no neck.

    Returns:
        (h, w) int32, 0 outside the mask, else the part from 1 on.
    """
    from scipy.ndimage import distance_transform_edt
    from skimage import segmentation

    if np.count_nonzero(mask) < 2 * SMALLEST_CELLS or solid.all():
        return mask.astype(np.int32)
    distance = distance_transform_edt(solid | mask)
    watershed: Callable[..., NDArray[np.int32]] = segmentation.watershed
    basins = watershed(-distance, mask=mask)
    count = int(basins.max())
    peak, area = np.zeros(count + 1), np.bincount(basins.ravel()).astype(float)
    np.maximum.at(peak, basins, distance)
    left, right = np.full(count + 1, np.inf), np.full(count + 1, -np.inf)
    columns = np.broadcast_to(np.arange(mask.shape[1]), mask.shape)
    np.minimum.at(left, basins, columns)
    np.maximum.at(right, basins, columns + 1)

    owner = np.arange(count + 1)
    for saddle, one, two in _saddles(basins, distance, count):
        a, b = sorted((owner[one], owner[two]))
        if a == b:
            continue
        shared = min(right[a], right[b]) - max(left[a], left[b])
        beside = shared < OVERLAP * min(right[a] - left[a], right[b] - left[b])
        small, large = sorted((area[a], area[b]))
        if saddle < NECK * min(peak[a], peak[b]) and small >= max(SMALLEST_CELLS, SHARE * large) and beside:
            continue
        owner[owner == b] = a
        peak[a], area[a] = max(peak[a], peak[b]), area[a] + area[b]
        left[a], right[a] = min(left[a], left[b]), max(right[a], right[b])
    numbers = np.unique(owner[1:])
    return np.where(mask, np.searchsorted(numbers, owner[basins]) + 1, 0).astype(np.int32)


def _saddles(basins: NDArray[np.int32], distance: NDArray[np.float64], count: int) -> list[tuple[float, int, int]]:
    """Return the highest pass between each two basins that touch, highest first."""
    height: dict[int, float] = {}
    for first, second in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        a, b = basins[first].astype(np.int64), basins[second].astype(np.int64)
        meet = (a != b) & (a > 0) & (b > 0)
        codes = np.minimum(a, b)[meet] * (count + 1) + np.maximum(a, b)[meet]
        level = np.minimum(distance[first], distance[second])[meet]
        for code, value in zip(codes.tolist(), level.tolist(), strict=True):
            height[code] = max(height.get(code, 0.0), value)
    return sorted(((value, *divmod(code, count + 1)) for code, value in height.items()), key=lambda s: (-s[0], *s[1:]))
