"""Land: a closed block under a field of heights; grass, meadow, bare earth, sand, ploughed field, crop and snow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler
from maquette.worlds.assets.batch import slab
from maquette.worlds.noise import fractal
from maquette.worlds.types import Asset, Floats, Material

Style = Literal["grass", "meadow", "dirt", "sand", "crop", "snow"]

LABELS: dict[str, str] = {
    "grass": "grass", "meadow": "grass", "dirt": "earth", "sand": "earth", "crop": "field", "snow": "earth",
}  # fmt: skip
"""Category of each style."""

_DEEP_M = 1.0


@dataclass(frozen=True, eq=False)
class Terrain:
    """A piece of land.

    Attributes:
        style: What covers it.
        grid: (rows, columns, 3) float64 points of its surface, metres, as ``batch.slab`` takes them.
        ground: Material of the surface.
    """

    style: str
    grid: Floats
    ground: Material


def build(terrain: Terrain) -> Asset:
    """Make a piece of land, its lowest point at y = 0."""
    bottom = float(terrain.grid[..., 1].min()) - _DEEP_M
    return Asset("terrain", terrain.style, (slab(terrain.grid - (0.0, bottom, 0.0), 0.0, terrain.ground),))


def rise_m(terrain: Terrain) -> float:
    """Height at which the built asset's origin has to be for its surface to be at the grid's own heights."""
    return float(terrain.grid[..., 1].min()) - _DEEP_M


def ground_of(style: Style, rng: np.random.Generator) -> Material:
    """What a style is covered with."""
    shade = rng.uniform(0.85, 1.1)
    warm = rng.uniform(0.9, 1.12)
    texture, tile_m = {
        "grass": ("grass", 3.0), "meadow": ("meadow", 4.0), "dirt": ("dirt", 3.0), "sand": ("sand", 4.0),
        "crop": ("hay", 3.0), "snow": ("snow", 5.0),
    }[style]  # fmt: skip
    color = (shade * warm, shade, shade / warm) if style != "snow" else (1.0, 1.0, 1.0)
    return Material(texture, color, tile_m, 0.95, bump_m=0.02)


def _style(style: Style, relief: tuple[float, float]) -> Sampler:
    def sampler(rng: np.random.Generator) -> Terrain:
        size = rng.uniform(30.0, 60.0)
        x, z = np.meshgrid(np.linspace(-size / 2, size / 2, 33), np.linspace(-size / 2, size / 2, 33))
        hills = fractal(x / 25, z / 25, int(rng.integers(2**31)), octaves=4) * rng.uniform(*relief)
        return Terrain(style, np.stack([x, hills, z], axis=-1), ground_of(style, rng))

    return sampler


FAMILY = Family(
    name="terrain",
    label="grass",
    stands="fixed",
    styles={
        "grass": _style("grass", (0.1, 1.0)),
        "meadow": _style("meadow", (0.2, 1.5)),
        "dirt": _style("dirt", (0.2, 1.0)),
        "sand": _style("sand", (0.3, 2.0)),
        "crop": _style("crop", (0.1, 0.8)),
        "snow": _style("snow", (0.2, 1.5)),
    },
    unseen=("sand",),
    build=build,
)
