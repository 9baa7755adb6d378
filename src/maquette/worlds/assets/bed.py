"""Beds: platform, panelled, upholstered, of metal bars, and sleigh beds. Their heads are at the back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler, batch
from maquette.worlds.assets.joinery import board, boards, fronts, legs, plates, split
from maquette.worlds.assets.softs import padded, pillow, sheet, tipped
from maquette.worlds.assets.solids import extruded, grounded, posed, tube, turned
from maquette.worlds.materials import fabric, grey, leather, metal, muted, wood
from maquette.worlds.types import Asset, Floats, Material, Part

Style = Literal["platform", "panel", "upholstered", "metal", "sleigh"]


@dataclass(frozen=True)
class Bed:
    """A made bed.

    Attributes:
        style: What the frame is like.
        width_m: Of the mattress, along x.
        length_m: Of the mattress, along z.
        base_m: Height of the mattress's underside.
        mattress_m: Its thickness.
        head_m: Height of the headboard.
        pillows: How many lie side by side: 1 or 2.
        cushions: Small pillows that lean on them.
        cover: Share of the mattress that the blanket covers.
        hang_m: How far the blanket hangs down.
        folds: Phase of its waves.
        frame: Material of the frame.
        linen: Material of the mattress and the pillows.
        blanket: Material of the blanket.
        accent: Material of the cushions and the throw.
        throw: Whether a throw lies across the foot.
    """

    style: Style
    width_m: float
    length_m: float
    base_m: float
    mattress_m: float
    head_m: float
    pillows: int
    cushions: int
    cover: float
    hang_m: float
    folds: float
    frame: Material
    linen: Material
    blanket: Material
    accent: Material
    throw: bool


def build(bed: Bed) -> Asset:
    """Make a bed."""
    frames: dict[Style, Callable[[Bed], list[Part]]] = {
        "platform": _platform,
        "panel": _panel,
        "upholstered": _upholstered,
        "metal": _metal,
        "sleigh": _sleigh,
    }
    middle = (0.0, bed.base_m + bed.mattress_m / 2, 0.0)
    mattress = padded(middle, (bed.width_m, bed.mattress_m, bed.length_m), bed.linen, radius_m=0.05, crown_m=0.01)
    head, foot = -bed.length_m / 2, bed.length_m / 2 + 0.012
    parts = [mattress, _draped(bed, foot - bed.cover * bed.length_m, foot, bed.hang_m, 0.03, bed.blanket)]
    turned_back = foot - bed.cover * bed.length_m
    parts.append(_draped(bed, turned_back - 0.02, turned_back + 0.2, bed.hang_m * 0.96, 0.045, bed.linen))
    if bed.throw:
        parts.append(_draped(bed, foot - 0.65, foot - 0.18, bed.hang_m * 0.9, 0.044, bed.accent))
    return Asset("bed", bed.style, grounded([*frames[bed.style](bed), *parts, *_pillows(bed, head)]))


def _draped(bed: Bed, start: float, end: float, hang: float, over: float, material: Material) -> Part:
    """Cloth across the bed from z = start to end, its upper side ``over`` above the mattress."""
    top, half = bed.base_m + bed.mattress_m, bed.width_m / 2

    def section(lift: float) -> Floats:
        x, y = half + lift, top + lift
        bend = 0.05
        right = [
            (x + 0.012, top - hang),
            (x + 0.006, top - hang * 0.5),
            (x, y - bend),
            (x - bend * 0.3, y - bend * 0.3),
        ]
        flat = [(x * s, y + 0.012 * (1 - s * s)) for s in np.linspace(0.92, -0.92, 6)]
        return np.array([*right, *flat, *[(-a, b) for a, b in reversed(right)]])

    outer, inner = section(over), section(0.004)
    along = np.linspace(start, end, max(3, round((end - start) / 0.15)))
    wave = np.sin(9.0 * along[:, None] + bed.folds + 2.3 * np.arange(len(outer)))
    puff = 0.007 * wave + 0.004 * np.sin(23.0 * along[:, None] + 5.0 * bed.folds)
    puff[[0, -1]] -= 0.004
    away = outer - inner
    away /= np.linalg.norm(away, axis=1)[:, None]

    def grid(profile: Floats, shift: Floats) -> Floats:
        flat = profile + shift[..., None] * away
        return np.concatenate([flat, np.broadcast_to(along[:, None, None], (*flat.shape[:2], 1))], axis=-1)

    return sheet(grid(outer, puff), grid(inner, 0 * puff), material)


def _pillows(bed: Bed, head: float) -> list[Part]:
    top = bed.base_m + bed.mattress_m
    wide = min(0.72, (bed.width_m - 0.08) / bed.pillows)
    one = pillow((wide, 0.15, 0.44), bed.linen)
    parts = []
    for at in range(bed.pillows):
        x = (at - (bed.pillows - 1) / 2) * (wide + 0.02)
        parts.append(posed(turned(one, 0.05 * np.sin(bed.folds + at)), tipped((x, top + 0.055, head + 0.25), 0.32)))
    small = pillow((0.42, 0.14, 0.42), bed.accent, steps=6)
    for at in range(bed.cushions):
        x = (at - (bed.cushions - 1) / 2) * 0.4 + 0.05 * np.sin(3 * bed.folds)
        parts.append(posed(small, tipped((x, top + 0.2, head + 0.5), 1.05)))
    return parts


def _platform(bed: Bed) -> list[Part]:
    x, z = bed.width_m / 2 + 0.05, bed.length_m / 2 + 0.05
    deck = boards([(0.0, bed.base_m - 0.05, 0.0)], (2 * x, 0.1, 2 * z), bed.frame, bevel_m=0.006)
    plinth = boards([(0.0, (bed.base_m - 0.1) / 2, 0.0)], (2 * x - 0.3, bed.base_m - 0.1, 2 * z - 0.3), bed.frame)
    head = [(left, bed.base_m, right, bed.head_m) for left, right in split(-x, x, 2)]
    return [deck, plinth, plates(head, -z - 0.04, -z + 0.005, bed.frame)]


def _rails(bed: Bed, high: float) -> list[Part]:
    """Side rails along the mattress, and a slatted deck between them."""
    x, z = bed.width_m / 2 + 0.02, bed.length_m / 2 + 0.02
    y = bed.base_m + 0.04 - high / 2
    sides = boards([(sx * x, y, 0.0) for sx in (-1, 1)], (0.03, high, 2 * z - 0.01), bed.frame)
    deck = boards([(0.0, bed.base_m - 0.03, 0.0)], (2 * x - 0.04, 0.05, 2 * z - 0.06), bed.frame)
    return [sides, deck]


def _panel(bed: Bed) -> list[Part]:
    x, z = bed.width_m / 2 + 0.01, bed.length_m / 2 + 0.045
    foot = bed.base_m + bed.mattress_m * 0.75
    parts = _rails(bed, 0.18)
    for at, high in ((-z, bed.head_m), (z, foot)):
        posts = boards(
            [(sx * x, high / 2 + 0.02, at) for sx in (-1, 1)], (0.075, high + 0.04, 0.06), bed.frame, bevel_m=0.008
        )
        cap = boards([(0.0, high - 0.02, at)], (2 * x - 0.076, 0.06, 0.07), bed.frame, bevel_m=0.01)
        low = bed.base_m - 0.12
        fields = [(a, low, b, high - 0.052) for a, b in split(-x + 0.038, x - 0.038, 3, 0.001)]
        back = plates([(-x + 0.038, low, x - 0.038, high - 0.052)], at - 0.028, at - 0.022, bed.frame)
        parts += [posts, cap, back, *fronts(fields, at - 0.022, bed.frame, look="shaker")]
    return parts


def _upholstered(bed: Bed) -> list[Part]:
    x, z = bed.width_m / 2 + 0.04, bed.length_m / 2 + 0.04
    base = padded((0.0, (0.1 + bed.base_m) / 2, 0.0), (2 * x, bed.base_m - 0.1, 2 * z), bed.frame, radius_m=0.025)
    foot = Material("plain", grey(0.08), roughness=0.5)
    parts = [base, legs(x - 0.09, z - 0.09, 0.11, foot, width_m=0.05, foot_m=0.03)]
    back = bed.head_m - 0.12
    backing = board((-x - 0.03, 0.1, -z - 0.08), (x + 0.03, bed.head_m - 0.03, -z - 0.03), bed.frame)
    cells = 3 if bed.width_m < 1.3 else 5
    for left, right in split(-x - 0.03, x + 0.03, cells, 0.002):
        size = (right - left, 0.09, back - 0.05)
        cell = padded((0.0, 0.0, 0.0), size, bed.frame, radius_m=0.035, crown_m=0.02)
        parts.append(posed(cell, tipped(((left + right) / 2, 0.12 + back / 2 + 0.03, -z + 0.005), np.pi / 2)))
    return [*parts, backing]


def _metal(bed: Bed) -> list[Part]:
    x, z = bed.width_m / 2 + 0.02, bed.length_m / 2 + 0.03
    parts = _rails(bed, 0.05)
    turn = np.linspace(0.0, np.pi, 9)
    for at, high in ((-z, bed.head_m), (z, bed.base_m + 0.32)):
        rise = min(0.22, high * 0.25)
        arch = np.column_stack([x * np.cos(turn), high - rise + rise * np.sin(turn), np.full(9, at)])
        ends = np.array([[(x, 0.0, at)], [(-x, 0.0, at)]])
        parts.append(tube(np.concatenate([ends[0], arch, ends[1]]), 0.016, bed.frame, sides=8))
        rail = bed.base_m - 0.02
        bars = np.linspace(-x, x, 7)[1:-1]
        tops = high - rise + rise * np.sqrt(1 - (bars / x) ** 2)
        parts.append(
            batch.sticks(
                [(-x, rail, at), *((bar, rail + 0.01, at) for bar in bars)],
                [(x, rail, at), *((bar, top, at) for bar, top in zip(bars, tops, strict=True))],
                (0.009, 0.009),
                bed.frame,
            )
        )
    return parts


def _sleigh(bed: Bed) -> list[Part]:
    x, z = bed.width_m / 2 + 0.05, bed.length_m / 2 + 0.02
    parts = _rails(bed, 0.24)
    for at, high, way in ((-z, bed.head_m, -1), (z, bed.base_m + bed.mattress_m + 0.1, 1)):
        rise = np.linspace(0.0, 1.0, 9)
        bow = 0.05 * np.sin(np.pi * rise * 0.9) - 0.16 * rise**2.5
        outer = np.column_stack([-bow, high * rise])
        inner = np.column_stack([-bow - 0.04 - 0.02 * rise, high * rise])
        scroll = np.linspace(0.0, np.pi, 5)[1:-1]
        tip = outer[-1] + (0.03, 0.0)
        roll = np.column_stack([tip[0] + 0.06 * np.cos(scroll) - 0.05, tip[1] + 0.06 * np.sin(scroll)])
        outline = np.concatenate([outer, roll, inner[::-1]])
        panel = extruded(outline, 2 * x, bed.frame)
        parts.append(posed(panel, _sideways(at, way)))
    return parts


def _sideways(z: float, way: int) -> Floats:
    """A pose that takes +X to +Z (``way`` 1) or to -Z, at a place along z."""
    return np.array([[0, 0, -way, 0], [0, 1, 0, 0], [way, 0, 0, z], [0, 0, 0, 1.0]])


def _sampler(style: Style) -> Sampler:
    def sampler(rng: np.random.Generator) -> Bed:
        width = float(rng.choice([0.9, 1.2, 1.4, 1.6, 1.8]))
        pale = rng.uniform(0.8, 0.95)
        linen = Material("weave", grey(pale) if rng.random() < 0.7 else muted(rng), 0.4, 0.9, bump_m=0.0006)
        frames = {"upholstered": leather if rng.random() < 0.25 else fabric, "metal": metal}
        low = style == "platform"
        return Bed(
            style,
            width,
            float(rng.choice([1.9, 2.0, 2.1])),
            rng.uniform(0.2, 0.3) if low else rng.uniform(0.27, 0.36),
            rng.uniform(0.18, 0.26),
            rng.uniform(0.65, 0.9) if low else rng.uniform(0.95, 1.25),
            1 if width < 1.3 else 2,
            int(rng.integers(0, 3)),
            rng.uniform(0.55, 0.72),
            rng.uniform(0.14, 0.3) if style == "upholstered" else rng.uniform(0.1, 0.16),
            rng.uniform(0, 2 * np.pi),
            frames.get(style, wood)(rng),
            linen,
            fabric(rng),
            fabric(rng),
            bool(rng.random() < 0.45),
        )

    return sampler


FAMILY = Family(
    name="bed",
    label="bed",
    stands="floor",
    styles={style: _sampler(style) for style in ("platform", "panel", "upholstered", "metal", "sleigh")},
    unseen=("sleigh",),
    build=build,
)
