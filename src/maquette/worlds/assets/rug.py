"""Rugs: plain, bordered, with a persian pattern and fringes, striped, shaggy, round, and hides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler, batch
from maquette.worlds.assets.joinery import standing
from maquette.worlds.assets.picture import frame
from maquette.worlds.assets.softs import tipped
from maquette.worlds.assets.solids import extruded, posed
from maquette.worlds.materials import hue, linear, muted
from maquette.worlds.types import Asset, Floats, Material, Part

Style = Literal["plain", "bordered", "persian", "striped", "shaggy", "round", "hide"]


@dataclass(frozen=True)
class Rug:
    """A rug.

    Attributes:
        style: Its pattern or its shape.
        width_m: Along x.
        depth_m: Along z.
        thickness_m: Of the pile.
        border_m: Width of a border of another material; 0 has none.
        fringe: Whether its ends along x are fringed.
        pile: Material of the middle.
        border: Material of the border and the fringe.
        outline: Random numbers from 0 to 1 that bend a hide's outline.
    """

    style: Style
    width_m: float
    depth_m: float
    thickness_m: float
    border_m: float
    fringe: bool
    pile: Material
    border: Material
    outline: tuple[float, ...]


def build(rug: Rug) -> Asset:
    """Make a rug."""
    if rug.style in ("round", "hide"):
        flat = tipped((0.0, rug.thickness_m / 2, 0.0), -np.pi / 2)
        return standing("rug", rug.style, [posed(extruded(_outline(rug), rug.thickness_m, rug.pile), flat)])
    x, z, thick = rug.width_m / 2, rug.depth_m / 2, rug.thickness_m
    inner = (x - rug.border_m, z - rug.border_m)
    parts: list[Part] = [
        _slab(inner[0], inner[1], thick, rug.pile),
    ]
    if rug.border_m > 0:
        edge = frame(
            (-x, -z, x, z), rug.border_m - 0.0005, ((0.0, thick * 0.8), (0.04, thick), (1.0, thick)), rug.border
        )
        parts.append(posed(edge, tipped((0.0, 0.0, 0.0), -np.pi / 2)))
    if rug.fringe:
        tufts = np.arange(-z + 0.012, z - 0.006, 0.026)
        at = [(s * (x + 0.03), 0.003, t) for s in (-1, 1) for t in tufts]
        parts.append(batch.boxes(at, (0.06, 0.006, 0.01), Material("weave", linear(0.88, 0.83, 0.72), 0.2, 0.95)))
    return standing("rug", rug.style, parts)


def _slab(x: float, z: float, thick: float, material: Material) -> Part:
    corners = [(-x, thick, z), (x, thick, z), (x, thick, -z), (-x, thick, -z)]
    return batch.prisms([corners], thick, material)


def _outline(rug: Rug) -> Floats:
    turn = np.linspace(0.0, 2 * np.pi, 40, endpoint=False)
    if rug.style == "round":
        return np.column_stack([np.cos(turn), np.sin(turn)]) * rug.width_m / 2
    bumps = np.abs(np.cos(2 * (turn - 0.12))) ** 3
    sway = np.interp(turn, np.linspace(0, 2 * np.pi, 13), [*rug.outline[:12], rug.outline[0]])
    radius = 0.62 + 0.32 * bumps * np.abs(np.sin(2 * turn + 0.9)) + 0.12 * sway
    return np.column_stack([np.cos(turn) * rug.width_m, np.sin(turn) * rug.depth_m]) * radius[:, None] / 2


def _sampler(style: Style) -> Sampler:
    def sampler(rng: np.random.Generator) -> Rug:
        width = rng.uniform(1.4, 2.8)
        depth = width * rng.uniform(0.55, 0.75)
        color = muted(rng)
        piles = {
            "persian": Material("persian", (1.0, 1.0, 1.0), rng.uniform(0.9, 1.6), 0.95, bump_m=0.001),
            "striped": Material("stripes", muted(rng), rng.uniform(0.5, 1.1), 0.95, bump_m=0.001),
            "shaggy": Material("carpet", color, 0.35, 1.0, bump_m=0.012),
            "hide": Material("carpet", linear(0.55, 0.4, 0.28), 0.5, 0.95, bump_m=0.003),
        }
        pile = piles.get(style, Material("carpet", color, 0.5, 0.95, bump_m=0.002))
        dark = hue(rng, (0.3, 0.6), (0.2, 0.45))
        edged = {"bordered": rng.uniform(0.08, 0.16), "persian": rng.uniform(0.07, 0.12)}
        return Rug(
            style,
            width if style != "round" else rng.uniform(1.3, 2.2),
            depth,
            {"shaggy": 0.015, "hide": 0.006}.get(style, rng.uniform(0.008, 0.012)),
            edged.get(style, 0.0),
            bool(style in ("persian", "striped") and rng.random() < 0.7),
            pile,
            replace(pile, texture="carpet", tile_m=0.5, color=dark),
            tuple(rng.random(12).tolist()),
        )

    return sampler


FAMILY = Family(
    name="rug",
    label="rug",
    stands="floor",
    styles={style: _sampler(style) for style in ("plain", "bordered", "persian", "striped", "shaggy", "round", "hide")},
    unseen=("hide",),
    build=build,
)
