"""Fences: pickets, rails, iron bars, boards, wire, a hedge, a garden wall."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler
from maquette.worlds.assets.batch import boxes, prisms, quads, sticks
from maquette.worlds.materials import grey
from maquette.worlds.types import Asset, Material, Part

Style = Literal["picket", "rail", "iron", "boards", "hedge", "wall"]


@dataclass(frozen=True)
class Fence:
    """A straight piece of fence along x, its outer face towards +Z.

    Attributes:
        style: Its kind.
        length_m: Along x.
        height_m: To its top.
        material: Of posts, boards, leaves or stones.
        seed: Where a hedge's leaves are.
    """

    style: Style
    length_m: float
    height_m: float
    material: Material
    seed: int


def build(fence: Fence) -> Asset:
    """Make a piece of fence."""
    makers = {"picket": _picket, "rail": _rail, "iron": _iron, "boards": _boards, "hedge": _hedge, "wall": _wall}
    return Asset("fence", fence.style, tuple(makers[fence.style](fence)))


def _posts(fence: Fence, spacing: float, size: float, z: float, height: float) -> Part:
    count = max(2, round(fence.length_m / spacing) + 1)
    xs = np.linspace(-fence.length_m / 2 + size / 2, fence.length_m / 2 - size / 2, count)
    return boxes([(x, height / 2, z) for x in xs], (size, height, size), fence.material)


def _rows(fence: Fence, levels: tuple[float, ...], high: float, thick: float, z: float) -> Part:
    return boxes([(0.0, y * fence.height_m, z) for y in levels], (fence.length_m, high, thick), fence.material)


def _picket(fence: Fence) -> list[Part]:
    wide, thick = 0.08, 0.02
    count = int(fence.length_m / 0.13)
    xs = np.linspace(-fence.length_m / 2 + wide, fence.length_m / 2 - wide, count)
    low, shoulder = 0.06, fence.height_m - 0.06
    outline = np.array([(-wide / 2, low), (wide / 2, low), (wide / 2, shoulder), (-wide / 2, shoulder)])
    slim, neck = wide * 0.49, shoulder - 0.003
    tip = np.array([(-slim, neck), (slim, neck), (0.0, fence.height_m), (0.0, fence.height_m)])
    corners = np.array([[(x + a, b, 0.03 + thick) for a, b in shape] for x in xs for shape in (outline, tip)])
    pickets = prisms(corners, thick, fence.material)
    return [
        pickets,
        _posts(fence, 2.0, 0.09, -0.05, fence.height_m * 0.92),
        _rows(fence, (0.28, 0.78), 0.07, 0.035, 0.012),
    ]


def _rail(fence: Fence) -> list[Part]:
    half = fence.length_m / 2 - 0.05
    levels = np.array([0.35, 0.62, 0.9]) * fence.height_m
    rails = sticks([(-half, y, 0.0) for y in levels], [(half, y, 0.0) for y in levels], (0.05, 0.05), fence.material)
    return [_posts(fence, 2.2, 0.12, 0.0, fence.height_m), rails]


def _iron(fence: Fence) -> list[Part]:
    half = fence.length_m / 2
    xs = np.arange(-half + 0.1, half - 0.05, 0.13)
    low = np.column_stack([xs, np.full(len(xs), 0.08), 0 * xs])
    bars = sticks(low, low + np.array([0.0, fence.height_m - 0.08, 0.0]), (0.011, 0.008), fence.material, sides=4)
    return [bars, _rows(fence, (0.15, 0.88), 0.035, 0.02, 0.0), _posts(fence, 2.4, 0.06, 0.0, fence.height_m * 0.96)]


def _boards(fence: Fence) -> list[Part]:
    wide = 0.145
    count = int(fence.length_m / 0.15)
    xs = (np.arange(count) - (count - 1) / 2) * (fence.length_m / count)
    panel = boxes(
        [(x, fence.height_m / 2 + 0.03, 0.03 + 0.006 * (n % 2)) for n, x in enumerate(xs)],
        (wide, fence.height_m - 0.06, 0.022),
        fence.material,
    )
    return [panel, _rows(fence, (0.2, 0.8), 0.08, 0.03, 0.005), _posts(fence, 2.0, 0.1, -0.05, fence.height_m)]


def _hedge(fence: Fence) -> list[Part]:
    rng = np.random.default_rng(fence.seed)
    x, y, z = fence.length_m / 2, fence.height_m, 0.32
    core = replace(
        fence.material,
        color=(fence.material.color[0] * 0.7, fence.material.color[1] * 0.7, fence.material.color[2] * 0.7),
    )
    block = boxes([(0.0, y / 2 - 0.03, 0.0)], (2 * x - 0.1, y - 0.06, 2 * z - 0.1), core)
    areas = np.array([4 * x * y, 4 * x * z, 4 * z * y])
    count = int(areas.sum() * 26)
    side = rng.choice(3, count, p=areas / areas.sum())
    sign = rng.choice([-1.0, 1.0], count)
    at = rng.uniform(-1, 1, (count, 3)) * (x - 0.08, y / 2 - 0.07, z - 0.05)
    normal = np.zeros((count, 3))
    for n, (axis, reach) in enumerate(((2, z - 0.06), (1, y / 2 - 0.06), (0, x - 0.06))):
        mine = side == n
        turned = np.ones(mine.sum()) if axis == 1 else sign[mine]
        at[mine, axis] = turned * reach
        normal[mine, axis] = turned
    at[:, 1] += y / 2
    tilt = normal + rng.normal(scale=0.45, size=at.shape)
    tilt /= np.linalg.norm(tilt, axis=1, keepdims=True)
    long = np.cross(tilt, rng.normal(size=at.shape))
    long /= np.linalg.norm(long, axis=1, keepdims=True)
    size = 0.09 * rng.uniform(0.7, 1.3, (count, 1))
    wide = np.cross(tilt, long) * size * 0.65
    long = long * size
    corners = np.stack([at - long, at - wide, at + long, at + wide], axis=1)
    np.clip(corners[..., 0], -x, x, out=corners[..., 0])
    np.clip(corners[..., 1], 0.0, None, out=corners[..., 1])
    return [block, quads(corners, fence.material, normals=tilt, closed=False)]


def _wall(fence: Fence) -> list[Part]:
    body = boxes(
        [(0.0, fence.height_m / 2 - 0.03, 0.0)], (fence.length_m - 0.02, fence.height_m - 0.06, 0.24), fence.material
    )
    coping = Material("concrete", grey(0.85), 1.0, 0.85)
    return [body, boxes([(0.0, fence.height_m - 0.035, 0.0)], (fence.length_m, 0.07, 0.32), coping)]


def _style(style: Style, height: tuple[float, float]) -> Sampler:
    def sampler(rng: np.random.Generator) -> Fence:
        shade = rng.uniform(0.75, 1.1)
        if style == "picket":
            material = Material("paint", grey(rng.uniform(0.85, 0.97)), 1.0, 0.7)
        elif style == "iron":
            material = Material("plain", grey(rng.uniform(0.08, 0.2)), 1.0, 0.6)
        elif style == "hedge":
            material = Material("leaves", (1.1 * shade, 1.3 * shade, 1.4 * shade), 0.8, 0.85, bump_m=0.01)
        elif style == "wall":
            name = ("brick_red", "brick_white", "rock")[rng.integers(3)]
            material = Material(name, (shade, shade, shade), 1.4, 0.9, bump_m=0.006)
        else:
            material = Material("planks", (0.5 * shade, 0.4 * shade, 0.3 * shade), 1.0, 0.85, bump_m=0.003)
        return Fence(style, rng.uniform(3.0, 5.0), rng.uniform(*height), material, int(rng.integers(2**31)))

    return sampler


FAMILY = Family(
    name="fence",
    label="fence",
    stands="ground",
    styles={
        "picket": _style("picket", (0.8, 1.1)),
        "rail": _style("rail", (1.0, 1.3)),
        "iron": _style("iron", (1.0, 1.4)),
        "boards": _style("boards", (1.4, 1.8)),
        "hedge": _style("hedge", (0.8, 1.4)),
        "wall": _style("wall", (0.6, 1.2)),
    },
    unseen=("iron",),
    build=build,
)
