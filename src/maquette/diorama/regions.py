"""From panoptic segments to the regions that become layers: split what depth tears apart, merge what is small or
flush."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from maquette.diorama.planes import FloatArray, closer, evaluate, fit_tilted, fit_two
from maquette.labels import BY_NAME, Label
from maquette.perception.types import Perception

WORK_SIZE = 512
"""Longer side in pixels of the grid on which regions are reasoned about."""

GAIN = 0.0002
"""Least gain (fraction of the picture times relative error of depth) for which a region is split, where depth is
certain; where it is not, the gain must be larger by the square of 1 / confidence."""

MEASURED = 0.9
"""Mean confidence from which depth counts as measured, so that things are split too."""

SAMPLES = 400
"""About how many grid points a plane is fitted to."""

WORST = 0.5
"""Largest relative error of depth that a point counts with."""

SMALLEST_STUFF = 0.0015
SMALLEST_THING = 0.0004
"""Fraction of the picture below which a region joins a neighbour."""

CHEAPEST = 0.001
"""Loss (see ``_label_loss``) up to which two regions are merged although the budget would allow both."""

MOST_LAYERS = 24
"""Budget of layers where the user gives none."""


@dataclass(frozen=True)
class Region:
    """A part of the picture that becomes one layer.

    Attributes:
        label: Category.
        segment_ids: Panoptic segments that it was made from.
        mask: (h, w) bool on the working grid.
    """

    label: Label
    segment_ids: tuple[int, ...]
    mask: NDArray[np.bool_]


@dataclass(frozen=True)
class Grid:
    """The picture's depth on the working grid.

    Attributes:
        rows: (h,) int, the picture's row of each grid row.
        cols: (w,) int, the picture's column of each grid column.
        x: (h, w) float64, pixel columns of the picture at grid points (pixel centres).
        y: (h, w) float64, pixel rows.
        inverse: (h, w) float64, inverse depth in 1/m.
        weight: (h, w) float64, confidence of depth, above 0.
    """

    rows: NDArray[np.intp]
    cols: NDArray[np.intp]
    x: FloatArray
    y: FloatArray
    inverse: FloatArray
    weight: FloatArray

    @classmethod
    def sample(cls, perception: Perception) -> Grid:
        """Sample a perception on a grid of at most ``WORK_SIZE``."""
        height, width = perception.segment_ids.shape
        scale = max(1.0, max(height, width) / WORK_SIZE)
        h, w = max(1, round(height / scale)), max(1, round(width / scale))
        rows = ((np.arange(h) + 0.5) * height / h).astype(np.intp)
        cols = ((np.arange(w) + 0.5) * width / w).astype(np.intp)
        picked = np.ix_(rows, cols)
        x, y = np.meshgrid(cols + 0.5, rows + 0.5)
        return cls(
            rows,
            cols,
            x,
            y,
            1.0 / perception.depth_m[picked].astype(np.float64),
            perception.confidence[picked].astype(np.float64) + 0.05,
        )


def find_regions(perception: Perception, grid: Grid, *, budget: int, split: bool) -> list[Region]:
    """Cut the picture into regions that cover it.

    Args:
        perception: Segments and depth.
        grid: The working grid of that perception.
        budget: Most regions to return; 0 lets the picture decide.
        split: Whether stuff is cut into connected parts and where depth tears, and flush neighbours are merged;
            otherwise a region is a segment, as in the paper.
    """
    ids = perception.segment_ids[np.ix_(grid.rows, grid.cols)]
    regions: list[Region] = []
    for segment in perception.segments:
        mask = ids == segment.id
        if not mask.any():
            continue
        region = Region(segment.label, (segment.id,), mask)
        parts = [mask] if not split or segment.label.isthing or segment.label.role == "sky" else _parts(mask)
        regions += [replace(region, mask=part) for part in parts]
    covered = np.zeros(ids.shape, dtype=bool)
    for region in regions:
        covered |= region.mask
    if not covered.all():
        regions.append(Region(BY_NAME["object"], (0,), ~covered))
    regions = _join_same(regions, "sky")
    if not split:
        return _merge(regions, grid, budget or len(regions), tidy=False)
    regions = _split(regions, grid, budget or MOST_LAYERS)
    regions = _deepen(regions, grid)
    return _merge(regions, grid, budget or MOST_LAYERS, tidy=True)


def _join_same(regions: list[Region], name: str) -> list[Region]:
    same = [r for r in regions if r.label.name == name]
    if len(same) < 2:
        return regions
    return [r for r in regions if r.label.name != name] + [_union(same)]


def _union(regions: list[Region]) -> Region:
    largest = max(regions, key=lambda r: int(r.mask.sum()))
    ids = sorted({i for r in regions for i in r.segment_ids})
    return replace(largest, segment_ids=tuple(ids), mask=np.logical_or.reduce([r.mask for r in regions]))


def _parts(mask: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    from scipy import ndimage

    labels, count = ndimage.label(mask)
    smallest = SMALLEST_STUFF * mask.size
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    large = [i for i in range(1, count + 1) if sizes[i] >= smallest]
    if len(large) < 2:
        return [mask]
    nearest = ndimage.distance_transform_edt(~np.isin(labels, large), return_distances=False, return_indices=True)
    grown = labels[tuple(nearest)]
    return [mask & (grown == i) for i in large]


def _points(mask: NDArray[np.bool_], grid: Grid) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """x, y, inverse depth and weight at points of a mask, spread evenly by the golden ratio."""
    index = np.flatnonzero(mask)
    if len(index) > SAMPLES:
        index = index[(np.arange(SAMPLES) * 0.6180339887498949 % 1 * len(index)).astype(np.intp)]
    return grid.x.flat[index], grid.y.flat[index], grid.inverse.flat[index], grid.weight.flat[index]


def _loss(mask: NDArray[np.bool_], grid: Grid) -> float:
    """Fraction of the picture times mean relative error of depth, if one plane stands for a mask."""
    x, y, inverse, weight = _points(mask, grid)
    plane = fit_tilted(x, y, inverse, weight).inverse_depth
    error = np.abs(evaluate(plane, x, y) / inverse - 1)
    return float(mask.mean() * np.mean(np.minimum(error, WORST)))


def _split(regions: list[Region], grid: Grid, budget: int) -> list[Region]:
    """Split in two, again and again, the region that gains most by it."""
    done = [r for r in regions if r.label.role == "sky"]
    pending = [(*_best_split(r, grid), r) for r in regions if r.label.role != "sky"]
    while pending:
        best = max(range(len(pending)), key=lambda i: pending[i][0])
        gain, pieces, region = pending.pop(best)
        if gain <= 0 or len(done) + len(pending) + len(pieces) > budget:
            done.append(region)
        else:
            pending += [(*_best_split(r, grid), r) for r in pieces]
    return done


def _best_split(region: Region, grid: Grid) -> tuple[float, list[Region]]:
    """What splitting a region gains beyond what it must, and the pieces."""
    size = int(region.mask.sum())
    confidence = float(grid.weight[region.mask].mean())
    smallest = SMALLEST_STUFF * region.mask.size
    if size < 2 * smallest or (region.label.isthing and not measured(region, grid)):
        return 0.0, []
    pair = fit_two(*_points(region.mask, grid))
    first = region.mask & closer(pair, grid.x, grid.y, grid.inverse)
    pieces = [part for half in (first, region.mask & ~first) if half.any() for part in _parts(half)]
    if len(pieces) < 2 or min(int(p.sum()) for p in pieces) < smallest:
        return 0.0, []
    gain = _loss(region.mask, grid) - sum(_loss(p, grid) for p in pieces)
    return gain - GAIN * (len(pieces) - 1) / min(confidence, 1.0) ** 2, [replace(region, mask=p) for p in pieces]


def _deepen(regions: list[Region], grid: Grid) -> list[Region]:
    """Cut the largest region across its depth until a picture with depth to show has three layers."""
    span = np.quantile(grid.inverse, [0.05, 0.95])
    while len(regions) < 3 and span[1] / span[0] > 1.15:
        ranges = [float(np.ptp(np.log(grid.inverse[r.mask]))) * np.sqrt(r.mask.sum()) for r in regions]
        widest = int(np.argmax(ranges))
        region = regions[widest]
        if region.label.role == "sky" or ranges[widest] == 0:
            break
        near = region.mask & (grid.inverse > np.median(grid.inverse[region.mask]))
        if not near.any():
            break
        regions[widest : widest + 1] = [replace(region, mask=m) for m in (near, region.mask & ~near)]
    return regions


def _label_loss(a: Region, b: Region, border: float, area: float) -> float:
    """What merging two regions loses beside depth: the smaller area ends under a wrong name."""
    if "sky" in (a.label.role, b.label.role):
        return np.inf
    wrong = 0.0
    if a.label != b.label:
        wrong += 0.1 if a.label.role == b.label.role else 0.25
    if a.segment_ids != b.segment_ids and (a.label.isthing or b.label.isthing):
        wrong += 0.5
    if border == 0:
        wrong += 0.05 if a.label == b.label and not a.label.isthing else np.inf
    return area * wrong


def _merge(regions: list[Region], grid: Grid, budget: int, *, tidy: bool) -> list[Region]:
    """Merge the cheapest pair until the budget holds and, if ``tidy``, nothing small or flush is left."""
    count = len(regions)
    owner = owners(regions)
    border = np.zeros((count, count))
    for one, two in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        np.add.at(border, (owner[one], owner[two]), 1)
    border += border.T
    alive: dict[int, Region] = dict(enumerate(regions))
    area = np.array([r.mask.mean() for r in regions])
    loss = np.array([_loss(r.mask, grid) for r in regions])
    cost = np.full((count, count), np.inf)

    def price(i: int, j: int) -> float:
        a, b = alive[i], alive[j]
        value = _label_loss(a, b, border[i, j], min(area[i], area[j]))
        small = any(area[k] < (SMALLEST_THING if alive[k].label.isthing else SMALLEST_STUFF) for k in (i, j))
        if np.isfinite(value):
            value += max(0.0, _loss(a.mask | b.mask, grid) - loss[i] - loss[j])
        return value * 1e-3 if tidy and small else value

    for i in alive:
        for j in range(i):
            cost[i, j] = price(i, j)
    while len(alive) > 1:
        i, j = (int(k) for k in np.unravel_index(int(np.argmin(cost)), cost.shape))
        best = cost[i, j]
        needed = len(alive) > budget or (tidy and best < CHEAPEST and len(alive) > 3)
        if not needed or not np.isfinite(best):
            break
        alive[j] = _union([alive[j], alive.pop(i)])
        area[j] += area[i]
        loss[j] = _loss(alive[j].mask, grid)
        border[j] += border[i]
        border[:, j] += border[:, i]
        cost[i] = cost[:, i] = np.inf
        for k in alive:
            if k != j:
                cost[max(k, j), min(k, j)] = price(max(k, j), min(k, j))
    return list(alive.values())


def measured(region: Region, grid: Grid) -> bool:
    """Whether the depth of a region is known rather than guessed."""
    return float(grid.weight[region.mask].mean()) >= MEASURED


def owners(regions: list[Region]) -> NDArray[np.intp]:
    """(h, w) index of the region at each grid point."""
    owner = np.zeros(regions[0].mask.shape, dtype=np.intp)
    for index, region in enumerate(regions):
        owner[region.mask] = index
    return owner
