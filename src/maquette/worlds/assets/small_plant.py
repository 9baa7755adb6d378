"""Plants for tables and sills: succulents, herbs, cut flowers, cacti and ferns."""

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
from maquette.worlds.assets.plant import column
from maquette.worlds.assets.solids import ball, lathe
from maquette.worlds.materials import glass, hue, muted
from maquette.worlds.types import Asset, Material, Part

Style = Literal["succulent", "herb", "flowers", "cactus", "fern"]


@dataclass(frozen=True)
class SmallPlant:
    """A plant for a table.

    Attributes:
        style: Its kind.
        height_m: Of the whole.
        pot: Shape of the pot.
        pot_radius_m: Of the pot or vase.
        pot_height_m: Of the pot or vase.
        clay: Material of the pot or vase.
        light: Material of one half of the leaves.
        dark: Material of the other, and of stems.
        bloom: Material of the flowers.
        growth: Random numbers from 0 to 1 that tell how it has grown.
    """

    style: Style
    height_m: float
    pot: PotShape
    pot_radius_m: float
    pot_height_m: float
    clay: Material
    light: Material
    dark: Material
    bloom: Material
    growth: tuple[float, ...]

    @property
    def soil_m(self) -> float:
        """Height of the earth in the pot."""
        return self.pot_height_m * 0.9


def build(plant: SmallPlant) -> Asset:
    """Make a small plant."""
    shapes: dict[Style, Callable[[SmallPlant], list[Part]]] = {
        "succulent": _succulent,
        "herb": _herb,
        "flowers": _flowers,
        "cactus": _cactus,
        "fern": _fern,
    }
    vessel = [] if plant.style == "flowers" else pot(plant.pot, plant.pot_radius_m, plant.pot_height_m, plant.clay)
    return standing("small_plant", plant.style, [*vessel, *shapes[plant.style](plant)])


def _succulent(plant: SmallPlant) -> list[Part]:
    count = 34
    n = np.arange(count)
    rise = 0.1 + 1.25 * (n / count) ** 1.2
    base = np.tile((0.0, plant.soil_m, 0.0), (count, 1)) + UP * (0.03 * n / count)[:, None]
    long = plant.pot_radius_m * (1.25 - 0.65 * n / count)
    up = np.tile(UP, (count, 1))
    halves = (n % 2 == 0, n % 2 == 1)
    return [
        leaves(
            base[half], around(n * GOLDEN, rise)[half], up[half], long[half], long[half] * 0.45, material, droop=-0.15
        )
        for half, material in zip(halves, (plant.light, plant.dark), strict=True)
    ]


def _herb(plant: SmallPlant) -> list[Part]:
    stems, each = 9, 8
    n = np.arange(stems)
    foot = around(n * GOLDEN, 0.0) * (plant.pot_radius_m * 0.5 * np.sqrt(n / stems))[:, None] + UP * plant.soil_m
    crown = plant.height_m - plant.soil_m
    lean = 1.45 - 0.45 * np.sqrt(n / stems)
    way = around(n * GOLDEN, lean) * (crown * (0.75 + 0.2 * draws(plant.growth, stems, 3)))[:, None]
    parts = [batch.sticks(foot, foot + way, (0.0025, 0.0015), plant.dark, sides=5)]
    share = np.linspace(0.35, 1.0, each)
    base = (foot[:, None] + way[:, None] * share[:, None]).reshape(-1, 3)
    turn = (n[:, None] + np.arange(each) * (np.pi / 2)).ravel()
    long = (0.028 + 0.03 * draws(plant.growth, stems * each, 13)) * crown / 0.16
    light = draws(plant.growth, stems * each, 29) > 0.5
    up = np.tile(UP, (stems * each, 1))
    for half, material in ((light, plant.light), (~light, plant.dark)):
        out = around(turn, 0.35)[half]
        parts.append(leaves(base[half], out, up[half], long[half], long[half] * 0.6, material, droop=0.2))
    return parts


def _flowers(plant: SmallPlant) -> list[Part]:
    profile = [(0.6, 0.0), (0.7, 0.04), (0.95, 0.35), (0.9, 0.55), (0.5, 0.85), (0.62, 1.0)]
    high = plant.pot_height_m * 1.5
    vase = lathe([(r * plant.pot_radius_m * 0.8, y * high) for r, y in profile], plant.clay, sides=20)
    count = 9
    n = np.arange(count)
    rise = 1.45 - 0.75 * np.sqrt((n + 0.3) / count)
    foot = np.tile((0.0, high * 0.97, 0.0), (count, 1)) + around(n * GOLDEN, 0.0) * plant.pot_radius_m * 0.2
    reach = (plant.height_m + 0.05 - high) * (0.85 + 0.2 * draws(plant.growth, count, 5))
    head = foot + around(n * GOLDEN, rise) * reach[:, None]
    parts = [vase, batch.sticks(foot, head, (0.0025, 0.002), plant.dark, sides=5)]
    each = 8
    turn = np.tile(np.arange(each) * 2 * np.pi / each, count)
    base, face = np.repeat(head, each, axis=0), np.repeat(around(n * GOLDEN, rise - 0.4), each, axis=0)
    across = np.cross(face, UP)
    across /= np.linalg.norm(across, axis=1)[:, None]
    petal = 0.4 * face + np.cos(turn)[:, None] * across + np.sin(turn)[:, None] * np.cross(face, across)
    size = np.repeat(0.034 + 0.016 * draws(plant.growth, count, 17), each)
    parts.append(leaves(base, petal, face, size, size * 0.7, plant.bloom, droop=0.1))
    parts += [ball((x, y + 0.003, z), (0.009, 0.006, 0.009), plant.light, sides=8) for x, y, z in head]
    middle = foot + (head - foot) * 0.4
    parts.append(
        leaves(middle, around(n * GOLDEN + 1.0, 0.6), np.tile(UP, (count, 1)), 0.1, 0.03, plant.dark, droop=0.3)
    )
    return parts


def _cactus(plant: SmallPlant) -> list[Part]:
    crown, base = plant.height_m - plant.soil_m, np.array([0.0, plant.soil_m - 0.005, 0.0])
    radius = plant.pot_radius_m * (0.4 + 0.3 * plant.growth[0])
    tall = min(crown, radius * 5.0)
    parts = [column(base, tall, radius, plant.dark, ribs=10)]
    if plant.growth[1] > 0.4:
        parts.append(ball((0.0, plant.soil_m + tall, 0.0), (0.014, 0.01, 0.014), plant.bloom, sides=10))
    return parts


def _fern(plant: SmallPlant) -> list[Part]:
    fronds, pairs = 11, 5
    n = np.arange(fronds)
    turn = n * GOLDEN
    reach = (plant.height_m - plant.soil_m) * (0.75 + 0.35 * draws(plant.growth, fronds, 7))
    t = np.linspace(0.15, 1.0, pairs)
    out = around(turn, 0.0)
    lift = (1.15 - 0.6 * n / fronds)[:, None]
    along = reach[:, None] * t * 1.25
    height = reach[:, None] * (1.25 * lift * t - 0.95 * lift * t**2)
    spine = out[:, None] * along[..., None] + UP * (plant.soil_m + height)[..., None]
    ahead = np.gradient(spine, axis=1)
    ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True)
    side = np.cross(UP, ahead)
    base = np.tile(spine.reshape(-1, 3), (2, 1))
    way = np.concatenate([(0.5 * ahead + side).reshape(-1, 3), (0.5 * ahead - side).reshape(-1, 3)])
    size = np.tile((reach[:, None] * 0.34 * np.sin(np.pi * (0.2 + 0.75 * t))).ravel(), 2)
    crown = np.tile((0.0, plant.soil_m - 0.004, 0.0), (fronds, 1, 1))
    parts = [stems(np.concatenate([crown, spine[:, ::2]], axis=1), np.linspace(0.0018, 0.001, 4), plant.dark)]
    light = draws(plant.growth, len(base), 41) > 0.5
    up = np.tile(UP, (len(base), 1))
    for half, material in ((light, plant.light), (~light, plant.dark)):
        parts.append(leaves(base[half], way[half], up[half], size[half], size[half] * 0.42, material, droop=0.15))
    return parts


def _sampler(style: Style) -> Sampler:
    def sampler(rng: np.random.Generator) -> SmallPlant:
        shape = POTS[rng.integers(len(POTS))]
        pick = rng.random()
        ceramic = Material("plain", muted(rng), roughness=0.3)
        vase = glass(rng) if pick < 0.3 else ceramic
        pot_height = rng.uniform(0.08, 0.13)
        return SmallPlant(
            style,
            pot_height + (rng.uniform(0.22, 0.3) if style == "flowers" else rng.uniform(0.1, 0.22)),
            shape,
            rng.uniform(0.05, 0.085),
            pot_height,
            vase if style == "flowers" else pot_material(rng, shape),
            green(rng, warm=0.7),
            green(rng, warm=0.35),
            Material("plain", hue(rng, (0.15, 0.8), (0.75, 0.97)), roughness=0.7),
            tuple(rng.random(101).tolist()),
        )

    return sampler


FAMILY = Family(
    name="small_plant",
    label="plant",
    stands="surface",
    styles={style: _sampler(style) for style in ("succulent", "herb", "flowers", "cactus", "fern")},
    unseen=("fern",),
    build=build,
)
