"""Whether things touch: upright boxes first, then triangle against triangle, then one inside the other.

Needs numba (extra ``worlds``): a scene takes some hundreds of tests, and most end at the first pair that touches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from maquette.errors import MaquetteError
from maquette.worlds.types import Asset, Floats, OrientedBox, yaw_pose

try:
    from numba import njit
except ImportError as error:
    raise MaquetteError('placing things needs numba; install it with: pip install "maquette[worlds]"') from error

CLEARANCE_M = 0.001
"""Surfaces of different things stay at least this far apart, but for what stands on something."""


@dataclass(frozen=True, eq=False)
class Shape:
    """What collision tests need of an asset, in its frame, metres.

    Attributes:
        bounds: (2, 3) float64 corners of its box.
        triangles: (m, 3, 3) float64, part by part.
        starts: (parts + 1,) int64: part ``p`` has the triangles from ``starts[p]`` to ``starts[p + 1]``.
        closed: (parts,) bool.
        base: (2, 2) float64: least and greatest (x, z) of what lies within 5 mm of its lowest point.
    """

    bounds: Floats
    triangles: Floats
    starts: NDArray[np.int64]
    closed: NDArray[np.bool_]
    base: Floats

    @classmethod
    def of(cls, asset: Asset) -> Shape:
        """The shape of an asset."""
        triangles = np.concatenate([part.vertices[part.faces] for part in asset.parts]).astype(np.float64)
        points = triangles.reshape(-1, 3)
        low = points[points[:, 1] <= points[:, 1].min() + 0.005][:, [0, 2]]
        return cls(
            np.stack([points.min(axis=0), points.max(axis=0)]),
            triangles,
            np.cumsum([0, *(len(part.faces) for part in asset.parts)]),
            np.array([part.closed for part in asset.parts]),
            np.stack([low.min(axis=0), low.max(axis=0)]),
        )


@dataclass(frozen=True, eq=False)
class Body:
    """A shape at its place.

    Attributes:
        shape: In its own frame.
        yaw_rad: Turn about +Y.
        place: Origin of the shape's frame in the world, metres.
    """

    shape: Shape
    yaw_rad: float
    place: tuple[float, float, float]

    @cached_property
    def surface(self) -> tuple[Floats, Floats, Floats]:
        """Its triangles in the world (m, 3, 3), and the least and greatest corners (m, 3) of their boxes."""
        pose = yaw_pose(self.yaw_rad, self.place)
        triangles = self.shape.triangles @ pose[:3, :3].T + pose[:3, 3]
        return triangles, *_spans(triangles)

    @cached_property
    def bounds(self) -> Floats:
        """(2, 3) float64: its axis-aligned box in the world."""
        _, low, high = self.surface
        return np.stack([low.min(axis=0), high.max(axis=0)])

    @cached_property
    def footing(self) -> Floats:
        """(8,) float64: its upright box, as ``boxes_touch`` takes it."""
        low, high = self.shape.bounds
        c, s = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        at, half = (low + high) / 2, (high - low) / 2
        x = self.place[0] + c * at[0] + s * at[2]
        z = self.place[2] - s * at[0] + c * at[2]
        rise = self.place[1]
        return np.array([x, z, half[0], half[2], c, s, rise + low[1], rise + high[1]])


def box_footing(box: OrientedBox) -> Floats:
    """(8,) float64: a box as ``boxes_touch`` takes it."""
    (x, y, z), (width, height, depth) = box.center, box.size
    c, s = math.cos(box.yaw_rad), math.sin(box.yaw_rad)
    return np.array([x, z, width / 2, depth / 2, c, s, y - height / 2, y + height / 2])


def boxes_touch(one: Floats, others: Floats, clearance_m: float = CLEARANCE_M) -> NDArray[np.bool_]:
    """Which upright boxes come closer to one box than the clearance, by separating axes.

    Args:
        one: (8,) middle x and z, half width and half depth, cosine and sine of the yaw, lowest and highest y.
        others: (n, 8) likewise.
        clearance_m: Metres.

    Returns:
        (n,) bool.
    """
    dx, dz = others[:, 0] - one[0], others[:, 1] - one[1]
    c = one[4] * others[:, 4] + one[5] * others[:, 5]
    s = one[5] * others[:, 4] - one[4] * others[:, 5]
    c, s = np.abs(c), np.abs(s)
    apart = (others[:, 6] - one[7] >= clearance_m) | (one[6] - others[:, 7] >= clearance_m)
    for own, cosine, sine in ((one, one[4], one[5]), (others.T, others[:, 4], others[:, 5])):
        far = others.T if own is one else one
        along_x, along_z = np.abs(dx * cosine - dz * sine), np.abs(dx * sine + dz * cosine)
        apart |= along_x - own[2] - c * far[2] - s * far[3] >= clearance_m
        apart |= along_z - own[3] - s * far[2] - c * far[3] >= clearance_m
    touch: NDArray[np.bool_] = ~apart
    return touch


def meshes_touch(a: Body, b: Body, clearance_m: float = CLEARANCE_M) -> bool:
    """Whether two bodies come closer than the clearance, or one has a part of the other in its inside."""
    low = np.maximum(a.bounds[0], b.bounds[0]) - clearance_m
    high = np.minimum(a.bounds[1], b.bounds[1]) + clearance_m
    if (low > high).any():
        return False
    return _surfaces_touch(*a.surface, *b.surface, low, high, clearance_m) or _swallows(a, b) or _swallows(b, a)


def _swallows(outer: Body, inner: Body) -> bool:
    """Whether a part of ``inner`` lies inside a closed part of ``outer``; their surfaces do not touch."""
    first = inner.surface[0][inner.shape.starts[:-1], 0]
    first = first[((first > outer.bounds[0]) & (first < outer.bounds[1])).all(axis=1)]
    if not len(first):
        return False
    starts = outer.shape.starts
    triangles, low, high = outer.surface
    for p in np.flatnonzero(outer.shape.closed):
        own = slice(starts[p], starts[p + 1])
        points = first[((first > low[own].min(axis=0)) & (first < high[own].max(axis=0))).all(axis=1)]
        if len(points) and (np.abs(winding_numbers(triangles[own], points)) > 0.5).any():
            return True
    return False


def winding_numbers(triangles: Floats, points: Floats) -> Floats:
    """How often a surface goes around each point: 1 inside a closed surface, 0 outside.

    Sums the solid angles of the triangles (Van Oosterom and Strackee 1983).

    Args:
        triangles: (m, 3, 3).
        points: (n, 3), none on the surface.

    Returns:
        (n,) float64.
    """
    a, b, c = np.moveaxis(triangles[None] - points[:, None, None], 2, 0)
    la, lb, lc = (np.linalg.norm(side, axis=-1) for side in (a, b, c))
    above = (a * np.cross(b, c)).sum(axis=-1)
    below = la * lb * lc + (a * b).sum(-1) * lc + (b * c).sum(-1) * la + (c * a).sum(-1) * lb
    total: Floats = np.arctan2(above, below).sum(axis=1) / (2 * math.pi)
    return total


@njit(cache=True)
def _spans(triangles: Floats) -> tuple[Floats, Floats]:
    low, high = triangles[:, 0].copy(), triangles[:, 0].copy()
    for i in range(len(triangles)):
        for corner in range(1, 3):
            for axis in range(3):
                low[i, axis] = min(low[i, axis], triangles[i, corner, axis])
                high[i, axis] = max(high[i, axis], triangles[i, corner, axis])
    return low, high


@njit(cache=True)
def _surfaces_touch(
    a: Floats,
    a_low: Floats,
    a_high: Floats,
    b: Floats,
    b_low: Floats,
    b_high: Floats,
    low: Floats,
    high: Floats,
    clearance: float,
) -> bool:
    """Whether any two triangles that reach into the box from ``low`` to ``high`` touch: a sweep along x."""
    ours, theirs = _reaching(a_low, a_high, low, high), _reaching(b_low, b_high, low, high)
    widest = 0.0
    for j in theirs:
        widest = max(widest, b_high[j, 0] - b_low[j, 0])
    first = 0
    for i in ours:
        while first < len(theirs) and b_low[theirs[first], 0] + widest + clearance < a_low[i, 0]:
            first += 1
        for j in theirs[first:]:
            if b_low[j, 0] > a_high[i, 0] + clearance:
                break
            if (
                b_high[j, 0] + clearance >= a_low[i, 0]
                and b_low[j, 1] <= a_high[i, 1] + clearance
                and b_high[j, 1] + clearance >= a_low[i, 1]
                and b_low[j, 2] <= a_high[i, 2] + clearance
                and b_high[j, 2] + clearance >= a_low[i, 2]
                and triangles_touch(a[i], b[j], clearance)
            ):
                return True
    return False


@njit(cache=True)
def _reaching(lows: Floats, highs: Floats, low: Floats, high: Floats) -> NDArray[np.int64]:
    """Which boxes reach into another, by their least x."""
    found = np.empty(len(lows), np.int64)
    count = 0
    for i in range(len(lows)):
        inside = True
        for axis in range(3):
            inside = inside and lows[i, axis] <= high[axis] and highs[i, axis] >= low[axis]
        if inside:
            found[count] = i
            count += 1
    kept = found[:count]
    return kept[np.argsort(lows[kept, 0])]


@njit(cache=True)
def triangles_touch(a: Floats, b: Floats, clearance: float) -> bool:
    """Whether two (3, 3) triangles come closer than the clearance.

    Convex bodies are as far apart as along the best separating axis, which joins their closest features: a corner and
    a face, two edges, a corner and an edge, or two corners.
    """
    edges = np.empty((6, 3))
    for i in range(3):
        edges[i] = a[(i + 1) % 3] - a[i]
        edges[3 + i] = b[(i + 1) % 3] - b[i]
    axis = np.empty(3)
    for i in range(0, 6, 3):
        _cross(edges[i], edges[i + 1], axis)
        if _separates(axis, a, b, clearance):
            return False
    for i in range(3):
        for j in range(3, 6):
            _cross(edges[i], edges[j], axis)
            if _separates(axis, a, b, clearance):
                return False
    for i in range(3):
        for j in range(3):
            apart = a[i] - b[j]
            if _separates(apart, a, b, clearance):
                return False
            for k in (i, 3 + j):
                _reject(apart, edges[k], axis)
                if _separates(axis, a, b, clearance):
                    return False
    return True


@njit(cache=True)
def _reject(u: Floats, v: Floats, out: Floats) -> None:
    """``u`` without its component along ``v``."""
    share = (u[0] * v[0] + u[1] * v[1] + u[2] * v[2]) / max(v[0] * v[0] + v[1] * v[1] + v[2] * v[2], 1e-300)
    for i in range(3):
        out[i] = u[i] - share * v[i]


@njit(cache=True)
def _cross(u: Floats, v: Floats, out: Floats) -> None:
    out[0] = u[1] * v[2] - u[2] * v[1]
    out[1] = u[2] * v[0] - u[0] * v[2]
    out[2] = u[0] * v[1] - u[1] * v[0]


@njit(cache=True)
def _separates(axis: Floats, a: Floats, b: Floats, clearance: float) -> bool:
    square = axis[0] * axis[0] + axis[1] * axis[1] + axis[2] * axis[2]
    if square < 1e-24:
        return False
    a0 = b0 = np.inf
    a1 = b1 = -np.inf
    for i in range(3):
        at = axis[0] * a[i, 0] + axis[1] * a[i, 1] + axis[2] * a[i, 2]
        a0, a1 = min(a0, at), max(a1, at)
        at = axis[0] * b[i, 0] + axis[1] * b[i, 1] + axis[2] * b[i, 2]
        b0, b1 = min(b0, at), max(b1, at)
    return bool(max(b0 - a1, a0 - b1) >= clearance * math.sqrt(square))
