"""Places drawn with arithmetic, so that the gallery has streets, rooms and landscapes that nobody else owns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Picture = NDArray[np.uint8]

SIZE = (960, 640)
DOUBLE = (SIZE[0] * 2, SIZE[1] * 2)


def _canvas(top: tuple[int, int, int], bottom: tuple[int, int, int]) -> Image.Image:
    ramp = np.linspace(0, 1, DOUBLE[1])[:, None, None]
    colours = (1 - ramp) * np.array(top) + ramp * np.array(bottom)
    return Image.fromarray(np.broadcast_to(colours, (DOUBLE[1], DOUBLE[0], 3)).astype(np.uint8))


def _finish(picture: Image.Image, seed: int) -> Picture:
    """Downsample, and add the grain and softness of a photograph."""
    small = np.asarray(picture.filter(ImageFilter.GaussianBlur(1)).resize(SIZE, Image.Resampling.LANCZOS), dtype=float)
    grain = np.random.default_rng(seed).normal(0, 3, (SIZE[1], SIZE[0], 1))
    return np.clip(small + grain, 0, 255).astype(np.uint8)


def _texture(shape: tuple[int, int], octaves: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Value noise in 0 to 1: (height, width)."""
    total = np.zeros(shape)
    for octave in range(octaves):
        cells = 3 * 2**octave
        noise = Image.fromarray((rng.random((cells, cells)) * 255).astype(np.uint8))
        total += np.asarray(noise.resize(shape[::-1], Image.Resampling.BICUBIC), dtype=float) / 255 / 2**octave
    return (total - total.min()) / np.ptp(total)


def _speckle(picture: Image.Image, box: tuple[int, int, int, int], strength: float, rng: np.random.Generator) -> None:
    left, top, right, bottom = box
    area = np.asarray(picture.crop(box), dtype=float)
    shade = 1 + strength * (_texture((bottom - top, right - left), 7, rng)[..., None] - 0.5)
    picture.paste(Image.fromarray(np.clip(area * shade, 0, 255).astype(np.uint8)), (left, top))


def mountains() -> Picture:
    """Ridges behind a lake at noon."""
    rng = np.random.default_rng(3)
    picture = _canvas((70, 130, 205), (215, 228, 240))
    width, height = DOUBLE
    for base, amplitude, colour in ((560, 260, (134, 150, 170)), (640, 170, (92, 112, 116)), (720, 80, (52, 84, 56))):
        ridge = sum(amplitude / 2**k * np.sin(np.arange(width) * 2**k / 210 + rng.uniform(0, 7)) for k in range(7))
        layer = Image.new("L", DOUBLE)
        points = [(0, height), *zip(range(width), (base - np.abs(ridge)).tolist(), strict=True), (width, height)]
        ImageDraw.Draw(layer).polygon(points, fill=255)
        shade = 0.75 + 0.5 * _texture((height, width), 8, rng)[..., None]
        rock = Image.fromarray(np.clip(shade * np.array(colour), 0, 255).astype(np.uint8))
        picture.paste(rock, mask=layer)
    water = np.asarray(picture.crop((0, 760 - 500, width, 760)).transpose(Image.Transpose.FLIP_TOP_BOTTOM), dtype=float)
    ripples = 0.12 * np.sin(np.arange(500)[:, None] ** 1.3 / 3 + 3 * _texture((500, width), 6, rng))
    lake = 0.7 * water * (1 + ripples[..., None]) + 0.3 * np.array((40, 90, 130))
    picture.paste(Image.fromarray(np.clip(lake, 0, 255).astype(np.uint8)), (0, 760))
    meadow = Image.new("RGB", (width, 120), (96, 140, 58))
    picture.paste(meadow, (0, 1160))
    _speckle(picture, (0, 1160, width, height), 0.8, rng)
    return _finish(picture, 3)


def street() -> Picture:
    """A straight street between two rows of houses, with cars and trees."""
    rng = np.random.default_rng(5)
    picture = _canvas((96, 150, 215), (224, 232, 240))
    draw = ImageDraw.Draw(picture)
    horizon, middle, focal = 600, DOUBLE[0] // 2, 1500

    def at(x: float, y: float, z: float) -> tuple[float, float]:
        return middle + focal * x / z, horizon + focal * (1.6 - y) / z

    draw.polygon([at(-60, 0, 300), at(60, 0, 300), at(60, 0, 2), at(-60, 0, 2)], fill=(150, 146, 140))
    draw.polygon([at(-4, 0, 300), at(4, 0, 300), at(4, 0, 2), at(-4, 0, 2)], fill=(84, 84, 90))
    for z in range(4, 120, 6):
        draw.polygon([at(-0.1, 0, z + 3), at(0.1, 0, z + 3), at(0.1, 0, z), at(-0.1, 0, z)], fill=(230, 230, 224))
    walls = [(168, 96, 78), (204, 186, 150), (176, 160, 148), (142, 110, 92), (210, 200, 186)]
    for index, z in enumerate(range(90, 4, -9)):
        for side in (-1, 1):
            colour, tall = walls[(index + (side > 0)) % 5], 7 + (index * 5 + side) % 4
            near, far, x = z, z + 9, 7.0 * side
            draw.polygon([at(x, 0, near), at(x, tall, near), at(x, tall, far), at(x, 0, far)], fill=colour)
            face = [at(x, 0, near), at(x, tall, near), at(x + 12 * side, tall, near), at(x + 12 * side, 0, near)]
            draw.polygon(face, fill=tuple(int(c * 0.8) for c in colour))
            for k in range(3):
                for level in range(1, tall - 1, 3):
                    a, b = near + 1 + 2.7 * k, near + 2.6 + 2.7 * k
                    pane = [at(x, level, a), at(x, level + 1.6, a), at(x, level + 1.6, b), at(x, level, b)]
                    draw.polygon(pane, fill=(60, 74, 92))
    _speckle(picture, (0, 0, *DOUBLE), 0.25, rng)
    draw = ImageDraw.Draw(picture)
    cars = ((2.6, 34, (190, 190, 196)), (-2.4, 22, (60, 90, 160)), (2.6, 15, (176, 40, 40)), (-2.4, 11, (40, 44, 50)))
    for x, z, colour in cars:
        draw.rounded_rectangle([*at(x - 0.9, 1.0, z), *at(x + 0.9, 0.25, z)], 12, fill=colour)
        draw.rounded_rectangle(
            [*at(x - 0.7, 1.5, z), *at(x + 0.7, 0.9, z)], 14, fill=tuple(int(c * 0.6) for c in colour)
        )
        for wheel in (-0.75, 0.55):
            draw.rectangle([*at(x + wheel, 0.35, z), *at(x + wheel + 0.2, 0, z)], fill=(20, 20, 22))
        draw.rectangle([*at(x - 0.6, 1.42, z), *at(x + 0.6, 1.0, z)], fill=(44, 54, 66))
    for x, z in ((-5.2, 30), (5.2, 24), (-5.2, 14), (5.4, 10)):
        draw.polygon(
            [at(x - 0.12, 0, z), at(x + 0.12, 0, z), at(x + 0.08, 3, z), at(x - 0.08, 3, z)], fill=(84, 64, 46)
        )
        for _ in range(420):
            angle, radius = rng.uniform(0, 6.3), 1.5 * np.sqrt(rng.uniform())
            px, py = at(x + radius * np.cos(angle), 3.9 + 0.9 * radius * np.sin(angle), z)
            size, tone = 0.12 * focal / z * rng.uniform(0.4, 1), rng.uniform(0.6, 1.15)
            green = (int(58 * tone), int(112 * tone), int(46 * tone))
            draw.ellipse([px - size, py - size, px + size, py + size], fill=green)
    return _finish(picture, 5)


def room() -> Picture:
    """A room with a sofa, a table, a picture on the wall and a window."""
    rng = np.random.default_rng(7)
    picture = _canvas((214, 206, 192), (214, 206, 192))
    draw = ImageDraw.Draw(picture)
    width, height = DOUBLE
    back = (420, 260, 1500, 860)
    corners = [(0, 0), (width, 0), (width, height), (0, height)]
    inner = [(back[0], back[1]), (back[2], back[1]), (back[2], back[3]), (back[0], back[3])]
    draw.polygon([corners[2], corners[3], inner[3], inner[2]], fill=(156, 112, 74))
    for k in range(-14, 15):
        draw.line([(960 + k * 40, 860), (960 + k * 175, height)], fill=(126, 88, 58), width=3)
    for a, b, colour in ((0, 1, (236, 232, 224)), (1, 2, (196, 188, 174)), (3, 0, (202, 194, 180))):
        draw.polygon([corners[a], corners[b], inner[b], inner[a]], fill=colour)
    _speckle(picture, (0, 0, *DOUBLE), 0.18, rng)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((1140, 340, 1400, 620), fill=(196, 220, 240), outline=(250, 250, 246), width=16)
    draw.line([(1270, 340), (1270, 620)], fill=(250, 250, 246), width=12)
    draw.rectangle((520, 360, 760, 540), fill=(70, 96, 110), outline=(120, 84, 40), width=14)
    draw.ellipse((580, 400, 700, 500), fill=(214, 150, 70))
    for box, colour in (((470, 660, 1040, 820), (94, 112, 140)), ((450, 760, 1060, 960), (108, 128, 158))):
        draw.rounded_rectangle(box, 30, fill=colour)
    for x in (430, 1010):
        draw.rounded_rectangle((x, 720, x + 80, 980), 26, fill=(84, 100, 128))
    draw.polygon([(780, 1030), (1320, 1030), (1420, 1110), (720, 1110)], fill=(138, 92, 54))
    draw.rectangle((720, 1110, 1420, 1134), fill=(104, 68, 40))
    for x in (740, 1376):
        draw.rectangle((x, 1134, x + 26, 1270), fill=(92, 60, 36))
    draw.polygon([(1520, 1000), (1640, 1000), (1616, 1150), (1544, 1150)], fill=(176, 92, 60))
    for _ in range(130):
        angle, length = rng.uniform(-2.9, -0.25), rng.uniform(90, 330)
        tip = (1580 + length * np.cos(angle), 1000 + length * np.sin(angle))
        tone = rng.uniform(0.6, 1.2)
        draw.line(
            [(1580, 1004), tip], fill=(int(46 * tone), int(120 * tone), int(56 * tone)), width=int(rng.uniform(4, 14))
        )
    return _finish(picture, 7)


def tree() -> Picture:
    """A bare tree on a hill against the evening sky: branches a pixel wide."""
    rng = np.random.default_rng(11)
    picture = _canvas((60, 84, 150), (246, 190, 130))
    draw = ImageDraw.Draw(picture)
    width, height = DOUBLE
    hill = [(x, 1010 - 120 * np.exp(-(((x - 900) / 620) ** 2))) for x in range(0, width + 1, 8)]
    draw.polygon([(0, height), *hill, (width, height)], fill=(70, 92, 48))

    def grow(x: float, y: float, angle: float, length: float, thick: float) -> None:
        if length < 9:
            return
        x2, y2 = x + length * np.cos(angle), y - length * np.sin(angle)
        draw.line([(x, y), (x2, y2)], fill=(44, 32, 28), width=max(1, round(thick)))
        for spread in (-1, 1):
            grow(x2, y2, angle + spread * rng.uniform(0.2, 0.55), length * rng.uniform(0.68, 0.85), thick * 0.66)

    grow(900, 905, np.pi / 2, 190, 40)
    _speckle(picture, (0, 880, *DOUBLE), 0.9, rng)
    return _finish(picture, 11)


DRAWINGS: dict[str, Callable[[], Picture]] = {"mountains": mountains, "street": street, "room": room, "tree": tree}
"""Name to a function that draws it: (640, 960, 3) uint8."""
