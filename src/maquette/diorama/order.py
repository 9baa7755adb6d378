"""Which layer is painted over which, and where layers meet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maquette.diorama.planes import InverseDepth, evaluate
from maquette.diorama.regions import Grid, Region, measured, owners

_RANK = {"sky": 0, "ceiling": 1, "ground": 1, "upright": 2, "object": 3}

RANK_BIAS = 0.05
"""How much a step of rank counts against the log of a ratio of depths: an object is in front of the floor that it
stands on."""

MEETS = 0.9
"""Share of a layer's border with the one behind that must lie in front of it."""

MOST_FORWARD = 1.5
"""Largest ratio by which a layer is brought forward to meet what it covers."""


def paint_order(regions: list[Region], grid: Grid) -> list[int]:
    """Order regions from back to front.

    Where two regions meet, the nearer one covers the other; where depth says little, things cover what they stand on.
    From the back, the region that covers least of what is still unplaced comes first.

    Returns:
        Indices into ``regions``.
    """
    count = len(regions)
    owner = owners(regions)
    log_depth = -np.log(grid.inverse)
    covers = np.zeros((count, count))
    for axis in (0, 1):
        near, far = _across(axis)
        a, b = owner[near], owner[far]
        meet = a != b
        gap = np.clip(log_depth[far][meet] - log_depth[near][meet], -0.5, 0.5)
        np.add.at(covers, (a[meet], b[meet]), gap)
        np.add.at(covers, (b[meet], a[meet]), -gap)
    border = _border_lengths(owner, count)
    rank = np.array([_RANK[r.label.role] for r in regions])
    covers += RANK_BIAS * border * (rank[:, None] - rank[None, :])
    covers = np.clip(covers, 0, None)
    median = np.array([np.median(log_depth[r.mask]) for r in regions])
    left = [i for i in range(count) if regions[i].label.role != "sky"]
    order = [i for i in range(count) if regions[i].label.role == "sky"]
    while left:
        burden = [(round(float(covers[i, left].sum()), 6), -float(median[i]), i) for i in left]
        nearest_free = min(burden)[2]
        order.append(nearest_free)
        left.remove(nearest_free)
    return order


def _across(axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Slices that pair each grid point with one two steps along an axis, past the mixed pixels of a boundary."""
    one, two = np.s_[:-2], np.s_[2:]
    return ((one, np.s_[:]), (two, np.s_[:])) if axis == 0 else ((np.s_[:], one), (np.s_[:], two))


def _border_lengths(owner: NDArray[np.intp], count: int) -> NDArray[np.float64]:
    lengths = np.zeros((count, count))
    for axis in (0, 1):
        near, far = _across(axis)
        np.add.at(lengths, (owner[near], owner[far]), 1)
    np.fill_diagonal(lengths, 0)
    return lengths + lengths.T


def meet(planes: list[InverseDepth], regions: list[Region], grid: Grid) -> list[InverseDepth]:
    """Bring layers forward to where they touch what they cover: a sofa stands at its front feet, not at its mean depth.

    A layer is scaled about the camera, so that its picture stays the same, until most of its border with the layer
    behind lies in front of that layer. Layers whose depth was measured stay where they are.

    Args:
        planes: Inverse depth of each layer, from back to front, see ``Fit``.
        regions: The layers.
        grid: The working grid.
    """
    from scipy import ndimage

    cross = ndimage.generate_binary_structure(2, 1)
    grown = [ndimage.binary_dilation(r.mask, cross, iterations=2) for r in regions]
    moved: list[InverseDepth] = []
    for (a, b, c), region in zip(planes, regions, strict=True):
        factor = 1.0
        for behind, other in zip(moved, grown, strict=False):
            border = region.mask & other
            if border.any() and not measured(region, grid):
                x, y = grid.x[border], grid.y[border]
                conflict = float(np.quantile(evaluate(behind, x, y) / evaluate((a, b, c), x, y), MEETS))
                factor = max(factor, min(conflict, MOST_FORWARD))
        moved.append((a * factor, b * factor, c * factor))
    return moved
