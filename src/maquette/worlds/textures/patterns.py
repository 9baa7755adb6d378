"""Periodic patterns on a square of 256 x 256, from which the tiles are made.

A field is (256, 256) float64; rows go down, columns to the right, and both ends meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maquette.worlds.types import Floats

SIZE = 256

Rng = np.random.Generator
Srgb = tuple[float, float, float]
"""Red, green and blue from 0 to 255."""

ROWS, COLUMNS = (axis + 0.5 for axis in np.mgrid[0:SIZE, 0:SIZE])
"""Row and column of each pixel's centre."""

_FY, _FX = np.abs(np.fft.fftfreq(SIZE, 1 / SIZE))[:, None], np.fft.rfftfreq(SIZE, 1 / SIZE)[None]


@dataclass(frozen=True, eq=False)
class Tile:
    """A finished pattern.

    Attributes:
        rgb: (256, 256, 3) float64 sRGB, 0 to 255.
        relief: (256, 256) float64, 0 (deep) to 1.
    """

    rgb: Floats
    relief: Floats


def noise(
    rng: Rng, low: float = 1, high: float = 64, slope: float = 1.0, *, along_x: float = 1, along_y: float = 1
) -> Floats:
    """Noise of zero mean and unit deviation whose amplitude falls with frequency.

    Args:
        rng: Where it comes from.
        low: Least frequency, in periods a tile.
        high: Greatest frequency.
        slope: 0 is white, 1 is like clouds, 2 is smooth.
        along_x: How much longer its features are along the rows.
        along_y: How much longer they are along the columns.
    """
    frequency = np.hypot(_FX * along_x, _FY * along_y)
    with np.errstate(divide="ignore"):
        amplitude = np.where((frequency >= low) & (frequency <= high), frequency ** -(slope + 0.5), 0.0)
    amplitude[0, 0] = 0.0
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((SIZE, SIZE))) * amplitude, (SIZE, SIZE))
    unit: Floats = field / field.std()
    return unit


def ramp(field: Floats, colors: Sequence[Srgb]) -> Floats:
    """(256, 256, 3): 0 to 1 through evenly spaced colours."""
    stops = np.linspace(0, 1, len(colors))
    return np.stack([np.interp(field, stops, channel) for channel in zip(*colors, strict=True)], axis=-1)


def blend(under: Floats, over: ArrayLike, share: Floats) -> Floats:
    """One picture, or colour, over another, by a share from 0 to 1."""
    part = np.clip(share, 0, 1)[..., None]
    return under * (1 - part) + np.asarray(over) * part


def shaded(rgb: Floats, factor: Floats) -> Floats:
    """A picture made darker or lighter by a field around 1."""
    return rgb * factor[..., None]


def step(field: Floats, edge: float, width: float) -> Floats:
    """0 below ``edge``, 1 above it, with a soft change of ``width``."""
    t: Floats = np.clip((field - edge) / width + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


def stretched(field: Floats) -> Floats:
    """The field from 0 to 1."""
    unit: Floats = (field - field.min()) / np.ptp(field)
    return unit


def value_of(ids: NDArray[np.int64], rng: Rng) -> Floats:
    """A random number from 0 to 1 for each different id."""
    values: Floats = rng.random(int(ids.max()) + 1)[ids]
    return values


@dataclass(frozen=True, eq=False)
class Blocks:
    """A tile cut into pieces.

    Attributes:
        id: (256, 256) int64, which piece.
        x: Place within the piece along its length, pixels.
        y: Place across it, pixels.
        edge: Distance to the piece's nearest side, pixels.
    """

    id: NDArray[np.int64]
    x: Floats
    y: Floats
    edge: Floats


def bricks(rows: int, columns: int, shifts: Sequence[float] = (0.0,)) -> Blocks:
    """Rows of rectangles; row i is shifted by ``shifts[i]`` (repeating) of a rectangle's length."""
    height, length = SIZE / rows, SIZE / columns
    row = (ROWS // height).astype(np.int64)
    moved = (COLUMNS + np.array(shifts)[row % len(shifts)] * length) % SIZE
    column = (moved // length).astype(np.int64)
    x, y = moved % length, ROWS % height
    return Blocks(row * columns + column, x, y, np.minimum(np.minimum(x, length - x), np.minimum(y, height - y)))


def herringbone(cells: int, ratio: int) -> Blocks:
    """Bars of ``ratio`` cells in two directions; a tile has ``cells`` cells a side, a multiple of ``2 * ratio``."""
    cell = SIZE / cells
    i, j = (COLUMNS // cell).astype(np.int64), (ROWS // cell).astype(np.int64)
    phase = (i - j) % (2 * ratio)
    flat = phase < ratio
    first_i = np.where(flat, i - phase, i)
    first_j = np.where(flat, j, j - (2 * ratio - 1 - phase))
    along = np.where(flat, COLUMNS - first_i * cell, ROWS - first_j * cell)
    across = np.where(flat, ROWS - first_j * cell, COLUMNS - first_i * cell)
    edge = np.minimum(np.minimum(along, ratio * cell - along), np.minimum(across, cell - across))
    return Blocks((first_i % cells * cells + first_j % cells) * 2 + flat, along, across, edge)


def pebbles(rng: Rng, count: int, jitter: float = 0.9) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Worley's cells around one point in each of ``count`` x ``count`` squares.

    Returns:
        The id of each pixel's cell, the distance to its point and the distance to the border with the next cell, both
        in sides of a square.
    """
    points = rng.random((count, count, 2)) * jitter + (1 - jitter) / 2
    y, x = ROWS * count / SIZE, COLUMNS * count / SIZE
    row, column = y.astype(np.int64), x.astype(np.int64)
    first, second = np.full((SIZE, SIZE), np.inf), np.full((SIZE, SIZE), np.inf)
    owner = np.zeros((SIZE, SIZE), dtype=np.int64)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            r, c = (row + dy) % count, (column + dx) % count
            far = np.hypot(row + dy + points[r, c, 0] - y, column + dx + points[r, c, 1] - x)
            nearer = far < first
            second = np.where(nearer, first, np.minimum(second, far))
            owner = np.where(nearer, r * count + c, owner)
            first = np.minimum(first, far)
    return owner, first, (second - first) / 2


def strokes(
    rng: Rng, count: int, length: float, angle: tuple[float, float], bend: float = 0.0
) -> tuple[NDArray[np.int64], Floats]:
    """Thin strokes strewn over one another, as blades and straws lie.

    Args:
        rng: Where they come from.
        count: How many.
        length: In pixels; half of it to all of it.
        angle: Mean direction and deviation, radians; 0 is along the rows.
        bend: How much they curve, radians.

    Returns:
        The number of the topmost stroke at each pixel (from 1; 0 is none) and the place along it from 0 to 1.
    """
    ids = np.zeros((SIZE, SIZE), dtype=np.int64)
    place = np.zeros((SIZE, SIZE))
    steps = int(length * 1.2)
    t = np.linspace(0, 1, steps)
    turn = rng.normal(*angle, (count, 1)) + rng.normal(0, bend, (count, 1)) * t
    size = rng.uniform(0.5, 1, (count, 1)) * length
    x = rng.random((count, 1)) * SIZE + np.cumsum(np.cos(turn), axis=1) * size / steps
    y = rng.random((count, 1)) * SIZE - np.cumsum(np.sin(turn), axis=1) * size / steps
    at = np.floor(y).astype(np.int64) % SIZE * SIZE + np.floor(x).astype(np.int64) % SIZE
    ids.ravel()[at.ravel()] = np.repeat(np.arange(1, count + 1), steps)
    place.ravel()[at.ravel()] = np.tile(t, count)
    return ids, place
