"""Sidewalks along a road: a kerb and slabs, cobbles, asphalt or brick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler
from maquette.worlds.assets.batch import slab
from maquette.worlds.assets.road import Line
from maquette.worlds.materials import grey
from maquette.worlds.types import Asset, Material

Style = Literal["paving", "cobbles", "asphalt", "concrete", "brick"]

TOP_M = 0.4
"""Height of every sidewalk's surface above its lowest point."""

_KERB_M = 0.16


@dataclass(frozen=True)
class Sidewalk:
    """A sidewalk with a kerb towards the road.

    Attributes:
        style: What covers it.
        line: The middle of its road.
        start_m: Where on the line it starts.
        stop_m: Where it ends.
        inner_m: Distance of the kerb's edge to the right of the line; negative on the left.
        width_m: Including the kerb, away from the line.
        surface: Material.
        kerb: Material of the kerb.
    """

    style: str
    line: Line
    start_m: float
    stop_m: float
    inner_m: float
    width_m: float
    surface: Material
    kerb: Material


def build(sidewalk: Sidewalk) -> Asset:
    """Make a sidewalk; its origin is that of its line."""
    side = 1.0 if sidewalk.inner_m >= 0 else -1.0
    steps = sidewalk.line.steps(sidewalk.start_m, sidewalk.stop_m)
    inner, outer = abs(sidewalk.inner_m), abs(sidewalk.inner_m) + sidewalk.width_m
    parts = []
    for near, far, material in ((inner, inner + _KERB_M, sidewalk.kerb), (inner + _KERB_M, outer, sidewalk.surface)):
        edges = sorted((side * near, side * far), reverse=True)
        s, d = np.meshgrid(steps, edges, indexing="ij")
        parts.append(slab(sidewalk.line.points(s, d, TOP_M), 0.0, material))
    return Asset("sidewalk", sidewalk.style, tuple(parts))


def surface_of(style: Style, rng: np.random.Generator) -> Material:
    """What a style is covered with."""
    shade = rng.uniform(0.85, 1.12)
    texture, tile_m, tone = {
        "paving": ("paving", 1.6, 1.0),
        "cobbles": ("cobble", 1.4, 1.1),
        "asphalt": ("asphalt", 2.0, 1.25),
        "concrete": ("concrete", 2.4, 0.9),
        "brick": ("brick_red", 1.2, 0.9),
    }[style]
    return Material(texture, (shade * tone,) * 3, tile_m, 0.9, bump_m=0.004)


def kerb_of(rng: np.random.Generator) -> Material:
    """Granite or concrete."""
    return Material("concrete", grey(rng.uniform(0.7, 0.95)), 1.5, 0.85, bump_m=0.002)


def _style(style: Style) -> Sampler:
    def sampler(rng: np.random.Generator) -> Sidewalk:
        half = rng.uniform(10.0, 25.0)
        width = rng.uniform(1.5, 3.0)
        return Sidewalk(style, Line(), -half, half, -width / 2, width, surface_of(style, rng), kerb_of(rng))

    return sampler


FAMILY = Family(
    name="sidewalk",
    label="sidewalk",
    stands="fixed",
    styles={name: _style(name) for name in ("paving", "cobbles", "asphalt", "concrete", "brick")},
    unseen=("brick",),
    build=build,
)
