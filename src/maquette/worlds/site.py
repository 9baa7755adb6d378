"""A piece of land to build on: heights that can be looked up exactly, and things that stand on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maquette.camera import Camera
from maquette.errors import MaquetteError
from maquette.worlds.assets import terrain
from maquette.worlds.assets.poses import UPRIGHT
from maquette.worlds.assets.road import Line
from maquette.worlds.assets.solids import box
from maquette.worlds.assets.terrain import Terrain
from maquette.worlds.library import Library, parse_counts
from maquette.worlds.options import WorldOptions
from maquette.worlds.placement import Placer
from maquette.worlds.rigs import expand, look_at
from maquette.worlds.types import Asset, Floats, Material, Object

Rng = np.random.Generator
Thing = tuple[str, Asset]
"""A label and a shape."""

_TRIES = 12

_BASE_M = 0.02
"""What is this close to an asset's lowest point is its base."""

_FOCUS_M = 12.0
_CLEAR = ((6.0, 2.6), (4.0, 2.6), (2.0, 2.6), (0.8, 2.6))
"""Free length before a camera and free width around it, metres; the first that is found is taken."""


@dataclass(frozen=True, eq=False)
class Land:
    """A surface over a grid that follows a line.

    Attributes:
        line: ``s`` runs along it and ``d`` to its right, metres.
        s: (rows,) ascending.
        d: (columns,) descending.
        y: (rows, columns) heights, metres.
    """

    line: Line
    s: Floats
    d: Floats
    y: Floats

    def terrain(self, style: str, ground: Material) -> Terrain:
        """The land as an asset's parameters."""
        s, d = np.meshgrid(self.s, self.d, indexing="ij")
        return Terrain(style, self.line.points(s, d, self.y), ground)

    def height(self, s: ArrayLike, d: ArrayLike) -> Floats:
        """Heights of the triangles of the surface at places on the line's grid; beyond its edge those of the edge."""
        row, u = _cell(self.s, np.asarray(s, dtype=np.float64))
        column, v = _cell(-self.d, -np.asarray(d, dtype=np.float64))
        a, b = self.y[row, column], self.y[row + 1, column]
        c, e = self.y[row + 1, column + 1], self.y[row, column + 1]
        over: Floats = np.where(u >= v, a + u * (b - a) + v * (c - b), a + v * (e - a) + u * (c - e))
        return over


def _cell(edges: Floats, at: Floats) -> tuple[NDArray[np.int64], Floats]:
    index = np.clip(np.searchsorted(edges, at, side="right") - 1, 0, len(edges) - 2)
    return index, np.clip((at - edges[index]) / (edges[index + 1] - edges[index]), 0.0, 1.0)


class Site:
    """Land under construction: draws things from a library and puts them where they fit.

    Attributes:
        rng: Draws everything.
        land: Where things stand.
    """

    def __init__(
        self, options: WorldOptions, rng: Rng, library: Library, counts: Mapping[str, int], land: Land
    ) -> None:
        """Start with empty land.

        Args:
            options: What worlds look like.
            rng: Draws everything.
            library: Where things come from.
            counts: Most objects of each family, where the options do not say.
            land: Where things stand.

        Raises:
            MaquetteError: The options' counts cannot be read.
        """
        self.rng = rng
        self.land = land
        self._options = options
        self._library = library
        self._left = parse_counts(options.counts, counts, library.names)
        self._placer = Placer(rng, attempts=options.attempts, collisions=options.collisions)

    @property
    def objects(self) -> tuple[Object, ...]:
        """What is there so far."""
        return tuple(self._placer.objects)

    def draw(self, name: str, suits: Callable[[Asset], bool] | None = None) -> Thing:
        """A random thing of a family; of a few draws, the first that suits, or the last."""
        for _ in range(_TRIES):
            thing = self._library.sample(name, self.rng)
            if suits is None or suits(thing[1]):
                break
        return thing

    def lay(self, thing: Thing, yaw_rad: float, place: ArrayLike) -> None:
        """Put a piece of ground somewhere; other things may stand on it and in it."""
        x, y, z = np.asarray(place, dtype=np.float64)
        self._placer.add(*thing, yaw_rad, (x, y, z), solid=False)

    def lay_land(self, ground: Asset, land: Land | None = None) -> None:
        """Cover the land, or another, with what covers a terrain."""
        style = ground.style if ground.style in terrain.LABELS else "grass"
        params = (land or self.land).terrain(style, ground.parts[0].material)
        self.lay((terrain.LABELS[style], terrain.build(params)), 0.0, (0.0, terrain.rise_m(params), 0.0))

    def put(self, thing: Thing, s: float, d: float, yaw_rad: float, y: float | None = None) -> Object | None:
        """Put a thing at a place of the land's line, if there is room and one of its family left.

        Args:
            thing: What to put.
            s: Along the line, metres.
            d: To its right, metres.
            yaw_rad: Turn relative to the line's heading there.
            y: Height of what it stands on; by default it sinks into the land until all of its base is covered.
        """
        if self._left.get(thing[1].family, 0) < 1:
            return None
        at = y if y is not None else self._footing(thing[1], s, d, yaw_rad)
        return self.put_at(thing, self.land.line.points(s, d, at), float(self.land.line.heading(s)) + yaw_rad)

    def put_at(self, thing: Thing, place: ArrayLike, yaw_rad: float, *, solid: bool = True) -> Object | None:
        """Put a thing at a place (3,) in the world, if one of its family is left, and room where it is solid."""
        family = thing[1].family
        x, y, z = (float(at) for at in np.asarray(place))
        if self._left.get(family, 0) < 1 or (solid and not self._placer.fits(thing[1], yaw_rad, (x, y, z))):
            return None
        self._left[family] -= 1
        return self._placer.add(*thing, yaw_rad, (x, y, z), solid=solid)

    def _footing(self, asset: Asset, s: float, d: float, yaw_rad: float) -> float:
        """The lowest height of the land under an asset's base."""
        points = np.concatenate([part.vertices for part in asset.parts])
        base = points[points[:, 1] < points[:, 1].min() + _BASE_M]
        (x0, _, z0), (x1, _, z1) = base.min(axis=0), base.max(axis=0)
        x, z = np.meshgrid(np.linspace(x0, x1, 5), np.linspace(z0, z1, 5))
        cosine, sine = math.cos(yaw_rad), math.sin(yaw_rad)
        return float(self.land.height(s + cosine * z - sine * x, d - (cosine * x + sine * z)).min())

    def mountains(self, away_m: float) -> None:
        """A range across the view along +Z, at least so far away, its feet below the horizon."""
        for n in range(4):
            thing = self.draw("mountain")
            bearing = (n - 1.5) * 0.5 + self.rng.uniform(-0.15, 0.15)
            far = away_m + self.rng.uniform(0.0, 60.0) + extent(thing[1])[2] / 2
            if self.rng.random() < 0.8:
                place = (far * math.sin(bearing), -5.0, far * math.cos(bearing))
                self.put_at(thing, place, bearing + math.pi, solid=False)

    def cameras(self, propose: Callable[[Rng], tuple[float, float, float, float]]) -> tuple[Camera, ...]:
        """A person's cameras, with free room around and before them.

        Args:
            propose: Draws s and d on the land's line, the ground's height there, and a turn relative to the line.

        Raises:
            MaquetteError: There is no room for a camera.
        """
        options = self._options
        for length, width in _CLEAR:
            room = Asset(
                "camera", "camera", (box((0.0, 1.0, length / 2 - 0.5), (width, 1.9, length + 1.0), Material()),)
            )
            for _ in range(4 * options.attempts):
                s, d, ground, turn = propose(self.rng)
                x, _, z = self.land.line.points(s, d)
                yaw = float(self.land.line.heading(s)) + turn
                if not self._placer.fits(room, yaw, (float(x), ground + 0.1, float(z))):
                    continue
                eye = np.array([x, ground + self.rng.uniform(1.5, 1.8), z])
                pitch = math.radians(self.rng.uniform(-4.0, 6.0))
                ahead = np.array([math.sin(yaw), math.tan(pitch), math.cos(yaw)])
                camera = look_at(eye, eye + ahead, options.width, options.height, self.rng.uniform(55.0, 75.0))
                return expand(camera, options.views, _FOCUS_M)
        raise MaquetteError("counts: there is no free place left for a camera; ask for fewer objects")


def extent(asset: Asset) -> Floats:
    """(3,) size of an asset's box, metres."""
    size: Floats = asset.bounds[1] - asset.bounds[0]
    return size


def upright(asset: Asset) -> bool:
    """Whether a person is on straight legs, as far as the style tells: a user's meshes do not say."""
    return " " not in asset.style or asset.style.endswith(UPRIGHT)


def smooth(x: ArrayLike, low: float, high: float) -> Floats:
    """0 up to ``low``, 1 from ``high`` on, and a smooth step between them."""
    t = np.clip((np.asarray(x, dtype=np.float64) - low) / (high - low), 0, 1)
    step: Floats = t * t * (3 - 2 * t)
    return step
