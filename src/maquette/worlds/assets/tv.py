"""Televisions that stand: flat ones on a foot or on two, monitors, tubes, and old ones in wood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler, batch
from maquette.worlds.assets.joinery import AHEAD, board, boards, standing
from maquette.worlds.assets.picture import canvas, frame
from maquette.worlds.assets.solids import cylinder, hull, lathe, moved, scaled
from maquette.worlds.materials import Rng, grey, linear, wood
from maquette.worlds.types import Asset, Material, Part

Style = Literal["foot", "feet", "monitor", "tube", "wooden"]

_BLACK = Material("plain", grey(0.09), roughness=0.45)
_STEEL = Material("brushed", grey(0.7), 0.3, 0.35, metallic=1.0)


@dataclass(frozen=True)
class Tv:
    """A television or a monitor.

    Attributes:
        style: How it is built and stands.
        width_m: Of the screen with its rim.
        height_m: Of the screen with its rim.
        rim_m: Width of the rim.
        stand_m: From the foot to the rim.
        screen: Material of the picture, or of the dark glass.
        case: Material of rim and case.
        foot: Material of the foot.
    """

    style: Style
    width_m: float
    height_m: float
    rim_m: float
    stand_m: float
    screen: Material
    case: Material
    foot: Material


def build(tv: Tv) -> Asset:
    """Make a television."""
    shapes: dict[Style, Callable[[Tv], list[Part]]] = {
        "foot": _foot,
        "feet": _feet,
        "monitor": _monitor,
        "tube": _tube,
        "wooden": _wooden,
    }
    return standing("tv", tv.style, shapes[tv.style](tv))


def flat_screen(tv: Tv) -> list[Part]:
    """A flat screen around the origin, its front at z = 0."""
    x, y = tv.width_m / 2, tv.height_m / 2
    rim = frame((-x, -y, x, y), tv.rim_m, ((0.0, 0.018), (0.1, 0.02), (0.95, 0.02), (1.0, 0.017)), tv.case)
    panel = canvas(tv.width_m - 2 * tv.rim_m + 0.002, tv.height_m - 2 * tv.rim_m + 0.002, 0.015, tv.screen)
    back = boards([(0.0, -0.1 * y, -0.0155)], (1.5 * x, 1.3 * y, 0.031), tv.case, bevel_m=0.012)
    return [moved(part, (0.0, 0.0, -0.02)) for part in (rim, panel, back)]


def _raised(tv: Tv) -> list[Part]:
    return [moved(part, (0.0, tv.stand_m + tv.height_m / 2, 0.0)) for part in flat_screen(tv)]


def _foot(tv: Tv) -> list[Part]:
    base = scaled(lathe([(1.0, 0.0), (1.0, 0.6), (0.93, 1.0)], tv.foot, sides=28), (0.2 * tv.width_m, 0.012, 0.11))
    neck = board((-0.05, 0.011, -0.05), (0.05, tv.stand_m + 0.12, -0.03), tv.foot)
    return [*_raised(tv), moved(base, (0.0, 0.0, -0.02)), neck]


def _feet(tv: Tv) -> list[Part]:
    x = 0.36 * tv.width_m
    tops = [(s * x, tv.stand_m + 0.02, -0.03) for s in (-1, 1) for _ in range(2)]
    toes = [(s * (x + 0.02), 0.008, z) for s in (-1, 1) for z in (-0.14, 0.11)]
    return [*_raised(tv), batch.sticks(toes, tops, (0.008, 0.009), tv.foot, sides=8)]


def _monitor(tv: Tv) -> list[Part]:
    plate = boards([(0.0, 0.006, -0.07)], (0.24, 0.012, 0.2), tv.foot, bevel_m=0.005)
    post = cylinder((0.0, 0.011, -0.1), tv.stand_m + 0.45 * tv.height_m, 0.02, tv.foot)
    arm = board((-0.03, tv.stand_m + 0.35 * tv.height_m, -0.1), (0.03, tv.stand_m + 0.45 * tv.height_m, -0.04), tv.foot)
    return [*_raised(tv), plate, post, arm]


def _bulge(tv: Tv, wide: float, high: float, x: float, y: float, z: float) -> Part:
    """A tube's curved glass."""
    across = np.linspace(-1.0, 1.0, 9)
    u, v = np.meshgrid(across, across)
    points = np.stack([u * wide / 2, v * high / 2, 0.022 * (1 - 0.5 * (u**2 + v**2))], axis=-1).reshape(-1, 3)
    back = np.array([(sx * wide / 2, sy * high / 2, -0.01) for sx in (-1, 1) for sy in (-1, 1)])
    part = hull(np.concatenate([points, back]) + np.array([x, y, z]), tv.screen, smooth=True)
    uv = (part.vertices[:, :2] - (x, y)) / max(wide, high) + 0.5
    return replace(part, uv=uv.astype(np.float32))


def _cabinet(tv: Tv, low: float, deep: float) -> list[Part]:
    """A case whose front is at z = 0, and the funnel behind it."""
    x, y = tv.width_m / 2, tv.height_m
    front = board((-x, low, -0.18), (x, low + y, -0.012), tv.case)
    rear = [
        (sx * k * x, low + y * h, -z)
        for sx in (-1, 1)
        for k, z, hs in ((0.96, 0.18, (0.03, 0.95)), (0.55, deep, (0.08, 0.7)))
        for h in hs
    ]
    return [front, hull(rear, tv.case)]


def _tube(tv: Tv) -> list[Part]:
    x, rim = tv.width_m / 2, tv.rim_m
    chin = 0.08
    face = frame(
        (-x, 0.02, x, tv.height_m + 0.02), rim, ((0.0, 0.0), (0.15, 0.012), (0.6, 0.012), (1.0, 0.002)), tv.case
    )
    wide, high = tv.width_m - 2 * rim, tv.height_m - rim - chin
    parts = [*_cabinet(tv, 0.02, 0.42), moved(face, (0.0, 0.0, -0.012))]
    parts.append(_bulge(tv, wide + 0.002, high, 0.0, 0.02 + chin + high / 2, -0.014))
    panel = board((-x + rim, 0.02 + rim * 0.9, -0.014), (x - rim, 0.02 + chin - 0.004, -0.004), tv.case)
    buttons = boards(
        [(0.3 * x + 0.03 * n, 0.02 + chin * 0.65, -0.003) for n in range(4)],
        (0.016, 0.01, 0.006),
        tv.foot,
        bevel_m=0.001,
    )
    feet = boards([(sx * 0.7 * x, 0.0105, -0.09) for sx in (-1, 1)], (0.06, 0.021, 0.14), tv.foot)
    return [*parts, panel, buttons, feet]


def _wooden(tv: Tv) -> list[Part]:
    x, low = tv.width_m / 2, 0.09
    wide, high = 0.68 * tv.width_m, tv.height_m - 0.09
    left = -x + 0.04 + wide / 2
    ring = frame(
        (left - wide / 2 - 0.012, low + 0.033, left + wide / 2 + 0.012, low + 0.057 + high),
        0.018,
        ((0.0, 0.008), (0.5, 0.014), (1.0, 0.004)),
        _STEEL,
    )
    parts = [*_cabinet(tv, low, 0.4), moved(ring, (0.0, 0.0, -0.012))]
    parts.append(_bulge(tv, wide, high, left, low + 0.045 + high / 2, -0.014))
    right = (left + wide / 2 + 0.012 + x) / 2
    tall = low + tv.height_m
    dials = np.array([(right, tall - 0.08, -0.012), (right, tall - 0.17, -0.012)])
    parts.append(batch.sticks(dials, dials + 0.022 * AHEAD, (0.032, 0.027), _BLACK, sides=14))
    slots = [(right, y, -0.011) for y in np.arange(low + 0.05, tall - 0.24, 0.016)]
    if slots:
        parts.append(boards(slots, (2 * (x - right) * 0.7, 0.007, 0.004), _BLACK, bevel_m=0.001))
    heads = [(sx * 0.75 * x, low + 0.005, z) for sx in (-1, 1) for z in (-0.04, -0.16)]
    feet = [(sx * 0.85 * x, 0.0, z) for sx in (-1, 1) for z in (-0.01, -0.19)]
    return [*parts, batch.sticks(feet, heads, (0.008, 0.014), tv.foot, sides=8)]


def screen_of(rng: Rng, *, on: float = 0.5) -> Material:
    """A screen that is off, or shows something."""
    if rng.random() >= on:
        return Material("plain", linear(0.08, 0.085, 0.1), roughness=0.12)
    shown = ("view_garden", "view_city", "picture_b", "screen")[rng.integers(4)]
    return Material(shown, (1.0, 1.0, 1.0), roughness=0.2, emission=rng.uniform(0.6, 1.0))


def _sampler(style: Style) -> Sampler:
    def sampler(rng: np.random.Generator) -> Tv:
        old = style in ("tube", "wooden")
        width = {"monitor": (0.5, 0.65), "tube": (0.5, 0.68), "wooden": (0.55, 0.7)}.get(style, (0.85, 1.3))
        wide = rng.uniform(*width)
        dark = Material(
            "plain", grey(rng.choice([0.07, 0.12, 0.45] if style == "tube" else [0.06, 0.1])), roughness=0.4
        )
        show = screen_of(rng, on=0.35 if old else 0.5)
        return Tv(
            style,
            wide,
            wide * (0.76 if style == "tube" else 0.62 if style == "wooden" else 0.57),
            rng.uniform(0.035, 0.05) if old else rng.uniform(0.008, 0.02),
            rng.uniform(0.1, 0.16) if style == "monitor" else rng.uniform(0.05, 0.08),
            Material("screen", (1.0, 1.0, 1.0), roughness=0.2, emission=0.8)
            if style == "monitor" and rng.random() < 0.6
            else show,
            wood(rng) if style == "wooden" else dark,
            _STEEL if not old and rng.random() < 0.5 else _BLACK,
        )

    return sampler


FAMILY = Family(
    name="tv",
    label="tv",
    stands="surface",
    styles={style: _sampler(style) for style in ("foot", "feet", "monitor", "tube", "wooden")},
    unseen=("wooden",),
    build=build,
)
