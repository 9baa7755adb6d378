"""What walls, roofs and tiled floors are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from maquette.worlds.textures.patterns import (
    COLUMNS,
    ROWS,
    SIZE,
    Blocks,
    Rng,
    Srgb,
    Tile,
    blend,
    bricks,
    noise,
    ramp,
    shaded,
    step,
    value_of,
)
from maquette.worlds.types import Floats


def _masonry(rng: Rng, blocks: Blocks, colors: list[Srgb], mortar: Srgb, joint: float, rough: float) -> Tile:
    """Pieces of random colours, with joints between them."""
    ragged = blocks.edge + rough * noise(rng, 12, 80, 0.6)
    face = step(ragged, joint, 1.6)
    tone = np.clip(value_of(blocks.id, rng) + 0.06 * noise(rng, 4, 60, 0.8), 0, 1)
    grit, stain = noise(rng, 30, 128, 0.2), noise(rng, 2, 16, 1.0)
    rgb = shaded(ramp(tone, colors), 1 + 0.05 * grit + 0.025 * stain)
    ground = shaded(np.broadcast_to(np.array(mortar, dtype=np.float64), rgb.shape), 1 + 0.04 * grit + 0.03 * stain)
    return Tile(blend(ground, rgb, face), np.clip(0.15 + 0.75 * face + 0.06 * grit, 0, 1))


def _brick_red(rng: Rng) -> Tile:
    colors: list[Srgb] = [(112, 52, 40), (150, 70, 50), (164, 84, 60), (138, 64, 52), (176, 104, 78)]
    return _masonry(rng, bricks(12, 4, (0.0, 0.5)), colors, (178, 170, 158), 1.3, 0.35)


def _brick_white(rng: Rng) -> Tile:
    colors: list[Srgb] = [(228, 224, 216), (240, 237, 230), (234, 230, 222)]
    return _masonry(rng, bricks(12, 4, (0.0, 0.5)), colors, (206, 202, 194), 1.3, 0.35)


def _plaster(rng: Rng) -> Tile:
    trowel = noise(rng, 5, 40, 0.8)
    grit = noise(rng, 40, 128, 0.0)
    tone = 0.95 + 0.009 * trowel + 0.008 * grit
    return Tile(np.repeat(tone[..., None] * 255, 3, axis=-1), np.clip(0.5 + 0.14 * trowel + 0.05 * grit, 0, 1))


def _wallpaper_stripes(rng: Rng) -> Tile:
    place = COLUMNS / SIZE * 8 % 1.0
    band = np.where(place < 0.5, 1.0, 0.9) - 0.07 * (np.abs(place - 0.25) < 0.03) - 0.04 * (np.abs(place - 0.75) < 0.02)
    tone = band * (0.97 + 0.006 * noise(rng, 10, 128, 0.3))
    return Tile(tone[..., None] * np.array([255.0, 254.0, 250.0]), 0.5 + 0.2 * (band > 0.95))


def _wallpaper_floral(rng: Rng) -> Tile:
    rgb = np.broadcast_to(np.array([247.0, 244.0, 236.0]), (SIZE, SIZE, 3)).copy()
    relief = np.full((SIZE, SIZE), 0.4)
    cell = SIZE / 4
    row = ROWS // cell
    x, y = (COLUMNS + (row % 2) * cell / 2) % cell - cell / 2, ROWS % cell - cell / 2
    far, turn = np.hypot(x, y), np.arctan2(y, x)
    stem = np.exp(-((x - 7 * np.sin(y / cell * 2 * np.pi)) ** 2) / 2.2)
    rgb = blend(rgb, (150.0, 168, 140), 0.8 * stem)
    for side in (-1, 1):
        leaf = ((x - side * 15) * np.cos(0.7) + side * (y - 15) * np.sin(0.7)) ** 2 / 90
        leaf = leaf + ((y - 15) * np.cos(0.7) - side * (x - side * 15) * np.sin(0.7)) ** 2 / 14
        rgb = blend(rgb, (164.0, 182, 148), step(-leaf, -1.0, 0.4))
    petals = far / (13 + 4.0 * np.cos(5 * turn))
    flower = step(-petals, -1.0, 0.16)
    rgb = blend(rgb, (206.0, 150, 150), flower)
    rgb = blend(rgb, (228.0, 186, 178), step(-petals, -0.66, 0.3))
    rgb = blend(rgb, (222.0, 190, 110), step(-far, -4.0, 1.6))
    return Tile(shaded(rgb, 1 + 0.008 * noise(rng, 10, 128, 0.3)), relief + 0.3 * flower)


def _concrete(rng: Rng) -> Tile:
    cloud, grit = noise(rng, 2, 30, 1.0), noise(rng, 20, 128, 0.2)
    pits = step(noise(rng, 16, 90, 0.4), 2.5, 0.4)
    tone = 156 + 6 * cloud + 4 * grit - 40 * pits
    return Tile(tone[..., None] * np.array([1.0, 0.985, 0.955]), np.clip(0.6 + 0.06 * cloud - 0.5 * pits, 0, 1))


def _glazed(rng: Rng, blocks: Blocks, rgb: Floats, grout: Srgb, joint: float) -> Tile:
    face = step(blocks.edge, joint, 1.4)
    rim = step(blocks.edge, joint + 2.0, 4.0)
    return Tile(blend(np.broadcast_to(np.array(grout, dtype=np.float64), rgb.shape), rgb, face), 0.1 + 0.9 * face * rim)


def _tiles_white(rng: Rng) -> Tile:
    blocks = bricks(6, 6)
    tone = 0.94 + 0.03 * value_of(blocks.id, rng) + 0.005 * noise(rng, 1, 20)
    return _glazed(rng, blocks, np.repeat(tone[..., None] * 255, 3, axis=-1), (176, 174, 170), 1.0)


def _tiles_checker(rng: Rng) -> Tile:
    blocks = bricks(4, 4)
    dark = (blocks.id // 4 + blocks.id % 4) % 2 == 1
    vein = np.exp(-((noise(rng, 1, 40, 1.0) / 0.12) ** 2))
    tone = np.where(dark, 38 + 26 * vein, 232 - 22 * vein) * (1 + 0.05 * (value_of(blocks.id, rng) - 0.5))
    return _glazed(rng, blocks, np.repeat(tone[..., None], 3, axis=-1), (120, 118, 114), 0.8)


def _tiles_stone(rng: Rng) -> Tile:
    blocks = bricks(3, 3, (0.0, 0.5, 0.25))
    cloud, grit = noise(rng, 2, 40, 1.0), noise(rng, 30, 128, 0.3)
    tone = np.clip(0.5 + 0.16 * cloud + 0.6 * (value_of(blocks.id, rng) - 0.5) + 0.05 * grit, 0, 1)
    stone = ramp(tone, [(132, 120, 102), (170, 156, 134), (196, 184, 162), (206, 190, 160)])
    return _glazed(rng, blocks, stone, (142, 134, 122), 1.3)


def _marble(rng: Rng) -> Tile:
    bend = noise(rng, 1, 30, 1.3)
    vein = np.exp(-((np.abs(noise(rng, 1, 20, 1.4) + 0.25 * bend) / 0.09) ** 1.2))
    thin = np.exp(-((np.abs(noise(rng, 2, 40, 1.2)) / 0.05) ** 1.2))
    tone = 240 + 4 * bend - 74 * vein * np.clip(0.6 + 0.4 * bend, 0, 1) - 26 * thin
    return Tile(tone[..., None] * np.array([1.0, 0.995, 0.985]), np.full((SIZE, SIZE), 0.5))


def _roof_tiles(rng: Rng) -> Tile:
    """Rows of rounded clay tiles; each row lies over the one below it."""
    rows, columns = 8, 8
    high, wide = SIZE / rows, SIZE / columns
    row = (ROWS // high).astype(np.int64)
    moved = (COLUMNS + row % 2 * wide / 2) % SIZE
    x = moved % wide / wide * 2 - 1
    y = ROWS % high / high
    hump = np.sqrt(np.clip(1 - 0.8 * x**2, 0, 1))
    tone = value_of(row * columns + (moved // wide).astype(np.int64), rng)
    colors: list[Srgb] = [(120, 56, 38), (156, 78, 52), (172, 92, 62), (146, 70, 50), (128, 74, 58)]
    edge = 1 - 0.5 * np.exp(-((y / 0.1) ** 2)) - 0.35 * np.exp(-(((1 - np.abs(x)) / 0.12) ** 2))
    rgb = shaded(ramp(tone, colors), edge * (0.72 + 0.3 * hump) * (1 + 0.05 * noise(rng, 10, 128, 0.5)))
    return Tile(rgb, np.clip(0.15 + 0.35 * y + 0.5 * hump, 0, 1))


TILES: Mapping[str, Callable[[Rng], Tile]] = {
    "brick_red": _brick_red,
    "brick_white": _brick_white,
    "plaster": _plaster,
    "wallpaper_stripes": _wallpaper_stripes,
    "wallpaper_floral": _wallpaper_floral,
    "concrete": _concrete,
    "tiles_white": _tiles_white,
    "tiles_checker": _tiles_checker,
    "tiles_stone": _tiles_stone,
    "marble": _marble,
    "roof_tiles": _roof_tiles,
}
