"""Armchairs: club, wing, wooden, barrel, and egg chairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler, batch
from maquette.worlds.assets.joinery import board, boards, legs
from maquette.worlds.assets.sofa import block, roll
from maquette.worlds.assets.softs import padded, pillow, sheet, tipped
from maquette.worlds.assets.solids import cylinder, grounded, lathe, loft, posed, scaled
from maquette.worlds.materials import fabric, leather, metal, wood
from maquette.worlds.types import Asset, Floats, Material, Part

Style = Literal["club", "wing", "wooden", "barrel", "egg"]


@dataclass(frozen=True)
class Armchair:
    """An armchair.

    Attributes:
        style: Its shape.
        width_m: Of the whole, along x.
        depth_m: Of the whole, along z.
        seat_m: Height of the seat.
        arm_height_m: To the upper side of the arms.
        back_m: Height of the back.
        foot_m: Height of the feet.
        cover: Material of the upholstery.
        frame: Material of feet and frame.
        accent: Material of a pillow; None leaves it out.
    """

    style: Style
    width_m: float
    depth_m: float
    seat_m: float
    arm_height_m: float
    back_m: float
    foot_m: float
    cover: Material
    frame: Material
    accent: Material | None


def build(chair: Armchair) -> Asset:
    """Make an armchair."""
    shapes: dict[Style, Callable[[Armchair], list[Part]]] = {
        "club": _club,
        "wing": _wing,
        "wooden": _wooden,
        "barrel": _barrel,
        "egg": _egg,
    }
    parts = shapes[chair.style](chair)
    if chair.accent is not None:
        place = (0.0, chair.seat_m + 0.19, -chair.depth_m / 2 + 0.36)
        parts.append(posed(pillow((0.4, 0.13, 0.36), chair.accent, steps=6), tipped(place, 1.2)))
    return Asset("armchair", chair.style, grounded(parts))


def _seat(chair: Armchair, half: float, thick: float = 0.14) -> list[Part]:
    deep = chair.depth_m / 2
    low = chair.seat_m - thick
    return [
        block((-half - 0.01, chair.foot_m, -deep + 0.05), (half + 0.01, low + 0.005, deep - 0.03), chair.cover),
        block((-half + 0.004, low, -deep + 0.18), (half - 0.004, chair.seat_m, deep), chair.cover, crown_m=0.025),
    ]


def _feet(chair: Armchair, inset: float = 0.08) -> Part:
    x, z = chair.width_m / 2 - inset, chair.depth_m / 2 - inset
    return legs(x, z, chair.foot_m + 0.01, chair.frame, width_m=0.045, foot_m=0.028, splay_m=0.02)


def _back(chair: Armchair, half: float, lean: float = 1.42) -> Part:
    tall = chair.back_m - chair.seat_m + 0.1
    soft = padded((0.0, 0.0, 0.0), (2 * half, 0.15, tall), chair.cover, radius_m=0.055, crown_m=0.03)
    return posed(soft, tipped((0.0, chair.seat_m - 0.1 + tall / 2, -chair.depth_m / 2 + 0.14), lean))


def _club(chair: Armchair) -> list[Part]:
    arm, deep = 0.17, chair.depth_m / 2
    half = chair.width_m / 2 - arm
    parts = [*_seat(chair, half), _back(chair, half - 0.004, 1.5), _feet(chair)]
    for side in (-1, 1):
        a, b = sorted((side * half, side * (half + arm)))
        top = chair.arm_height_m - 0.075
        parts.append(block((a, chair.foot_m, -deep + 0.02), (b, top, deep - 0.04), chair.cover))
        parts.append(
            roll((side * (half + arm / 2), top, -deep + 0.01), (0.0, 0.0, 2 * deep - 0.03), 0.088, chair.cover)
        )
    rear = block((-half - 0.02, chair.foot_m, -deep), (half + 0.02, chair.back_m - 0.08, -deep + 0.1), chair.cover)
    return [*parts, rear]


def _wing(chair: Armchair) -> list[Part]:
    arm, deep = 0.1, chair.depth_m / 2
    half = chair.width_m / 2 - arm
    parts = [*_seat(chair, half), _back(chair, half + 0.02, 1.45), _feet(chair)]
    for side in (-1, 1):
        a, b = sorted((side * half, side * (half + arm)))
        parts.append(block((a, chair.foot_m, -deep + 0.05), (b, chair.arm_height_m - 0.05, deep - 0.06), chair.cover))
        start = (side * (half + arm / 2), chair.arm_height_m - 0.055, -deep + 0.08)
        parts.append(roll(start, (0.0, 0.0, 2 * deep - 0.13), 0.06, chair.cover))
        rise = np.linspace(chair.arm_height_m - 0.06, chair.back_m, 6)
        reach = 0.26 * np.array([0.75, 0.85, 1.0, 1.05, 0.85, 0.45])
        rings = []
        for y, long in zip(rise, reach, strict=True):
            back = -deep + 0.08 - 0.13 * (y - chair.seat_m)
            turn = np.arange(10) * (2 * np.pi / 10)
            x = side * (half + arm * 0.45 + 0.12 * (y - chair.arm_height_m)) + 0.035 * np.sin(turn)
            z = back + long / 2 + long / 2 * np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.6
            rings.append(np.column_stack([x, np.full(10, y), z]))
        parts.append(loft(np.array(rings), chair.cover))
    return parts


def _wooden(chair: Armchair) -> list[Part]:
    half, deep = chair.width_m / 2 - 0.06, chair.depth_m / 2
    low = chair.seat_m - 0.11
    parts = [
        block((-half + 0.01, low, -deep + 0.1), (half - 0.01, chair.seat_m, deep - 0.03), chair.cover, crown_m=0.02),
        _back(chair, half - 0.02, 1.3),
        board((-half, low - 0.05, -deep + 0.12), (half, low, deep - 0.06), chair.frame),
    ]
    for side in (-1, 1):
        x = side * (half + 0.022)
        front = np.array([(x, 0.0, deep - 0.03), (x, 0.0, -deep + 0.02)])
        heads = np.array([(x, chair.arm_height_m - 0.02, deep - 0.09), (x, chair.arm_height_m - 0.02, -deep + 0.12)])
        parts.append(batch.sticks(front, heads, (0.014, 0.021), chair.frame, sides=10))
        arm = boards([(x, chair.arm_height_m, 0.0)], (0.07, 0.03, chair.depth_m - 0.12), chair.frame, bevel_m=0.011)
        parts.append(arm)
    return parts


def _barrel(chair: Armchair) -> list[Part]:
    radius = chair.width_m / 2
    turn = np.linspace(-0.8, np.pi + 0.8, 17)
    parts = []
    rings = []
    for angle in turn:
        rise = 0.5 - 0.5 * np.cos(2 * np.clip((np.sin(angle) + 0.2) / 1.2, 0.0, 1.0) * np.pi / 2)
        top = chair.arm_height_m + (chair.back_m - chair.arm_height_m) * rise
        section = np.arange(12) * (2 * np.pi / 12)
        out = 0.065 * np.sign(np.sin(section)) * np.abs(np.sin(section)) ** 0.7
        middle, tall = (chair.foot_m + top) / 2, (top - chair.foot_m) / 2
        y = middle - tall * np.sign(np.cos(section)) * np.abs(np.cos(section)) ** 0.35
        far = radius - 0.065 + out
        rings.append(np.column_stack([far * np.cos(angle), y, -far * np.sin(angle)]))
    parts.append(loft(np.array(rings)[:, ::-1], chair.cover))
    disc = lathe([(0.94, 0.0), (1.0, 0.05), (1.0, 0.9), (0.93, 1.0)], chair.cover, sides=24)
    inner = radius - 0.11
    low = chair.seat_m - 0.13
    parts.append(_stretched(disc, inner, low - chair.foot_m - 0.02, chair.foot_m + 0.02))
    parts.append(_stretched(disc, inner + 0.015, 0.13, low))
    parts.append(legs(radius * 0.6, radius * 0.6, chair.foot_m + 0.04, chair.frame, width_m=0.045, foot_m=0.028))
    return parts


def _stretched(disc: Part, radius: float, tall: float, low: float) -> Part:
    return scaled(disc, (radius, tall, radius), (0.0, low, 0.0))


def _egg(chair: Armchair) -> list[Part]:
    rise, side = np.linspace(-0.2, 1.0, 10), np.linspace(-1.0, 1.0, 15)
    v, u = np.meshgrid(rise, side, indexing="ij")
    half, tall = chair.width_m / 2, chair.back_m - chair.seat_m + 0.1
    wide = np.sqrt(1 - (0.85 * v - 0.1) ** 2)
    angle = u * (2.05 - 0.75 * np.clip(v, 0.0, 1.0))

    def shell(inset: float) -> Floats:
        x = (half - inset) * wide * np.sin(angle)
        z = -(half - inset) * wide * np.cos(angle) * (0.95 - 0.1 * v) - 0.1 * np.clip(v, 0.0, 1.0)
        y = chair.seat_m - 0.06 + v * tall * (1 - 0.2 * np.abs(u) ** 1.5 * np.clip(v, 0.0, 1.0))
        return np.stack([x, y, z], axis=-1)

    parts = [sheet(shell(0.05), shell(0.0), chair.cover)]
    soft = lathe(
        [(0.86, -0.16), (0.97, -0.1), (1.0, -0.04), (0.97, 0.02), (0.7, 0.05), (0.3, 0.06)], chair.cover, sides=20
    )
    parts.append(posed(_stretched(soft, half * 0.93, 1.0, 0.0), tipped((0.0, chair.seat_m, 0.0), -0.06)))
    bowl = lathe([(0.25, -0.2), (0.6, -0.17), (0.92, -0.08), (0.95, -0.04)], chair.cover, sides=20)
    parts.append(_stretched(bowl, half, 1.0, chair.seat_m - 0.01))
    parts.append(cylinder((0.0, 0.03, 0.0), chair.seat_m - 0.22, 0.025, chair.frame))
    arms = np.array([(np.cos(a), 0.0, np.sin(a)) for a in np.arange(4) * np.pi / 2 + np.pi / 4])
    parts.append(
        batch.sticks(
            arms * 0.02 + (0, 0.05, 0), arms * half * 0.85 + (0, 0.016, 0), (0.022, 0.014), chair.frame, sides=8
        )
    )
    return parts


def _sampler(style: Style) -> Sampler:
    def sampler(rng: np.random.Generator) -> Armchair:
        seat = rng.uniform(0.4, 0.46)
        high = style in ("wing", "egg")
        return Armchair(
            style,
            rng.uniform(0.68, 0.84),
            rng.uniform(0.7, 0.82),
            seat,
            seat + rng.uniform(0.16, 0.22),
            rng.uniform(1.02, 1.15) if high else rng.uniform(0.74, 0.86),
            rng.uniform(0.08, 0.18),
            leather(rng) if rng.random() < 0.3 else fabric(rng),
            metal(rng) if style == "egg" else wood(rng),
            fabric(rng) if rng.random() < 0.35 else None,
        )

    return sampler


FAMILY = Family(
    name="armchair",
    label="armchair",
    stands="floor",
    styles={style: _sampler(style) for style in ("club", "wing", "wooden", "barrel", "egg")},
    unseen=("egg",),
    build=build,
)
