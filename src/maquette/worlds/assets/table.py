"""Tables: four legs, pedestal, trestle, round, and a coffee table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler
from maquette.worlds.assets.solids import box, cylinder, lathe, moved, scaled, tube
from maquette.worlds.materials import furniture, metal
from maquette.worlds.types import Asset, Material, Part, Surface

Style = Literal["legs", "pedestal", "coffee", "trestle", "hairpin"]


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
    carriers = {"pedestal": _pedestal, "trestle": _trestle, "hairpin": _hairpin}.get(table.style, _four_legs)
    top: Part
    if table.round:
        disc = lathe([(0.96, 0.0), (1.0, 0.3), (1.0, 0.8), (0.98, 1.0)], table.top, sides=28)
        top = scaled(disc, (x, table.thickness_m, z), (0.0, below, 0.0))
        free = (table.width_m * 0.68, table.depth_m * 0.68)
    else:
        size = (table.width_m, table.thickness_m, table.depth_m)
        top = box((0.0, below + table.thickness_m / 2, 0.0), size, table.top, bevel_m=0.006)
        free = (table.width_m - 0.04, table.depth_m - 0.04)
    surface = Surface((0.0, table.height_m, 0.0), free)
    return Asset("table", table.style, (top, *carriers(table, below)), (surface,))


def _four_legs(table: Table, below: float) -> list[Part]:
    inset = (0.29 if table.round else 0.06) + table.leg_m / 2
    x = table.width_m / 2 - (table.width_m * inset / 2 if table.round else inset)
    z = table.depth_m / 2 - (table.depth_m * inset / 2 if table.round else inset)
    size = (table.leg_m, below, table.leg_m)
    legs = [box((sx * x, below / 2, sz * z), size, table.legs, bevel_m=0.004) for sx in (-1, 1) for sz in (-1, 1)]
    rail, high = table.leg_m * 0.5, min(0.08, below / 4)
    y = below - high / 2
    legs += [box((0.0, y, s * z), (2 * x - table.leg_m, high, rail), table.legs) for s in (-1, 1)]
    legs += [box((s * x, y, 0.0), (rail, high, 2 * z - table.leg_m), table.legs) for s in (-1, 1)]
    return legs


def _pedestal(table: Table, below: float) -> list[Part]:
    foot = 0.32 * min(table.width_m, table.depth_m)
    stem = table.leg_m * 0.7
    profile = [(foot, 0.0), (foot, 0.02), (stem * 1.6, 0.05), (stem, 0.12), (stem, below - 0.08), (stem * 2.2, below)]
    return [lathe(profile, table.legs, sides=20)]


def _trestle(table: Table, below: float) -> list[Part]:
    x = table.width_m / 2 - 0.25
    spread, high = table.depth_m * 0.4, 0.05
    parts = []
    for side in (-1, 1):
        for lean in (-1, 1):
            foot, head = (side * x, table.leg_m * 0.3, lean * spread), (side * x, below - high, lean * 0.05)
            parts.append(tube([foot, head], table.leg_m * 0.45, table.legs, sides=4))
        parts.append(box((side * x, below - high / 2, 0.0), (table.leg_m, high, table.depth_m * 0.7), table.legs))
    lowest = min(float(part.vertices[:, 1].min()) for part in parts)
    parts = [
        moved(part, (0.0, -lowest, 0.0)) if part.vertices[:, 1].max() < below - high / 2 else part for part in parts
    ]
    parts.append(box((0.0, below * 0.55, 0.0), (2 * x, table.leg_m, table.leg_m * 0.5), table.legs))
    return parts


def _hairpin(table: Table, below: float) -> list[Part]:
    x, z = table.width_m / 2 - 0.08, table.depth_m / 2 - 0.08
    parts = []
    for sx in (-1, 1):
        for sz in (-1, 1):
            foot = np.array([sx * x, 0.0, sz * z])
            bend = foot + (0.0, 0.006, 0.0)
            for dx, dz in ((-0.1, 0.0), (0.0, -0.1)):
                head = np.array([sx * (x + dx), below, sz * (z + dz)])
                parts.append(tube([bend, head], 0.007, table.legs, sides=6))
            parts.append(cylinder((sx * x, 0.0, sz * z), 0.016, 0.011, table.legs, sides=8))
    return parts


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
            top if rng.random() < 0.6 else metal(rng),
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
    },
    unseen=("trestle",),
    build=build,
)
