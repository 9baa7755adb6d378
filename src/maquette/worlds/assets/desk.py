"""Desks: writing desks, pedestal desks, height-adjustable ones, tops on trestles, and secretaries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler, batch
from maquette.worlds.assets.joinery import Front, Handle, Rect, board, boards, fronts, handles, legs, split, standing
from maquette.worlds.assets.solids import merged
from maquette.worlds.materials import furniture, grey, metal, wood
from maquette.worlds.types import Asset, Material, Part, Surface

Style = Literal["writing", "pedestal", "standing", "trestle", "secretary"]


@dataclass(frozen=True)
class Desk:
    """A desk; who works at it sits in front, at +Z.

    Attributes:
        style: What carries the top.
        width_m: Along x.
        depth_m: Along z.
        height_m: To the upper side of the top.
        top_m: Thickness of the top.
        side: Where a single pedestal stands: -1 or 1 along x; 0 has two.
        drawers: In a row under the top, or in a pedestal.
        front: What the drawers' fronts look like.
        handle: What their handles look like.
        top: Material of the top.
        body: Material of drawers and pedestals.
        frame: Material of legs and handles.
    """

    style: Style
    width_m: float
    depth_m: float
    height_m: float
    top_m: float
    side: int
    drawers: int
    front: Front
    handle: Handle
    top: Material
    body: Material
    frame: Material


def build(desk: Desk) -> Asset:
    """Make a desk."""
    shapes: dict[Style, Callable[[Desk], list[Part]]] = {
        "writing": _writing,
        "pedestal": _pedestal,
        "standing": _standing,
        "trestle": _trestle,
        "secretary": _writing,
    }
    y = desk.height_m - desk.top_m / 2
    top = boards([(0.0, y, 0.0)], (desk.width_m, desk.top_m, desk.depth_m), desk.top, bevel_m=0.005)
    parts = [top, *shapes[desk.style](desk)]
    free = Surface((0.0, desk.height_m, 0.0), (desk.width_m - 0.04, desk.depth_m - 0.04))
    if desk.style != "secretary":
        return standing("desk", desk.style, parts, [free])
    shelf = 0.24
    back = -desk.depth_m / 2
    hutch, above = _hutch(desk, back, back + shelf)
    below = Surface((0.0, desk.height_m, shelf / 2 + 0.015), (desk.width_m - 0.04, desk.depth_m - shelf - 0.05))
    return standing("desk", desk.style, [*parts, *hutch], [below, above])


def _row(desk: Desk, left: float, right: float, z: float, bottom: float) -> list[Part]:
    """Drawers side by side under the top."""
    rects = [(a, bottom + 0.003, b, desk.height_m - desk.top_m - 0.004) for a, b in split(left, right, desk.drawers)]
    return _drawers(desk, rects, z)


def _drawers(desk: Desk, rects: list[Rect], z: float) -> list[Part]:
    places = [((a + c) / 2, (b + d) / 2, z + 0.021) for a, b, c, d in rects]
    length = min(0.14, 0.5 * (rects[0][2] - rects[0][0]))
    return [*fronts(rects, z, desk.body, look=desk.front), *handles(places, desk.handle, desk.frame, length_m=length)]


def _writing(desk: Desk) -> list[Part]:
    below = desk.height_m - desk.top_m
    x, z = desk.width_m / 2 - 0.045, desk.depth_m / 2 - 0.04
    slim = desk.frame.metallic or desk.frame.texture == "plain"
    foot = None if slim else 0.026
    parts = [legs(x, z, below, desk.frame, width_m=0.035 if slim else 0.05, foot_m=foot)]
    low = below - 0.12
    inner = x - 0.03
    parts.append(board((-inner, low, -z), (inner, below - 0.001, z - 0.02), desk.body))
    return [*parts, *_row(desk, -inner + 0.004, inner - 0.004, z - 0.02, low)]


def _pedestal(desk: Desk) -> list[Part]:
    below, wide = desk.height_m - desk.top_m, 0.4
    x, z = desk.width_m / 2 - 0.02, desk.depth_m / 2 - 0.045
    parts = []
    for side in (-1, 1) if desk.side == 0 else (desk.side,):
        left, right = sorted((side * x, side * (x - wide)))
        parts.append(board((left, 0.05, -z), (right, below, z), desk.body))
        parts.append(board((left + 0.03, 0.0, -z + 0.03), (right - 0.03, 0.05, z - 0.03), desk.body))
        rows = split(0.055, below - 0.006, desk.drawers)
        parts += _drawers(desk, [(left + 0.003, a, right - 0.003, b) for a, b in rows], z)
    if desk.side != 0:
        at = -desk.side * (x - 0.0125)
        parts.append(board((at - 0.0125, 0.0, -z), (at + 0.0125, below, z), desk.body))
    edge = x - wide
    span = (-edge, edge) if desk.side == 0 else tuple(sorted((-desk.side * (x - 0.025), desk.side * edge)))
    parts.append(board((span[0], 0.3, -z + 0.02), (span[1], below, -z + 0.038), desk.body))
    return parts


def _standing(desk: Desk) -> list[Part]:
    below, x = desk.height_m - desk.top_m, desk.width_m / 2 - 0.18
    columns, sleeves, feet, arms = [], [], [], []
    for side in (-1, 1):
        columns.append((side * x, 0.03 + (below - 0.06) / 2, 0.0))
        sleeves.append((side * x, 0.03 + below * 0.3, 0.0))
        feet.append((side * x, 0.015, 0.0))
        arms.append((side * x, below - 0.0155, 0.0))
    return [
        boards(columns, (0.045, below - 0.06, 0.07), desk.frame),
        boards(sleeves, (0.06, below * 0.6, 0.088), desk.frame, bevel_m=0.006),
        boards(feet, (0.07, 0.03, desk.depth_m - 0.08), desk.frame, bevel_m=0.008),
        boards(arms, (0.05, 0.03, desk.depth_m - 0.14), desk.frame),
        boards([(0.0, below - 0.03, 0.0)], (2 * x - 0.05, 0.035, 0.05), desk.frame),
        boards([(x * 0.55, below - 0.009, desk.depth_m / 2 - 0.05)], (0.11, 0.017, 0.05), Material("plain", grey(0.1))),
    ]


def _trestle(desk: Desk) -> list[Part]:
    below, deep = desk.height_m - desk.top_m, desk.depth_m / 2 - 0.06
    x = desk.width_m / 2 - 0.22
    feet, heads, rails = [], [], []
    for side in (-1, 1):
        for lean in (-1, 1):
            for z in (-deep, deep):
                feet.append((side * x + lean * 0.15, 0.0, z))
                heads.append((side * x + lean * 0.025, below - 0.0425, z))
            rails.append((side * x + lean * 0.107, below * 0.33, 0.0))
        rails.append((side * x, below - 0.0225, 0.0))
    sizes = [(0.026, 0.045, 2 * deep)] * 2 + [(0.08, 0.045, 2 * deep + 0.06)]
    bars = [merged([_bar(foot, head, desk.frame) for foot, head in zip(feet, heads, strict=True)])]
    return [*bars, boards(rails, sizes * 2, desk.frame)]


def _bar(foot: tuple[float, float, float], head: tuple[float, float, float], material: Material) -> Part:
    """A square bar, cut level at both ends."""
    across = np.array([(-1, 0, -1), (-1, 0, 1), (1, 0, 1), (1, 0, -1)]) * (0.02, 0.0, 0.014)
    low, high = np.array(foot) + across, np.array(head) + across
    here, there = np.arange(4), np.roll(np.arange(4), -1)
    sides = np.stack([low[here], low[there], high[there], high[here]], axis=1)
    return batch.quads(np.concatenate([sides, low[None, ::-1], high[None]]), material)


def _hutch(desk: Desk, back: float, front: float) -> tuple[list[Part], Surface]:
    x, low, high = desk.width_m / 2 - 0.005, desk.height_m, desk.height_m + 0.52
    t = 0.018
    parts = [
        board((s * (x - t / 2) - t / 2, low, back), (s * (x - t / 2) + t / 2, high, front), desk.body) for s in (-1, 1)
    ]
    shelves = [low + 0.25, high - t / 2]
    size = (2 * (x - t) - 0.001, t, front - back - 0.004)
    parts.append(boards([(0.0, y, (back + front) / 2) for y in shelves], size, desk.body))
    parts.append(board((-x + t, low, back + 0.002), (x - t, high - t, back + 0.01), desk.body))
    cubby = split(-x + t, -x * 0.35, 3, 0.012)
    walls = [(b + 0.006, low + 0.25 - t / 2 - 0.062, (back + front) / 2) for _, b in cubby]
    parts.append(boards(walls, (0.012, 0.122, front - back - 0.02), desk.body))
    rows = [(a, low + 0.262, b, high - t - 0.002) for a, b in split(x * 0.35, x - t, 2)]
    parts += fronts(rows, front - 0.03, desk.body, look=desk.front)
    parts += handles(
        [((a + c) / 2, (b + d) / 2, front - 0.009) for a, b, c, d in rows], "knob", desk.frame, length_m=0.1
    )
    return parts, Surface((0.0, high, (back + front) / 2), (desk.width_m - 0.04, front - back - 0.02))


def _sampler(style: Style) -> Sampler:
    def sampler(rng: np.random.Generator) -> Desk:
        top = furniture(rng)
        iron = style == "standing" or (style in ("writing", "trestle") and rng.random() < 0.4)
        handle: tuple[Handle, ...] = ("bar", "knob", "cup")
        front: tuple[Front, ...] = ("slab", "slab", "shaker")
        return Desk(
            style,
            rng.uniform(1.25, 1.6) if style == "pedestal" else rng.uniform(1.0, 1.6),
            rng.uniform(0.55, 0.8),
            rng.uniform(0.71, 0.76) if style != "standing" else rng.uniform(0.7, 1.05),
            rng.uniform(0.02, 0.035),
            int(rng.integers(-1, 2)),
            int(rng.integers(3, 5)) if style == "pedestal" else int(rng.integers(1, 4)),
            front[rng.integers(3)],
            handle[rng.integers(3)],
            top,
            top if rng.random() < 0.6 else furniture(rng),
            metal(rng) if iron else (top if top.texture != "paint" else wood(rng)),
        )

    return sampler


FAMILY = Family(
    name="desk",
    label="table",
    stands="floor",
    styles={style: _sampler(style) for style in ("writing", "pedestal", "standing", "trestle", "secretary")},
    unseen=("secretary",),
    build=build,
)
