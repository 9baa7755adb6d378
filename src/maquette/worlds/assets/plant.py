"""Plants in pots on the floor: ficus, monstera, palm, snake plant, dracaena and cactus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler, batch
from maquette.worlds.assets.foliage import (
    GOLDEN,
    POTS,
    PotShape,
    around,
    draws,
    green,
    leaves,
    pot,
    pot_material,
    stems,
)
from maquette.worlds.assets.joinery import UP, standing
from maquette.worlds.assets.solids import loft, tube
from maquette.worlds.materials import linear
from maquette.worlds.types import Asset, Floats, Material, Part

Style = Literal["ficus", "monstera", "palm", "snake", "dracaena", "cactus"]


@dataclass(frozen=True)
class Plant:
    """A plant in a pot.

    Attributes:
        style: Its kind.
        height_m: Of the whole.
        spread_m: Radius of its crown.
        pot: Shape of the pot.
        pot_radius_m: Of the pot.
        pot_height_m: Of the pot.
        clay: Material of the pot.
        light: Material of one half of the leaves.
        dark: Material of the other.
        bark: Material of the stem.
        growth: Random numbers from 0 to 1 that tell how it has grown.
    """

    style: Style
    height_m: float
    spread_m: float
    pot: PotShape
    pot_radius_m: float
    pot_height_m: float
    clay: Material
    light: Material
    dark: Material
    bark: Material
    growth: tuple[float, ...]

    @property
    def soil_m(self) -> float:
        """Height of the earth in the pot."""
        return self.pot_height_m * 0.9


def build(plant: Plant) -> Asset:
    """Make a plant."""
    shapes: dict[Style, Callable[[Plant], list[Part]]] = {
        "ficus": _ficus,
        "monstera": _monstera,
        "palm": _palm,
        "snake": _snake,
        "dracaena": _dracaena,
        "cactus": _cactus,
    }
    vessel = pot(plant.pot, plant.pot_radius_m, plant.pot_height_m, plant.clay)
    return standing("plant", plant.style, [*vessel, *shapes[plant.style](plant)])


def _halves(plant: Plant, mask: Floats, *each: Floats) -> list[tuple[Material, list[Floats]]]:
    """The arrays split between the two materials of leaves."""
    light = mask > 0.5
    return [(plant.light, [a[light] for a in each]), (plant.dark, [a[~light] for a in each])]


def _ficus(plant: Plant) -> list[Part]:
    crown = plant.height_m - plant.soil_m
    rise = np.linspace(0.0, 0.6, 5)
    sway = 0.05 * np.sin(6 * rise[:, None] + np.array([plant.growth[0], 0.0, plant.growth[1]]) * 6)
    trunk = np.column_stack([sway[:, 0], plant.soil_m - 0.02 + rise * crown, sway[:, 2]])
    parts = [tube(trunk, np.linspace(0.022, 0.014, 5).tolist(), plant.bark)]
    count = 96
    n = np.arange(count)
    height = 1 - 2 * (n + 0.5) / count
    turn = n * GOLDEN
    far = 0.45 + 0.55 * draws(plant.growth, count, 0)
    ball = np.stack([np.sqrt(1 - height**2) * np.cos(turn), height, np.sqrt(1 - height**2) * np.sin(turn)], -1)
    middle = np.array([trunk[-1, 0], plant.height_m - 0.36 * crown, trunk[-1, 2]])
    base = middle + ball * far[:, None] * (plant.spread_m * 0.8, 0.3 * crown, plant.spread_m * 0.8)
    way = ball * (1.0, 0.4, 1.0) + 0.5 * around(draws(plant.growth, count, 31) * 2 * np.pi, 0.1)
    long = 0.13 + 0.08 * draws(plant.growth, count, 57)
    twigs = ball[::8] * far[::8, None] * (plant.spread_m * 0.8, 0.3 * crown, plant.spread_m * 0.8) * 0.95
    parts.append(
        batch.sticks(
            np.tile(trunk[-1] - (0, 0.02, 0), (len(twigs), 1)), middle + twigs, (0.009, 0.004), plant.bark, sides=5
        )
    )
    for material, (at, along, size) in _halves(plant, draws(plant.growth, count, 91), base, way, long):
        parts.append(leaves(at, along, np.tile(UP, (len(at), 1)) + 0.3 * along, size, size * 0.55, material, droop=0.3))
    return parts


def _petioles(plant: Plant, count: int, low: float) -> tuple[Floats, Floats, Floats]:
    """Curved stalks out of the pot: (count, 5, 3) points, turns and reaches."""
    n = np.arange(count)
    turn = n * GOLDEN + plant.growth[2]
    high = low + (1 - low) * (1 - (n / count) ** 1.3 * 0.85)
    reach = plant.spread_m * (0.35 + 0.5 * draws(plant.growth, count, 3)) * (0.55 + 0.45 * n / count)
    t = np.linspace(0.0, 1.0, 5)
    crown = plant.height_m - plant.soil_m
    out = reach[:, None] * (0.1 + 0.9 * t**1.7)
    points = np.stack(
        [np.cos(turn)[:, None] * out, plant.soil_m - 0.01 + (high * crown)[:, None] * t, np.sin(turn)[:, None] * out],
        -1,
    )
    return points, turn, reach


def _monstera(plant: Plant) -> list[Part]:
    count = 15
    stalks, turn, _ = _petioles(plant, count, 0.25)
    parts = [stems(stalks, np.full(5, 0.007), plant.dark)]
    tips = stalks[:, -1] - 0.06 * (stalks[:, -1] - stalks[:, -2])
    size = (0.24 + 0.12 * draws(plant.growth, count, 23)) * min(1.0, plant.spread_m / 0.4)
    lift = -0.15 + 0.5 * draws(plant.growth, count, 41)
    face = around(turn, lift + 1.2)
    fan, share = np.array([0.0, 0.62, -0.62, 1.3, -1.3]), np.array([1.0, 0.82, 0.82, 0.6, 0.6])
    for material, (at, up, long, angle, rise) in _halves(
        plant, draws(plant.growth, count, 7), tips, face, size, turn, lift
    ):
        way = around(angle[:, None] + fan, np.where(fan == 0.0, rise[:, None], 0.05))
        parts.append(
            leaves(
                np.repeat(at, 5, axis=0),
                way.reshape(-1, 3),
                np.repeat(up, 5, axis=0),
                (long[:, None] * share).ravel(),
                (long[:, None] * np.where(fan == 0.0, 0.5, 0.3)).ravel(),
                material,
                shape="heart",
                droop=0.32,
                fold=0.1,
            )
        )
    return parts


def _palm(plant: Plant) -> list[Part]:
    fronds, pairs = 8, 8
    stalks, turn, reach = _petioles(plant, fronds, 0.35)
    ribs, bases, ways, sizes = [], [], [], []
    for n, path in enumerate(stalks):
        t = np.linspace(0.0, 1.0, 5)[:, None]
        tip = path[-1] + np.array([np.cos(turn[n]), 0.0, np.sin(turn[n])]) * plant.spread_m * 0.6
        arch = path[-1] * (1 - t) + tip * t + UP * (0.1 * np.sin(np.pi * t) - 0.22 * reach[n] / plant.spread_m * t**2)
        rib = np.concatenate([path, arch[1:]])
        ribs.append(rib)
        at = np.linspace(3.0, len(rib) - 1.001, pairs)
        low = at.astype(int)
        place = rib[low] + (rib[low + 1] - rib[low]) * (at - low)[:, None]
        ahead = rib[low + 1] - rib[low]
        ahead /= np.linalg.norm(ahead, axis=1)[:, None]
        side = np.cross(UP, ahead)
        for sign in (-1, 1):
            bases.append(place)
            ways.append(ahead * 0.9 + sign * side + 0.15 * UP)
            sizes.append(0.5 * plant.spread_m * np.sin(np.linspace(0.7, 2.7, pairs)) + 0.08)
    parts = [stems(np.array(ribs), np.linspace(0.008, 0.003, 9), plant.dark)]
    base, way, size = np.concatenate(bases), np.concatenate(ways), np.concatenate(sizes)
    for material, (at, along, long) in _halves(plant, draws(plant.growth, len(base), 11), base, way, size):
        up = np.tile(UP, (len(at), 1))
        parts.append(leaves(at, along, up, long, 0.028 + 0.07 * long, material, shape="blade", droop=0.22))
    return parts


def _snake(plant: Plant) -> list[Part]:
    count = 22
    n = np.arange(count)
    turn = n * GOLDEN
    far = plant.pot_radius_m * 0.72 * np.sqrt((n + 0.5) / count)
    base = around(turn, 0.0) * far[:, None] + (0.0, plant.soil_m - 0.01, 0.0)
    lean = 1.5 - 0.28 * np.sqrt(n / count) - 0.12 * draws(plant.growth, count, 5)
    crown = plant.height_m - plant.soil_m
    long = crown * (1.02 - 0.55 * (n / count) * draws(plant.growth, count, 17))
    face = around(turn + 2.5 * draws(plant.growth, count, 29), 0.0)
    parts = []
    for material, (at, along, up, size) in _halves(
        plant, draws(plant.growth, count, 37), base, around(turn, lean), face, long
    ):
        parts.append(leaves(at, along, up, size, 0.055 + 0.02 * size, material, shape="blade", droop=0.0, fold=0.16))
    return parts


def _dracaena(plant: Plant) -> list[Part]:
    crown = plant.height_m - plant.soil_m
    parts = []
    every: list[tuple[Floats, Floats, Floats]] = []
    for cane in range(3):
        turn = cane * 2.1 + plant.growth[cane] * 2
        high = crown * (0.72, 0.5, 0.3)[cane]
        foot = around(turn, 0.0) * plant.pot_radius_m * 0.35 + (0.0, plant.soil_m - 0.01, 0.0)
        head = foot + around(turn, 0.0) * 0.05 + (0.0, high, 0.0)
        parts.append(batch.sticks([foot], [head], (0.018, 0.015), plant.bark, sides=8))
        count = 26
        n = np.arange(count)
        rise = 1.35 - 1.5 * (n / count) - 0.2 * draws(plant.growth, count, 9 * cane)
        base = head + UP * 0.08 * (1 - n / count)[:, None] - UP * 0.02
        long = 0.8 * plant.spread_m * (0.8 + 0.4 * draws(plant.growth, count, 5 * cane))
        every.append((base, around(n * GOLDEN, rise), np.minimum(long, crown - high + 0.12)))
    base, way, size = (np.concatenate([group[k] for group in every]) for k in range(3))
    for material, (at, along, long) in _halves(plant, draws(plant.growth, len(base), 19), base, way, size):
        up = np.tile(UP, (len(at), 1)) + 0.4 * along * (1.0, 0.0, 1.0) * -1
        parts.append(leaves(at, along, up, long, 0.035, material, shape="blade", droop=0.45, fold=0.2))
    return parts


def column(base: Floats, height_m: float, radius_m: float, material: Material, ribs: int = 9) -> Part:
    """A ribbed column of a cactus with a round top."""
    sides = 2 * ribs
    turn = np.arange(sides) * (2 * np.pi / sides)
    star = np.where(np.arange(sides) % 2 == 0, 1.0, 0.82)
    share = np.array([0.0, 0.1, 0.5, 0.8, 0.92, 0.98, 1.0])
    radius = radius_m * np.array([0.8, 0.95, 1.0, 0.95, 0.75, 0.45, 0.12])
    rings = np.stack(
        [
            np.outer(radius, star * np.sin(turn)),
            np.outer(share * height_m, np.ones(sides)),
            np.outer(radius, star * np.cos(turn)),
        ],
        -1,
    )
    return loft(rings + base, material)


def _cactus(plant: Plant) -> list[Part]:
    crown = plant.height_m - plant.soil_m
    radius = 0.055 + 0.02 * plant.growth[0]
    base = np.array([0.0, plant.soil_m - 0.01, 0.0])
    parts = [column(base, crown, radius, plant.dark)]
    for side in range(1 + int(plant.growth[1] * 2.5)):
        turn, share = side * 2.4 + plant.growth[2] * 6, 0.3 + 0.2 * plant.growth[3 + side]
        out = around(turn, 0.0)
        reach = radius * 2.3
        bend = np.linspace(0.0, np.pi / 2, 5)[:, None]
        elbow = base + UP * share * crown + out * (reach * np.sin(bend)) + UP * (0.09 * (1 - np.cos(bend)))
        top = elbow[-1] + UP * crown * (0.2 + 0.2 * plant.growth[7 + side])
        path = np.concatenate([elbow, [top - UP * 0.05, top - UP * 0.015, top]])
        parts.append(
            tube(path, (radius * 0.62 * np.array([1, 1, 1, 1, 1, 1, 0.75, 0.3])).tolist(), plant.dark, sides=10)
        )
    return parts


def _sampler(style: Style) -> Sampler:
    def sampler(rng: np.random.Generator) -> Plant:
        shape = POTS[rng.integers(len(POTS))]
        heights = {
            "ficus": (1.1, 1.8),
            "palm": (1.1, 1.7),
            "dracaena": (1.0, 1.6),
            "monstera": (0.8, 1.2),
            "snake": (0.7, 1.1),
        }
        height = rng.uniform(*heights.get(style, (0.7, 1.3)))
        pot_height = rng.uniform(0.26, 0.36)
        slim = style in ("snake", "cactus")
        return Plant(
            style,
            height,
            rng.uniform(0.3, 0.42) * (0.6 + 0.3 * height),
            shape,
            rng.uniform(0.13, 0.17) if slim else rng.uniform(0.15, 0.21),
            pot_height,
            pot_material(rng, shape),
            green(rng, warm=0.65),
            green(rng, warm=0.35),
            Material("bark", linear(0.8, 0.68, 0.55), 0.4, 0.9),
            tuple(rng.random(101).tolist()),
        )

    return sampler


FAMILY = Family(
    name="plant",
    label="plant",
    stands="floor",
    styles={style: _sampler(style) for style in ("ficus", "monstera", "palm", "snake", "dracaena", "cactus")},
    unseen=("cactus",),
    build=build,
)
