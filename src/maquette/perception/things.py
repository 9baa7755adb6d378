"""Depth of single objects: by the ground under their feet, by what they rest on, and by their usual size."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from maquette.perception.layout import EDGE, Layout, Thing, bottoms
from maquette.perception.sizes import GAP_M, TOP_HEIGHT_M, TYPICAL_SIZE_M
from maquette.perception.standing import CONTACT, RESTING, SIZE, Canvas

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_HUNG = {"tv", "shelf", "cabinet", "object", "plant", "bottle", "bird"}
"""What may hang on a wall or sit in a tree."""
_LAID = {"tv", "object", "plant", "bottle", "bird", "cat", "dog"}
"""What may stand on furniture."""
_SUPPORT = {"table", "bed", "cabinet", "shelf", "sofa", "chair", "armchair", "object"}
_RIDDEN = {"horse", "motorcycle", "bicycle", "boat", "chair", "armchair", "sofa", "bed"}
"""What a person sits on."""
_ROW = 0.015
"""Doubt about the row of a foot or of the horizon, in focal lengths."""


def place_thing(canvas: Canvas, thing: Thing) -> None:
    """Stand a thing upright at its depth; a table or a bed also gets its level top."""
    box = (slice(*thing.rows), slice(*thing.cols))
    mask = canvas.layout.index[box] == thing.index
    v = canvas.layout.v[box[0]]
    depth, spread = _depth(canvas, thing, mask)
    depth = _bounded(canvas, thing, depth)
    foot = canvas.upright(np.array(1 / depth), v[-1])
    line = foot * (_feet(canvas, thing, mask) if spread == CONTACT or thing.below == EDGE else np.ones(mask.shape[1]))
    inverse = line[None, :] * canvas.lean(v[:, None])
    if thing.label.name in TOP_HEIGHT_M and canvas.plane.surface == "ground":
        above_m = canvas.plane.reach_m - TOP_HEIGHT_M[thing.label.name] / math.cos(canvas.plane.pitch_rad)
        if above_m > 0.1:
            top = (v[:, None] - canvas.plane.horizon_v) / above_m
            # Of what the picture's edge cuts, the front is not seen: all is top.
            front = np.maximum(inverse, top[-1]) if thing.below == EDGE else inverse
            back = 1 / (1 / front + TYPICAL_SIZE_M[thing.label.name][1])
            inverse = np.minimum(front, np.maximum(top, back))
    canvas.put(mask, inverse, spread, box)


def _depth(canvas: Canvas, thing: Thing, mask: BoolArray) -> tuple[float, float]:
    """Depth of a thing's foot and the standard deviation of its logarithm."""
    layout, horizon_v = canvas.layout, canvas.plane.horizon_v
    name, below = thing.label.name, layout.labels[max(thing.below, 0)]
    foot_v = layout.v[thing.rows[1] - 1]
    sized = _size_depth(layout, thing)
    doubt = TYPICAL_SIZE_M[name][2]
    # What hides its own foot stands no farther than the ground seen at its lowest row.
    level = float(1 / canvas.surface[thing.rows[1] - 1]) if foot_v > horizon_v else math.inf
    if thing.below == EDGE:
        # How far below the edge the foot may be is as unsure as the ground is.
        nearer = min(0.8 * level, 10 * sized)
        unsure = 0.4 if canvas.plane.surface != "none" else 0.8
        return min(_mix(sized, doubt, nearer, unsure), level), SIZE
    if canvas.level[thing.below] and foot_v > horizon_v:
        # Near the horizon a row is many metres, and the size says more.
        cut = 1 + thing.cut_rows + thing.cut_cols
        return _mix(level, _ROW / (foot_v - horizon_v), sized, doubt * cut), CONTACT
    if below is None or below.role not in ("object", "upright"):
        return min(sized, level), SIZE
    support = _support(canvas, thing, mask)
    if support is None:
        return min(sized, level), SIZE
    if below.role == "upright":
        return support if name in _HUNG else min(sized, support), RESTING
    if (name in _LAID and below.name in _SUPPORT) or (name == "person" and below.name in _RIDDEN):
        return support, RESTING
    # Of what is half hidden less is seen, and it looks farther than it is.
    return max(min(_mix(1.1 * support, 0.3, sized, 2 * doubt), level), 1.05 * support), RESTING


def _mix(one: float, one_spread: float, other: float, other_spread: float) -> float:
    """Mean of two depths in the logarithm, by precision."""
    pull = one_spread**2 / (one_spread**2 + other_spread**2)
    return float(one ** (1 - pull) * other**pull)


def _size_depth(layout: Layout, thing: Thing) -> float:
    """Depth at which a thing of usual size looks as large as this one."""
    height_m, width_m, _ = TYPICAL_SIZE_M[thing.label.name]
    step = layout.pixel
    by_height = height_m / ((thing.rows[1] - thing.rows[0]) * step)
    by_width = width_m / ((thing.cols[1] - thing.cols[0]) * step)
    if thing.cut_cols and not thing.cut_rows:
        return by_height
    # Of what is cut above or below about half of the height shows, and half of the width where the sides are cut too.
    shown = (0.55 if thing.cut_rows else 1.0) * (0.55 if thing.cut_cols else 1.0)
    return math.sqrt(by_height * by_width * shown)


def _support(canvas: Canvas, thing: Thing, mask: BoolArray) -> float | None:
    """Depth of the part under a thing, where they touch; None where it has none yet."""
    cols, low = bottoms(mask)
    at = (np.minimum(thing.rows[0] + low + 1, len(canvas.layout.v) - 1), thing.cols[0] + cols)
    touching = (canvas.layout.index[at] == thing.below) & np.isfinite(canvas.spread[at])
    return 1 / float(np.median(canvas.inverse[at][touching])) if touching.any() else None


def _feet(canvas: Canvas, thing: Thing, mask: BoolArray) -> FloatArray:
    """How inverse depth varies along the feet of a train, or of several things in one segment: (columns,), up to 1."""
    from scipy import ndimage

    height_m, width_m, _ = TYPICAL_SIZE_M[thing.label.name]
    gap = max(1, round(1.2 * GAP_M.get(thing.label.name, width_m) / height_m * mask.shape[0]))
    index, v = canvas.layout.index, canvas.layout.v
    cols, low = bottoms(mask)
    rows = thing.rows[0] + low
    foot = canvas.level[index[np.minimum(rows + 1, len(v) - 1), thing.cols[0] + cols]] | (rows == len(v) - 1)
    if mask.shape[1] < 1.3 * gap or not foot.any():
        return np.ones(mask.shape[1])
    feet = canvas.upright(canvas.surface[rows[foot]], v[rows[foot]])
    closed = ndimage.grey_closing(np.interp(np.arange(mask.shape[1]), cols[foot], feet), size=gap | 1, mode="reflect")
    line = ndimage.gaussian_filter1d(closed, gap / 8, mode="nearest")
    return np.asarray(np.maximum(line / line.max(), 1 / 3))


def _bounded(canvas: Canvas, thing: Thing, depth: float) -> float:
    """Keep a thing before the walls around it, and on the thing that it lies in the middle of."""
    from scipy import ndimage

    box = (
        slice(max(thing.rows[0] - 2, 0), thing.rows[1] + 2),
        slice(max(thing.cols[0] - 2, 0), thing.cols[1] + 2),
    )
    index, inverse = canvas.layout.index[box], canvas.inverse[box]
    own = index == thing.index
    ring = ndimage.binary_dilation(own, iterations=2) & ~own & np.isfinite(canvas.spread[box])
    if not ring.any():
        return depth
    wall = canvas.walls[box] & ring
    if np.count_nonzero(wall) >= 10:
        depth = min(depth, 1 / float(np.quantile(inverse[wall], 0.1)))
    host = int(np.bincount(index[ring]).argmax())
    label = canvas.layout.labels[host]
    inside = ring & (index == host)
    if label is not None and label.role == "object" and np.count_nonzero(inside) > 0.6 * np.count_nonzero(ring):
        depth = min(depth, 1 / float(np.median(inverse[inside])))
    return depth
