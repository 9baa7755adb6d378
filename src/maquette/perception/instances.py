"""Things apart from each other: the grouping of Panoptic-DeepLab, with fallbacks for a weak network.

Cheng et al., "Panoptic-DeepLab" (CVPR 2020), section 3.2: centres are the peaks of a heatmap, and each pixel of a thing
goes to the centre that its offset points nearest to. Here the pixels of each connected region choose among the centres
that lie in it, so that a stray peak elsewhere cannot tear a thing apart. A region without a centre, or with a doubtful
one, goes where its pixels point to, comes apart between things that stand side by side, or at its necks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from maquette.perception import abreast, necks
from maquette.perception.regions import absorb, connected

PEAK = 0.1
"""Least probability of a centre (Panoptic-DeepLab, section 4)."""
SURE_PEAK = 0.3
"""Least probability of a centre that is alone in its region, for the region to be one thing whatever its outline."""
WINDOW = 7
"""Side of the window in which a centre is the highest, in cells (the same section)."""
VALLEY = 0.5
"""Between two centres the heatmap falls below this share of the lower one; a broad hill is one centre."""
SCATTER = 0.7
"""The cells of several things point at least this share as far apart as they lie; those of one point to its middle."""
GATHERED = 0.75
"""... and on average lie, where they point to, within this share of that from the nearest centre."""
SMALLEST_CELLS = 12
"""A thing with fewer cells goes to its neighbour."""
SMALLEST_SHARE = 0.04
"""Share of a region below which one of several things in it goes to its neighbour."""
SCRAP_SHARE = 0.1
"""Share of a thing's largest piece below which another piece of it goes to its neighbour."""
REACH = 0.35
"""How far from a centre elsewhere, in units of its own size, a region may point to be a part of that thing."""


def split(
    mask: NDArray[np.bool_],
    solid: NDArray[np.bool_],
    centre: NDArray[np.float32],
    offset: NDArray[np.float32],
    spacing: float | None = None,
) -> NDArray[np.int32]:
    """Number the things of one label.

    Args:
        mask: (h, w), where the label is.
        solid: (h, w), where things of any label are.
        centre: (h, w), probability that a thing has its centre here.
        offset: (2, h, w), (dx, dy) in cells from a cell to the centre of its thing.
        spacing: How close things of this label stand side by side (``abreast.SPACING``); None if they do not.

    Returns:
        (h, w) int32: 0 outside the mask, else the number of the thing from 1 on.
    """
    regions = connected(mask)
    rows, columns = np.indices(mask.shape)
    votes = np.stack([rows + offset[1], columns + offset[0]], -1)
    peaks = _peaks(centre, mask)
    region_of_peak = regions[tuple(peaks.T)]
    trusted = centre[tuple(peaks.T)] >= SURE_PEAK
    for region in np.flatnonzero(np.bincount(region_of_peak) > 1):
        here, own = regions == region, region_of_peak == region
        trusted[own] |= _disagree(np.argwhere(here), votes[here], peaks[own])
    peaks, region_of_peak = peaks[trusted], region_of_peak[trusted]
    things = np.zeros(mask.shape, np.int32)
    for region in np.unique(region_of_peak):
        here = regions == region
        own = np.flatnonzero(region_of_peak == region)
        things[here] = own[_nearest(votes[here], peaks[own])[0]] + 1
    found = len(peaks)
    for region in np.setdiff1d(regions[mask], region_of_peak):
        here = regions == region
        if owner := _owner_elsewhere(votes[here], peaks, things):
            things[here] = owner
        else:
            parts = here.astype(np.int32) if spacing is None else abreast.part(here, centre, spacing)
            if parts.max() < 2:
                parts = necks.part(here, solid)
            things[here] = parts[here] + found
            found += int(parts.max())
    return _tidy(things, regions)


def _peaks(centre: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return (n, 2) row and column of the centres in the mask, the most probable first."""
    from scipy.ndimage import label, maximum_filter

    inside = np.where(mask, centre, 0)
    highest = (inside == maximum_filter(inside, WINDOW, mode="constant")) & (inside >= PEAK)
    plateaus = connected(highest)  # equal neighbours are one peak
    _, first = np.unique(plateaus[highest], return_index=True)
    peaks = np.argwhere(highest)[first]
    peaks = peaks[np.argsort(-inside[tuple(peaks.T)], kind="stable")]
    kept: list[NDArray[np.int64]] = []
    for peak in peaks:
        around, _ = label(inside >= VALLEY * inside[tuple(peak)])
        if not any(around[tuple(higher)] == around[tuple(peak)] for higher in kept):
            kept.append(peak)
    return np.array(kept, np.int64).reshape(-1, 2)


def _disagree(cells: NDArray[np.int64], votes: NDArray[np.float64], peaks: NDArray[np.int64]) -> bool:
    """Whether the cells (n, 2) of a region point to several things rather than all to the middle of one."""
    from_middle = np.linalg.norm(cells - cells.mean(0), axis=1).mean()
    spread = np.linalg.norm(votes - votes.mean(0), axis=1).mean()
    return bool(spread >= SCATTER * from_middle and _nearest(votes, peaks)[1].mean() <= GATHERED * spread)


def _nearest(votes: NDArray[np.float64], peaks: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    distance = np.linalg.norm(votes[:, None] - peaks[None], axis=2)
    return distance.argmin(1), distance.min(1)


def _owner_elsewhere(votes: NDArray[np.float64], peaks: NDArray[np.int64], things: NDArray[np.int32]) -> int:
    """Return the number of the thing that a region without a centre points to, or 0."""
    if len(peaks) == 0:
        return 0
    nearest, distance = _nearest(np.median(votes, 0, keepdims=True), peaks)
    owner = int(nearest[0]) + 1
    return owner if distance[0] <= REACH * np.sqrt(np.count_nonzero(things == owner)) else 0


def _tidy(things: NDArray[np.int32], regions: NDArray[Any]) -> NDArray[np.int32]:
    """Give scraps of things to the thing beside them, and number what is left from 1 on."""
    pieces = connected(things)
    area = np.bincount(pieces.ravel())
    thing_of, region_of = np.zeros(area.size, np.int64), np.zeros(area.size, np.int64)
    thing_of[pieces], region_of[pieces] = things, regions
    region_area = np.bincount(region_of, area)
    largest = np.zeros(things.max() + 1)
    np.maximum.at(largest, thing_of, area)
    enough = np.maximum(
        np.maximum(SMALLEST_CELLS, SMALLEST_SHARE * region_area[region_of]), SCRAP_SHARE * largest[thing_of]
    )
    biggest = np.zeros(region_area.size)
    np.maximum.at(biggest, region_of, area)

    def within_region(small: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float64]:
        return np.where(region_of[other] == region_of[small], 1.0, 0.0)

    keep = (area >= enough) | (area == biggest[region_of]) | (thing_of == 0)
    target = absorb(pieces, keep, within_region)
    merged = thing_of[target][pieces]
    numbers = np.unique(merged[merged > 0])
    return np.where(merged > 0, np.searchsorted(numbers, merged) + 1, 0).astype(np.int32)
