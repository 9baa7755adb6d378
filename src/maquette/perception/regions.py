"""Connected regions of a label map, and giving the small ones away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[Any]
Weight = Callable[[IntArray, IntArray], NDArray[np.float64]]


def connected(labels: IntArray) -> IntArray:
    """Return (h, w) regions of 4-connected pixels of one value, numbered from 0 in raster order."""
    from skimage.measure import label

    connect: Callable[..., IntArray] = label
    regions = connect(labels.astype(np.int32), background=-1, connectivity=1)
    return regions - 1


def neighbours(regions: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return each ordered pair of regions that touch (first, second) and the length of their border in pixel edges."""
    count = int(regions.max()) + 1
    codes = []
    for a, b in ((regions[:, :-1], regions[:, 1:]), (regions[:-1], regions[1:])):
        differ = a != b
        one, two = a[differ].astype(np.int64), b[differ].astype(np.int64)
        codes += [one * count + two, two * count + one]
    pairs, length = np.unique(np.concatenate(codes), return_counts=True)
    return pairs // count, pairs % count, length


def absorb(regions: IntArray, keep: NDArray[np.bool_], weight: Weight | None = None) -> IntArray:
    """Give every region that is not kept to the kept neighbour that it shares the longest border with.

    A region without a kept neighbour waits until its neighbours have been given away; if no region is kept, the largest
    is.

    Args:
        regions: (h, w) numbers from 0 on, as ``connected`` gives them.
        keep: Of each region, whether it stays.
        weight: Factor on the border's length, given the numbers of the regions and of their neighbours; 0 forbids it.

    Returns:
        For each region the number of the region that it belongs to now: one that is kept, or itself if it reaches none.
    """
    target = np.where(keep, np.arange(keep.size), -1)
    if not keep.any():
        target[np.argmax(np.bincount(regions.ravel()))] = np.argmax(np.bincount(regions.ravel()))
    small, other, length = neighbours(regions)
    score = length * (1.0 if weight is None else weight(small, other))
    while (open_pairs := (target[small] < 0) & (target[other] >= 0) & (score > 0)).any():
        first, second, best = small[open_pairs], target[other[open_pairs]], score[open_pairs]
        order = np.lexsort((second, -best, first))
        chosen, index = np.unique(first[order], return_index=True)
        target[chosen] = second[order][index]
    return np.where(target < 0, np.arange(keep.size), target)
