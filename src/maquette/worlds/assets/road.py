"""Roads: asphalt with markings, cobbles, a gravel lane; along a straight line or an arc."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from maquette.worlds.assets import Family, Sampler
from maquette.worlds.assets.batch import prisms, slab
from maquette.worlds.materials import grey
from maquette.worlds.types import Asset, Floats, Material, Part

Style = Literal["asphalt", "main", "cobbles", "gravel", "concrete"]

_DEEP_M = 0.3
_PAINT_M = 0.004
_GAP_M = 0.01
_STEP_M = 8.0


@dataclass(frozen=True)
class Line:
    """An arc in the ground plane that starts at the origin towards +Z.

    Places on it are ``s`` metres along the line and ``d`` metres to its right.

    Attributes:
        curvature: 1 / radius, positive where it turns towards +X; 0 is straight.
    """

    curvature: float = 0.0

    def heading(self, s: ArrayLike) -> Floats:
        """Yaw of the line, radians, where it looks along (sin yaw, 0, cos yaw)."""
        return np.asarray(s, dtype=np.float64) * self.curvature

    def points(self, s: ArrayLike, d: ArrayLike, y: ArrayLike = 0.0) -> Floats:
        """(..., 3) places in the ground plane, metres."""
        along, aside, up = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (s, d, y)))
        yaw = self.heading(along)
        chord = along * np.sinc(yaw / (2 * math.pi))
        x, z = chord * np.sin(yaw / 2), chord * np.cos(yaw / 2)
        return np.stack([x - aside * np.cos(yaw), up, z + aside * np.sin(yaw)], axis=-1)

    def steps(self, start: float, stop: float) -> Floats:
        """Distances from start to stop at which to sample it: only the ends where it is straight."""
        count = 1 if self.curvature == 0 else max(1, math.ceil((stop - start) / _STEP_M))
        return np.linspace(start, stop, count + 1)


@dataclass(frozen=True)
class Road:
    """A road; its surface is at ``top_m`` above its lowest point.

    Attributes:
        style: What covers it.
        line: Its middle.
        start_m: Where on the line it starts.
        stop_m: Where it ends.
        width_m: From edge to edge.
        crossings_m: Where on the line zebra crossings are.
        bare_m: (start, stop) on the line without markings, for a junction.
        surface: Material.
        paint: Material of the markings; None leaves them out.
    """

    style: str
    line: Line
    start_m: float
    stop_m: float
    width_m: float
    crossings_m: tuple[float, ...]
    bare_m: tuple[float, float]
    surface: Material
    paint: Material | None


TOP_M = _DEEP_M
"""Height of every road's surface above its lowest point."""


def build(road: Road) -> Asset:
    """Make a road; its origin is that of its line."""
    half = road.width_m / 2
    s, d = np.meshgrid(road.line.steps(road.start_m, road.stop_m), np.linspace(half, -half, 3), indexing="ij")
    parts = [slab(road.line.points(s, d, _DEEP_M), 0.0, road.surface)]
    if road.paint is not None:
        parts += _markings(road, road.paint)
    return Asset("road", road.style, tuple(parts))


def _markings(road: Road, paint: Material) -> list[Part]:
    """Dashes in the middle, lines along the edges and zebra stripes."""
    half = road.width_m / 2
    marks: list[tuple[float, float, float, float]] = []
    at = road.start_m + 1.0
    while at + 3.0 < road.stop_m:
        marks.append((at, at + 3.0, -0.06, 0.06))
        at += 6.0 if road.style != "main" else 4.5
    if road.style == "main":
        at = road.start_m
        while at < road.stop_m - 0.5:
            end = min(at + _STEP_M, road.stop_m)
            marks += [(at, end - _GAP_M, side * (half - 0.35) - 0.06, side * (half - 0.35) + 0.06) for side in (-1, 1)]
            at = end
    bare = [road.bare_m, *((at - 2.2, at + 2.2) for at in road.crossings_m)]
    marks = [mark for mark in marks if not any(mark[0] < stop and mark[1] > start for start, stop in bare)]
    stripes = int((road.width_m - 0.8) // 1.0)
    for at in road.crossings_m:
        for n in range(stripes):
            d = (n - (stripes - 1) / 2) * 1.0
            marks.append((at - 1.5, at + 1.5, d - 0.25, d + 0.25))
    if not marks:
        return []
    s0, s1, d0, d1 = np.array(marks).T
    corners = [road.line.points(s, d, _DEEP_M + _PAINT_M) for s, d in ((s0, d1), (s1, d1), (s1, d0), (s0, d0))]
    return [prisms(np.stack(corners, axis=1), 2 * _PAINT_M, paint, down=True)]


def surface_of(style: Style, rng: np.random.Generator) -> tuple[Material, Material | None]:
    """What a style is covered and painted with."""
    shade = rng.uniform(0.8, 1.15)
    white = Material("plain", grey(rng.uniform(0.75, 0.9)), 1.0, 0.7)
    if style == "cobbles":
        return Material("cobble", (shade, shade, shade), 1.3, 0.85, bump_m=0.01), None
    if style == "gravel":
        return Material("gravel", (shade, shade * 0.95, shade * 0.86), 2.5, 0.95, bump_m=0.01), None
    if style == "concrete":
        return Material("concrete", (shade * 0.8, shade * 0.8, shade * 0.78), 4.0, 0.85, bump_m=0.002), white
    return Material("asphalt", (1.35 * shade, 1.35 * shade, 1.35 * shade), 2.5, 0.9, bump_m=0.003), white


def _style(style: Style, width: tuple[float, float]) -> Sampler:
    def sampler(rng: np.random.Generator) -> Road:
        line = Line(0.0 if rng.random() < 0.5 else rng.uniform(-1, 1) / 220)
        length = rng.uniform(40.0, 80.0)
        surface, paint = surface_of(style, rng)
        return Road(style, line, -length / 2, length / 2, rng.uniform(*width), (), (0.0, 0.0), surface, paint)

    return sampler


FAMILY = Family(
    name="road",
    label="road",
    stands="fixed",
    styles={
        "asphalt": _style("asphalt", (6.0, 7.5)),
        "main": _style("main", (7.0, 9.0)),
        "cobbles": _style("cobbles", (5.0, 6.5)),
        "gravel": _style("gravel", (3.0, 4.0)),
        "concrete": _style("concrete", (6.0, 8.0)),
    },
    unseen=("concrete",),
    build=build,
)
