"""Leaves and pots: what plants of any size are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maquette.worlds.assets import batch
from maquette.worlds.assets.joinery import UP, boards
from maquette.worlds.assets.solids import cylinder, lathe, unit
from maquette.worlds.materials import Rng, grey, linear, muted
from maquette.worlds.types import Floats, Material, Part

Shape = Literal["oval", "heart", "blade"]
PotShape = Literal["cone", "bowl", "cylinder", "square", "basket"]
POTS: tuple[PotShape, ...] = ("cone", "bowl", "cylinder", "square", "basket")

GOLDEN = np.pi * (3 - np.sqrt(5))
"""The angle from leaf to leaf around a stem, in radians."""

_WIDTHS: dict[Shape, tuple[float, float]] = {"oval": (0.95, 0.8), "heart": (1.0, 0.72), "blade": (1.0, 0.7)}
"""Width at a third and at two thirds of a leaf."""

_TOP = np.array(
    [(0, 6, 1), (0, 2, 6), (1, 7, 3), (1, 6, 7), (2, 7, 6), (2, 4, 7), (3, 7, 5), (7, 4, 5)], dtype=np.int32
)
"""Faces of the upper side: stalk 0, a third 1 and 2, two thirds 3 and 4, tip 5, and two points of the rib, 6 and 7."""


def leaves(
    base: ArrayLike,
    along: ArrayLike,
    up: ArrayLike,
    length_m: ArrayLike,
    width_m: ArrayLike,
    material: Material,
    *,
    shape: Shape = "oval",
    droop: ArrayLike = 0.25,
    fold: float = 0.12,
) -> Part:
    """Leaves as closed slivers, some millimetres thick at the rib.

    Args:
        base: (n, 3) where their stalks end, metres.
        along: (n, 3) directions from stalk to tip; of any length.
        up: (n, 3) about where their upper sides look.
        length_m: One for all, or (n,).
        width_m: One for all, or (n,).
        material: How they look.
        shape: Their outline.
        droop: How far tips hang below, as a share of the length: one for all, or (n,).
        fold: How far the edges rise above the rib, as a share of the width.
    """
    start = np.asarray(base, dtype=np.float64)
    count = len(start)
    ahead = unit(np.asarray(along, dtype=np.float64))
    side = unit(np.cross(np.asarray(up, dtype=np.float64), ahead))
    normal = np.cross(ahead, side)
    length = np.broadcast_to(np.asarray(length_m, dtype=np.float64), count)[:, None]
    width = np.broadcast_to(np.asarray(width_m, dtype=np.float64), count)[:, None]
    hang = np.broadcast_to(np.asarray(droop, dtype=np.float64), count)[:, None]

    def rib(t: float) -> Floats:
        return start + ahead * length * t - UP * length * hang * t * t

    third, two = _WIDTHS[shape]
    low, high = (0.25, 0.62) if shape == "heart" else (0.33, 0.7)
    outline = [rib(0.0)]
    for share, wide in ((low, third), (high, two)):
        outline += [rib(share) + (sign * side + 2 * fold * normal) * width * wide / 2 for sign in (1, -1)]
    outline.append(rib(1.0))
    thick = 0.0012 + 0.006 * width
    upper = [*outline, rib(low) + normal * thick / 2, rib(high) + normal * thick / 2]
    under = [*outline, rib(low) - normal * thick / 2, rib(high) - normal * thick / 2]
    tilt = np.array([0.0, 1.0, -1.0, 1.0, -1.0, 0.0, 0.0, 0.0])[:, None, None] * (0.25 + 2 * fold)
    shading = unit(normal - tilt * side).transpose(1, 0, 2)
    t = np.array([0.0, low, low, high, high, 1.0, low, high])
    s = np.array([0.0, 0.5, -0.5, 0.4, -0.4, 0.0, 0.0, 0.0])
    uv = np.stack(np.broadcast_arrays(t * length, s * width), axis=-1)
    faces = np.concatenate([_TOP, _TOP[:, ::-1] + 8])
    return Part(
        np.stack([*upper, *under], axis=1).reshape(-1, 3).astype(np.float32),
        (np.arange(count, dtype=np.int32)[:, None, None] * 16 + faces).reshape(-1, 3),
        np.concatenate([shading, -shading], axis=1).reshape(-1, 3).astype(np.float32),
        np.concatenate([uv, uv], axis=1).reshape(-1, 2).astype(np.float32),
        material,
    )


def stems(paths: ArrayLike, radii_m: ArrayLike, material: Material) -> Part:
    """Bent stems as rows of straight pieces.

    Args:
        paths: (n, k, 3) metres: points along each.
        radii_m: (k,) metres: their radii there.
        material: How they look.
    """
    points = np.asarray(paths, dtype=np.float64)
    radii = np.asarray(radii_m, dtype=np.float64)
    each = np.tile(np.column_stack([radii[:-1], radii[1:]]), (len(points), 1))
    return batch.sticks(points[:, :-1].reshape(-1, 3), points[:, 1:].reshape(-1, 3), each, material, sides=5)


def around(turn: ArrayLike, rise: ArrayLike) -> Floats:
    """(n, 3) unit vectors at an angle about +Y and an angle above the level."""
    a, b = np.broadcast_arrays(np.asarray(turn, dtype=np.float64), np.asarray(rise, dtype=np.float64))
    return np.stack([np.cos(a) * np.cos(b), np.sin(b), np.sin(a) * np.cos(b)], axis=-1)


def pot(shape: PotShape, radius_m: float, height_m: float, material: Material) -> list[Part]:
    """A pot on the floor, filled with earth up to nine tenths."""
    earth = Material("dirt", linear(0.5, 0.42, 0.36), 0.3, 0.95)
    soil = height_m * 0.9
    if shape == "square":
        wall, edge = 0.08 * radius_m, radius_m * 0.96
        parts = [boards([(0.0, soil / 2, 0.0)], (2 * radius_m, soil, 2 * radius_m), material, bevel_m=0.006)]
        rim = height_m - soil
        at = [(edge, 0.0), (-edge, 0.0)]
        long = [(x, soil + rim / 2, z) for x, z in at]
        short = [(z, soil + rim / 2, x) for x, z in at]
        parts.append(boards(long, (wall, rim, 2 * radius_m), material, bevel_m=0.002))
        parts.append(boards(short, (2 * edge - wall - 0.001, rim, wall), material, bevel_m=0.002))
        return [*parts, boards([(0.0, soil + 0.002, 0.0)], (2 * edge - wall, 0.006, 2 * edge - wall), earth)]
    profiles = {
        "cone": [(0.72, 0.0), (0.92, 0.82), (0.92, 0.83), (1.0, 0.84), (1.0, 1.0)],
        "bowl": [(0.5, 0.0), (0.8, 0.15), (1.0, 0.5), (0.97, 0.85), (0.9, 1.0)],
        "cylinder": [(0.96, 0.0), (1.0, 0.03), (1.0, 1.0)],
        "basket": [(0.85, 0.0), (0.97, 0.1), (1.0, 0.4), (0.95, 0.8), (0.98, 1.0)],
    }
    outer = [(r * radius_m, y * height_m) for r, y in profiles[shape]]
    lip = outer[-1][0]
    shell = lathe([*outer, (lip * 0.9, height_m), (lip * 0.88, soil)], material, sides=20)
    return [shell, cylinder((0.0, soil - 0.002, 0.0), 0.006, lip * 0.885, earth, sides=20)]


def pot_material(rng: Rng, shape: PotShape) -> Material:
    """Terracotta, glaze, concrete, or a basket's weave."""
    if shape == "basket":
        return Material("weave", linear(0.72, 0.58, 0.4), 0.2, 0.95, bump_m=0.004)
    pick = rng.random()
    if pick < 0.3:
        return Material("plaster", linear(0.72, 0.4, 0.27), 0.6, 0.9)
    if pick < 0.5:
        return Material("concrete", grey(rng.uniform(0.6, 0.95)), 0.8, 0.85)
    return Material("plain", grey(0.9) if rng.random() < 0.5 else muted(rng), roughness=rng.uniform(0.2, 0.5))


def green(rng: Rng, *, warm: float = 0.5) -> Material:
    """A leaf's green, between blue-green and yellow-green."""
    value, shift = rng.uniform(0.28, 0.52), rng.uniform(-0.1, 0.1) + warm
    color = linear(value * (0.35 + 0.45 * shift), value, value * (0.5 - 0.3 * shift))
    return Material("plain", color, roughness=rng.uniform(0.4, 0.65))


def draws(values: Sequence[float], count: int, start: int) -> NDArray[np.float64]:
    """``count`` of a plant's own random numbers, from ``start`` on, by turns."""
    return np.take(np.asarray(values), np.arange(start, start + count), mode="wrap")
