"""Sofas: square arms, rolled arms, chesterfields, corner sofas, and slim ones on a wooden frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler, batch
from maquette.worlds.assets.joinery import AHEAD, board, boards, legs, split
from maquette.worlds.assets.softs import padded, pillow, tipped
from maquette.worlds.assets.solids import Point, grounded, moved, posed, tube, turned
from maquette.worlds.materials import fabric, leather, metal, wood
from maquette.worlds.types import Asset, Material, Part

Style = Literal["square", "rolled", "chesterfield", "corner", "slim"]


@dataclass(frozen=True)
class Sofa:
    """A sofa.

    Attributes:
        style: What its arms and its frame are like.
        seats: How many sit side by side.
        seat_width_m: Of one seat.
        depth_m: Of the whole, along z.
        seat_m: Height of the seat.
        arm_m: Width of an arm.
        arm_height_m: To the upper side of an arm.
        back_m: Height of the back.
        foot_m: Height of the feet.
        long_side: Where a corner sofa's long seat is: -1 or 1 along x.
        cover: Material of the upholstery.
        frame: Material of feet and frame.
        accents: Materials of the loose pillows.
        slump: Phase that tells where the pillows lie.
    """

    style: Style
    seats: int
    seat_width_m: float
    depth_m: float
    seat_m: float
    arm_m: float
    arm_height_m: float
    back_m: float
    foot_m: float
    long_side: int
    cover: Material
    frame: Material
    accents: tuple[Material, ...]
    slump: float

    @property
    def inside_m(self) -> float:
        """Width between the arms."""
        return self.seats * self.seat_width_m


def build(sofa: Sofa) -> Asset:
    """Make a sofa."""
    shapes: dict[Style, Callable[[Sofa], list[Part]]] = {
        "square": _square,
        "rolled": _rolled,
        "chesterfield": _chesterfield,
        "corner": _corner,
        "slim": _slim,
    }
    return Asset("sofa", sofa.style, grounded([*shapes[sofa.style](sofa), *_loose(sofa)]))


def block(low: Point, high: Point, material: Material, *, radius_m: float = 0.035, crown_m: float = 0.0) -> Part:
    """A padded box between its least and its greatest corner."""
    a, b = np.array(low), np.array(high)
    x, y, z = (a + b) / 2
    width, height, depth = b - a
    return padded((x, y, z), (width, height, depth), material, radius_m=radius_m, crown_m=crown_m)


def cushions(sofa: Sofa, *, back: bool = True, thick_m: float = 0.14, lift_m: float = 0.0) -> list[Part]:
    """Seat cushions between the arms, and back cushions that lean against the back."""
    half, deep = sofa.inside_m / 2, sofa.depth_m / 2
    front, rear = deep - 0.01, -deep + 0.2
    parts = []
    for left, right in split(-half, half, sofa.seats, 0.008):
        low = (left + 0.003, sofa.seat_m - thick_m + lift_m, rear)
        parts.append(block(low, (right - 0.003, sofa.seat_m + lift_m, front), sofa.cover, radius_m=0.04, crown_m=0.02))
        if back:
            tall = sofa.back_m - sofa.seat_m + 0.02
            soft = padded((0.0, 0.0, 0.0), (right - left - 0.006, 0.15, tall), sofa.cover, radius_m=0.06, crown_m=0.03)
            place = ((left + right) / 2, sofa.seat_m + tall / 2 - 0.01, rear + 0.1)
            parts.append(posed(soft, tipped(place, 1.36)))
    return parts


def _loose(sofa: Sofa) -> list[Part]:
    half = sofa.inside_m / 2
    parts = []
    for at, material in enumerate(sofa.accents):
        side = -1 if (at + int(sofa.slump * 2)) % 2 else 1
        place = (side * (half - 0.26 - 0.3 * (at // 2)), sofa.seat_m + 0.215, -sofa.depth_m / 2 + 0.43)
        leaning = posed(pillow((0.44, 0.15, 0.44), material, steps=6), tipped((0.0, 0.0, 0.0), 1.15))
        parts.append(moved(turned(leaning, -side * (0.25 + 0.1 * np.sin(sofa.slump))), place))
    return parts


def _feet(sofa: Sofa) -> Part:
    x, z = sofa.inside_m / 2 + sofa.arm_m - 0.07, sofa.depth_m / 2 - 0.07
    return legs(x, z, sofa.foot_m + 0.01, sofa.frame, width_m=0.05, foot_m=0.03, splay_m=0.015)


def _body(sofa: Sofa, seat_cushion_m: float) -> list[Part]:
    half, deep = sofa.inside_m / 2, sofa.depth_m / 2
    under = sofa.seat_m - seat_cushion_m + 0.005
    base = block((-half - 0.02, sofa.foot_m, -deep + 0.02), (half + 0.02, under, deep - 0.03), sofa.cover)
    back = block((-half - 0.02, sofa.foot_m, -deep), (half + 0.02, sofa.back_m - 0.04, -deep + 0.19), sofa.cover)
    return [base, back, _feet(sofa)]


def _square(sofa: Sofa) -> list[Part]:
    half, deep = sofa.inside_m / 2, sofa.depth_m / 2
    arms = []
    for side in (-1, 1):
        inner, outer = sorted((side * half, side * (half + sofa.arm_m)))
        arms.append(block((inner, sofa.foot_m, -deep - 0.005), (outer, sofa.arm_height_m, deep), sofa.cover))
    return [*_body(sofa, 0.14), *arms, *cushions(sofa)]


def _rolled(sofa: Sofa) -> list[Part]:
    half, deep = sofa.inside_m / 2, sofa.depth_m / 2
    radius = sofa.arm_m * 0.55
    arms = []
    for side in (-1, 1):
        inner, outer = sorted((side * half, side * (half + sofa.arm_m * 0.8)))
        top = sofa.arm_height_m - radius
        arms.append(block((inner, sofa.foot_m, -deep + 0.02), (outer, top, deep - 0.02), sofa.cover))
        arms.append(
            roll(
                (side * (half + sofa.arm_m * 0.55), top, -deep + 0.01), (0.0, 0.0, 2 * deep - 0.01), radius, sofa.cover
            )
        )
    return [*_body(sofa, 0.14), *arms, *cushions(sofa)]


def roll(start: Point, way: Point, radius_m: float, material: Material) -> Part:
    """A stuffed roll, its ends slightly rounded."""
    at = np.array([0.0, 0.02, 0.1, 0.9, 0.98, 1.0])[:, None]
    radii = radius_m * np.array([0.86, 0.97, 1.0, 1.0, 0.97, 0.86])
    return tube(np.array(start) + at * np.array(way), list(radii), material, sides=16)


def _chesterfield(sofa: Sofa) -> list[Part]:
    half, deep = sofa.inside_m / 2, sofa.depth_m / 2
    radius, top = 0.085, sofa.arm_height_m - 0.085
    outer = half + sofa.arm_m * 0.7
    parts = [
        block((-outer, sofa.foot_m, -deep + 0.02), (outer, sofa.seat_m - 0.135, deep - 0.03), sofa.cover),
        block((-outer, sofa.seat_m - 0.2, -deep + 0.04), (outer, top, -deep + 0.2), sofa.cover),
        roll((-outer - 0.06, top, -deep + 0.1), (2 * outer + 0.12, 0.0, 0.0), radius, sofa.cover),
        _feet(sofa),
    ]
    for side in (-1, 1):
        a, b = sorted((side * half, side * outer))
        parts.append(block((a, sofa.seat_m - 0.2, -deep + 0.05), (b, top, deep - 0.04), sofa.cover))
        parts.append(
            roll((side * (half + sofa.arm_m * 0.5), top, -deep + 0.06), (0.0, 0.0, 2 * deep - 0.08), radius, sofa.cover)
        )
    columns = max(4, round(sofa.inside_m / 0.17))
    tufts = [
        (x + shift, y, -deep + 0.198)
        for y, shift in ((sofa.seat_m + 0.07, 0.0), (sofa.seat_m + 0.16, 0.5 * sofa.inside_m / columns))
        for x in np.linspace(-half + 0.08, half - 0.08, columns)[: columns - (shift > 0)]
    ]
    at = np.array(tufts)
    parts.append(batch.sticks(at, at + 0.012 * AHEAD, (0.017, 0.011), sofa.cover, sides=8))
    return [*parts, *cushions(sofa, back=False)]


def _corner(sofa: Sofa) -> list[Part]:
    half, deep = sofa.inside_m / 2, sofa.depth_m / 2
    side, reach = sofa.long_side, 0.75
    far = half + sofa.arm_m
    arm, long_arm = sorted((-side * half, -side * far)), sorted((side * half, side * far))
    seat = sorted((side * half, side * (half - sofa.seat_width_m)))
    return [
        *_body(sofa, 0.14),
        *cushions(sofa),
        block((arm[0], sofa.foot_m, -deep - 0.005), (arm[1], sofa.arm_height_m, deep), sofa.cover),
        block((long_arm[0], sofa.foot_m, -deep - 0.005), (long_arm[1], sofa.arm_height_m, deep), sofa.cover),
        block((seat[0], sofa.foot_m, deep - 0.06), (seat[1], sofa.seat_m - 0.135, deep + reach), sofa.cover),
        block((seat[0], sofa.seat_m - 0.14, deep), (seat[1], sofa.seat_m, deep + reach), sofa.cover, crown_m=0.02),
        boards(
            [(x, sofa.foot_m / 2, deep + reach - 0.09) for x in (seat[0] + 0.08, seat[1] - 0.08)],
            (0.045, sofa.foot_m, 0.045),
            sofa.frame,
        ),
    ]


def _slim(sofa: Sofa) -> list[Part]:
    half, deep = sofa.inside_m / 2, sofa.depth_m / 2
    under, thick = sofa.seat_m - 0.13, 0.045
    x = half + thick / 2 + 0.01
    arms = []
    for side in (-1, 1):
        for z, top in ((deep - 0.07, sofa.arm_height_m - 0.028), (-deep + 0.1, sofa.back_m - 0.06)):
            arms.append(
                board((side * x - thick / 2, 0.0, z - 0.025), (side * x + thick / 2, top, z + 0.025), sofa.frame)
            )
        rest = boards(
            [(side * x, sofa.arm_height_m - 0.0135, 0.01)],
            (0.075, 0.028, sofa.depth_m - 0.06),
            sofa.frame,
            bevel_m=0.01,
        )
        arms.append(rest)
    rails = boards(
        [(0.0, under - 0.035, deep - 0.06), (0.0, under - 0.035, -deep + 0.1), (0.0, sofa.back_m - 0.1, -deep + 0.1)],
        (2 * x - thick - 0.001, 0.07, 0.03),
        sofa.frame,
    )
    across = np.linspace(-half + 0.05, half - 0.05, 5 * sofa.seats)
    tall = sofa.back_m - 0.13 - under
    slats = batch.boxes([(a, under + tall / 2, -deep + 0.1) for a in across], (0.03, tall - 0.005, 0.014), sofa.frame)
    deck = board((-half, under - 0.02, -deep + 0.12), (half, under, deep - 0.08), sofa.frame)
    return [*arms, rails, slats, deck, *cushions(sofa, thick_m=0.13)]


def _sampler(style: Style) -> Sampler:
    def sampler(rng: np.random.Generator) -> Sofa:
        cover = leather(rng) if style == "chesterfield" or rng.random() < 0.2 else fabric(rng)
        frame = wood(rng) if style == "slim" or rng.random() < 0.6 else metal(rng)
        arm = rng.uniform(0.12, 0.24)
        seat = rng.uniform(0.4, 0.46)
        rise = rng.uniform(0.14, 0.22)
        return Sofa(
            style,
            int(rng.integers(2, 4)),
            rng.uniform(0.58, 0.74),
            rng.uniform(0.84, 0.98) if style != "slim" else rng.uniform(0.76, 0.86),
            seat,
            {"slim": 0.05, "chesterfield": 0.2, "rolled": max(arm, 0.18)}.get(style, arm),
            seat + (0.3 if style == "chesterfield" else rise),
            rng.uniform(0.76, 0.9),
            rng.uniform(0.04, 0.16) if style != "slim" else 0.1,
            int(rng.choice([-1, 1])),
            cover,
            frame,
            tuple(fabric(rng) for _ in range(rng.integers(0, 4))),
            rng.uniform(0, 2 * np.pi),
        )

    return sampler


FAMILY = Family(
    name="sofa",
    label="sofa",
    stands="floor",
    styles={style: _sampler(style) for style in ("square", "rolled", "chesterfield", "corner", "slim")},
    unseen=("slim",),
    build=build,
)
