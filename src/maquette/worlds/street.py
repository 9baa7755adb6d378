"""Streets, seen by a person on the sidewalk or the road."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from maquette.worlds.assets import road, sidewalk
from maquette.worlds.assets.road import Line, Road
from maquette.worlds.assets.sidewalk import Sidewalk
from maquette.worlds.library import Library
from maquette.worlds.noise import fractal
from maquette.worlds.options import WorldOptions
from maquette.worlds.site import Land, Rng, Site, Thing, extent, smooth, upright
from maquette.worlds.sky import sample_sky
from maquette.worlds.types import World

COUNTS = {
    "building": 14, "tree": 11, "car": 8, "person": 4, "pole": 12, "fence": 16, "mountain": 3,
}  # fmt: skip
"""Most objects of each family in a street."""

_ROAD_Y, _WALK_Y, _GROUND_Y, _BED_Y = 0.0, 0.13, 0.12, -0.2
_BEHIND_M, _AHEAD_M = -60.0, 190.0
_FLAT_M, _WIDE_M = 42.0, 150.0
"""Distances from a street's middle at which hills start, and at which the land ends."""


def make_street(options: WorldOptions, rng: Rng, library: Library) -> World:
    """A street: a road between sidewalks, rows of buildings with gardens or none, and hills behind.

    Half of them bend; some of the straight ones have a junction.

    Raises:
        MaquetteError: The options' counts cannot be read, or leave no room for a camera.
    """
    plan = _StreetPlan(rng)
    site = Site(options, rng, library, COUNTS, plan.land)
    _lay_street(site, plan)
    rows = [_Row(site, plan, side) for side in (1, -1)]
    while (row := min(rows, key=lambda row: row.at)).at < 110.0:
        row.extend()
    _line_road(site, plan)
    _traffic(site, plan)
    _walkers(site, plan)
    _backdrop_trees(site, plan)
    site.mountains(330.0)

    def stand(rng: Rng) -> tuple[float, float, float, float]:
        s = rng.uniform(-12.0, 12.0)
        side = rng.choice([-1.0, 1.0])
        if rng.random() < 0.3:
            return s, rng.uniform(-0.6, 0.6) * plan.half, _ROAD_Y, rng.uniform(-0.25, 0.25)
        d = side * (plan.half + rng.uniform(0.5, 0.9) * plan.walk)
        turn = rng.uniform(-0.1, 0.45) if rng.random() < 0.65 else rng.uniform(0.6, 1.3)
        return s, d, _WALK_Y, side * turn

    cameras = site.cameras(stand)
    return World("street", "street", site.objects, sample_sky(rng), cameras)


class _StreetPlan:
    """Measures of a street, in metres.

    Attributes:
        line: Its middle.
        half: Half the width of the road.
        walk: Width of a sidewalk.
        rows: For each side (1 is right), whether houses stand wall to wall.
        junction: (start, stop) along the line of a side road's own width; None without one.
        land: Level ground with beds for the roads, and hills farther out.
    """

    def __init__(self, rng: Rng) -> None:
        self.line = Line(0.0 if rng.random() < 0.55 else float(rng.choice([-1, 1])) / rng.uniform(220, 450))
        self.half = rng.uniform(3.4, 4.8)
        self.walk = rng.uniform(2.0, 3.4)
        dense = rng.random() < 0.5
        self.rows = {side: dense if rng.random() < 0.85 else not dense for side in (1, -1)}
        at, half = rng.uniform(28.0, 60.0), rng.uniform(3.0, 3.8)
        self.junction = (at - half, at + half) if self.line.curvature == 0 and rng.random() < 0.45 else None
        self.land = self._shape(rng)

    @property
    def edge(self) -> float:
        """Distance of the sidewalks' outer edges from the middle."""
        return self.half + self.walk

    def blocked(self, start: float, stop: float) -> bool:
        """Whether a stretch runs into the side road or its sidewalks."""
        if self.junction is None:
            return False
        return start < self.junction[1] + self.walk + 0.3 and stop > self.junction[0] - self.walk - 0.3

    def _shape(self, rng: Rng) -> Land:
        bed = self.edge - 0.05
        hills = np.linspace(_FLAT_M, _WIDE_M, 12)
        d = np.concatenate([-hills[::-1], [-25.0, -bed - 0.03, -bed, bed, bed + 0.03, 25.0], hills])[::-1]
        s = np.linspace(_BEHIND_M, _AHEAD_M, 32)
        if self.junction is not None:
            low, high = self.junction[0] - self.walk + 0.05, self.junction[1] + self.walk - 0.05
            s = np.unique(np.concatenate([s[(s < low - 0.5) | (s > high + 0.5)], [low - 0.03, low, high, high + 0.03]]))
        along, aside = np.meshgrid(s, d, indexing="ij")
        far = np.maximum(
            smooth(np.abs(aside), _FLAT_M, _WIDE_M),
            smooth(along, 140.0, 200.0) * smooth(np.abs(aside), self.edge + 4, 40),
        )
        swell = 0.75 + fractal(along / 70, aside / 70, int(rng.integers(2**31)), octaves=2)
        y = _GROUND_Y + far * swell * rng.uniform(4.0, 14.0)
        dug = np.abs(aside) <= bed + 1e-9
        if self.junction is not None:
            side_road = (along >= low - 1e-9) & (along <= high + 1e-9)
            y = np.where(side_road, _GROUND_Y, y)
            dug |= side_road
        return Land(self.line, s, d, np.where(dug, _BED_Y, y))


def _lay_street(site: Site, plan: _StreetPlan) -> None:
    """Ground, roads and sidewalks."""
    rng, line = site.rng, plan.line
    _, ground = site.draw("terrain", lambda asset: asset.style in ("grass", "meadow"))
    site.lay_land(ground)
    label, sample = site.draw("road", lambda asset: asset.style != "gravel")
    surface = sample.parts[0].material
    paint = sample.parts[1].material if len(sample.parts) > 1 else None
    bare = plan.junction or (0.0, 0.0)
    zebras = (bare[0] - 2.6,) if plan.junction else ((rng.uniform(10.0, 50.0),) if rng.random() < 0.4 else ())
    main = Road(sample.style, line, _BEHIND_M, _AHEAD_M, 2 * plan.half, zebras, bare, surface, paint)
    site.lay((label, road.build(main)), 0.0, (0.0, _ROAD_Y - road.TOP_M, 0.0))
    walk_label, walk = site.draw("sidewalk")
    kerb, slabs = walk.parts[0].material, walk.parts[-1].material
    stretches = [(_BEHIND_M, _AHEAD_M)] if plan.junction is None else [(_BEHIND_M, bare[0]), (bare[1], _AHEAD_M)]
    for side in (1, -1):
        for start, stop in stretches:
            piece = Sidewalk(walk.style, line, start, stop, side * plan.half, plan.walk, slabs, kerb)
            site.lay((walk_label, sidewalk.build(piece)), 0.0, (0.0, _WALK_Y - sidewalk.TOP_M, 0.0))
    if plan.junction is None:
        return
    middle, half = sum(plan.junction) / 2, (plan.junction[1] - plan.junction[0]) / 2
    for side in (1, -1):
        yaw = -side * math.pi / 2
        arm = replace(
            main, start_m=plan.half, stop_m=_WIDE_M, width_m=2 * half, crossings_m=(), bare_m=(0.0, plan.edge)
        )
        site.lay((label, road.build(arm)), yaw, (0.0, _ROAD_Y - road.TOP_M, middle))
        for edge in (half, -half):
            piece = Sidewalk(walk.style, line, plan.edge, _WIDE_M, edge, plan.walk, slabs, kerb)
            site.lay((walk_label, sidewalk.build(piece)), yaw, (0.0, _WALK_Y - sidewalk.TOP_M, middle))


def _alike(site: Site, name: str, drawn: int, kept: int) -> list[Thing]:
    """Some of a family that go together: of several draws, those nearest in height to the first."""
    things = [site.draw(name) for _ in range(drawn)]
    first = extent(things[0][1])[1]
    return sorted(things, key=lambda thing: abs(extent(thing[1])[1] - first))[:kept]


class _Row:
    """Buildings along one side of a street, from behind the camera on.

    Attributes:
        at: Distance along the street where the next one may start, metres.
    """

    def __init__(self, site: Site, plan: _StreetPlan, side: int) -> None:
        rng = site.rng
        self._site, self._plan, self._side = site, plan, side
        self._houses = _alike(site, "building", 5, 3)
        self._dense = plan.rows[side]
        self._back = -0.9 if self._dense else rng.uniform(4.0, 7.5)
        self._fence = site.draw("fence")
        self._bush = site.draw("tree", lambda asset: extent(asset)[1] < 3.0)
        self.at = -26.0 + rng.uniform(0, 8)

    def extend(self) -> None:
        """Place the next building, with a garden before it where they stand apart, or leave a gap."""
        rng, plan, side = self._site.rng, self._plan, self._side
        thing = self._houses[rng.integers(len(self._houses))]
        (x0, _, _), (x1, _, front) = thing[1].bounds
        lot = (self.at, self.at + x1 - x0 + (0.06 if self._dense else rng.uniform(3.5, 8.0)))
        if plan.blocked(*lot):
            self.at += 1.5
            return
        d = side * (plan.edge + self._back + front)
        if self._site.put(thing, sum(lot) / 2, d, side * math.pi / 2, _GROUND_Y) is None:
            self.at += 2.0
            return
        if not self._dense:
            _garden(self._site, plan, side, lot, self._back, self._fence, self._bush)
        self.at = lot[1] if rng.random() < 0.9 else lot[1] + rng.uniform(4.0, 10.0)


def _garden(
    site: Site, plan: _StreetPlan, side: int, lot: tuple[float, float], back: float, fence: Thing, bush: Thing
) -> None:
    """A fence with a way in, and something green behind it."""
    rng = site.rng
    length = extent(fence[1])[0] + 0.03
    count = int((lot[1] - lot[0]) / length)
    gap = int(rng.integers(max(count, 1)))
    if lot[0] < 70.0:
        for n in range(count):
            if n != gap:
                at = lot[0] + (n + 0.5) * (lot[1] - lot[0]) / count
                site.put(fence, at, side * (plan.edge + 0.3), side * math.pi / 2, _GROUND_Y)
    for _ in range(2):
        thing = bush if rng.random() < 0.7 else site.draw("tree")
        at, away = rng.uniform(*lot), rng.uniform(1.4, max(back - 0.8, 1.5))
        site.put(thing, at, side * (plan.edge + away), rng.uniform(0, 6.28), _GROUND_Y)


def _line_road(site: Site, plan: _StreetPlan) -> None:
    """Lamps and trees along the kerbs, and a few signs."""
    rng = site.rng
    lamp = site.draw("pole", lambda asset: extent(asset)[1] > 3.0)
    spacing = rng.uniform(17.0, 26.0)
    for n in range(9):
        s, side = -30.0 + n * spacing / 2, 1 if n % 2 else -1
        if not plan.blocked(s, s):
            site.put(lamp, s, side * (plan.half + 0.42), side * math.pi / 2, _WALK_Y)
    for _ in range(5):
        sign = site.draw("pole", lambda asset: extent(asset)[1] < 3.6)
        side = int(rng.choice([-1, 1]))
        s = rng.uniform(0.0, 60.0) if plan.junction is None else plan.junction[0] - 0.8
        site.put(sign, s, side * (plan.half + 0.5), math.pi if side > 0 else 0.0, _WALK_Y)
    if rng.random() < 0.7:
        trees = [site.draw("tree", lambda asset: extent(asset)[1] > 4.5 and extent(asset)[0] < 7.0) for _ in range(2)]
        step = rng.uniform(9.0, 15.0)
        for side in (1, -1):
            for n in range(9):
                s = -20.0 + (n + rng.uniform(-0.1, 0.1)) * step
                if not plan.blocked(s - 1, s + 1) and rng.random() < 0.8:
                    site.put(trees[n % 2], s, side * (plan.half + 0.75), rng.uniform(0, 6.28), _WALK_Y)


def _traffic(site: Site, plan: _StreetPlan) -> None:
    """Cars at the kerbs where the road is wide, and on the right lane."""
    rng = site.rng
    cars = [site.draw("car") for _ in range(4)]
    wide = plan.half > 3.9
    for side in (1, -1):
        for _ in range(5 if wide else 0):
            car = cars[rng.integers(4)]
            s = rng.uniform(-20.0, 70.0)
            if not plan.blocked(s - 4, s + 4):
                out = plan.half - 0.3 - extent(car[1])[0] / 2
                site.put(car, s, side * out, 0.0 if side > 0 else math.pi, _ROAD_Y)
    for _ in range(3):
        side = int(rng.choice([-1, 1]))
        lane = plan.half * (0.28 if wide else 0.5)
        site.put(cars[rng.integers(4)], rng.uniform(8.0, 90.0), side * lane, 0.0 if side > 0 else math.pi, _ROAD_Y)


def _walkers(site: Site, plan: _StreetPlan) -> None:
    rng = site.rng
    for _ in range(5):
        side = int(rng.choice([-1, 1]))
        d = side * (plan.half + rng.uniform(0.35, 0.85) * plan.walk)
        s = rng.uniform(2.0, 16.0) if rng.random() < 0.6 else rng.uniform(16.0, 45.0)
        turn = (0.0 if rng.random() < 0.5 else math.pi) + rng.normal(scale=0.3)
        if not plan.blocked(s, s):
            site.put(site.draw("person", upright), s, d, turn, _WALK_Y)


def _backdrop_trees(site: Site, plan: _StreetPlan) -> None:
    """Trees on the hills behind the houses and where the street ends."""
    rng = site.rng
    trees = [site.draw("tree", lambda asset: extent(asset)[1] > 4.0) for _ in range(3)]
    for _ in range(16):
        side = int(rng.choice([-1, 1]))
        s, d = rng.uniform(10.0, 170.0), side * rng.uniform(34.0, 80.0)
        if s > 130.0:
            d = side * rng.uniform(plan.edge + 3.0, 50.0)
        if not plan.blocked(s - 4, s + 4):
            site.put(trees[rng.integers(3)], s, d, rng.uniform(0, 6.28))
