"""Bags: backpacks, handbags, totes, suitcases, duffels, messenger bags and briefcases."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from maquette.worlds.assets import Family
from maquette.worlds.assets.batch import sticks
from maquette.worlds.assets.joinery import boards
from maquette.worlds.assets.solids import box, cushion, ellipses, grounded, loft, moved, tube
from maquette.worlds.materials import fabric, grey, hue, leather, metal, muted
from maquette.worlds.types import Asset, Floats, Material, Part

Rng = np.random.Generator
Style = Literal["backpack", "handbag", "tote", "suitcase", "duffel", "messenger", "briefcase"]

_DARK = Material("plain", grey(0.1), roughness=0.6)


@dataclass(frozen=True)
class Bag:
    """A bag that stands upright.

    Attributes:
        style: What kind it is.
        width_m: Along x.
        depth_m: Along z.
        height_m: Without handles.
        fullness: From 0, slack, to 1, full.
        handle_m: Height of the handles over it; 0 where they are down or away.
        skin: Material of the bag.
        trim: Material of straps and handles.
        hardware: Material of buckles.
    """

    style: Style
    width_m: float
    depth_m: float
    height_m: float
    fullness: float
    handle_m: float
    skin: Material
    trim: Material
    hardware: Material


def build(bag: Bag) -> Asset:
    """Make a bag."""
    return Asset("bag", bag.style, grounded(_MAKERS[bag.style](bag)))


def _sack(
    rows: Sequence[tuple[float, float, float, float]],
    size: tuple[float, float, float],
    skin: Material,
    power: float,
    sides: int = 24,
) -> Part:
    """A skin over level rings of (height, half width, half depth, shift ahead), as shares of width, height, depth."""
    table = np.array(rows)
    w, h, d = size
    centers = np.stack([np.zeros(len(table)), table[:, 0] * h, table[:, 3] * d], axis=-1)
    rings = ellipses(centers, (0.0, 0.0, 1.0), (1.0, 0.0, 0.0), table[:, 2] * d, table[:, 1] * w, sides, power)
    return loft(rings, skin)


def _strap(path: ArrayLike, wide_m: float, thick_m: float, across: ArrayLike, material: Material) -> Part:
    """A band along (n, 3) points whose width lies along ``across``."""
    points = np.asarray(path, dtype=np.float64)
    way = np.gradient(points, axis=0)
    side = np.broadcast_to(np.asarray(across, dtype=np.float64), points.shape)
    out = np.cross(way, side)
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    flat = np.full(len(points), 1.0)
    return loft(ellipses(points, side, out, flat * wide_m / 2, flat * thick_m / 2, 6, 0.5), material)


def _arch(x: float, base: float, rise: float, z: float, *, lean: float = 0.0, steps: int = 11) -> Floats:
    """Points of a handle from (-x, base, z) up and over to (x, base, z)."""
    turn = np.linspace(math.pi, 0, steps)
    y = np.sin(turn) ** 0.7
    return np.stack([x * np.cos(turn), base + rise * y, z + lean * y], axis=-1)


def _backpack(bag: Bag) -> list[Part]:
    w, h, d = bag.width_m, bag.height_m, bag.depth_m
    full = 0.42 + 0.08 * bag.fullness
    body = [
        (0.0, 0.42, 0.36, 0.0), (0.03, 0.48, full * 0.95, 0.0), (0.25, 0.5, full, 0.02), (0.5, 0.49, full * 0.97, 0.0),
        (0.72, 0.46, full * 0.84, -0.05), (0.87, 0.38, full * 0.64, -0.13), (0.96, 0.25, 0.2, -0.2),
        (1.0, 0.1, 0.06, -0.24),
    ]  # fmt: skip
    parts = [_sack(body, (w, h, d), bag.skin, 0.6)]
    pocket = [
        (0.05, 0.3, 0.2, 0.42),
        (0.09, 0.36, 0.25, 0.42),
        (0.25, 0.37, 0.28, 0.44),
        (0.4, 0.35, 0.22, 0.4),
        (0.46, 0.28, 0.1, 0.36),
    ]
    parts.append(_sack(pocket, (w, h, d), bag.skin, 0.6, 16))
    parts.append(_strap(_around(w * 0.485, d * full * 0.97, h * 0.57, 0.0), 0.008, 0.008, (0.0, 1.0, 0.0), _DARK))
    for side in (-1, 1):
        x = side * w * 0.24
        path = [
            (x * 0.6, h * 0.93, -d * 0.3), (x * 0.9, h * 0.86, -d * 0.52), (x, h * 0.65, -d * 0.66),
            (x * 1.1, h * 0.4, -d * 0.64), (x * 1.35, h * 0.16, -d * 0.5), (x * 1.5, h * 0.08, -d * 0.36),
        ]  # fmt: skip
        parts.append(_strap(path, 0.055, 0.014, (1.0, 0.0, 0.0), bag.trim))
    handle = _arch(0.045, h * 0.96, 0.05, -d * 0.26)
    return [*parts, tube(handle, 0.007, bag.trim, sides=6)]


def _around(x: float, z: float, height: float, shift: float) -> Floats:
    """Points from one side around the front to the other, of a rounded body."""
    turn = np.linspace(-math.pi / 2, math.pi / 2, 13)
    s, c = np.sin(turn), np.cos(turn)
    return np.stack([x * np.sign(s) * np.abs(s) ** 0.6, np.full(13, height), z * np.abs(c) ** 0.6 + shift], axis=-1)


def _handbag(bag: Bag) -> list[Part]:
    w, h, d = bag.width_m, bag.height_m, bag.depth_m
    body = [
        (0.0, 0.46, 0.46, 0.0), (0.03, 0.49, 0.5, 0.0), (0.3, 0.5, 0.46, 0.0), (0.65, 0.47, 0.3, 0.0),
        (0.9, 0.43, 0.14, 0.0), (1.0, 0.42, 0.08, 0.0),
    ]  # fmt: skip
    parts = [_sack(body, (w, h, d), bag.skin, 0.45)]
    for side in (-1, 1):
        z = side * d * 0.12
        parts.append(tube(_arch(w * 0.22, h * 0.85, bag.handle_m, z, lean=side * 0.03), 0.006, bag.trim, sides=8))
        loops = [(sx * w * 0.22, h * 0.85, side * d * 0.17) for sx in (-1, 1)]
        parts.append(boards(loops, (0.022, 0.04, 0.012), bag.hardware))
    parts.append(box((0.0, h * 0.86, d * 0.155), (0.05, 0.035, 0.012), bag.hardware, bevel_m=0.003))
    return parts


def _tote(bag: Bag) -> list[Part]:
    w, h, d = bag.width_m, bag.height_m, bag.depth_m
    slack = 0.5 - 0.08 * (1 - bag.fullness)
    body = [
        (0.0, 0.44, 0.42, 0.0),
        (0.02, 0.46, 0.47, 0.0),
        (0.2, slack, 0.5, 0.0),
        (0.6, 0.49, 0.36, 0.0),
        (0.92, 0.5, 0.22, 0.0),
        (1.0, 0.5, 0.2, 0.0),
    ]
    parts = [_sack(body, (w, h, d), bag.skin, 0.42)]
    mouth = [(0.0, 0.475, 0.16, 0.0), (0.004, 0.475, 0.16, 0.0)]
    parts.append(moved(_sack(mouth, (w, h, d), _DARK, 0.42), (0.0, h * 0.9985, 0.0)))
    for side in (-1, 1):
        z = side * d * 0.21
        path = _arch(w * 0.22, h * 0.8, bag.handle_m + h * 0.2, z, lean=-side * d * 0.05)
        parts.append(tube(path, 0.008, bag.trim, sides=6))
    return parts


def _suitcase(bag: Bag) -> list[Part]:
    w, h, d = bag.width_m, bag.height_m, bag.depth_m
    wheel = 0.045
    body_h = h - wheel
    parts = [cushion((0.0, wheel + body_h / 2, 0.0), (w, body_h, d), bag.skin, roundness=0.16, steps=8)]
    ribs = np.linspace(-0.36, 0.36, 6) * w
    for side in (-1, 1):
        places = [(x, wheel + body_h / 2, side * d * 0.492) for x in ribs]
        parts.append(boards(places, (w * 0.055, body_h * 0.84, 0.014), bag.skin, bevel_m=0.005))
    parts.append(boards((0.0, wheel + body_h / 2, 0.0), (w * 1.004, body_h * 1.002, 0.012), _DARK, bevel_m=0.04))
    corners = np.array([(sx * w * 0.4, wheel * 0.55, sz * d * 0.34) for sx in (-1, 1) for sz in (-1, 1)])
    half = np.array([0.011, 0.0, 0.0])
    parts.append(sticks(corners - half, corners + half, wheel * 0.55, _DARK, sides=12))
    forks = corners * (1, 0, 1) + (0, wheel * 0.55 + 0.022, 0)
    parts.append(boards(forks, (0.034, 0.03, 0.036), _DARK))
    z = -d * 0.36
    if bag.handle_m:
        rods = np.array([[(s * w * 0.24, h - 0.02 + up, z) for s in (-1, 1)] for up in (0.0, bag.handle_m)])
        parts.append(sticks(rods[0], rods[1], 0.007, bag.hardware, sides=8))
        parts.append(box((0.0, h - 0.02 + bag.handle_m, z), (w * 0.54, 0.028, 0.026), _DARK, bevel_m=0.008))
    else:
        parts.append(box((0.0, h + 0.002, z), (w * 0.54, 0.022, 0.03), _DARK, bevel_m=0.008))
    parts.append(tube(_arch(0.06, h - 0.004, 0.025, 0.05), 0.007, _DARK, sides=6))
    return parts


def _duffel(bag: Bag) -> list[Part]:
    w, h, d = bag.width_m, bag.height_m, bag.depth_m
    rows = np.array(
        [(-0.5, 0.55), (-0.485, 0.86), (-0.42, 0.97), (-0.2, 1.0), (0.2, 1.0), (0.42, 0.97), (0.485, 0.86), (0.5, 0.55)]
    )
    centers = np.stack([rows[:, 0] * w, np.full(len(rows), h / 2), np.zeros(len(rows))], axis=-1)
    rings = ellipses(centers, (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), rows[:, 1] * h / 2, rows[:, 1] * d / 2, 24, 0.72)
    rings[..., 1] = np.maximum(rings[..., 1], 0.012 * (1 + np.abs(rings[..., 0]) / w))
    parts = [loft(rings, bag.skin)]
    parts.append(boards((0.0, h * 0.998, 0.0), (w * 0.8, 0.006, 0.02), _DARK))
    for side in (-1, 1):
        turn = np.linspace(-1.45, 0.25, 8)
        for x in (-0.2, 0.2):
            z, y = side * np.cos(turn), np.sin(turn)
            z, y = np.sign(z) * np.abs(z) ** 0.72, np.sign(y) * np.abs(y) ** 0.72
            path = np.stack([np.full(8, x * w), h / 2 + (h / 2 + 0.004) * y, (d / 2 + 0.004) * z], axis=-1)
            parts.append(_strap(path, 0.035, 0.006, (1.0, 0.0, 0.0), bag.trim))
        parts.append(
            tube(
                _arch(0.2 * w, h * 0.6, bag.handle_m, side * (d / 2 + 0.002), lean=-side * d * 0.3),
                0.009,
                bag.trim,
                sides=6,
            )
        )
    return parts


def _messenger(bag: Bag) -> list[Part]:
    w, h, d = bag.width_m, bag.height_m, bag.depth_m
    body = [
        (0.0, 0.46, 0.4, 0.0),
        (0.03, 0.49, 0.48, 0.0),
        (0.4, 0.5, 0.5, 0.0),
        (0.85, 0.485, 0.42, 0.0),
        (0.97, 0.47, 0.34, 0.0),
        (1.0, 0.45, 0.26, 0.0),
    ]
    parts = [_sack(body, (w, h, d), bag.skin, 0.4)]
    flap = [
        (0.0, h * 0.99, -d * 0.38), (0.0, h * 1.015, -d * 0.2), (0.0, h * 1.02, d * 0.2), (0.0, h * 0.985, d * 0.43),
        (0.0, h * 0.85, d * 0.53), (0.0, h * 0.5, d * 0.56), (0.0, h * 0.28, d * 0.55),
    ]  # fmt: skip
    parts.append(_strap(flap, w * 0.97, 0.012, (1.0, 0.0, 0.0), bag.skin))
    for x in (-0.27, 0.27):
        band = [(x * w, h * 0.6, d * 0.6), (x * w, h * 0.4, d * 0.61), (x * w, h * 0.22, d * 0.57)]
        parts.append(_strap(band, 0.03, 0.006, (1.0, 0.0, 0.0), bag.trim))
        parts.append(box((x * w, h * 0.36, d * 0.62), (0.038, 0.028, 0.008), bag.hardware, bevel_m=0.003))
    path = _arch(w * 0.5, h * 0.75, h * 0.25 + bag.handle_m, 0.0, lean=-d * 0.2, steps=13)
    parts.append(_strap(path, 0.035, 0.006, (0.0, 0.0, 1.0), bag.trim))
    return parts


def _briefcase(bag: Bag) -> list[Part]:
    w, h, d = bag.width_m, bag.height_m, bag.depth_m
    parts = [box((0.0, h / 2, side * d * 0.252), (w, h, d * 0.496), bag.skin, bevel_m=0.014) for side in (-1, 1)]
    parts.append(box((0.0, h / 2, 0.0), (w * 0.985, h * 0.985, 0.02), bag.hardware))
    grip = _arch(0.07, h - 0.004, 0.05, 0.0, steps=9)
    parts.append(tube(grip, [0.008, 0.009, 0.009, 0.012, 0.012, 0.012, 0.009, 0.009, 0.008], bag.trim, sides=8))
    clasps = [(s * w * 0.3, h - 0.001, d * 0.03) for s in (-1, 1)]
    parts.append(boards(clasps, (0.045, 0.008, d * 0.3), bag.hardware))
    return [*parts, boards([(s * w * 0.3, h * 0.9, d * 0.502) for s in (-1, 1)], (0.035, 0.05, 0.006), bag.hardware)]


_MAKERS: dict[Style, Callable[[Bag], list[Part]]] = {
    "backpack": _backpack,
    "handbag": _handbag,
    "tote": _tote,
    "suitcase": _suitcase,
    "duffel": _duffel,
    "messenger": _messenger,
    "briefcase": _briefcase,
}

_SIZES: dict[Style, tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "backpack": ((0.27, 0.33), (0.15, 0.2), (0.4, 0.5), (0.0, 0.0)),
    "handbag": ((0.26, 0.36), (0.12, 0.17), (0.2, 0.27), (0.1, 0.18)),
    "tote": ((0.32, 0.42), (0.12, 0.18), (0.32, 0.4), (0.14, 0.22)),
    "suitcase": ((0.34, 0.44), (0.2, 0.27), (0.54, 0.7), (0.3, 0.45)),
    "duffel": ((0.45, 0.6), (0.24, 0.3), (0.23, 0.28), (0.16, 0.2)),
    "messenger": ((0.34, 0.42), (0.1, 0.14), (0.26, 0.32), (0.2, 0.32)),
    "briefcase": ((0.4, 0.46), (0.09, 0.13), (0.29, 0.34), (0.0, 0.0)),
}
"""Width, depth, height and rise of the handles, metres."""


def _sampler(style: Style, rng: Rng) -> Bag:
    width, depth, height, handle = (float(rng.uniform(*span)) for span in _SIZES[style])
    hard = Material("plain", hue(rng) if rng.random() < 0.5 else muted(rng), roughness=rng.uniform(0.25, 0.5))
    hide, cloth = leather(rng), fabric(rng)
    skin = {
        "suitcase": hard,
        "handbag": hide,
        "briefcase": hide,
        "messenger": hide if rng.random() < 0.5 else cloth,
    }.get(style, cloth)
    dark = Material("weave", grey(rng.uniform(0.08, 0.25)), 0.3, 0.9)
    if style == "suitcase" and rng.random() < 0.4:
        handle = 0.0
    trim = {"handbag": hide, "briefcase": hide, "tote": hide if rng.random() < 0.5 else cloth}.get(style, dark)
    return Bag(style, width, depth, height, float(rng.random()), handle, skin, trim, metal(rng))


FAMILY = Family(
    name="bag",
    label="object",
    stands="floor",
    styles={style: partial(_sampler, style) for style in _MAKERS},
    unseen=("messenger", "briefcase"),
    build=build,
)
