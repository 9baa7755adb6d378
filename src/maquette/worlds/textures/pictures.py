"""Whole pictures: paintings, a screen, a keyboard. They span a tile once, and repeat only so as to be tiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from maquette.worlds.textures.patterns import (
    COLUMNS,
    ROWS,
    SIZE,
    Rng,
    Srgb,
    Tile,
    blend,
    noise,
    ramp,
    shaded,
    step,
)
from maquette.worlds.types import Floats

X, Y = COLUMNS / SIZE, ROWS / SIZE
_EDGE = 1.5 / SIZE


def _rectangle(left: float, top: float, right: float, bottom: float, corner: float = 0.0) -> Floats:
    """Share of each pixel within a rectangle with round corners, in shares of the picture."""
    dx = np.maximum(np.maximum(left + corner - X, X - right + corner), 0.0)
    dy = np.maximum(np.maximum(top + corner - Y, Y - bottom + corner), 0.0)
    return step(corner - np.hypot(dx, dy), 0.0 if corner else -0.5 * _EDGE, _EDGE)


def _disc(x: float, y: float, radius: float, squeeze: float = 1.0) -> Floats:
    return step(radius - np.hypot(X - x, (Y - y) / squeeze), 0.0, _EDGE)


def _canvas(color: Srgb) -> Floats:
    return np.broadcast_to(np.array(color, dtype=np.float64), (SIZE, SIZE, 3)).copy()


def _painted(rng: Rng, rgb: Floats) -> Tile:
    """With the marks of a brush on canvas."""
    brush = noise(rng, 8, 100, 0.3, along_x=2.5)
    cloth = np.sin(COLUMNS * np.pi / 2) * np.sin(ROWS * np.pi / 2)
    return Tile(shaded(rgb, 1 + 0.035 * brush + 0.015 * cloth), np.clip(0.5 + 0.15 * brush, 0, 1))


def _picture_a(rng: Rng) -> Tile:
    """Coloured fields between black bars."""
    rgb = _canvas((238, 234, 222))
    fields: Sequence[tuple[float, float, float, float, Srgb]] = (
        (0.0, 0.0, 0.34, 0.42, (198, 40, 36)),
        (0.34, 0.62, 0.78, 1.0, (34, 66, 148)),
        (0.78, 0.0, 1.0, 0.24, (236, 192, 42)),
        (0.78, 0.62, 1.0, 0.82, (30, 30, 34)),
        (0.0, 0.82, 0.18, 1.0, (236, 192, 42)),
    )
    for left, top, right, bottom, color in fields:
        rgb = blend(rgb, color, _rectangle(left, top, right, bottom))
    for x in (0.34, 0.78):
        rgb = blend(rgb, (24.0, 22, 22), _rectangle(x - 0.014, 0, x + 0.014, 1))
    for y in (0.24, 0.42, 0.62, 0.82):
        rgb = blend(rgb, (24.0, 22, 22), _rectangle(0, y - 0.012, 1, y + 0.012))
    return _painted(rng, rgb)


def _picture_b(rng: Rng) -> Tile:
    """Hills, a lake and an evening sky."""
    rgb = ramp(
        np.clip(Y / 0.62 + 0.05 * noise(rng, 1, 12, 1.2, along_x=2), 0, 1),
        [(62, 84, 132), (176, 132, 140), (248, 196, 128)],
    )
    rgb = blend(rgb, (255.0, 232, 180), _disc(0.66, 0.47, 0.055))
    for base, size, color in ((0.52, 0.09, (120, 104, 132)), (0.58, 0.08, (84, 82, 106)), (0.64, 0.06, (50, 62, 70))):
        x = X[0]
        ridge = (
            base
            + size * sum(rng.uniform(0.3, 1) / k * np.sin(2 * np.pi * (k * x + rng.random())) for k in range(1, 7)) / 2
        )
        rgb = blend(rgb, color, step(Y - ridge, 0.0, 0.008))
    mirror = rgb[np.clip(2 * 172 - np.arange(SIZE), 0, SIZE - 1)]
    lake = shaded(mirror, 0.8 + 0.06 * noise(rng, 6, 60, 0.6, along_x=6))
    rgb = np.where((ROWS > 172)[..., None], lake, rgb)
    rgb = blend(rgb, (38.0, 44, 32), step(Y - 0.9 - 0.03 * np.sin(9 * X) - 0.01 * noise(rng, 4, 60), 0.0, 0.01))
    return _painted(rng, rgb)


def _picture_c(rng: Rng) -> Tile:
    """Somebody, from the shoulders up."""
    rgb = shaded(_canvas((86, 74, 58)), 1.0 + 0.12 * noise(rng, 1, 12) - 0.5 * np.hypot(X - 0.45, Y - 0.4))
    rgb = blend(rgb, (56.0, 34, 28), _disc(0.5, 0.34, 0.2, 1.15))
    rgb = blend(rgb, (42.0, 52, 74), _disc(0.5, 1.06, 0.42, 0.85))
    rgb = blend(rgb, (196.0, 148, 116), _rectangle(0.43, 0.5, 0.57, 0.74, 0.05))
    rgb = blend(rgb, (228.0, 222, 208), step(-np.abs(X - 0.5) * 1.4 - np.abs(Y - 0.8) + 0.13, 0.0, 0.01))
    face = _disc(0.5, 0.41, 0.135, 1.32)
    tone = np.clip(0.75 - 1.9 * (X - 0.46) - 0.4 * (Y - 0.4), 0, 1)
    rgb = blend(rgb, ramp(tone, [(136, 88, 66), (206, 158, 124), (236, 196, 162)]), face)
    rgb = blend(rgb, (50.0, 30, 26), _disc(0.5, 0.25, 0.15, 0.55) * step(0.3 - Y, 0.0, 0.03))
    for x in (0.445, 0.555):
        rgb = blend(rgb, (236.0, 228, 216), _disc(x, 0.4, 0.022, 0.55))
        rgb = blend(rgb, (40.0, 30, 26), _disc(x, 0.4, 0.011))
        rgb = blend(rgb, (60.0, 38, 30), _rectangle(x - 0.028, 0.365, x + 0.028, 0.374, 0.004))
    rgb = blend(rgb, (160.0, 104, 82), _rectangle(0.497, 0.41, 0.516, 0.475, 0.008))
    rgb = blend(rgb, (158.0, 72, 66), _disc(0.5, 0.525, 0.036, 0.3))
    return _painted(rng, rgb)


def _picture_d(rng: Rng) -> Tile:
    """Circles and arcs over soft colours."""
    rgb = ramp(np.clip(0.5 + 0.28 * noise(rng, 1, 5, 1.6), 0, 1), [(232, 220, 198), (222, 190, 160), (176, 190, 186)])
    colors: Sequence[Srgb] = ((212, 98, 64), (38, 84, 96), (228, 172, 74), (60, 58, 66), (146, 60, 66))
    for at, (x, y, size) in enumerate(rng.random((9, 3))):
        radius = 0.05 + 0.17 * size
        ring = _disc(x, y, radius)
        if at % 3 == 1:
            ring = np.clip(ring - _disc(x, y, radius * 0.72), 0, 1)
        if at % 3 == 2:
            ring = ring * step(X - x + Y - y, 0.0, _EDGE)
        rgb = blend(rgb, colors[at % len(colors)], 0.92 * ring)
    return _painted(rng, rgb)


def _picture_e(rng: Rng) -> Tile:
    """A vase of flowers on a table."""
    rgb = ramp(np.clip(Y + 0.06 * noise(rng, 1, 10), 0, 1), [(70, 92, 98), (116, 130, 124), (150, 148, 128)])
    rgb = blend(rgb, (122.0, 82, 54), step(Y, 0.8, 0.01))
    rgb = blend(rgb, (96.0, 62, 42), _disc(0.56, 0.885, 0.17, 0.2))
    for x, y in rng.normal((0.5, 0.42), (0.13, 0.1), (34, 2)):
        rgb = blend(rgb, (58.0 + 40 * rng.random(), 96 + 30 * rng.random(), 58), _disc(x, y, 0.05, 0.6))
    vase = step(0.105 + 0.035 * np.sin((Y - 0.58) * 12) - np.abs(X - 0.5), 0.0, _EDGE) * step(Y, 0.58, _EDGE)
    vase = vase * step(-Y, -0.86, _EDGE)
    light = np.clip(0.7 - 4 * (X - 0.46) ** 2 * 20, 0, 1)
    rgb = blend(rgb, ramp(light, [(44, 70, 112), (92, 128, 172), (190, 208, 222)]), vase)
    for x, y, kind in zip(*rng.normal((0.5, 0.38), (0.14, 0.11), (22, 2)).T, rng.random(22), strict=True):
        color = np.array([(214, 84, 92), (238, 206, 120), (240, 232, 224), (186, 92, 150)][int(kind * 4)], dtype=float)
        far, turn = np.hypot(X - x, Y - y), np.arctan2(Y - y, X - x)
        bloom = step(0.046 + 0.01 * np.cos(6 * turn + 7 * kind) - far, 0.0, _EDGE)
        rgb = blend(rgb, color[None, None] * np.clip(1.05 - 6 * far, 0.6, 1)[..., None], bloom)
        rgb = blend(rgb, (120.0, 84, 40), _disc(x, y, 0.012))
    return _painted(rng, rgb)


def _garden(rng: Rng) -> Tile:
    """A garden behind a window, out of focus: sky, trees, a hedge, a lawn."""
    rgb = ramp(np.clip(Y / 0.5, 0, 1), [(196, 218, 244), (232, 240, 250), (248, 248, 244)])
    for base, size, color in ((0.36, 0.16, (146, 168, 138)), (0.5, 0.12, (88, 122, 70)), (0.62, 0.02, (58, 92, 46))):
        crowns = base + size * 0.4 * noise(rng, 2, 10, 1.2)[0]
        leaves = shaded(_canvas(color), 1 + 0.14 * noise(rng, 4, 30, 0.8))
        rgb = blend(rgb, leaves, step(Y - crowns, 0.0, 0.05))
    lawn = ramp(np.clip((Y - 0.72) / 0.28, 0, 1), [(126, 164, 84), (146, 182, 92)])
    rgb = blend(rgb, shaded(lawn, 1 + 0.05 * noise(rng, 3, 20, 0.8, along_x=3)), step(Y, 0.73, 0.03))
    return Tile(rgb, np.full((SIZE, SIZE), 0.5))


def _city(rng: Rng) -> Tile:
    """A town behind a window, out of focus: hazy sky, rows of fronts and roofs."""
    rgb = ramp(np.clip(Y / 0.6, 0, 1), [(206, 222, 242), (238, 240, 244), (250, 246, 238)])
    for layer, (top, wide, soft) in enumerate(((0.36, 0.09, 0.02), (0.52, 0.14, 0.014), (0.68, 0.2, 0.01))):
        left = -0.1 * rng.random()
        while left < 1:
            right = left + wide * rng.uniform(0.7, 1.3)
            roof = top + 0.1 * rng.uniform(-1, 1)
            tone = 1 - 0.14 * layer + 0.1 * rng.uniform(-1, 1)
            front = np.array([(206, 192, 174), (190, 150, 128), (214, 208, 198), (168, 166, 168)][rng.integers(4)])
            grid = step(np.sin((X - left) / wide * 22) * np.sin((Y - roof) * 60), 0.2, 0.5)
            house = blend(_canvas((0, 0, 0)) + front * tone, (104.0, 112, 124), 0.55 * grid)
            inside = step(X, left, soft) * step(-X, -right, soft)
            rgb = blend(rgb, house, inside * step(Y, roof, soft))
            rgb = blend(
                rgb, (128.0 * tone, 92 * tone, 80 * tone), inside * step(Y, roof - 0.03, soft) * step(-Y, -roof, soft)
            )
            left = right
    return Tile(blend(rgb, (236.0, 238, 242), 0.25 * (1 - Y)), np.full((SIZE, SIZE), 0.5))


def _screen(rng: Rng) -> Tile:
    """A desktop: wallpaper, two windows, a bar with icons."""
    glow = np.clip(0.5 + 0.5 * np.sin(3 * X + 2.2 * Y + 0.5 * noise(rng, 1, 4, 2.0)), 0, 1)
    rgb = ramp(glow, [(24, 44, 92), (44, 96, 160), (98, 168, 204), (214, 196, 190)])
    rgb = blend(rgb, (20.0, 22, 28), 0.85 * _rectangle(0, 0.93, 1, 1))
    for at in range(7):
        icon = ((232, 90, 80), (240, 184, 70), (90, 190, 120), (80, 150, 230))[at % 4]
        rgb = blend(rgb, icon, _rectangle(0.03 + 0.055 * at, 0.945, 0.065 + 0.055 * at, 0.985, 0.008))
    for left, top, right, bottom, dark in ((0.06, 0.1, 0.6, 0.84, False), (0.5, 0.22, 0.94, 0.74, True)):
        paper, ink = ((38.0, 42, 50), (150.0, 160, 172)) if dark else ((248.0, 248, 250), (96.0, 100, 110))
        rgb = shaded(rgb, 1 - 0.35 * _rectangle(left - 0.012, top, right + 0.012, bottom + 0.02, 0.02))
        rgb = blend(rgb, paper, _rectangle(left, top, right, bottom, 0.012))
        rgb = blend(
            rgb, (70.0, 76, 90) if dark else (222.0, 224, 230), _rectangle(left, top, right, top + 0.045, 0.012)
        )
        for at, button in enumerate(((236, 96, 86), (242, 190, 80), (98, 198, 110))):
            rgb = blend(rgb, button, _disc(left + 0.025 + 0.026 * at, top + 0.0225, 0.008))
        for line in range(int((bottom - top - 0.09) / 0.034)):
            y = top + 0.075 + 0.034 * line
            start = left + 0.025 + (0.03 * int(rng.integers(0, 3)) if dark else 0.0)
            end = start + (right - start - 0.04) * rng.uniform(0.3, 1.0)
            color: Srgb = ink
            if dark and rng.random() < 0.5:
                color = ((198.0, 146, 234), (130.0, 200, 140), (232.0, 170, 110))[line % 3]
            rgb = blend(rgb, color, 0.85 * _rectangle(start, y, end, y + 0.011))
    rgb = blend(rgb, (96.0, 168, 150), _rectangle(0.09, 0.19, 0.3, 0.38))
    rgb = blend(rgb, (238.0, 214, 150), _disc(0.24, 0.25, 0.026))
    rgb = blend(rgb, (52.0, 112, 96), step(Y - 0.33 + 0.4 * (X - 0.2), 0, 0.01) * _rectangle(0.09, 0.19, 0.3, 0.38))
    return Tile(rgb, np.full((SIZE, SIZE), 0.5))


def _keyboard(rng: Rng) -> Tile:
    """Five rows of keys on a dark plate."""
    rgb = _canvas((34, 35, 38))
    relief = np.full((SIZE, SIZE), 0.2)
    widths: Sequence[Sequence[float]] = (
        [1.0] * 13 + [2.0],
        [1.5] + [1.0] * 12 + [1.5],
        [1.8] + [1.0] * 11 + [2.2],
        [2.3] + [1.0] * 10 + [2.7],
        [1.2, 1.2, 1.2, 6.0, 1.2, 1.2, 1.5, 1.5],
    )
    top, high, gap = 0.03, 0.188, 0.006
    for row, keys in enumerate(widths):
        unit = 0.96 / sum(keys)
        left = 0.02
        for width in keys:
            right = left + width * unit
            box = left + gap, top + row * high + gap * 1.6, right - gap, top + (row + 1) * high - gap * 1.6
            key = _rectangle(*box, 0.01)
            rgb = blend(rgb, (66.0, 68, 72), key)
            relief = np.maximum(relief, 0.95 * key)
            if width == 1.0:
                x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
                letter = _rectangle(x - 0.006, y - 0.024, x + 0.006 * rng.uniform(-0.3, 1), y + 0.024 * rng.random())
                rgb = blend(rgb, (200.0, 202, 206), 0.55 * letter)
            left = right
    return Tile(rgb, relief)


TILES: Mapping[str, Callable[[Rng], Tile]] = {
    "view_garden": _garden,
    "view_city": _city,
    "screen": _screen,
    "keyboard": _keyboard,
    "picture_a": _picture_a,
    "picture_b": _picture_b,
    "picture_c": _picture_c,
    "picture_d": _picture_d,
    "picture_e": _picture_e,
}
