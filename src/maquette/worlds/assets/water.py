"""Water: a pond, a lake, a muddy river; a flat closed slab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler
from maquette.worlds.assets.batch import boxes
from maquette.worlds.materials import linear
from maquette.worlds.types import Asset, Material

Style = Literal["clear", "deep", "muddy"]

DEEP_M = 0.5
"""Height of the surface above the lowest point."""


@dataclass(frozen=True)
class Water:
    """A sheet of water.

    Attributes:
        style: How it looks.
        size_m: Extents along x and z.
        surface: Material.
    """

    style: str
    size_m: tuple[float, float]
    surface: Material


def build(water: Water) -> Asset:
    """Make a sheet of water."""
    width, depth = water.size_m
    return Asset("water", water.style, (boxes([(0.0, DEEP_M / 2, 0.0)], (width, DEEP_M, depth), water.surface),))


def _style(style: Style, color: tuple[float, float, float]) -> Sampler:
    def sampler(rng: np.random.Generator) -> Water:
        red, green, blue = linear(*color)
        shade = rng.uniform(0.8, 1.2)
        surface = Material(
            "water", (red * shade, green * shade, blue * shade), 8.0, rng.uniform(0.08, 0.18), bump_m=0.03
        )
        return Water(style, (rng.uniform(20.0, 60.0), rng.uniform(20.0, 60.0)), surface)

    return sampler


FAMILY = Family(
    name="water",
    label="water",
    stands="fixed",
    styles={
        "clear": _style("clear", (0.6, 0.75, 0.8)),
        "deep": _style("deep", (0.45, 0.58, 0.72)),
        "muddy": _style("muddy", (0.7, 0.66, 0.5)),
    },
    unseen=("muddy",),
    build=build,
)
