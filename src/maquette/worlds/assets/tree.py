"""Trees: broadleaf, birch, conifer, poplar, palm, bare, and bushes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler
from maquette.worlds.assets.batch import quads, sticks
from maquette.worlds.assets.solids import ball, merged, scaled, tube
from maquette.worlds.types import Asset, Color, Floats, Material, Part

Style = Literal["broadleaf", "birch", "conifer", "poplar", "palm", "bare", "bush"]


@dataclass(frozen=True)
class Tree:
    """A tree or a bush.

    Attributes:
        style: Its kind.
        height_m: To its top.
        crown_m: Radius of its crown.
        trunk_m: Radius of its trunk at the ground.
        leaf_m: Size of a tuft of leaves.
        tufts: Number of tufts.
        leaves: Material of the leaves.
        bark: Material of trunk and branches.
        seed: Where its branches go.
    """

    style: Style
    height_m: float
    crown_m: float
    trunk_m: float
    leaf_m: float
    tufts: int
    leaves: Material
    bark: Material
    seed: int


def build(tree: Tree) -> Asset:
    """Make a tree."""
    rng = np.random.default_rng(tree.seed)
    makers = {"conifer": _conifer, "palm": _palm, "bare": _bare, "bush": _bush}
    return Asset("tree", tree.style, tuple(_above_ground(part) for part in makers.get(tree.style, _leafy)(tree, rng)))


def _above_ground(part: Part) -> Part:
    return replace(part, vertices=np.maximum(part.vertices, np.array([-np.inf, 0.0, -np.inf], dtype=np.float32)))


def _leafy(tree: Tree, rng: np.random.Generator) -> list[Part]:
    """A trunk that forks into round clumps of leaves."""
    slender = tree.style == "poplar"
    base = tree.height_m * (0.12 if slender else rng.uniform(0.26, 0.36))
    half = (tree.height_m - base) / 2
    count = 7 if slender else 11
    if slender:
        level = np.linspace(-0.82, 0.86, count)
        spread = 0.15 * np.sqrt(np.maximum(1 - level**2, 0.1))
        turn = rng.uniform(0, 2 * math.pi, count)
        radius = tree.crown_m * np.sqrt(np.maximum(1.05 - level**2, 0.12))
    else:
        level = np.append(np.linspace(-0.5, 0.55, count - 1), 0.66)
        turn = np.arange(count) * 2.4 + rng.uniform(0, 6, 1)
        spread = 0.62 * np.sqrt(1 - level**2) * rng.uniform(0.75, 1.1, count)
        spread[-1] = 0.05
        radius = tree.crown_m * rng.uniform(0.36, 0.5, count)
    centers = np.column_stack(
        [
            tree.crown_m * spread * np.sin(turn),
            base + half * (1 + level) - 0.05 * half,
            tree.crown_m * spread * np.cos(turn),
        ]
    )
    radii = np.column_stack([radius, np.minimum(radius * (2.2 if slender else 0.85), half * 0.9), radius])
    over = (centers[:, 1] + radii[:, 1] * 1.05).max() - tree.height_m
    centers[:, 1] -= over
    bend = rng.uniform(-0.25, 0.25, 2) * (0.2 if slender else 1.0)
    fork = np.array([bend[0], base * 1.15, bend[1]])
    middle = np.array([bend[0] * 0.4, base * 0.6, bend[1] * 0.4])
    stem = np.stack([np.zeros(3), np.array([0.0, 0.12, 0.0]), middle, fork, centers[-1]])
    trunk = tube(stem, [tree.trunk_m * by for by in (1.35, 1.05, 0.85, 0.75, 0.2)], tree.bark, sides=7)
    limbs = sticks(
        np.tile(fork, (count - 1, 1)), centers[:-1], (0.42 * tree.trunk_m, 0.12 * tree.trunk_m), tree.bark, sides=4
    )
    return [trunk, limbs, *_clumps(centers, radii, tree, rng)]


def _bush(tree: Tree, rng: np.random.Generator) -> list[Part]:
    count = 5
    turn = np.arange(count) * 2.4 + rng.uniform(0, 6)
    away = tree.crown_m * np.array([0.0, 0.5, 0.45, 0.55, 0.4])
    radius = tree.crown_m * rng.uniform(0.42, 0.55, count)
    high = tree.height_m * np.array([0.62, 0.4, 0.45, 0.36, 0.5])
    centers = np.column_stack([away * np.sin(turn), high, away * np.cos(turn)])
    radii = np.column_stack([radius, np.minimum(tree.height_m - high, high) * 0.95, radius])
    stems = sticks(np.zeros((count, 3)), centers, (tree.trunk_m, tree.trunk_m * 0.4), tree.bark, sides=4)
    return [stems, *_clumps(centers, radii, tree, rng)]


def _clumps(centers: Floats, radii: Floats, tree: Tree, rng: np.random.Generator) -> list[Part]:
    """Ellipsoids of leaves: a closed dark core each, and tufts all over them."""
    radii = np.column_stack([radii[:, 0], np.minimum(radii[:, 1], centers[:, 1] * 0.92), radii[:, 2]])
    core = replace(tree.leaves, color=_shade(tree.leaves.color, 0.55))
    round_ = ball((0.0, 0.0, 0.0), (0.75, 0.75, 0.75), core, sides=6)
    cores = merged([scaled(round_, tuple(by), tuple(at)) for by, at in zip(radii, centers, strict=True)])
    share = radii[:, 0] * radii[:, 1]
    which = rng.choice(len(centers), 3 * tree.tufts, p=share / share.sum())
    outward = rng.normal(size=(len(which), 3))
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    at = centers[which] + outward * radii[which] * rng.uniform(0.8, 1.04, (len(which), 1))
    inside = (((at[:, None] - centers) / radii) ** 2).sum(axis=-1)
    inside[np.arange(len(which)), which] = 1.0
    at = at[inside.min(axis=1) > 0.7]
    outward = outward[inside.min(axis=1) > 0.7]
    at, outward = at[: tree.tufts], outward[: tree.tufts]
    middle = centers.mean(axis=0)
    whole = at - middle
    whole /= np.linalg.norm(whole, axis=1, keepdims=True)
    shading = outward + 0.9 * whole + rng.normal(scale=0.35, size=at.shape)
    return [cores, *_tufts(at, outward, shading, tree, rng)]


def _tufts(at: Floats, outward: Floats, shading: Floats, tree: Tree, rng: np.random.Generator) -> list[Part]:
    """Rhombic tufts at (n, 3) places, tilted about (n, 3) ``outward``, in three shades."""
    tilt = outward + rng.normal(scale=0.55, size=at.shape)
    tilt /= np.linalg.norm(tilt, axis=1, keepdims=True)
    long = np.cross(tilt, rng.normal(size=at.shape))
    long /= np.linalg.norm(long, axis=1, keepdims=True)
    wide = np.cross(tilt, long)
    size = tree.leaf_m * rng.uniform(0.7, 1.3, (len(at), 1))
    corners = np.stack([at - long * size, at + wide * size * 0.62, at + long * size, at - wide * size * 0.62], axis=1)
    shading = shading / np.linalg.norm(shading, axis=1, keepdims=True)
    third = np.arange(len(at)) % 3
    return [
        quads(
            corners[third == n][:, ::-1],
            replace(tree.leaves, color=_shade(tree.leaves.color, tone)),
            normals=shading[third == n],
            closed=False,
        )
        for n, tone in enumerate((0.8, 1.0, 1.22))
    ]


def _shade(color: Color, by: float) -> Color:
    return color[0] * by, color[1] * by, color[2] * by


def _conifer(tree: Tree, rng: np.random.Generator) -> list[Part]:
    """Whorls of drooping boughs around a straight trunk."""
    base = tree.height_m * 0.08
    whorls, boughs = 12, 11
    level = (np.arange(whorls) / whorls)[:, None]
    reach = tree.crown_m * (1 - level) ** 0.85 * rng.uniform(0.82, 1.1, (whorls, boughs)) + 0.12
    turn = np.arange(boughs) * (2 * math.pi / boughs) + np.arange(whorls)[:, None] * 0.9
    turn = turn + rng.uniform(-0.15, 0.15, turn.shape)
    root = base + (tree.height_m * 0.96 - base) * level + np.zeros_like(turn)
    step = (tree.height_m - base) / whorls
    away = np.stack([np.sin(turn), np.zeros_like(turn), np.cos(turn)], axis=-1).reshape(-1, 3)
    across = np.stack([np.cos(turn), np.zeros_like(turn), -np.sin(turn)], axis=-1).reshape(-1, 3)
    reach, root = reach.reshape(-1, 1), root.reshape(-1, 1)
    up = np.array([[0.0, 1.0, 0.0]])
    inner = up * (root + 0.75 * step)
    middle = up * (root + 0.15 * step) + away * reach * 0.6
    tip = up * np.maximum(root - 0.12 * reach - 0.15 * step, 0.1) + away * reach
    width = across * reach * 0.3
    droop = up * 0.12 * reach
    left = np.stack([inner, middle + width - droop, tip, middle], axis=1)
    right = np.stack([inner, middle, tip, middle - width - droop], axis=1)
    shading = away + 0.8 * up
    shading /= np.linalg.norm(shading, axis=1, keepdims=True)
    dark = replace(tree.leaves, color=_shade(tree.leaves.color, 0.75))
    trunk = sticks([[0.0, 0.0, 0.0]], [[0.0, tree.height_m * 0.97, 0.0]], (tree.trunk_m, 0.03), tree.bark, sides=7)
    core = sticks(
        [[0.0, base + 0.3 * step, 0.0]],
        [[0.0, tree.height_m, 0.0]],
        (tree.crown_m * 0.42, 0.02),
        replace(tree.leaves, color=_shade(tree.leaves.color, 0.4)),
        sides=9,
    )
    return [
        trunk,
        core,
        quads(left, tree.leaves, normals=shading, closed=False),
        quads(right, dark, normals=shading, closed=False),
    ]


def _palm(tree: Tree, rng: np.random.Generator) -> list[Part]:
    """A bent trunk with a rosette of feathered leaves."""
    lean = rng.uniform(-0.12, 0.12, 2) * tree.height_m
    high = tree.height_m - 0.35 * tree.crown_m
    rise = np.linspace(0.0, 1.0, 6)
    stem = np.column_stack([lean[0] * rise**2, high * rise, lean[1] * rise**2])
    trunk = tube(stem, [tree.trunk_m * by for by in (1.5, 1.0, 0.9, 0.85, 0.85, 0.9)], tree.bark, sides=8)
    fronds, leaflets = 17, 11
    turn = np.arange(fronds) * 2.4 + rng.uniform(-0.1, 0.1, fronds)
    lift = rng.uniform(0.1, 0.95, fronds)
    along = np.linspace(0.08, 1.0, leaflets + 1)
    away = tree.crown_m * along * (1 - 0.25 * lift[:, None])
    fall = tree.crown_m * (lift[:, None] * 0.9 * along - 1.0 * along**2)
    away_dir = np.stack([np.sin(turn), 0 * turn, np.cos(turn)], -1)[:, None]
    across = np.stack([np.cos(turn), 0 * turn, -np.sin(turn)], -1)[:, None]
    rib = stem[-1] + away_dir * away[..., None] + np.array([0.0, 1.0, 0.0]) * fall[..., None]
    start, end = rib[:, :-1], rib[:, 1:]
    width = (tree.crown_m * 0.26 * np.sin(np.pi * np.clip(along[:-1], 0.12, 0.94)) ** 0.6)[None, :, None]
    tip = end + 0.5 * (end - start) - np.array([0.0, 1.0, 0.0]) * width * 0.35
    part_way = start + 0.55 * (end - start)
    left = np.stack([start, tip + across * width, part_way, start], axis=2).reshape(-1, 4, 3)
    right = np.stack([start, part_way, tip - across * width, tip - across * width], axis=2).reshape(-1, 4, 3)
    shading = (away_dir * 0.5 + np.array([0.0, 1.0, 0.0])) * np.ones_like(start)
    shading = shading.reshape(-1, 3) / np.linalg.norm(shading.reshape(-1, 3), axis=1, keepdims=True)
    return [
        trunk,
        quads(left, tree.leaves, normals=shading, closed=False),
        quads(right, replace(tree.leaves, color=_shade(tree.leaves.color, 0.8)), normals=shading, closed=False),
    ]


def _bare(tree: Tree, rng: np.random.Generator) -> list[Part]:
    """Branches that fork four times, each generation shorter and thinner."""
    starts, ends = np.zeros((1, 3)), np.array([[0.0, tree.height_m * 0.3, 0.0]])
    radii = np.array([[tree.trunk_m * 1.15, tree.trunk_m * 0.8]])
    pieces = [sticks(starts, ends, radii, tree.bark, sides=8)]
    for generation, (forks, sides) in enumerate(((5, 6), (4, 4), (3, 3), (3, 3))):
        direction = np.repeat(ends - starts, forks, axis=0)
        length = np.linalg.norm(direction, axis=1, keepdims=True)
        direction = direction / length
        turn = np.tile(np.arange(forks), len(ends)) * (2 * math.pi / forks) + np.repeat(
            rng.uniform(0, 6, len(ends)), forks
        )
        ring = np.column_stack([np.sin(turn), rng.uniform(-0.1, 0.5, len(turn)), np.cos(turn)])
        open_ = rng.uniform(0.45, 1.0, (len(turn), 1))
        heading = direction + open_ * ring
        heading /= np.linalg.norm(heading, axis=1, keepdims=True)
        along = rng.uniform(0.75 if generation else 0.85, 1.0, (len(turn), 1))
        starts, ends, thick = (np.repeat(array, forks, axis=0) for array in (starts, ends, radii))
        base = starts + (ends - starts) * along
        shrink = (0.26 if generation == 0 else 0.62) * rng.uniform(0.7, 1.2, (len(turn), 1))
        reach = tree.height_m * 0.26 if generation == 0 else length * shrink
        starts, ends = base, base + heading * reach
        slim = thick[:, 1:] * rng.uniform(0.5, 0.65, (len(turn), 1))
        radii = np.column_stack([slim, slim * 0.6])
        pieces.append(sticks(starts, ends, np.maximum(radii, 0.006), tree.bark, sides=sides))
    return [merged(pieces)]


_GREENS = ((1.1, 1.25, 1.2), (0.9, 1.1, 1.5), (1.45, 1.4, 1.2), (0.8, 1.0, 1.6))
_AUTUMN = ((5.0, 1.5, 0.8), (4.0, 0.8, 0.8), (5.2, 2.7, 1.0))
"""Factors on the tile of leaves."""


def _style(style: Style, height: tuple[float, float], crown: float, tufts: int) -> Sampler:
    def sampler(rng: np.random.Generator) -> Tree:
        high = rng.uniform(*height)
        tone = _GREENS[rng.integers(len(_GREENS))]
        if style in ("broadleaf", "birch") and rng.random() < 0.18:
            tone = _AUTUMN[rng.integers(len(_AUTUMN))]
        if style == "conifer":
            tone = (0.85, 1.05, 2.4)
        leaves = Material("leaves", _shade(tone, rng.uniform(0.9, 1.2)), 1.2, 0.8, bump_m=0.01)
        bark = Material("bark", (1.0, 1.0, 1.0), 0.8, 0.95, bump_m=0.01)
        if style == "birch":
            bark = Material("paint", (0.75, 0.73, 0.68), 0.5, 0.8)
        wide = high * crown * rng.uniform(0.85, 1.15)
        return Tree(
            style,
            high,
            wide,
            max(0.02, high * rng.uniform(0.016, 0.022)),
            max(0.1, wide * 0.105),
            tufts,
            leaves,
            bark,
            int(rng.integers(2**31)),
        )

    return sampler


FAMILY = Family(
    name="tree",
    label="tree",
    stands="ground",
    styles={
        "broadleaf": _style("broadleaf", (5.5, 10.0), 0.36, 700),
        "birch": _style("birch", (6.0, 10.0), 0.25, 560),
        "conifer": _style("conifer", (6.0, 13.0), 0.24, 0),
        "poplar": _style("poplar", (8.0, 14.0), 0.12, 560),
        "palm": _style("palm", (5.0, 9.0), 0.33, 0),
        "bare": _style("bare", (5.0, 9.0), 0.4, 0),
        "bush": _style("bush", (0.8, 1.8), 0.65, 300),
    },
    unseen=("poplar", "palm"),
    build=build,
)
