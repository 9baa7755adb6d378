"""Depth from geometry alone: the surroundings of a picture, placed by where they meet the ground."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from maquette.perception.horizon import GroundPlane
from maquette.perception.layout import WALL_LIKE, Layout, bottoms, connected
from maquette.perception.sizes import CEILING_M, ROOF_M
from maquette.perception.types import MAX_DEPTH_M, SKY_DEPTH_M

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

SURE, CONTACT, RESTING, SIZE, GUESS = 0.15, 0.2, 0.3, 0.4, 0.6
"""Standard deviation of the logarithm of depth: on the ground, by a foot, by a support, by size, by nothing."""

_STRUCTURES = (WALL_LIKE, ("tree",), ("fence",), ("mountain",))
"""Labels that are placed together."""
_NEAREST_M = 0.05
_BEHIND = 1.15
"""How much farther a structure lies than what hides its foot."""
_MOUNTAIN_M = 100.0
_LOW_ROOF = 0.03
"""Rise above the horizon, in focal lengths, below which an outline says nothing of distance."""


class Canvas:
    """Inverse depth of a picture in the making.

    Attributes:
        layout: What lies where.
        plane: The surface that things stand on.
        surface: (h,) inverse depth of that surface at each row, 1/m, at least that of ``MAX_DEPTH_M``.
        level: (parts,) whether a part lies on that surface.
        walls: (h, w) mask of walls and what hangs on them.
        inverse: (h, w) 1/m; 0 where nothing is placed yet.
        spread: (h, w) standard deviation of log depth; inf where nothing is placed yet.
    """

    def __init__(self, layout: Layout, plane: GroundPlane) -> None:
        """Begin with the surface alone."""
        self.layout = layout
        self.plane = plane
        self.surface = np.clip(plane.inverse_depth(layout.v), 1 / MAX_DEPTH_M, None)
        flat = ("table",) if plane.surface == "table" else ()
        self.level = np.array(
            [label is not None and (label.role == "ground" or label.name in flat) for label in layout.labels]
        )
        self.walls = layout.named(*WALL_LIKE)
        self.inverse = np.zeros(layout.index.shape)
        self.spread = np.full(layout.index.shape, np.inf)
        self.put(self.level[layout.index], self.surface[:, None], SURE)

    def put(self, mask: BoolArray, inverse: FloatArray, spread: float, box: tuple[slice, slice] | None = None) -> None:
        """Set inverse depth (broadcast to the mask) and spread where ``mask``, which covers ``box`` or all."""
        where = box or (slice(None), slice(None))
        full = np.broadcast_to(inverse, mask.shape)
        self.inverse[where][mask] = np.clip(full[mask], 1 / MAX_DEPTH_M, 1 / _NEAREST_M)
        self.spread[where][mask] = spread

    def upright(self, inverse: FloatArray, v: FloatArray) -> FloatArray:
        """Return the inverse depth at ``v = 0`` of an upright surface that has ``inverse`` at the row ``v``.

        An upright plane has the inverse depth c * (1 + v_h * v) along a column: its normal is square to the vertical.
        """
        return np.asarray(inverse / self.lean(v))

    def lean(self, v: FloatArray) -> FloatArray:
        """Return 1 + v_h * v, kept away from the zenith and the nadir."""
        return np.maximum(1 + self.plane.horizon_v * v, 0.2)

    def solve(self) -> tuple[FloatArray, FloatArray]:
        """Fill what is still open.

        Returns:
            depth_m: (h, w) z in metres, finite and positive; sky at ``SKY_DEPTH_M``.
            spread: (h, w) standard deviation of its logarithm.
        """
        from scipy import ndimage

        sky = self.layout.role("sky")
        known = np.isfinite(self.spread) & ~sky
        if not known.any():
            self.put(~sky, self.surface[:, None], GUESS)
        elif not known.all():
            nearest = tuple(ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True))
            self.inverse, self.spread = self.inverse[nearest], np.where(known, self.spread[nearest], GUESS)
        self.inverse[sky], self.spread[sky] = 1 / SKY_DEPTH_M, SURE
        return 1 / self.inverse, self.spread


def place_structures(canvas: Canvas) -> list[BoolArray]:
    """Place walls, house fronts, trees and the ceiling; return the masks of those whose foot does not show."""
    parts = [part for names in _STRUCTURES for part in connected(canvas.layout.named(*names))]
    hidden = [part for part in parts if not _place_on_feet(canvas, part)]
    _place_ceiling(canvas)
    return sorted(hidden, key=lambda part: -int(np.flatnonzero(part.any(axis=1))[-1]))


def place_behind(canvas: Canvas, mask: BoolArray) -> None:
    """Place a structure without a foot behind what hides it."""
    surface, plane = canvas.surface, canvas.plane
    cols, low = bottoms(mask)
    under = np.minimum(low + 1, mask.shape[0] - 1)
    known = np.isfinite(canvas.spread[under, cols])
    if known.any():
        inverse = float(np.quantile(canvas.inverse[under, cols][known], 0.2)) / _BEHIND
    elif canvas.layout.v[low.max()] > plane.horizon_v + 0.02:
        inverse = float(surface[low.max()])
    else:
        inverse = 1 / (4 * plane.reach_m)
    if (mask & canvas.layout.named("mountain")).any():
        # A slope: far where it ends, and like a ground far below where it comes down to the viewer.
        canvas.put(mask, np.maximum(min(inverse, 1 / _MOUNTAIN_M), surface[:, None] / 4), RESTING)
    else:
        canvas.put(mask, _by_roof(canvas, mask, inverse), GUESS)


def _by_roof(canvas: Canvas, mask: BoolArray, nearest: float) -> FloatArray:
    """Inverse depth (columns,), up to ``nearest``, of what stands against the sky: its outline sinks with distance."""
    from scipy import ndimage

    plane, v = canvas.plane, canvas.layout.v
    cols = np.flatnonzero(mask.any(axis=0))
    top = np.argmax(mask[:, cols], axis=0)
    rise = plane.horizon_v - v[top]
    against_sky = (top > 0) & canvas.layout.role("sky")[np.maximum(top - 1, 0), cols] & (rise > _LOW_ROOF)
    line = np.full(mask.shape[1], nearest)
    for name, roof_m in ROOF_M.items():
        own = np.count_nonzero(mask & canvas.layout.named(name)) > 0.5 * np.count_nonzero(mask)
        if own and np.count_nonzero(against_sky) > 0.3 * len(cols):
            above_m = roof_m / math.cos(plane.pitch_rad) - plane.reach_m
            roofs = canvas.upright(rise[against_sky] / max(above_m, 1.0), v[top[against_sky]])
            every = np.interp(np.arange(mask.shape[1]), cols[against_sky], roofs)
            line = np.minimum(ndimage.gaussian_filter1d(every, mask.shape[1] / 40, mode="nearest"), nearest)
    return line


def _place_on_feet(canvas: Canvas, mask: BoolArray) -> bool:
    """Give each column the depth of its foot, which for a wall that runs away makes a line; False without a foot."""
    from scipy import ndimage

    index, v = canvas.layout.index, canvas.layout.v
    height, width = index.shape
    cols, low = bottoms(mask)
    foot = (low < height - 1) & canvas.level[index[np.minimum(low + 1, height - 1), cols]]
    if np.count_nonzero(foot) < max(3, 0.02 * width):
        return False
    lowest = canvas.upright(canvas.surface[low], v[low])
    smooth = ndimage.median_filter(lowest[foot], size=max(3, width // 40 | 1), mode="nearest")
    # Where the foot is hidden the structure reaches at least as low as it is seen.
    line = np.maximum(np.interp(cols, cols[foot], smooth), lowest)
    full = np.zeros(width)
    full[cols] = ndimage.gaussian_filter1d(line, width / 80, mode="nearest")
    canvas.put(mask, full[None, :] * canvas.lean(v[:, None]), CONTACT)
    return True


def _place_ceiling(canvas: Canvas) -> None:
    """Place the ceiling level, at the height where the walls under it say, or else at that of a usual room."""
    ceiling = canvas.layout.role("ceiling")
    if not ceiling.any():
        return
    plane, v = canvas.plane, canvas.layout.v
    above_m = max(CEILING_M / math.cos(plane.pitch_rad) - plane.reach_m, 0.5)
    cols, low = bottoms(ceiling)
    under = np.minimum(low + 1, len(v) - 1)
    wall = np.isfinite(canvas.spread[under, cols]) & canvas.walls[under, cols] & (v[low] < plane.horizon_v - 0.02)
    if np.count_nonzero(wall) >= 0.1 * len(cols):
        rise = (plane.horizon_v - v[low[wall]]) / canvas.inverse[under[wall], cols[wall]]
        above_m = float(np.clip(np.median(rise), 0.5 * above_m, 3 * above_m))
    canvas.put(ceiling, (plane.horizon_v - v[:, None]) / above_m, RESTING)
