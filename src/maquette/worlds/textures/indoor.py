"""Cloth, leather, paint, metal, skin: what things indoors and people are covered with. Mostly near white, to be
coloured."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from maquette.worlds.textures.patterns import (
    COLUMNS,
    ROWS,
    SIZE,
    Rng,
    Tile,
    blend,
    noise,
    pebbles,
    ramp,
    shaded,
    step,
    stretched,
    strokes,
    value_of,
)
from maquette.worlds.types import Floats


def _white(tone: Floats, relief: Floats) -> Tile:
    """A tile in greys, by a tone from 0 to 1."""
    return Tile(np.repeat(np.clip(tone, 0, 1)[..., None] * 255, 3, axis=-1), np.clip(relief, 0, 1))


def _plain(rng: Rng) -> Tile:
    return _white(np.ones((SIZE, SIZE)), np.full((SIZE, SIZE), 0.5))


def _paint(rng: Rng) -> Tile:
    peel = noise(rng, 10, 60, 0.5)
    return _white(0.965 + 0.008 * peel + 0.012 * noise(rng, 1, 6), 0.5 + 0.15 * peel)


def _weave(rng: Rng) -> Tile:
    wide = SIZE / 48
    u, v = COLUMNS / wide, ROWS / wide
    over = (np.floor(u) + np.floor(v)) % 2 == 0
    warp, weft = np.abs(np.sin(np.pi * u)), np.abs(np.sin(np.pi * v))
    height = np.where(over, warp * (0.55 + 0.45 * weft), weft * (0.55 + 0.45 * warp))
    thread = np.where(over, noise(rng, 2, 128, 0.2, along_y=30), noise(rng, 2, 128, 0.2, along_x=30))
    return _white(0.66 + 0.26 * height + 0.05 * thread + 0.01 * noise(rng), height)


def _knit(rng: Rng) -> Tile:
    wide, high = SIZE / 16, SIZE / 20
    x = np.abs((COLUMNS / wide) % 1.0 - 0.5) * 2
    lean = (ROWS / high + 0.9 * x) % 1.0
    strand = np.sqrt(np.clip(1 - (2 * lean - 1) ** 2, 0, 1)) * np.sqrt(np.clip(1 - (2 * x - 1.0) ** 4, 0, 1))
    fuzz = noise(rng, 20, 128, 0.2)
    return _white(0.52 + 0.4 * strand + 0.04 * fuzz, strand)


def _velvet(rng: Rng) -> Tile:
    nap = noise(rng, 3, 20, 1.0, along_y=1.6)
    fuzz = noise(rng, 30, 128, 0.0)
    return _white(0.86 + 0.022 * nap + 0.02 * fuzz, 0.5 + 0.08 * nap + 0.05 * fuzz)


def _denim(rng: Rng) -> Tile:
    twill = 0.5 + 0.5 * np.sin(2 * np.pi * (COLUMNS + ROWS) / SIZE * 42)
    slub = noise(rng, 4, 128, 0.3, along_y=16)
    flecks = step(noise(rng, 20, 128, 0.0, along_y=3), 1.2, 1.0)
    return _white(0.66 + 0.18 * twill + 0.035 * slub + 0.12 * flecks, 0.7 * twill + 0.1)


def _leather(rng: Rng) -> Tile:
    cells, _, border = pebbles(rng, 34)
    folds = np.abs(noise(rng, 1, 10, 1.2))
    crease = step(0.14 - border, 0.08, 0.12)
    tone = 0.9 + 0.04 * (value_of(cells, rng) - 0.5) - 0.22 * crease - 0.08 * np.exp(-((folds / 0.06) ** 2))
    return _white(tone + 0.02 * noise(rng, 1, 8), 0.9 - 0.6 * crease)


def _carpet(rng: Rng) -> Tile:
    cells, middle, _ = pebbles(rng, 56)
    tuft = 1 - np.clip(middle, 0, 1)
    tone = 0.72 + 0.22 * (value_of(cells, rng) - 0.5) + 0.28 * (tuft - 0.5) + 0.03 * noise(rng, 1, 10)
    return _white(tone, tuft)


def _stripes(rng: Rng) -> Tile:
    weave = _weave(rng)
    place = ROWS / SIZE * 4 % 1.0
    band = np.where((place < 0.4) | ((place > 0.5) & (place < 0.56)) | ((place > 0.84) & (place < 0.9)), 1.0, 0.42)
    return Tile(shaded(weave.rgb, band), weave.relief)


def _persian(rng: Rng) -> Tile:
    """One rug: borders within borders around a medallion, alike in all four quarters."""
    x, y = np.abs(COLUMNS / SIZE * 2 - 1), np.abs(ROWS / SIZE * 2 - 1)
    frame = np.maximum(x, y)
    red, navy, cream, gold = (142.0, 34, 36), (34.0, 42, 78), (222.0, 204, 170), (186.0, 138, 66)
    rgb = np.broadcast_to(np.array(red), (SIZE, SIZE, 3)).copy()
    vines = np.cos(19 * x + 2.2 * np.sin(15 * y)) * np.cos(19 * y + 2.2 * np.sin(15 * x))
    rgb = blend(rgb, navy, step(vines, 0.45, 0.2))
    rgb = blend(rgb, gold, step(vines, 0.8, 0.1))
    rgb = blend(rgb, cream, step(-vines, 0.75, 0.1))
    turn, far = np.arctan2(y, x), np.hypot(x, y * 0.75)
    medallion = far / (0.42 + 0.05 * np.cos(8 * turn) + 0.02 * np.cos(24 * turn))
    for size, color in ((1.06, gold), (1.0, navy), (0.78, red), (0.72, cream), (0.5, navy), (0.3, gold), (0.18, red)):
        rgb = blend(rgb, color, step(-medallion, -size, 0.03))
    petals = np.cos(12 * turn) * np.cos(26 * far)
    rgb = blend(rgb, gold, step(petals, 0.6, 0.2) * (medallion < 0.98) * (medallion > 0.8))
    along = np.where(x > y, y, x)
    flowers = np.cos(34 * along) * np.cos((frame - 0.81) * 42)
    border = blend(np.broadcast_to(np.array(navy), rgb.shape), red, step(flowers, 0.3, 0.2))
    border = blend(border, cream, step(flowers, 0.75, 0.1))
    rgb = np.where((frame > 0.7)[..., None], border, rgb)
    for inner, outer, color in ((0.69, 0.715, cream), (0.9, 0.925, gold), (0.925, 0.97, red), (0.97, 1.01, cream)):
        rgb = np.where(((frame > inner) & (frame <= outer))[..., None], np.array(color), rgb)
    pile = noise(rng, 30, 128, 0.0)
    worn = 1 + 0.06 * pile + 0.05 * noise(rng, 1, 6)
    return Tile(shaded(rgb, worn), np.clip(0.5 + 0.15 * pile, 0, 1))


def _brushed(rng: Rng) -> Tile:
    lines = noise(rng, 2, 128, 0.2, along_x=80)
    return _white(0.9 + 0.035 * lines, 0.5 + 0.12 * lines)


def _skin(rng: Rng) -> Tile:
    pores = noise(rng, 24, 100, 0.2)
    blush = noise(rng, 1, 5, 1.0)
    rgb = np.array([246.0, 238.0, 232.0]) * (1 + 0.015 * pores + 0.012 * blush)[..., None]
    rgb[..., 1:] -= 3 * blush[..., None]
    return Tile(rgb, np.clip(0.5 + 0.1 * pores, 0, 1))


def _hair(rng: Rng) -> Tile:
    """Strands that run down the columns."""
    lock = noise(rng, 3, 60, 0.6, along_y=7)
    strand = noise(rng, 20, 128, 0.0, along_y=16)
    return _white(0.74 + 0.08 * lock + 0.06 * strand, 0.5 + 0.18 * lock + 0.08 * strand)


def _hay(rng: Rng) -> Tile:
    straw, place = strokes(rng, 5200, 44, (0.0, 0.7), 0.4)
    tone = np.clip(0.2 + 0.75 * value_of(straw, rng) * (0.7 + 0.3 * place), 0, 1)
    rgb = ramp(tone, [(96, 74, 34), (176, 142, 70), (222, 192, 112), (240, 220, 150)])
    return Tile(rgb, stretched(straw.astype(np.float64)) * 0.6 + 0.4 * tone)


TILES: Mapping[str, Callable[[Rng], Tile]] = {
    "plain": _plain,
    "paint": _paint,
    "weave": _weave,
    "knit": _knit,
    "velvet": _velvet,
    "denim": _denim,
    "leather": _leather,
    "carpet": _carpet,
    "stripes": _stripes,
    "persian": _persian,
    "brushed": _brushed,
    "skin": _skin,
    "hair": _hair,
    "hay": _hay,
}
