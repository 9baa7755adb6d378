"""Tables: on four legs, a pedestal, trestles, hairpins or panels, and coffee tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler
from maquette.worlds.assets.batch import sticks
from maquette.worlds.assets.joinery import boards, legs, upright
from maquette.worlds.assets.solids import grounded, hull, lathe, scaled
from maquette.worlds.materials import furniture, metal
from maquette.worlds.types import Asset, Material, Part, Surface

Style = Literal["legs", "pedestal", "coffee", "trestle", "hairpin", "panels"]


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        style: What carries the top.
        width_m: Along x.
        depth_m: Along z.
        height_m: To the upper side of the top.
        thickness_m: Of the top.
        leg_m: Width of a leg.
        round: An elliptic top instead of a rectangle.
        top: Material of the top.
        legs: Material of what carries it.
    """

    style: Style
    width_m: float
    depth_m: float
    height_m: float
    thickness_m: float
    leg_m: float
    round: bool
    top: Material
    legs: Material


def build(table: Table) -> Asset:
    """Make a table."""
    below = table.height_m - table.thickness_m
    x, z = table.width_m / 2, table.depth_m / 2
    if table.round:
        disc = lathe([(0.96, 0.0), (1.0, 0.3), (1.0, 0.8), (0.98, 1.0)], table.top, sides=28)
        top = scaled(disc, (x, table.thickness_m, z), (0.0, below, 0.0))
        free = (table.width_m * 0.68, table.depth_m * 0.68)
    else:
        top = boards(
            (0.0, below + table.thickness_m / 2, 0.0), (2 * x, table.thickness_m, 2 * z), table.top, bevel_m=0.006
        )
        free = (table.width_m - 0.04, table.depth_m - 0.04)
    parts = grounded([top, *_CARRIERS[table.style](table, below)])
    return Asset("table", table.style, parts, (Surface((0.0, float(parts[0].vertices[:, 1].max()), 0.0), free),))


def _corner(table: Table, inset_m: float) -> tuple[float, float]:
    """Where legs stand under the top, along x and z."""
    share = 0.68 if table.round else 1.0
    return table.width_m / 2 * share - inset_m, table.depth_m / 2 * share - inset_m


def _four_legs(table: Table, below: float) -> list[Part]:
    x, z = _corner(table, table.leg_m / 2 + (0.0 if table.round else 0.03))
    rail, high = table.leg_m * 0.5, min(0.08, below / 4)
    y, wide, deep = below - high / 2, 2 * x - table.leg_m, 2 * z - table.leg_m
    return [
        legs(x, z, below, table.legs, width_m=table.leg_m),
        boards([(0.0, y, -z), (0.0, y, z)], (wide, high, rail), table.legs),
        boards([(-x, y, 0.0), (x, y, 0.0)], (rail, high, deep), table.legs),
    ]


def _pedestal(table: Table, below: float) -> list[Part]:
    foot = 0.32 * min(table.width_m, table.depth_m)
    stem = table.leg_m * 0.7
    profile = [(foot, 0.0), (foot, 0.02), (stem * 1.6, 0.05), (stem, 0.12), (stem, below - 0.08), (stem * 2.2, below)]
    return [lathe(profile, table.legs, sides=20)]


def _trestle(table: Table, below: float) -> list[Part]:
    """Two pairs of leaning legs under crossbars, joined by a beam."""
    x, spread = table.width_m / 2 - 0.25, table.depth_m * 0.4
    leg, high = table.leg_m, 0.05
    square = np.array([(a, 0.0, b) for a in (-0.5, 0.5) for b in (-0.5, 0.5)]) * leg * 0.8
    parts = []
    for side in (-1, 1):
        for lean in (-1, 1):
            foot, head = (side * x, 0.0, lean * spread), (side * x, below - high, lean * (leg * 0.4 + 0.002))
            parts.append(upright(hull(np.concatenate([square + foot, square + head]), table.legs)))
    bars = [(side * x, below - high / 2, 0.0) for side in (-1, 1)]
    parts.append(boards(bars, (leg, high, table.depth_m * (0.55 if table.round else 0.7)), table.legs))
    parts.append(boards((0.0, below * 0.78, 0.0), (2 * x, leg, leg * 0.5), table.legs))
    return parts


def _hairpin(table: Table, below: float) -> list[Part]:
    """Bent rods, two to a foot."""
    x, z = _corner(table, 0.05)
    corners = np.array([(sx, 0.0, sz) for sx in (-1, 1) for sz in (-1, 1)])
    feet = corners * (x, 0.0, z)
    along, across = feet * (1 - 0.1 / x, 0, 1), feet * (1, 0, 1 - 0.1 / z)
    head = np.array([0.0, below, 0.0])
    return [
        *(sticks(feet, end + head, 0.006, table.legs, sides=8) for end in (along, across)),
        sticks(feet, feet + head * 0.012 / below, (0.014, 0.009), table.legs, sides=8),
    ]


def _panels(table: Table, below: float) -> list[Part]:
    """Two wide slabs, joined by a rail."""
    x = table.width_m / 2 * (0.6 if table.round else 0.84)
    deep = table.depth_m * (0.5 if table.round else 0.78)
    thick = max(table.thickness_m, 0.03)
    return [
        boards([(-x, below / 2, 0.0), (x, below / 2, 0.0)], (thick, below, deep), table.legs),
        boards((0.0, below - 0.09, 0.0), (2 * x - thick, 0.12, 0.025), table.legs),
    ]


_CARRIERS: dict[Style, Callable[[Table, float], list[Part]]] = {
    "legs": _four_legs,
    "pedestal": _pedestal,
    "coffee": _four_legs,
    "trestle": _trestle,
    "hairpin": _hairpin,
    "panels": _panels,
}


def _style(style: Style, height: tuple[float, float], width: tuple[float, float]) -> Sampler:
    def sampler(rng: np.random.Generator) -> Table:
        wide = rng.uniform(*width)
        top = furniture(rng)
        return Table(
            style,
            wide,
            min(wide, rng.uniform(0.55, 0.95)),
            rng.uniform(*height),
            rng.uniform(0.02, 0.045),
            rng.uniform(0.04, 0.08),
            bool(rng.random() < (0.7 if style == "pedestal" else 0.2)),
            top,
            metal(rng) if style == "hairpin" or rng.random() < 0.4 else top,
        )

    return sampler


FAMILY = Family(
    name="table",
    label="table",
    stands="floor",
    styles={
        "legs": _style("legs", (0.7, 0.78), (0.8, 1.8)),
        "pedestal": _style("pedestal", (0.68, 0.76), (0.7, 1.2)),
        "coffee": _style("coffee", (0.36, 0.48), (0.7, 1.2)),
        "trestle": _style("trestle", (0.7, 0.76), (1.2, 1.9)),
        "hairpin": _style("hairpin", (0.7, 0.76), (0.9, 1.6)),
        "panels": _style("panels", (0.7, 0.76), (1.0, 1.8)),
    },
    unseen=("trestle", "hairpin"),
    build=build,
)
