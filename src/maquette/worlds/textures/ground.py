"""Ground, plants, stone and water."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from maquette.worlds.textures.patterns import (
    COLUMNS,
    ROWS,
    SIZE,
    Rng,
    Srgb,
    Tile,
    blend,
    bricks,
    noise,
    pebbles,
    ramp,
    shaded,
    step,
    strokes,
    value_of,
)

_GREENS: list[Srgb] = [(44, 62, 24), (66, 92, 34), (92, 120, 46), (118, 142, 62), (152, 160, 88)]


def _grass(rng: Rng) -> Tile:
    blade, place = strokes(rng, 9000, 22, (np.pi / 2, 0.8), 0.7)
    tone = 0.15 + 0.55 * value_of(blade, rng) * (0.45 + 0.55 * place) + 0.25 * place
    tone = np.clip(tone + 0.035 * noise(rng, 2, 10), 0, 1)
    return Tile(ramp(tone, _GREENS), np.clip(0.2 + 0.7 * tone, 0, 1))


def _meadow(rng: Rng) -> Tile:
    grass = _grass(rng)
    dry, _ = strokes(rng, 1500, 26, (np.pi / 2, 0.5), 0.5)
    straw = ramp(value_of(dry, rng), [(120, 116, 60), (164, 152, 86), (196, 182, 116)])
    rgb = blend(grass.rgb, straw, np.where(dry > 0, 0.8, 0.0))
    cells, middle, _ = pebbles(rng, 26)
    pick = value_of(cells, rng)
    for chosen, color in ((0.04, (236.0, 232, 220)), (0.07, (226.0, 196, 60)), (0.085, (156.0, 110, 178))):
        rgb = blend(rgb, color, step(-middle, -0.17, 0.08) * (pick < chosen) * (pick > chosen - 0.035))
    return Tile(rgb, grass.relief)


def _dirt(rng: Rng) -> Tile:
    lumps, grit = noise(rng, 3, 60, 0.8), noise(rng, 20, 128, 0.2)
    cells, middle, _ = pebbles(rng, 18)
    stone = step(-middle, -0.16, 0.08) * (value_of(cells, rng) < 0.16)
    tone = np.clip(0.5 + 0.14 * lumps + 0.08 * grit, 0, 1)
    rgb = ramp(tone, [(72, 52, 34), (104, 78, 52), (132, 102, 70), (158, 128, 92)])
    return Tile(blend(rgb, (132.0, 118, 102), 0.7 * stone), np.clip(0.4 + 0.14 * lumps + 0.3 * stone, 0, 1))


def _stones(rng: Rng, count: int, colors: list[Srgb], gap: Srgb, joint: float) -> Tile:
    """Rounded stones close together."""
    cells, _, border = pebbles(rng, count)
    dome = np.clip(border / 0.3, 0, 1) ** 0.6
    tone = np.clip(value_of(cells, rng) + 0.06 * noise(rng, 10, 128, 0.5), 0, 1)
    rgb = shaded(ramp(tone, colors), (0.62 + 0.42 * dome) * (1 + 0.05 * noise(rng, 30, 128, 0.2)))
    return Tile(blend(rgb, gap, step(-border, -joint, joint)), dome * (0.8 + 0.2 * value_of(cells, rng)))


def _gravel(rng: Rng) -> Tile:
    colors: list[Srgb] = [(96, 92, 86), (132, 126, 118), (158, 150, 138), (184, 176, 164), (140, 122, 104)]
    return _stones(rng, 38, colors, (66.0, 60, 54), 0.04)


def _cobble(rng: Rng) -> Tile:
    colors: list[Srgb] = [(98, 96, 96), (122, 118, 114), (138, 132, 124), (112, 106, 104)]
    return _stones(rng, 12, colors, (74.0, 68, 58), 0.07)


def _sand(rng: Rng) -> Tile:
    wave = 0.5 + 0.5 * np.sin(2 * np.pi * (ROWS / SIZE * 9 + 0.35 * noise(rng, 1, 5, 1.5)))
    grain = noise(rng, 40, 128, 0.0)
    tone = np.clip(0.5 + 0.16 * (wave - 0.5) + 0.1 * grain + 0.04 * noise(rng, 1, 8), 0, 1)
    return Tile(
        ramp(tone, [(178, 150, 108), (206, 180, 136), (228, 206, 166)]), np.clip(0.8 * wave + 0.04 * grain, 0, 1)
    )


def _asphalt(rng: Rng) -> Tile:
    grain, wear = noise(rng, 40, 128, 0.0), noise(rng, 2, 16, 1.0)
    chips = step(noise(rng, 30, 110, 0.0), 1.9, 0.6)
    crack = np.exp(-((noise(rng, 1, 40, 1.3) / 0.012) ** 2)) * step(noise(rng, 1, 4, 1.0), 1.0, 0.5)
    tone = (76 + 8 * grain + 3 * wear + 34 * chips) * (1 - 0.4 * crack)
    return Tile(tone[..., None] * np.array([1.0, 0.995, 0.985]), np.clip(0.5 + 0.1 * grain - 0.4 * crack, 0, 1))


def _paving(rng: Rng) -> Tile:
    blocks = bricks(4, 4, (0.0, 0.5))
    face = step(blocks.edge + 0.25 * noise(rng, 10, 60, 0.5), 1.5, 1.4)
    grit, stain = noise(rng, 30, 128, 0.1), noise(rng, 3, 24, 1.0)
    tone = 158 + 26 * (value_of(blocks.id, rng) - 0.5) + 6 * grit + 6 * stain
    rgb = blend(np.full((SIZE, SIZE, 3), 88.0), tone[..., None] * np.array([1.0, 0.98, 0.94]), face)
    return Tile(rgb, np.clip(0.1 + 0.8 * face + 0.05 * grit, 0, 1))


def _bark(rng: Rng) -> Tile:
    """Ridges that run down the columns."""
    warp = noise(rng, 1, 16, 1.2, along_y=1.5)
    ridge = 1 - np.abs(np.sin(2 * np.pi * (COLUMNS / SIZE * 6 + 0.32 * warp)))
    breaks = step(noise(rng, 4, 40, 0.5, along_x=2.5), 1.1, 0.8)
    plate = np.clip(1 - 1.15 * ridge**1.5 - 0.5 * breaks + 0.1 * noise(rng, 10, 128, 0.4, along_y=3), 0, 1)
    rgb = ramp(plate, [(40, 30, 24), (78, 62, 50), (112, 94, 78), (146, 128, 108)])
    return Tile(shaded(rgb, 1 + 0.05 * noise(rng, 2, 20)), plate)


def _leaves(rng: Rng) -> Tile:
    """Leaves over leaves, lighter towards the top."""
    rgb = np.broadcast_to(np.array([30.0, 42, 18]), (SIZE, SIZE, 3)).copy()
    relief = np.zeros((SIZE, SIZE))
    for layer in np.linspace(0.35, 1, 5):
        for y, x, turn, tone in rng.random((70, 4)):
            across, down = (np.arange(48) - 23.5, (np.arange(48) - 23.5)[:, None])
            along = across * np.cos(2 * np.pi * turn) + down * np.sin(2 * np.pi * turn)
            side = down * np.cos(2 * np.pi * turn) - across * np.sin(2 * np.pi * turn)
            half = 7.5 * np.clip(1 - (along / 17) ** 2, 0, 1) ** 0.8 * (1 - along / 50)
            inside = np.abs(side) < half
            vein = np.exp(-((side / 0.8) ** 2)) + 0.4 * np.exp(-((np.sin(0.6 * (along + np.abs(side))) / 0.3) ** 2))
            color = ramp(np.clip(0.25 + 0.5 * tone + 0.22 * (layer - 0.5) + 0.1 * vein, 0, 1), _GREENS)
            at = np.ix_((np.arange(48) + int(y * SIZE)) % SIZE, (np.arange(48) + int(x * SIZE)) % SIZE)
            rgb[at] = np.where(inside[..., None], color * (0.45 + 0.55 * layer), rgb[at])
            relief[at] = np.where(inside, layer - 0.1 * np.abs(side) / 8, relief[at])
    return Tile(rgb, np.clip(relief, 0, 1))


def _rock(rng: Rng) -> Tile:
    mass, grit = noise(rng, 2, 60, 0.9), noise(rng, 20, 128, 0.3)
    crack = np.exp(-((np.abs(noise(rng, 1, 30, 1.2)) / 0.06) ** 1.3))
    layers = noise(rng, 2, 60, 0.8, along_x=4)
    tone = np.clip(0.52 + 0.13 * mass + 0.08 * layers + 0.07 * grit - 0.35 * crack, 0, 1)
    rgb = ramp(tone, [(62, 58, 54), (104, 98, 90), (138, 130, 120), (172, 164, 152)])
    return Tile(rgb, np.clip(0.55 + 0.15 * mass + 0.08 * layers + 0.06 * grit - 0.4 * crack, 0, 1))


def _water(rng: Rng) -> Tile:
    wave = noise(rng, 3, 40, 1.2, along_x=1.8)
    tone = np.clip(0.5 + 0.12 * wave, 0, 1)
    return Tile(ramp(tone, [(22, 52, 64), (40, 78, 92), (64, 106, 118)]), np.clip(0.5 + 0.17 * wave, 0, 1))


def _snow(rng: Rng) -> Tile:
    drift, grain = noise(rng, 1, 20, 1.4), noise(rng, 40, 128, 0.0)
    tone = 238 + 4 * drift + 4 * grain
    return Tile(np.stack([tone - 3, tone, tone + 5], axis=-1), np.clip(0.5 + 0.15 * drift + 0.04 * grain, 0, 1))


TILES: Mapping[str, Callable[[Rng], Tile]] = {
    "grass": _grass,
    "meadow": _meadow,
    "dirt": _dirt,
    "gravel": _gravel,
    "sand": _sand,
    "asphalt": _asphalt,
    "cobble": _cobble,
    "paving": _paving,
    "bark": _bark,
    "leaves": _leaves,
    "rock": _rock,
    "water": _water,
    "snow": _snow,
}
