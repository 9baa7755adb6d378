"""The studio of the paper: a room of 80 x 96 x 64 cells, seen by three fixed cameras (Everted U-Net, section 3.1)."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from maquette.voxels.rig import CELL_M, CELLS, studio_cameras
from maquette.worlds.assets.shell import WALL_M, Wall, build_ceiling, build_floor, build_wall
from maquette.worlds.assets.solids import box
from maquette.worlds.library import Library, parse_counts
from maquette.worlds.materials import grey, linear
from maquette.worlds.options import WorldOptions
from maquette.worlds.placement import Placer, Rng
from maquette.worlds.rigs import expand
from maquette.worlds.types import Asset, Lamp, Lighting, Material, Object, OrientedBox, World

WIDTH_M, DEPTH_M, HEIGHT_M = (count * CELL_M for count in CELLS)

COUNTS = {"table": 2, "chair": 3, "nightstand": 2, "person": 3, "bag": 3, "laptop": 2}
"""Most objects of each class: the paper's, and laptops, for which it gives no number."""

_RAISED = 0.5
"""Share of bags that stand on larger things; what is made for surfaces always does."""


def make_studio(options: WorldOptions, rng: Rng, library: Library) -> World:
    """A random set of things at random places in the studio.

    Each family has between none and its most. Laptops and other things made for surfaces go onto tables and
    nightstands, as half of the bags do; what fits nowhere is left out.
    """
    known = tuple(name for name in library.names if library.stands(name) in ("floor", "surface"))
    counts = parse_counts(options.counts, COUNTS, known)
    placer = Placer(rng, attempts=options.attempts, collisions=options.collisions)
    lighting = _build(placer, rng)
    raised = {name: 1.0 if library.stands(name) == "surface" else _RAISED * (name == "bag") for name in counts}
    bearers: list[Object] = []
    for name in sorted(counts, key=lambda name: raised[name] > 0):
        for _ in range(rng.integers(counts[name] + 1)):
            label, asset = library.sample(name, rng)
            if bearers and rng.random() < raised[name]:
                placer.try_on(label, asset, bearers[rng.integers(len(bearers))])
            elif raised[name] < 1.0:
                made = placer.try_place(label, asset, partial(_anywhere, asset))
                if made is not None and not raised[name] and asset.surfaces:
                    bearers.append(made)
    cameras = studio_cameras(options.width, options.height)
    if options.views != "rig":
        cameras = expand(cameras[0].moved((0.0, 0.0, 0.6)), options.views, 2.8)
    room = OrientedBox((0.0, HEIGHT_M / 2, 0.0), (WIDTH_M, HEIGHT_M, DEPTH_M), 0.0)
    return World("studio", "studio", tuple(placer.objects), lighting, cameras, room)


def _anywhere(asset: Asset, rng: Rng) -> tuple[float, tuple[float, float, float]]:
    """A random yaw, and a random place that keeps the asset's box within the walls."""
    yaw = rng.uniform(-math.pi, math.pi)
    corners = OrientedBox((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), yaw).T_world_box[:3, :3]
    low, high = asset.bounds
    reach = np.array([(corners @ (x, 0.0, z))[[0, 2]] for x in (low[0], high[0]) for z in (low[2], high[2])])
    half = np.array([WIDTH_M, DEPTH_M]) / 2 - 0.002
    least, most = -half - reach.min(axis=0), half - reach.max(axis=0)
    x, z = rng.uniform(least, np.maximum(most, least))
    return yaw, (x, 0.0, z)


def _build(placer: Placer, rng: Rng) -> Lighting:
    """Walls, floor and a ceiling with light panels; and the light that they give."""
    walls, floor, ceiling = _finish(rng)
    placer.add("floor", build_floor(WIDTH_M, DEPTH_M, floor), 0.0, (0.0, 0.0, 0.0), solid=False)
    warmth = rng.uniform(0.75, 1.0)
    white = (1.0, (1.0 + warmth) / 2, warmth)
    glow = Material("plain", white, emission=4.0, casts_shadow=False)
    across, along = rng.uniform(0.7, 1.1), rng.uniform(1.0, 1.5)
    spots = [(x, z) for x in (-across, across) for z in (-along, along)]
    rng.shuffle(spots)
    panels = [box((x, -0.015, z), (0.6, 0.03, 0.6), glow) for x, z in spots]
    placer.add("ceiling", build_ceiling(WIDTH_M, DEPTH_M, ceiling, panels), 0.0, (0.0, HEIGHT_M, 0.0))
    for yaw, width, out in (
        (0.0, WIDTH_M, DEPTH_M / 2),
        (-math.pi / 2, DEPTH_M, WIDTH_M / 2),
        (math.pi, WIDTH_M, DEPTH_M / 2),
        (math.pi / 2, DEPTH_M, WIDTH_M / 2),
    ):
        wall = build_wall(Wall(width, HEIGHT_M, WALL_M, walls, walls, skirting_m=0.0))
        placer.add("wall", wall, yaw, (-math.sin(yaw) * out, 0.0, -math.cos(yaw) * out))
    power = rng.uniform(1.2, 1.8, len(spots))
    power[0] = rng.uniform(6.0, 9.0)  # the key light: the first lamp casts the shadows
    lamps = tuple(
        Lamp((x, HEIGHT_M - 0.12, z), (white[0] * p, white[1] * p, white[2] * p), 0.3)
        for (x, z), p in zip(spots, power, strict=True)
    )
    ambient = rng.uniform(0.13, 0.22)
    bounce = (ambient * white[0], ambient * white[1], ambient * white[2])
    return Lighting(np.zeros((2, 4, 3), np.float32), bounce, None, lamps, rng.uniform(1.15, 1.5))


def _finish(rng: Rng) -> tuple[Material, Material, Material]:
    """Materials of walls, floor and ceiling: a green room, or a plain studio."""
    ceiling = Material("plaster", grey(rng.uniform(0.75, 0.95)), 1.5)
    if rng.random() < 0.4:
        green = Material("paint", linear(0.15, rng.uniform(0.5, 0.68), rng.uniform(0.2, 0.3)), 1.5, 0.85)
        floor = green if rng.random() < 0.6 else Material("concrete", grey(0.75), 2.0, 0.7)
        return green, floor, ceiling
    shade = grey(rng.uniform(0.6, 0.95))
    walls = (
        Material("paint", shade, 1.5),
        Material("plaster", shade, 1.5, bump_m=0.001),
        Material("brick_white", grey(0.9), 1.2, bump_m=0.004),
        Material("concrete", shade, 2.0),
        Material("paint", linear(*rng.uniform(0.45, 0.8, 3)), 1.5),
    )
    floors = (
        Material("concrete", grey(rng.uniform(0.6, 0.9)), 2.0, 0.6),
        Material("planks", (0.9, 0.9, 0.9), 1.6, 0.5, bump_m=0.0005),
        Material("parquet", (0.9, 0.9, 0.9), 1.2, 0.45, bump_m=0.0003),
        Material("carpet", grey(rng.uniform(0.4, 0.8)), 0.6, 0.95, bump_m=0.002),
        Material("plain", grey(rng.uniform(0.25, 0.8)), 1.0, 0.5),
    )
    return walls[rng.integers(len(walls))], floors[rng.integers(len(floors))], ceiling
