"""Laptops: slim, thick, for games, laid open wide, ajar, and closed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family
from maquette.worlds.assets.joinery import boards
from maquette.worlds.assets.solids import Point, box, grounded, hull, moved, tipped, tube
from maquette.worlds.materials import grey, hue, linear
from maquette.worlds.types import Asset, Material, Part

Rng = np.random.Generator
Style = Literal["slim", "thick", "gaming", "wide", "ajar", "closed"]


@dataclass(frozen=True)
class Laptop:
    """A laptop, its user on the side of +Z.

    Attributes:
        style: What kind it is and how it is left.
        width_m: Along x.
        depth_m: Of the base, along z.
        base_m: Thickness of the base.
        lid_m: Thickness of the lid.
        angle_rad: Between base and lid; 0 is closed.
        bezel_m: Around the screen.
        on: Whether the screen shines.
        shell: Material of the case.
        deck: Material around the keys.
        keys: Material of the keyboard.
    """

    style: Style
    width_m: float
    depth_m: float
    base_m: float
    lid_m: float
    angle_rad: float
    bezel_m: float
    on: bool
    shell: Material
    deck: Material
    keys: Material


def build(laptop: Laptop) -> Asset:
    """Make a laptop."""
    w, d, y = laptop.width_m, laptop.depth_m, laptop.base_m
    thick = laptop.style == "thick"
    parts = [
        _slab(w, d, y - 0.002, laptop.shell),
        moved(_slab(w - 0.003, d - 0.003, 0.002, laptop.deck), (0, y - 0.002, 0)),
    ]
    board_d = d * (0.42 if thick else 0.46)
    far = -d / 2 + d * (0.2 if thick else 0.14) + board_d / 2
    parts.append(_picture((0.0, y, far), (w * 0.9, 0.0012, board_d), laptop.keys, upright=False))
    pad = replace(_darker(laptop.deck, 0.8), roughness=0.35)
    near = (far + board_d / 2 + d / 2) / 2
    parts.append(box((0.0, y, near), (w * (0.2 if thick else 0.34), 0.001, (d / 2 - near) * 1.5), pad))
    hinge = (0.0, y + 0.001, -d / 2 + 0.006)
    bar = _darker(laptop.deck, 0.4)
    axle = [(-w * 0.36, hinge[1] - 0.0005, hinge[2]), (w * 0.36, hinge[1] - 0.0005, hinge[2])]
    parts.append(tube(axle, min(0.0055, laptop.lid_m * 0.8), bar, sides=8))
    if thick:
        slots = [(side * w / 2, y * 0.5, z * d) for side in (-1, 1) for z in (-0.25, -0.05, 0.2)]
        parts.append(boards(slots, (0.002, y * 0.4, 0.035), bar))
    parts += [moved(tipped(part, laptop.angle_rad - math.pi / 2), hinge) for part in _lid(laptop)]
    return Asset("laptop", laptop.style, grounded(parts))


def _lid(laptop: Laptop) -> list[Part]:
    """The lid, upright on the hinge, the screen towards +Z."""
    w, h, t = laptop.width_m, laptop.depth_m - 0.006, laptop.lid_m
    shell = moved(tipped(_slab(w, h, t, laptop.shell), math.pi / 2), (0.0, h / 2, 0.0))
    mark = box((0.0, h * 0.55, -t), (0.045, 0.03, 0.001), replace(laptop.shell, color=grey(0.75), roughness=0.2))
    if laptop.angle_rad < 0.1:
        return [shell, mark]
    dark = Material("plain", grey(0.03), roughness=0.25)
    b = laptop.bezel_m
    face = box((0.0, h / 2 + 0.004, 0.0), (w - 0.006, h - 0.014, 0.0008), dark)
    glow = Material("screen", (1.0, 1.0, 1.0), 1.0, 0.2, emission=1.1) if laptop.on else replace(dark, roughness=0.08)
    size = (w - 2 * b, h - 2 * b - 0.012, 0.0014)
    return [shell, mark, face, _picture((0.0, h / 2 + 0.008, 0.0), size, glow, upright=True)]


def _darker(material: Material, share: float) -> Material:
    red, green, blue = material.color
    return replace(material, color=(share * red, share * green, share * blue))


def _slab(width_m: float, depth_m: float, height_m: float, material: Material) -> Part:
    """A plate on y = 0 with rounded corners, its lower edge drawn in."""
    r = min(0.014, width_m / 4)
    corner = np.linspace(0, math.pi / 2, 4)
    quarter = np.stack([width_m / 2 - r + r * np.cos(corner), depth_m / 2 - r + r * np.sin(corner)], axis=-1)
    outline = np.concatenate([quarter * (sx, sz) for sx in (-1, 1) for sz in (-1, 1)])
    cut = min(0.003, height_m * 0.3)
    shrink = 1 - 2 * cut / depth_m
    rows = [(0.0, shrink), (cut, 1.0), (height_m - cut * 0.5, 1.0), (height_m, 1 - cut / depth_m)]
    return hull([(x * k, y, z * k) for y, k in rows for x, z in outline], material)


def _picture(center: Point, size: Point, material: Material, *, upright: bool) -> Part:
    """A plate whose face, towards +Z (``upright``) or +Y, shows the whole tile once."""
    plate = box(center, size, replace(material, tile_m=1.0))
    x, y, z = ((plate.vertices - center) / size + 0.5).T
    return replace(plate, uv=np.stack([x, y if upright else 1 - z], axis=-1).astype(np.float32))


def _sampler(style: Style, rng: Rng) -> Laptop:
    width = rng.uniform(0.3, 0.37) if style != "gaming" else rng.uniform(0.36, 0.4)
    ratio = rng.uniform(0.78, 0.82) if style == "thick" else rng.uniform(0.64, 0.71)
    angle = {
        "closed": 0.0,
        "ajar": math.radians(rng.uniform(25, 65)),
        "wide": math.radians(rng.uniform(140, 172)),
    }.get(style, math.radians(rng.uniform(95, 125)))
    base, lid = {"thick": (0.034, 0.016), "gaming": (0.024, 0.009)}.get(style, (rng.uniform(0.012, 0.017), 0.006))
    silver, black = grey(rng.uniform(0.68, 0.82)), grey(rng.uniform(0.09, 0.2))
    tints = (silver, silver, black, linear(0.25, 0.3, 0.38), linear(0.8, 0.66, 0.58), grey(0.92))
    color = {"thick": (black, grey(0.42), linear(0.72, 0.7, 0.62))[rng.integers(3)], "gaming": black}.get(
        style, tints[rng.integers(len(tints))]
    )
    shiny = color not in (black, grey(0.92)) and style != "thick"
    shell = Material("plain", color, 1.0, rng.uniform(0.35, 0.55), 1.0 if shiny else 0.0)
    keys = Material("keyboard", roughness=0.6, color=(1.0, 1.0, 1.0))
    if style == "gaming":
        keys = replace(keys, color=hue(rng, (0.5, 0.8), (0.8, 1.0)), emission=0.5)
    return Laptop(
        style,
        width,
        width * ratio,
        base,
        lid,
        angle,
        rng.uniform(0.018, 0.024) if style == "thick" else rng.uniform(0.006, 0.012),
        bool(rng.random() < 0.85),
        shell,
        shell if rng.random() < 0.6 else replace(shell, color=black, metallic=0.0),
        keys,
    )


STYLES: tuple[Style, ...] = ("slim", "thick", "gaming", "wide", "ajar", "closed")

FAMILY = Family(
    name="laptop",
    label="tv",
    stands="surface",
    styles={style: partial(_sampler, style) for style in STYLES},
    unseen=("thick", "ajar"),
    build=build,
)
