"""Wood, as it grows, and laid as a floor."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from maquette.worlds.textures.patterns import (
    ROWS,
    SIZE,
    Blocks,
    Rng,
    Srgb,
    Tile,
    blend,
    bricks,
    herringbone,
    noise,
    ramp,
    shaded,
    step,
    stretched,
    value_of,
)
from maquette.worlds.types import Floats


def _grain(rng: Rng, rings: int, warp: float) -> Floats:
    """Light early wood (0) that darkens towards the end of each year's ring (1), along the rows."""
    bend = noise(rng, 1, 12, 1.6, along_x=3.0)
    year = ROWS / SIZE * rings + warp * bend
    part = year % 1.0
    rise = part**1.6 * step(1.0 - part, 0.06, 0.12)
    strength = 0.65 + 0.25 * noise(rng, 1, 8, 1.0, along_x=4.0)
    grain: Floats = np.clip(rise * strength, 0, 1)
    return grain


def _wood(rng: Rng, colors: list[Srgb], rings: int, warp: float, pores: float, knots: int = 0) -> Tile:
    grain = _grain(rng, rings, warp)
    fibre = noise(rng, 12, 128, 0.1, along_x=14.0)
    tone = stretched(0.8 * grain + 0.07 * fibre + 0.12 * noise(rng, 1, 5, 1.0, along_x=2.0))
    rgb = ramp(tone, colors)
    pore = step(noise(rng, 16, 128, 0.0, along_x=12.0), 1.6, 1.0) * pores
    rgb = blend(rgb, np.array(colors[-1]) * 0.75, pore)
    relief = 0.75 - 0.35 * grain + 0.05 * fibre - 0.2 * pore
    for _ in range(knots):
        y, x = rng.random(2) * SIZE
        dy, dx = (ROWS - y + SIZE / 2) % SIZE - SIZE / 2, (np.arange(SIZE) + 0.5 - x + SIZE / 2) % SIZE - SIZE / 2
        far = np.hypot(dy, dx / 1.6)
        radius = rng.uniform(4, 7)
        rgb = blend(rgb, np.array(colors[-1]) * 0.6, np.exp(-((far / radius) ** 2)))
        rgb = shaded(rgb, 1 - 0.12 * np.exp(-((far - 1.7 * radius) ** 2) / 6))
    return Tile(rgb, np.clip(relief, 0, 1))


_OAK: list[Srgb] = [(205, 165, 115), (188, 145, 95), (158, 114, 70), (126, 86, 50)]
_WALNUT: list[Srgb] = [(132, 92, 66), (110, 74, 52), (84, 54, 38), (58, 36, 26)]
_PINE: list[Srgb] = [(232, 198, 144), (224, 182, 122), (206, 156, 96), (184, 130, 76)]


def _oak(rng: Rng) -> Tile:
    return _wood(rng, _OAK, 15, 0.75, 0.45)


def _walnut(rng: Rng) -> Tile:
    return _wood(rng, _WALNUT, 10, 0.9, 0.4)


def _pine(rng: Rng) -> Tile:
    return _wood(rng, _PINE, 9, 0.8, 0.15, knots=3)


def _laid(rng: Rng, blocks: Blocks, source: Tile, spread: float, gap: float) -> Tile:
    """Pieces of wood, each cut from another place."""
    shift_x, shift_y = (np.floor(value_of(blocks.id, rng) * SIZE) for _ in range(2))
    x, y = ((blocks.x + shift_x) % SIZE).astype(int), ((blocks.y + shift_y) % SIZE).astype(int)
    tone = 1 + spread * (value_of(blocks.id, rng) - 0.5)
    rgb = shaded(source.rgb[y, x], tone)
    rgb[..., 2] *= 1 + 0.5 * spread * (value_of(blocks.id, rng) - 0.5)
    seam = 1 - step(blocks.edge, gap, gap)
    return Tile(blend(rgb, np.array([38.0, 26.0, 18.0]), 0.75 * seam), np.clip(source.relief[y, x] - 0.7 * seam, 0, 1))


def _planks(rng: Rng) -> Tile:
    return _laid(rng, bricks(6, 1, (0.0, 0.37, 0.71, 0.18, 0.55, 0.86)), _oak(rng), 0.34, 0.9)


def _parquet(rng: Rng) -> Tile:
    return _laid(rng, herringbone(16, 4), _oak(rng), 0.3, 0.6)


TILES: Mapping[str, Callable[[Rng], Tile]] = {
    "oak": _oak,
    "walnut": _walnut,
    "pine": _pine,
    "planks": _planks,
    "parquet": _parquet,
}
