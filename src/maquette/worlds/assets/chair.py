"""Chairs: dining, ladder-back, spindle-back, folding, shell, cantilever, swivel, and stools."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family
from maquette.worlds.assets.batch import sticks
from maquette.worlds.assets.joinery import boards, upright
from maquette.worlds.assets.softs import sheet
from maquette.worlds.assets.solids import box, cushion, cylinder, grounded, hull, lathe, moved, scaled, tipped, tube
from maquette.worlds.materials import fabric, furniture, leather, metal, plastic, wood
from maquette.worlds.types import Asset, Floats, Material, Part

Rng = np.random.Generator
Style = Literal["dining", "ladder", "spindle", "folding", "shell", "cantilever", "swivel", "stool"]


@dataclass(frozen=True)
class Chair:
    """A chair or a stool.

    Attributes:
        style: How it is made.
        width_m: Of the seat, along x.
        depth_m: Of the seat, along z.
        seat_m: Height of the seat.
        back_m: Height of the back over the seat.
        lean: How far the back goes backward for each metre up.
        arms: Whether a swivel chair has rests for the arms.
        count: Of slats or spindles in the back, or of the stool's legs.
        frame: Material of legs and frame.
        seat: Material of seat and upholstery.
    """

    style: Style
    width_m: float
    depth_m: float
    seat_m: float
    back_m: float
    lean: float
    arms: bool
    count: int
    frame: Material
    seat: Material


def build(chair: Chair) -> Asset:
    """Make a chair."""
    return Asset("chair", chair.style, grounded(_MAKERS[chair.style](chair)))


def _post(
    foot: Floats | Sequence[float], head: Floats | Sequence[float], low: float, high: float, look: Material
) -> Part:
    """A square leg that tapers, cut level at both ends."""
    square = np.array([(x, 0.0, z) for x in (-0.5, 0.5) for z in (-0.5, 0.5)])
    return upright(hull(np.concatenate([np.asarray(foot) + square * low, np.asarray(head) + square * high]), look))


def _frame(chair: Chair, leg_m: float) -> list[Part]:
    """Four legs with rails below the seat; the hind legs go on as the stiles of the back."""
    x, z, under = chair.width_m / 2 - leg_m / 2, chair.depth_m / 2 - leg_m / 2, chair.seat_m - 0.03
    parts = []
    for side in (-1, 1):
        parts.append(_post((side * x, 0, z), (side * x, under, z), leg_m * 0.7, leg_m, chair.frame))
        parts.append(_post((side * x, 0, -z - 0.05), (side * x, under, -z), leg_m * 0.7, leg_m, chair.frame))
        top = (side * x, chair.seat_m + chair.back_m, -z - chair.lean * chair.back_m)
        parts.append(_post((side * x, under, -z), top, leg_m, leg_m * 0.75, chair.frame))
    y, high, wide = under - 0.03, 0.06, leg_m * 0.5
    parts.append(boards([(0, y, z), (0, y, -z)], (2 * x - leg_m, high, wide), chair.frame))
    parts.append(boards([(-x, y, 0), (x, y, 0)], (wide, high, 2 * z - leg_m), chair.frame))
    return parts


def _rows(chair: Chair, leg_m: float, spans: Sequence[tuple[float, float]]) -> list[Part]:
    """Bent slats between the stiles, each between two heights over the seat."""
    x, z = chair.width_m / 2 - leg_m, chair.depth_m / 2 - leg_m / 2
    across = np.linspace(-x, x, 7)
    thick = np.array([0.0, 0.0, 0.008])
    parts = []
    for low, high in spans:
        heights = np.array([low, high])
        grid = np.empty((2, 7, 3))
        grid[..., 0] = across
        grid[..., 1] = (chair.seat_m + heights)[:, None]
        grid[..., 2] = (-z - chair.lean * heights)[:, None] - 0.035 * (1 - (across / x) ** 2)
        parts.append(sheet(grid + thick, grid - thick, chair.frame))
    return parts


def _dining(chair: Chair) -> list[Part]:
    leg = 0.04
    parts = _frame(chair, leg)
    size = (chair.width_m + 0.01, 0.07, chair.depth_m - 0.02)
    parts.append(cushion((0.0, chair.seat_m - 0.005, 0.012), size, chair.seat, roundness=0.22))
    tilt = math.atan(chair.lean)
    pad = cushion((0.0, 0.0, 0.0), (chair.width_m - 0.02, chair.back_m - 0.1, 0.06), chair.seat, roundness=0.25)
    middle = chair.back_m / 2 + 0.04
    return [
        *parts,
        moved(tipped(pad, tilt), (0.0, chair.seat_m + middle, -chair.depth_m / 2 + leg / 2 - chair.lean * middle)),
    ]


def _seat(chair: Chair) -> Part:
    """A wooden seat, wider in front."""
    x, z = chair.width_m / 2, chair.depth_m / 2
    outline = [
        (-x, z * 0.8),
        (-x * 0.9, z + 0.012),
        (x * 0.9, z + 0.012),
        (x, z * 0.8),
        (x * 0.93, -z),
        (-x * 0.93, -z),
    ]
    return hull([(a, y, b) for a, b in outline for y in (chair.seat_m - 0.028, chair.seat_m)], chair.seat)


def _ladder(chair: Chair) -> list[Part]:
    leg = 0.034
    step = (chair.back_m - 0.1) / chair.count
    spans = [(0.1 + step * at, 0.1 + step * (at + 0.55)) for at in range(chair.count)]
    x, z = chair.width_m / 2 - leg / 2, chair.depth_m / 2 - leg / 2
    rungs = [
        [(s * x, chair.seat_m * h, z), (s * x, chair.seat_m * h, -z - 0.05 * (1 - h))]
        for s in (-1, 1)
        for h in (0.25, 0.45)
    ]
    ends = np.array([*rungs, [(-x, chair.seat_m * 0.4, z), (x, chair.seat_m * 0.4, z)]])
    return [
        *_frame(chair, leg),
        *_rows(chair, leg, spans),
        _seat(chair),
        sticks(ends[:, 0], ends[:, 1], 0.009, chair.frame, sides=8),
    ]


def _spindle(chair: Chair) -> list[Part]:
    """A thick saddle seat on splayed turned legs, thin spindles up to a bent rail."""
    x, z, y = chair.width_m / 2, chair.depth_m / 2, chair.seat_m
    saddle = cushion((0.0, y - 0.02, 0.0), (chair.width_m, 0.045, chair.depth_m), chair.seat, roundness=0.5)
    parts = [saddle]
    feet = np.array([(sx * x * 0.95, 0.0, sz * z * 0.95) for sx in (-1, 1) for sz in (-1, 1)])
    heads = feet * (0.68, 0, 0.65) + (0, y - 0.02, 0)
    for foot, head in zip(feet, heads, strict=True):
        way = np.array([0.0, 0.03, 0.3, 0.55, 0.62, 1.0])[:, None]
        parts.append(tube(foot + (head - foot) * way, [0.012, 0.014, 0.02, 0.022, 0.014, 0.015], chair.frame, sides=8))
    low = feet * 0.6 + heads * 0.4
    parts.append(sticks(low[[0, 2]], low[[1, 3]], 0.009, chair.frame, sides=8))
    turn = np.linspace(-1.0, 1.0, chair.count)
    base = np.stack([0.82 * x * turn, np.full_like(turn, y - 0.015), -z * (0.55 + 0.3 * (1 - turn**2))], axis=-1)
    rise = chair.back_m - 0.025
    top = np.stack(
        [1.02 * x * turn, np.full_like(turn, y + rise), -z * (0.62 + 0.38 * (1 - turn**2)) - chair.lean * rise], axis=-1
    )
    parts.append(sticks(base, top, 0.007, chair.frame, sides=6))
    bow = np.linspace(-1.12, 1.12, 11)
    middle = np.stack(
        [1.02 * x * bow, np.full_like(bow, y + rise), -z * (0.62 + 0.38 * (1 - bow**2)) - chair.lean * rise], axis=-1
    )
    grid = middle + np.array([(0.0, -0.028, 0.0), (0.0, 0.028, 0.0)])[:, None]
    thick = np.array([0.0, 0.0, 0.01])
    parts.append(sheet(grid + thick, grid - thick, chair.frame))
    return parts


def _folding(chair: Chair) -> list[Part]:
    """Flat bars that cross below a slatted seat."""
    x, z, y = chair.width_m / 2, chair.depth_m / 2, chair.seat_m
    top = y + chair.back_m
    parts = []
    for side in (-1, 1):
        outer, inner = side * (x - 0.012), side * (x - 0.042)
        parts.append(_post((outer, 0, z + 0.02), (outer, top, -z - 0.1), 0.024, 0.024, chair.frame))
        parts.append(_post((inner, 0, -z), (inner, y - 0.03, z - 0.04), 0.022, 0.022, chair.frame))
    slats = np.linspace(-z * 0.55, z - 0.02, 5)
    parts.append(boards([(0, y - 0.01, at) for at in slats], (chair.width_m - 0.06, 0.018, z * 0.27), chair.seat))
    parts.append(boards([(s * (x - 0.075), y - 0.028, z * 0.2) for s in (-1, 1)], (0.02, 0.018, z * 1.55), chair.seat))

    def stile(height: float) -> float:
        return z + 0.02 - (2 * z + 0.12) * height / top

    for low in (0.52, 0.76):
        height = y + low * chair.back_m
        parts.append(
            boards((0, height + 0.04, stile(height + 0.04)), (chair.width_m - 0.048, 0.085, 0.014), chair.seat)
        )
    bars = [(y * 0.25, stile(y * 0.25), x - 0.012), (y * 0.2, -z + 0.2 * (2 * z - 0.04), x - 0.042)]
    ends = np.array([[(-wide, height, at), (wide, height, at)] for height, at, wide in bars])
    return [*parts, sticks(ends[:, 0], ends[:, 1], 0.009, chair.frame, sides=8)]


def _bucket(chair: Chair) -> Part:
    """A moulded shell: seat and back in one bent sheet."""
    x, z = chair.width_m / 2, chair.depth_m / 2
    rise = chair.back_m
    behind = -z - 0.03
    profile = np.array(
        [(z + 0.02, -0.035), (z - 0.02, -0.004), (z * 0.4, -0.006), (-z * 0.3, -0.012), (-z * 0.72, 0.008),
         (-z * 0.95, 0.07), (behind, 0.45 * rise), (behind - 0.3 * chair.lean, 0.75 * rise),
         (behind - 0.02 - 0.5 * chair.lean, rise)]
    )  # fmt: skip
    wide = np.array([0.86, 0.95, 1.0, 1.02, 1.03, 1.02, 0.98, 0.9, 0.66]) * x
    curl = np.array([0.01, 0.03, 0.05, 0.07, 0.09, 0.1, 0.07, 0.05, 0.02])
    tangent = np.gradient(profile, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    normal = np.stack([tangent[:, 1], -tangent[:, 0]], axis=-1)
    across = np.linspace(-1.0, 1.0, 11)
    lift = curl[:, None] * np.abs(across) ** 2.5
    grid = np.empty((len(profile), 11, 3))
    grid[..., 0] = wide[:, None] * across
    grid[..., 1] = chair.seat_m + profile[:, 1:] + lift * normal[:, 1:]
    grid[..., 2] = profile[:, :1] + lift * normal[:, :1]
    away = np.cross(np.gradient(grid, axis=1), np.gradient(grid, axis=0))
    away /= np.linalg.norm(away, axis=-1, keepdims=True)
    return sheet(grid, grid - 0.009 * away, chair.seat)


def _shell(chair: Chair) -> list[Part]:
    x, z, y = chair.width_m / 2, chair.depth_m / 2, chair.seat_m - 0.02
    heads = np.array([(sx * x * 0.5, y, sz * z * 0.45) for sx in (-1, 1) for sz in (-1, 1)])
    feet = heads * (1.75, 0, 1.9)
    parts = [_bucket(chair), sticks(feet, heads, (0.011, 0.018), chair.frame, sides=10)]
    low = feet * 0.3 + heads * 0.7
    braces = np.array([(low[0], low[3]), (low[1], low[2])])
    return [*parts, *(tube(brace, 0.005, chair.frame, sides=6) for brace in braces)]


def _cantilever(chair: Chair) -> list[Part]:
    """One bent steel tube: two runners on the floor, up in front, back under the seat and up the back."""
    x, z, y = chair.width_m / 2 - 0.012, chair.depth_m / 2, chair.seat_m - 0.02
    r, top = 0.06, chair.seat_m + chair.back_m
    side = [
        (x, 0, -z), (x, 0, z - r), (x, r * 0.3, z - r * 0.3), (x, r, z), (x, y - r, z), (x, y - r * 0.3, z - r * 0.3),
        (x, y, z - r), (x, y, -z + r), (x, y + r * 0.3, -z + r * 0.2), (x, y + r, -z - 0.01),
        (x, top, -z - chair.lean * chair.back_m),
    ]  # fmt: skip
    bars = [tube(np.array(side) * (s, 1, 1), 0.012, chair.frame, sides=8) for s in (-1, 1)]
    parts = [*bars, tube([(-x, 0, -z), (x, 0, -z)], 0.0115, chair.frame, sides=8)]
    parts.append(
        cushion((0, chair.seat_m, 0.01), (chair.width_m - 0.005, 0.06, chair.depth_m), chair.seat, roundness=0.25)
    )
    height = chair.back_m * 0.45
    pad = cushion((0, 0, 0), (chair.width_m - 0.005, height, 0.05), chair.seat, roundness=0.25)
    middle = chair.back_m - height * 0.48
    return [*parts, moved(tipped(pad, math.atan(chair.lean)), (0, chair.seat_m + middle, -z - chair.lean * middle))]


def _swivel(chair: Chair) -> list[Part]:
    """A star of five on castors, a gas lift, a padded seat and back."""
    dark = Material("plain", (0.02, 0.02, 0.022), roughness=0.5)
    turn = 2 * math.pi * (np.arange(5) + 0.25) / 5
    out = np.stack([np.sin(turn), np.zeros(5), np.cos(turn)], axis=-1)
    across = out[:, [2, 1, 0]] * (0.02, 0, -0.02)
    hub = out * 0.285 + (0, 0.028, 0)
    parts = [
        sticks(out * 0.036 + (0, 0.115, 0), out * 0.29 + (0, 0.075, 0), (0.02, 0.015), chair.frame, sides=8),
        sticks(hub - across, hub + across, 0.028, dark, sides=10),
        sticks(hub, out * 0.285 + (0, 0.076, 0), 0.008, dark, sides=6),
        cylinder((0, 0.09, 0), 0.05, 0.042, chair.frame, sides=12),
    ]
    parts.append(cylinder((0, 0.1, 0), chair.seat_m - 0.14, 0.025, dark, sides=12))
    parts.append(box((0, chair.seat_m - 0.055, -0.02), (0.18, 0.035, 0.26), dark, bevel_m=0.01))
    parts.append(
        cushion((0, chair.seat_m - 0.005, 0), (chair.width_m, 0.085, chair.depth_m), chair.seat, roundness=0.3)
    )
    z = -chair.depth_m / 2 + 0.01
    top = chair.seat_m + chair.back_m
    spine = [
        (0, chair.seat_m - 0.055, -0.1),
        (0, chair.seat_m - 0.05, z - 0.02),
        (0, chair.seat_m, z - 0.06),
        (0, (chair.seat_m + top) / 2, z - 0.055),
    ]
    parts.append(tube(spine, [0.02, 0.022, 0.024, 0.02], dark, sides=8))
    height = chair.back_m - 0.1
    rise = (1 - np.cos(np.linspace(0, math.pi, 10))) / 2
    half = chair.width_m * 0.46 * (1 - 0.45 * np.abs(2 * rise - 1) ** 5)
    across = np.linspace(-1, 1, 9)
    grid = np.empty((10, 9, 3))
    grid[..., 0] = half[:, None] * across
    grid[..., 1] = (chair.seat_m + 0.1 + height * rise)[:, None]
    grid[..., 2] = (z - 0.01 + 0.04 * np.sin(rise * 3.1) * (1 - rise) - chair.lean * height * rise)[
        :, None
    ] + 0.05 * across**2
    plump = 0.012 + 0.022 * (1 - np.abs(2 * rise - 1) ** 4)[:, None] * (1 - np.abs(across) ** 4)
    bulge = plump[..., None] * np.array([0.0, 0.0, 1.0])
    parts.append(sheet(grid + bulge, grid - bulge, chair.seat))
    if chair.arms:
        for side in (-1, 1):
            x = side * (chair.width_m / 2 + 0.025)
            path = [
                (side * 0.12, chair.seat_m - 0.06, 0),
                (x, chair.seat_m - 0.055, 0),
                (x + side * 0.01, chair.seat_m, 0),
                (x, chair.seat_m + 0.2, -0.01),
            ]
            parts.append(tube(path, 0.014, dark, sides=6))
            parts.append(cushion((x, chair.seat_m + 0.205, 0.0), (0.075, 0.03, 0.25), dark, roundness=0.4, steps=4))
    return parts


def _stool(chair: Chair) -> list[Part]:
    """A round seat on three or four splayed legs with a ring for the feet."""
    radius, y = chair.width_m / 2, chair.seat_m
    padded = chair.seat != chair.frame
    thick = 0.075 if padded else 0.035
    profile = (
        [(0.9, 0.0), (1.0, 0.3), (1.0, 0.7), (0.9, 0.92), (0.5, 1.0)]
        if padded
        else [(0.93, 0.0), (1.0, 0.25), (1.0, 0.7), (0.94, 1.0)]
    )
    seat = scaled(lathe(profile, chair.seat, sides=24), (radius, thick, radius), (0, y - thick, 0))
    legs = chair.count
    turn = 2 * math.pi * (np.arange(legs) + 0.5) / legs
    out = np.stack([np.sin(turn), np.zeros(legs), np.cos(turn)], axis=-1)
    feet, heads = out * radius * 1.15, out * radius * 0.66 + (0, y - 0.03, 0)
    at = 0.35
    ring = 2 * math.pi * (np.arange(legs + 1) + 0.5) / legs
    wide = radius * (1.15 + (0.66 - 1.15) * at)
    rungs = np.stack([wide * np.sin(ring), np.full(legs + 1, y * at), wide * np.cos(ring)], axis=-1)
    return [
        seat,
        sticks(feet, heads, (0.014, 0.016), chair.frame, sides=10),
        *(tube(rungs[[k, k + 1]], 0.008, chair.frame, sides=6) for k in range(legs)),
    ]


_MAKERS: dict[Style, Callable[[Chair], list[Part]]] = {
    "dining": _dining,
    "ladder": _ladder,
    "spindle": _spindle,
    "folding": _folding,
    "shell": _shell,
    "cantilever": _cantilever,
    "swivel": _swivel,
    "stool": _stool,
}


def _cover(rng: Rng) -> Material:
    return fabric(rng) if rng.random() < 0.6 else leather(rng)


def _sampler(style: Style, rng: Rng) -> Chair:
    timber = furniture(rng) if style in ("ladder", "spindle", "stool") else wood(rng)
    frame, seat = {
        "dining": lambda: (timber, _cover(rng)),
        "ladder": lambda: (timber, timber),
        "spindle": lambda: (timber, timber),
        "folding": lambda: (metal(rng), timber) if rng.random() < 0.5 else (timber, timber),
        "shell": lambda: (timber if rng.random() < 0.6 else metal(rng), plastic(rng)),
        "cantilever": lambda: (metal(rng), _cover(rng)),
        "swivel": lambda: (metal(rng), _cover(rng)),
        "stool": lambda: (timber if rng.random() < 0.6 else metal(rng), timber if rng.random() < 0.5 else _cover(rng)),
    }[style]()
    small = style in ("folding", "ladder")
    counts = {"spindle": (6, 10), "stool": (3, 5)}
    width = rng.uniform(0.32, 0.4) if style == "stool" else rng.uniform(0.4, 0.44) if small else rng.uniform(0.42, 0.5)
    seat_m = rng.uniform(0.44, 0.48)
    if style == "stool":
        seat_m = rng.choice([rng.uniform(0.44, 0.5), rng.uniform(0.6, 0.75)])
    return Chair(
        style,
        width,
        min(width, rng.uniform(0.39, 0.47)),
        float(seat_m),
        rng.uniform(0.36, 0.42) if style == "shell" else rng.uniform(0.4, 0.55),
        rng.uniform(0.08, 0.22),
        bool(rng.random() < 0.6),
        int(rng.integers(*counts.get(style, (3, 6)))),
        frame,
        seat,
    )


FAMILY = Family(
    name="chair",
    label="chair",
    stands="floor",
    styles={style: partial(_sampler, style) for style in _MAKERS},
    unseen=("folding", "spindle"),
    build=build,
)
