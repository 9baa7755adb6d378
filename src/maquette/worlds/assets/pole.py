"""Poles: street lamps, traffic lights, signs, telegraph poles and bollards."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler
from maquette.worlds.assets.batch import boxes, sticks
from maquette.worlds.assets.solids import box, extruded, lathe, moved, tube
from maquette.worlds.materials import grey, linear
from maquette.worlds.types import Asset, Material, Part

Style = Literal["lantern", "lamp", "traffic_light", "sign", "telegraph", "bollard"]
Sign = Literal["round", "triangle", "octagon", "square"]


@dataclass(frozen=True)
class Pole:
    """Something on a pole; what it shows looks along +Z.

    Attributes:
        style: Its kind.
        height_m: To its top.
        radius_m: Of the pole at its foot.
        sign: Shape of a sign.
        material: Of the pole.
        face: Colour of a sign, or glass of a lamp.
    """

    style: Style
    height_m: float
    radius_m: float
    sign: Sign
    material: Material
    face: Material


def build(pole: Pole) -> Asset:
    """Make a pole."""
    makers = {
        "lantern": _lantern, "lamp": _lamp, "traffic_light": _traffic_light, "sign": _sign,
        "telegraph": _telegraph, "bollard": _bollard,
    }  # fmt: skip
    return Asset("pole", pole.style, tuple(makers[pole.style](pole)))


def _shaft(pole: Pole, top: float, taper: float = 0.75) -> Part:
    return sticks([(0.0, 0.0, 0.0)], [(0.0, top, 0.0)], (pole.radius_m, pole.radius_m * taper), pole.material, sides=10)


def _foot(pole: Pole) -> Part:
    r = pole.radius_m
    return lathe(
        [(r * 2.0, 0.0), (r * 2.0, 0.06), (r * 1.5, 0.12), (r * 1.4, 0.5), (r * 1.02, 0.62)], pole.material, sides=10
    )


def _lantern(pole: Pole) -> list[Part]:
    top = pole.height_m - 0.75
    glass = moved(lathe([(0.1, 0.0), (0.2, 0.48)], pole.face, sides=6, smooth=False), (0.0, top + 0.06, 0.0))
    hat = moved(
        lathe([(0.25, 0.0), (0.12, 0.14), (0.03, 0.18), (0.0, 0.21)], pole.material, sides=6, smooth=False),
        (0.0, top + 0.54, 0.0),
    )
    cup = moved(lathe([(0.05, 0.0), (0.13, 0.06)], pole.material, sides=6, smooth=False), (0.0, top, 0.0))
    return [_foot(pole), _shaft(pole, top + 0.01), cup, glass, hat]


def _lamp(pole: Pole) -> list[Part]:
    reach = 0.2 * pole.height_m
    bend = pole.height_m - 0.09
    path = [(0.0, bend - 0.9, 0.0), (0.0, bend - 0.35, 0.08), (0.0, bend - 0.08, 0.4), (0.0, bend, reach)]
    arm = tube(path, pole.radius_m * 0.62, pole.material, sides=7)
    head = box((0.0, bend, reach + 0.28), (0.26, 0.12, 0.68), pole.material, bevel_m=0.04)
    lens = box((0.0, bend - 0.065, reach + 0.3), (0.18, 0.03, 0.5), pole.face)
    return [_foot(pole), _shaft(pole, bend - 0.8), arm, head, lens]


def _traffic_light(pole: Pole) -> list[Part]:
    black = Material("plain", grey(0.1), 1.0, 0.6)
    high = pole.height_m - 0.52
    case = box((0.0, high, 0.13), (0.3, 0.95, 0.22), black, bevel_m=0.02)
    levels = (high + 0.3, high, high - 0.3)
    visors = sticks(
        [(0.0, y + 0.01, 0.2) for y in levels], [(0.0, y + 0.01, 0.34) for y in levels], (0.12, 0.12), black, sides=12
    )
    parts = [_shaft(pole, pole.height_m - 0.2, 0.95), _foot(pole), case, visors]
    lit = int(pole.height_m * 1000) % 3
    for n, (y, color) in enumerate(zip(levels, ((0.85, 0.1, 0.08), (0.9, 0.6, 0.1), (0.1, 0.75, 0.3)), strict=True)):
        lens = Material("plain", linear(*color), 1.0, 0.3, emission=2.0 if n == lit else 0.0)
        if n != lit:
            lens = Material("plain", linear(*(0.35 * c for c in color)), 1.0, 0.3)
        parts.append(sticks([(0.0, y, 0.3)], [(0.0, y, 0.345)], (0.1, 0.1), lens, sides=12))
    return parts


def _sign(pole: Pole) -> list[Part]:
    radius = 0.32
    middle = pole.height_m - radius
    sides, turn = {
        "round": (20, 0.0),
        "triangle": (3, math.pi / 2),
        "octagon": (8, math.pi / 8),
        "square": (4, math.pi / 4),
    }[pole.sign]
    angle = np.arange(sides) * (2 * math.pi / sides) + turn
    outline = np.column_stack([np.cos(angle), np.sin(angle)])
    white = Material("plain", grey(0.92), 1.0, 0.45)
    inner = 0.84 if pole.sign in ("octagon", "square") else 0.72
    first, second = (pole.face, white) if pole.sign != "octagon" else (white, pole.face)
    at = (0.0, middle, pole.radius_m + 0.012)
    plate = moved(extruded(outline * radius, 0.02, first), at)
    field = moved(extruded(outline * radius * inner, 0.02, second), (0.0, middle, at[2] + 0.006))
    bar = box(
        (0.0, middle, at[2] + 0.01),
        (0.34, 0.09, 0.022),
        white if pole.sign == "octagon" else Material("plain", grey(0.1)),
    )
    return [_shaft(pole, pole.height_m - 0.06, 1.0), plate, field, bar]


def _telegraph(pole: Pole) -> list[Part]:
    arms = [pole.height_m - 0.4, pole.height_m - 1.0]
    beams = boxes([(0.0, y, 0.0) for y in arms], (1.8, 0.1, 0.12), pole.material)
    feet = np.array([(x, y + 0.05, 0.0) for y in arms for x in (-0.8, -0.45, 0.45, 0.8)])
    insulators = sticks(
        feet,
        feet + np.array([0.0, 0.18, 0.0]),
        (0.04, 0.055),
        Material("plain", linear(0.75, 0.8, 0.78), 1.0, 0.2),
        sides=7,
    )
    return [_shaft(pole, pole.height_m, 0.7), beams, insulators]


def _bollard(pole: Pole) -> list[Part]:
    r, h = pole.radius_m, pole.height_m
    body = lathe(
        [
            (r * 1.2, 0.0),
            (r * 1.2, 0.05),
            (r, 0.08),
            (r * 0.9, h * 0.8),
            (r * 1.1, h * 0.82),
            (r * 1.1, h * 0.9),
            (r * 0.5, h),
            (0.0, h),
        ],
        pole.material,
        sides=12,
    )
    band = sticks([(0.0, h * 0.62, 0.0)], [(0.0, h * 0.74, 0.0)], (r * 0.97, r * 0.97), pole.face, sides=12)
    return [body, band]


def _style(style: Style, height: tuple[float, float], radius: float) -> Sampler:
    def sampler(rng: np.random.Generator) -> Pole:
        dark = rng.random() < 0.5
        material = Material("plain", grey(rng.uniform(0.1, 0.2) if dark else rng.uniform(0.5, 0.65)), 1.0, 0.55)
        face = Material("plain", (0.95, 0.93, 0.85), 1.0, 0.3)
        if style == "telegraph":
            material = Material("bark", (1.1, 0.95, 0.8), 0.7, 0.95)
        kinds: tuple[Sign, ...] = ("round", "triangle", "octagon", "square")
        sign = kinds[rng.integers(4)]
        if style == "sign":
            face = Material("plain", linear(0.1, 0.25, 0.6) if sign == "square" else linear(0.75, 0.08, 0.08), 1.0, 0.4)
            material = Material("plain", grey(0.6), 1.0, 0.5)
        return Pole(style, rng.uniform(*height), radius * rng.uniform(0.9, 1.1), sign, material, face)

    return sampler


FAMILY = Family(
    name="pole",
    label="object",
    stands="ground",
    styles={
        "lantern": _style("lantern", (3.2, 4.2), 0.06),
        "lamp": _style("lamp", (5.5, 8.0), 0.09),
        "traffic_light": _style("traffic_light", (2.9, 3.4), 0.06),
        "sign": _style("sign", (2.3, 2.8), 0.035),
        "telegraph": _style("telegraph", (7.0, 9.0), 0.15),
        "bollard": _style("bollard", (0.8, 1.0), 0.08),
    },
    unseen=("lantern",),
    build=build,
)
