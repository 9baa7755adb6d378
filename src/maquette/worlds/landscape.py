"""Open land, seen by a person who stands in it."""

from __future__ import annotations

import math

import numpy as np

from maquette.worlds.assets import road, water
from maquette.worlds.assets.road import Line, Road
from maquette.worlds.assets.water import Water
from maquette.worlds.library import Library
from maquette.worlds.noise import fractal
from maquette.worlds.options import WorldOptions
from maquette.worlds.site import Land, Rng, Site, extent, smooth, upright
from maquette.worlds.sky import sample_sky
from maquette.worlds.types import Asset, World

COUNTS = {
    "building": 3, "tree": 24, "car": 2, "person": 2, "pole": 6, "fence": 16, "mountain": 4,
}  # fmt: skip
"""Most objects of each family in a landscape."""


def make_landscape(options: WorldOptions, rng: Rng, library: Library) -> World:
    """Open land: hills or a plain, with woods, water, a road, farms and mountains, some of them.

    Raises:
        MaquetteError: The options' counts cannot be read, or leave no room for a camera.
    """
    plan = _LandscapePlan(rng)
    site = Site(options, rng, library, COUNTS, plan.land)
    bleak = rng.random() < 0.3
    _, ground = site.draw("terrain", lambda asset: bleak or asset.style not in ("dirt", "sand"))
    site.lay_land(ground)
    if plan.road is None and plan.lake is None:
        _lay_fields(site, ground)
    if plan.lake is not None:
        s, d, radius = plan.lake
        label, sample = site.draw("water")
        sheet = Water(sample.style, (3.6 * radius, 4.5 * radius), sample.parts[0].material)
        site.lay((label, water.build(sheet)), 0.0, (-d, plan.level - water.DEEP_M, s))
    if plan.road is not None:
        _country_road(site, plan.road)
    for s, d in plan.yards:
        _farm(site, s, d)
    _people(site, plan)
    _woods(site, plan)
    site.mountains(310.0)

    def stand(rng: Rng) -> tuple[float, float, float, float]:
        spots = np.column_stack([rng.uniform(-14.0, 2.0, 6), rng.uniform(-9.0, 9.0, 6)])
        heights = site.land.height(*spots.T)
        s, d = spots[heights.argmax()]
        return s, d, float(heights.max()), rng.uniform(-0.3, 0.3)

    cameras = site.cameras(stand)
    return World("landscape", "landscape", site.objects, sample_sky(rng), cameras)


_LEVEL_M = 0.025
"""How much the ground may rise where someone stands."""


class _LandscapePlan:
    """Where things are in open land, as (s, d) along and to the right of the world's +Z, in metres.

    Attributes:
        road: Distance to the right and turn of a road's middle at s = 0; None without one.
        lake: (s, d, radius); None without one.
        yards: Middles of level yards.
        land: Hills that grow with the distance, level along the road and in the yards, hollow where the lake is.
        level: Height of the lake.
    """

    def __init__(self, rng: Rng) -> None:
        self.road = (rng.uniform(-14.0, 14.0), rng.uniform(-0.25, 0.25)) if rng.random() < 0.5 else None
        self.lake: tuple[float, float, float] | None = None
        self.yards: list[tuple[float, float]] = []
        if rng.random() < 0.5:
            side = rng.choice([-1.0, 1.0])
            radius = rng.uniform(18.0, 40.0)
            aside = side * (rng.uniform(0.0, 30.0) if self.road is None else radius + rng.uniform(22.0, 34.0))
            self.lake = (rng.uniform(12.0, 26.0) + 1.5 * radius, aside, radius)
        for _ in range(int(rng.integers(0, 3))):
            spot = rng.uniform(35.0, 95.0), rng.choice([-1.0, 1.0]) * rng.uniform(20.0, 50.0)
            if self.lake is None or math.dist(spot, self.lake[:2]) > 1.5 * self.lake[2] + 18:
                self.yards.append(spot)
        self.level = -math.inf
        self.land = self._shape(rng)

    def beside_road(self, s: float, d: float) -> float:
        """Distance of a place from the middle of the road, metres; infinite without one."""
        if self.road is None:
            return math.inf
        right, turn = self.road
        return abs((d - right) * math.cos(turn) - s * math.sin(turn))

    def dry(self, s: float, d: float) -> bool:
        """Whether a place is neither in the lake nor on the road."""
        return self.beside_road(s, d) > 6.0 and float(self.land.height(s, d)) > self.level + 0.25

    def _shape(self, rng: Rng) -> Land:
        s = np.concatenate([np.linspace(-40.0, 60.0, 26), 60.0 + 270.0 * np.linspace(0, 1, 37)[1:] ** 1.25])
        d = 200.0 * np.sign(u := np.linspace(1, -1, 63)) * (0.45 * np.abs(u) + 0.55 * np.abs(u) ** 2)
        along, aside = np.meshgrid(s, d, indexing="ij")
        seed = int(rng.integers(2**31))
        steep = rng.uniform(0.25, 1.0)
        hills = fractal(along / 110, aside / 110, seed, octaves=4, gain=0.42) + 0.15
        y = steep * 18.0 * hills * (0.1 + 0.9 * smooth(np.hypot(along, aside), 20.0, 140.0))
        y += steep * (0.08 * np.maximum(along - 100.0, 0.0) - 4.0 * np.exp(-(((along - 65.0) / 35.0) ** 2)))
        for at, right in self.yards:
            level = 0.5 * steep
            y = level + (y - level) * smooth(np.hypot(along - at, aside - right), 16.0, 40.0)
        if self.lake is not None:
            at, right, radius = self.lake
            bays = fractal(along / 30, aside / 30, seed + 1, octaves=2)
            away = np.hypot((along - at) / 1.25, aside - right) * (1 + 0.2 * bays)
            self.level = float(np.median(y[away < 1.6 * radius])) - 1.0
            if self.road is not None:
                self.level = min(self.level, -0.6)
            shore = smooth(away / radius, 0.8, 1.6)
            y = shore * np.maximum(y, self.level + 0.4) + (1 - shore) * (self.level - 1.6)
        if self.road is not None:
            right, turn = self.road
            off = np.abs((aside - right) * math.cos(turn) - along * math.sin(turn))
            y = y * smooth(off, 11.0, 45.0)
        return Land(Line(), s, d, y)


def _lay_fields(site: Site, ground: Asset) -> None:
    """Other crops on stretches of the land, a few centimetres over it."""
    rng, land = site.rng, site.land
    for _ in range(int(rng.integers(0, 4))):
        _, sample = site.draw("terrain", lambda asset: asset.style in ("crop", "dirt", "meadow", "grass"))
        if sample.style == ground.style or ground.style in ("snow", "sand"):
            continue
        row, column = int(rng.integers(18, 40)), int(rng.integers(8, 40))
        rows, columns = slice(row, row + int(rng.integers(6, 14))), slice(column, column + int(rng.integers(8, 16)))
        field = Land(land.line, land.s[rows], land.d[columns], land.y[rows, columns] + 0.04)
        site.lay_land(sample, field)


def _country_road(site: Site, course: tuple[float, float]) -> None:
    """A straight road on level ground, poles and fences along it, and a car."""
    rng = site.rng
    right, turn = course
    label, sample = site.draw("road")
    paint = sample.parts[1].material if len(sample.parts) > 1 else None
    half = 1.7 if sample.style == "gravel" else rng.uniform(2.8, 3.4)
    lane = Road(sample.style, Line(), -38.0, 320.0, 2 * half, (), (0.0, 0.0), sample.parts[0].material, paint)
    top = 0.03
    site.lay((label, road.build(lane)), -turn, (-right, top - road.TOP_M, 0.0))

    def beside(along: float, off: float) -> tuple[float, float]:
        return along * math.cos(turn) - off * math.sin(turn), right + along * math.sin(turn) + off * math.cos(turn)

    if rng.random() < 0.7:
        pole = site.draw("pole", lambda asset: asset.style == "telegraph")
        side = rng.choice([-1.0, 1.0])
        for n in range(6):
            site.put(pole, *beside(4.0 + 28.0 * n, side * (half + 2.2)), -turn)
    if rng.random() < 0.7:
        fence = site.draw("fence")
        length = extent(fence[1])[0] + 0.03
        side = rng.choice([-1.0, 1.0])
        start = rng.uniform(6.0, 20.0)
        for n in range(12):
            site.put(fence, *beside(start + n * length, side * (half + 4.0)), -turn + side * math.pi / 2)
    for _ in range(2):
        side = int(rng.choice([-1, 1]))
        along = rng.uniform(14.0, 70.0)
        site.put(site.draw("car"), *beside(along, side * half * 0.5), -turn + (0.0 if side > 0 else math.pi), top)


def _farm(site: Site, s: float, d: float) -> None:
    """A house on its yard, a fence before it and a tree or two."""
    rng = site.rng
    house = site.draw("building", lambda asset: extent(asset)[1] < 11.0)
    facing = math.atan2(d, -s) + rng.normal(scale=0.4)
    site.put(house, s, d, facing)
    for _ in range(3):
        bearing, away = rng.uniform(0, 2 * math.pi), rng.uniform(9.0, 15.0)
        site.put(site.draw("tree"), s + away * math.cos(bearing), d + away * math.sin(bearing), bearing)
    fence = site.draw("fence")
    length = extent(fence[1])[0] + 0.03
    count = int(rng.integers(3, 7))
    for n in range(count):
        if n != 1:
            along = (n - (count - 1) / 2) * length
            out = 11.5 * math.cos(facing) + along * math.sin(facing), along * math.cos(facing) - 11.5 * math.sin(facing)
            site.put(fence, s + out[0], d + out[1], facing)


def _people(site: Site, plan: _LandscapePlan) -> None:
    """A few, on level and dry spots beside the road."""
    rng = site.rng
    feet = np.array([(s, d) for s in (-0.4, 0.0, 0.4) for d in (-0.4, 0.0, 0.4)])
    for _ in range(int(rng.integers(0, 4))):
        someone = site.draw("person", upright)
        for _ in range(20):
            s, d = rng.uniform(6.0, 26.0), rng.uniform(-8.0, 8.0)
            level = np.ptp(site.land.height(s + feet[:, 0], d + feet[:, 1])) < _LEVEL_M
            if level and plan.dry(s, d) and site.put(someone, s, d, rng.uniform(0, 2 * math.pi)):
                break


def _woods(site: Site, plan: _LandscapePlan) -> None:
    """Trees in groups and alone, of a few kinds, on dry land beside the road."""
    rng = site.rng
    trees = [site.draw("tree") for _ in range(4)]
    ahead = np.sort(rng.uniform(14.0, 100.0, 24))
    groups = [(s, d) for s, d in zip(ahead, ahead * rng.uniform(-0.6, 0.6, 24), strict=True) if plan.dry(s, d)]
    groups = groups[:2] + groups[2::4]
    for n in range(80):
        thing = trees[rng.integers(len(trees))]
        if n % 6 == 0 or not groups:
            s = rng.uniform(7.0, 120.0)
            d = s * rng.uniform(-0.7, 0.7)
        else:
            at, aside = groups[n % len(groups)]
            s, d = np.array([at, aside]) + rng.normal(scale=2.0 + 0.12 * at, size=2)
        if s > 7.0 and plan.dry(s, d):
            site.put(thing, s, d, rng.uniform(0, 6.28))
