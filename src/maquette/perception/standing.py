"""Depth from geometry alone: every part of a picture stands where it touches the ground."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from maquette.labels import LABELS
from maquette.perception.horizon import GroundPlane
from maquette.perception.layout import EDGE, WALL_LIKE, Layout, Thing, bottoms, connected
from maquette.perception.sizes import CEILING_M, GAP_M, TOP_HEIGHT_M, TYPICAL_SIZE_M
from maquette.perception.types import MAX_DEPTH_M, SKY_DEPTH_M

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_HUNG = {"tv", "shelf", "cabinet", "object", "plant", "bottle", "bird"}
"""What may hang on a wall or in a tree."""
_LAID = {"tv", "object", "plant", "bottle", "bird", "cat", "dog"}
"""What may stand on furniture."""
_SUPPORT = {"table", "bed", "cabinet", "shelf", "sofa", "chair", "armchair", "object"}

_STRUCTURES = (WALL_LIKE, ("tree",), ("fence",), ("mountain",))
"""Labels that are placed together."""

_ROW = 0.015
"""Doubt about the row of a foot or of the horizon, in focal lengths."""

# Standard deviation of the logarithm of depth, by how it was found.
SURE, CONTACT, RESTING, SIZE, GUESS = 0.15, 0.2, 0.3, 0.4, 0.6


class Standing:
    """Builds the depth of a picture part by part; ``depth_m`` and ``spread`` are complete after ``solve``."""

    def __init__(self, layout: Layout, plane: GroundPlane) -> None:
        """Start with nothing known.

        Args:
            layout: What lies where.
            plane: The surface that things stand on.
        """
        self.layout = layout
        self.plane = plane
        self.v = layout.v[:, None]
        self.inverse = np.zeros(layout.index.shape)
        self.spread = np.full(layout.index.shape, np.inf)
        self.level = np.array([label is not None and label.role == "ground" for label in layout.labels])
        self.walls = layout.named(*WALL_LIKE)
        self.surface = np.clip(plane.inverse_depth(layout.v), 1 / MAX_DEPTH_M, None)

    def solve(self) -> tuple[FloatArray, FloatArray]:
        """Place everything.

        Returns:
            depth_m: (h, w) float64, z in metres, finite and positive.
            spread: (h, w) float64, standard deviation of its logarithm.
        """
        ground = self.layout.role("ground")
        self._put(ground, np.broadcast_to(self.surface[:, None], ground.shape), SURE)
        waiting = [part for names in _STRUCTURES for part in connected(self.layout.named(*names))]
        waiting = [part for part in waiting if not self._place_structure(part)]
        self._place_ceiling()
        standing = [thing for thing in self.layout.things if thing.below == EDGE or self.level[thing.below]]
        for thing in standing:
            self._place_thing(thing)
        for part in sorted(waiting, key=lambda part: -np.flatnonzero(part.any(axis=1))[-1]):
            self._place_behind(part)
        for thing in self.layout.things:
            if thing not in standing:
                self._place_thing(thing)
        return self._finish()

    def _put(self, mask: BoolArray, inverse: FloatArray, spread: float) -> None:
        self.inverse[mask] = np.clip(inverse[mask], 1 / MAX_DEPTH_M, 20.0)
        self.spread[mask] = spread

    def _upright(self, inverse: FloatArray, row_v: FloatArray) -> FloatArray:
        """Inverse depth at ``v = 0`` of an upright surface that has ``inverse`` at ``row_v``.

        An upright plane through the point has the inverse depth c * (1 + v_h * v): its normal is square to the vertical.
        """
        return np.asarray(inverse / np.maximum(1 + self.plane.horizon_v * row_v, 0.2))

    def _lean(self) -> FloatArray:
        return np.maximum(1 + self.plane.horizon_v * self.v, 0.2)

    def _place_structure(self, mask: BoolArray) -> bool:
        """Give each column of a wall, a house front or a row of trees the depth of its foot; False where no foot shows."""
        from scipy import ndimage

        index = self.layout.index
        height, width = index.shape
        cols, low = bottoms(mask)
        inside = low < height - 1
        below = index[np.minimum(low + 1, height - 1), cols]
        foot = inside & self.level[below]
        if np.count_nonzero(foot) < max(3, 0.02 * width):
            return False
        v = self.layout.v
        at_foot = self._upright(self.surface[low], v[low])
        x = cols[foot].astype(float)
        base = ndimage.median_filter(at_foot[foot], size=max(3, width // 40 | 1), mode="nearest")
        line = np.interp(cols, x, base)
        # Where the foot is hidden the surface reaches at least as low as it is seen.
        line = np.maximum(line, at_foot)
        line = ndimage.gaussian_filter1d(line, width / 80, mode="nearest")
        full = np.zeros(width)
        full[cols] = line
        self._put(mask, full[None, :] * self._lean(), CONTACT)
        return True

    def _place_ceiling(self) -> None:
        ceiling = self.layout.role("ceiling")
        if not ceiling.any():
            return
        above_m = max(CEILING_M / math.cos(self.plane.pitch_rad) - self.plane.reach_m, 0.5)
        cols, low = bottoms(ceiling)
        under = np.minimum(low + 1, ceiling.shape[0] - 1)
        known = np.isfinite(self.spread[under, cols]) & (self.layout.v[low] < self.plane.horizon_v - 0.02)
        if np.count_nonzero(known) >= 0.1 * ceiling.shape[1]:
            rise = (self.plane.horizon_v - self.layout.v[low]) / np.maximum(self.inverse[under, cols], 1e-9)
            above_m = float(np.clip(np.median(rise[known]), 0.5 * above_m, 3 * above_m))
        self._put(ceiling, np.broadcast_to((self.plane.horizon_v - self.v) / above_m, ceiling.shape), RESTING)

    def _size_depth(self, thing: Thing) -> float:
        """Depth at which a thing of usual size looks as large as this one."""
        height_m, width_m, _ = TYPICAL_SIZE_M[thing.label.name]
        v, u = self.layout.v, self.layout.u
        tall = (thing.rows[1] - thing.rows[0]) * (v[1] - v[0])
        wide = (thing.cols[1] - thing.cols[0]) * (u[1] - u[0])
        by_height, by_width = height_m / tall, width_m / wide
        if thing.cut_cols and not thing.cut_rows:
            return float(by_height)
        if thing.cut_rows and not thing.cut_cols:
            return float(by_width)
        # Of what is cut both ways about a quarter shows.
        return float(math.sqrt(by_height * by_width) * (0.5 if thing.cut_rows else 1.0))

    def _place_thing(self, thing: Thing) -> None:
        index, labels = self.layout.index, self.layout.labels
        (top, bottom), (left, right) = thing.rows, thing.cols
        box = (slice(top, bottom), slice(left, right))
        mask = index[box] == thing.index
        below = labels[thing.below] if thing.below > 0 else None
        foot_v = self.layout.v[bottom - 1]
        sized = self._size_depth(thing)
        # What hides its own foot stands no farther than the ground seen at its lowest row.
        level = float(1 / self.surface[bottom - 1]) if foot_v > self.plane.horizon_v else math.inf
        name = thing.label.name
        if self.level[thing.below] and thing.below != EDGE and foot_v > self.plane.horizon_v:
            # Near the horizon a row is many metres, and the size of the thing says more.
            unsure, doubt = _ROW / (foot_v - self.plane.horizon_v), TYPICAL_SIZE_M[name][2] * (1 + thing.cut_rows + thing.cut_cols)
            pull = unsure**2 / (unsure**2 + doubt**2)
            depth, spread = level ** (1 - pull) * sized**pull, CONTACT
        elif thing.below == EDGE:
            # Where the plane of its feet is known, that bounds it too.
            doubt = TYPICAL_SIZE_M[name][2]
            nearer = min(0.8 * level, 10 * sized)
            pull = doubt**2 / (doubt**2 + (0.4 if self.plane.surface == "ground" else 0.8) ** 2)
            depth, spread = min(sized ** (1 - pull) * nearer**pull, level), SIZE
        elif below is not None and below.role in ("object", "upright"):
            cols, low = bottoms(mask)
            under = (np.minimum(top + low + 1, index.shape[0] - 1), left + cols)
            touches = (index[under] == thing.below) & np.isfinite(self.spread[under])
            support = 1 / float(np.median(self.inverse[under][touches])) if touches.any() else sized
            if below.role == "upright":
                depth = support if name in _HUNG else min(sized, support)
            elif name in _LAID and below.name in _SUPPORT:
                depth = support
            else:
                depth = max(min(sized, level), 1.05 * support)
            spread = RESTING
        else:
            depth, spread = min(sized, level), SIZE
        depth = self._bounded(thing, depth)
        standing = self._upright(np.full(mask.shape[1], 1 / depth), np.array(foot_v))
        if spread == CONTACT or thing.below == EDGE:
            standing = self._follow_feet(thing, mask, standing)
        inverse = standing[None, :] * self._lean()[top:bottom]
        height_m = TOP_HEIGHT_M.get(name)
        above_m = self.plane.reach_m - (height_m or 0) / math.cos(self.plane.pitch_rad)
        if height_m is not None and self.plane.surface == "ground" and above_m > 0.1:
            plate = (self.v[top:bottom] - self.plane.horizon_v) / above_m
            back = 1 / (1 / inverse + TYPICAL_SIZE_M[name][1])
            inverse = np.minimum(inverse, np.maximum(plate, back))
        self.inverse[box][mask] = np.clip(inverse[mask], 1 / MAX_DEPTH_M, 20.0)
        self.spread[box][mask] = spread

    def _follow_feet(self, thing: Thing, mask: BoolArray, standing: FloatArray) -> FloatArray:
        """Let a train, or several things in one segment, stand along their feet: one inverse depth a column."""
        from scipy import ndimage

        height_m, width_m, _ = TYPICAL_SIZE_M[thing.label.name]
        gap = round(1.2 * GAP_M.get(thing.label.name, width_m) / height_m * mask.shape[0])
        if mask.shape[1] < 1.3 * gap:
            return standing
        cols, low = bottoms(mask)
        rows = thing.rows[0] + low
        height = self.layout.index.shape[0]
        below = self.layout.index[np.minimum(rows + 1, height - 1), thing.cols[0] + cols]
        foot = self.level[below] | (rows == height - 1)
        if not foot.any():
            return standing
        rows = rows[foot]
        feet = np.interp(np.arange(mask.shape[1]), cols[foot], self._upright(self.surface[rows], self.layout.v[rows]))
        closed = ndimage.grey_closing(feet, size=gap | 1, mode="reflect")
        line = ndimage.gaussian_filter1d(closed, gap / 8, mode="nearest")
        return np.asarray(standing * np.maximum(line / line.max(), 1 / 3))

    def _bounded(self, thing: Thing, depth: float) -> float:
        """Keep a thing before the walls around it, and on the thing that it lies in the middle of."""
        from scipy import ndimage

        rows = slice(max(thing.rows[0] - 2, 0), thing.rows[1] + 2)
        cols = slice(max(thing.cols[0] - 2, 0), thing.cols[1] + 2)
        box = (rows, cols)
        own = self.layout.index[box] == thing.index
        ring = ndimage.binary_dilation(own, iterations=2) & ~own & np.isfinite(self.spread[box])
        if not ring.any():
            return depth
        around = self.layout.index[box][ring]
        wall = self.walls[box] & ring
        if np.count_nonzero(wall) >= 10:
            depth = min(depth, 1 / float(np.quantile(self.inverse[box][wall], 0.1)))
        host = int(np.bincount(around).argmax())
        label = self.layout.labels[host]
        inside = ring & (self.layout.index[box] == host)
        if label is not None and label.role == "object" and np.count_nonzero(inside) > 0.6 * np.count_nonzero(ring):
            depth = min(depth, 1 / float(np.median(self.inverse[box][inside])))
        return depth

    def _place_behind(self, mask: BoolArray) -> None:
        """Put what shows no foot behind what hides it."""
        cols, low = bottoms(mask)
        under = np.minimum(low + 1, mask.shape[0] - 1)
        known = np.isfinite(self.spread[under, cols]) & (self.inverse[under, cols] > 0)
        v = self.layout.v
        if known.any():
            inverse = 1 / (1.15 * float(np.quantile(1 / self.inverse[under, cols][known], 0.8)))
        else:
            below_horizon = v[low.max()] > self.plane.horizon_v + 0.02
            inverse = float(self.surface[low.max()]) if below_horizon else 1 / (4 * self.plane.reach_m)
        if (mask & self.layout.named("mountain")).any():
            # A slope: far where it ends, and as near as a ground far below where it comes down to the viewer.
            ramp = np.maximum(min(inverse, 1 / 100), self.surface[:, None] / 4)
            self._put(mask, np.broadcast_to(ramp, mask.shape), GUESS)
        else:
            self._put(mask, np.full(mask.shape, inverse), GUESS)

    def _finish(self) -> tuple[FloatArray, FloatArray]:
        from scipy import ndimage

        sky = self.layout.role("sky")
        known = np.isfinite(self.spread) & ~sky
        if not known.any():
            self.inverse[:], self.spread[:] = np.clip(self.surface, 1 / MAX_DEPTH_M, 20.0)[:, None], GUESS
        elif not known.all():
            nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
            self.inverse = self.inverse[tuple(nearest)]
            self.spread = np.where(known, self.spread[tuple(nearest)], GUESS)
        self.inverse[sky], self.spread[sky] = 1 / SKY_DEPTH_M, SURE
        return 1 / self.inverse, self.spread


assert all(label.name in TYPICAL_SIZE_M for label in LABELS if label.role == "object")
