"""Colours for what a photo does not show: pixels behind a layer, continued from the pixels around them.

Three methods with one contract. ``pyramid`` pulls the colours of the rim through a multi-scale pyramid (push-pull,
Gortler et al., The Lumigraph, 1996, section 3.4), relaxes them towards a membrane and adds grain like the photo's own.
``spread`` takes the nearest colour of the rim and blurs it the more the farther it is, as the inpaint node of Blender's
compositor does, which the diorama paper uses. ``patch`` copies texture (see ``maquette.diorama.patches``).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from maquette.diorama.patches import find_texture, searched_scale

Method = Literal["pyramid", "patch", "spread"]
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Indices = NDArray[np.intp]

_MARGIN = 96
"""Known pixels kept around the hole, in pixels: what the grain and the patches learn from."""

_SWEEPS = 4
"""Relaxation sweeps at full size."""

_SMALL = 50_000
"""Levels with fewer pixels than this are relaxed everywhere, larger ones along the rim."""

_OCTAVES, _CELL, _TILE, _SITES = 3, 16, 512, 200_000
"""Grain: octaves of noise, side in pixels of a cell in which its strength is measured, side of the noise, and most
pixels that are measured in an octave."""

_MOST_GRAIN = np.float32(5.0)
"""Strongest noise of an octave, in levels of 255: what is stronger is texture, and noise does not look like it."""

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)

_SPREAD_PIXELS = 400_000
"""``spread`` works at the first scale with no more pixels than this: its blur hides the difference."""


def fill(
    rgb: NDArray[np.uint8], known: Bools, wanted: Bools, method: Method = "pyramid", seed: int = 0
) -> NDArray[np.uint8]:
    """Continue the colours of ``known`` into ``wanted``.

    Args:
        rgb: (h, w, 3) uint8.
        known: (h, w) bool, pixels whose colours are to be continued; they are not changed.
        wanted: (h, w) bool, pixels that get a colour unless they are known. All others are returned as they are.
        method: ``pyramid``, ``patch`` or ``spread``.
        seed: Seed of the grain, and of the search for patches.

    Returns:
        (h, w, 3) uint8, a new array. Where nothing is known, there is nothing to continue and it equals ``rgb``.
    """
    result = rgb.copy()
    todo = wanted & ~known
    if not todo.any() or not known.any():
        return result
    box = _crop(todo, known)
    colors, hole, given = result[box], todo[box], known[box]
    if method == "spread":
        filled = _spread(colors, given, hole)
    else:
        levels = push(colors, given)
        pull(levels, 2 * _SWEEPS)
        filled = _membrane(colors, given, hole, levels)
        if method == "pyramid":
            filled += _grain(colors, hole, levels, given, seed)
        else:
            filled = _copied(colors, given, hole, levels, filled, seed)
    colors[hole] = np.clip(np.rint(filled), 0, 255).astype(np.uint8)
    return result


def _crop(todo: Bools, known: Bools) -> tuple[slice, slice]:
    """Bounding box of the hole and its margin, widened until it holds something known."""
    bounds = []
    for axis in (0, 1):
        used = np.flatnonzero(todo.any(axis=1 - axis))
        bounds.append((int(used[0]), int(used[-1]) + 1))
    margin = _MARGIN
    while True:
        box = tuple(slice(max(0, low - margin), high + margin) for low, high in bounds)
        if known[box].any():
            return box[0], box[1]
        margin *= 4


def _halve(values: NDArray[Any]) -> Floats:
    """(h, w, ...) to the sums of its 2 x 2 blocks, ((h + 1) // 2, (w + 1) // 2, ...)."""
    height, width = values.shape[:2]
    sums = np.zeros(((height + 1) // 2, (width + 1) // 2, *values.shape[2:]), np.float32)
    for row in (0, 1):
        for column in (0, 1):
            part = values[row::2, column::2]
            sums[: part.shape[0], : part.shape[1]] += part
    return sums


def push(rgb: NDArray[Any], known: Bools) -> list[tuple[Floats, Bools]]:
    """Means of what is known, at half the size each, down to one pixel: (colours, whether any is known) per level."""
    sums, counts = _halve(rgb * known[..., None]), _halve(known)
    levels = []
    while True:
        seen = counts > 0
        colors = np.asarray(sums / np.maximum(counts, np.float32(1e-6))[..., None], np.float32)
        levels.append((colors, seen))
        if counts.size == 1:
            return levels
        sums, counts = _halve(colors * seen[..., None]), _halve(seen)


def sample(coarse: Floats, rows: Indices, columns: Indices, scale: int = 2) -> Floats:
    """Bilinear values (n, channels), at n pixels of a picture, of the same picture at ``1 / scale`` of its size."""
    from scipy import ndimage

    where = np.stack([rows, columns]).astype(np.float32)
    where = (where + np.float32(0.5)) / np.float32(scale) - np.float32(0.5)
    values = np.zeros((len(rows), coarse.shape[2]), np.float32)
    for channel in range(coarse.shape[2]):
        ndimage.map_coordinates(coarse[..., channel], where, values[:, channel], order=1, mode="nearest")
    return values


def _relax(colors: Floats, free: Bools, usable: Bools, sweeps: int) -> None:
    """Move the ``free`` pixels of (h, w, 3) towards the mean of their usable neighbours, in place (Jacobi's method)."""
    height, width = free.shape
    flat = colors.reshape(height * width, -1)
    center = np.flatnonzero(free)
    rows, columns = np.divmod(center, width)
    neighbours = []
    for step, inside in ((-width, rows > 0), (width, rows < height - 1), (-1, columns > 0), (1, columns < width - 1)):
        other = np.where(inside, center + step, center)
        neighbours.append(np.where(usable.ravel()[other], other, center))
    for _ in range(sweeps):
        mean = flat[neighbours[0]]
        for other in neighbours[1:]:
            mean += flat[other]
        mean *= np.float32(0.25)
        flat[center] = mean


def pull(levels: list[tuple[Floats, Bools]], sweeps: int) -> None:
    """Fill the unknown pixels of each level from the next coarser one, in place, and relax them.

    The finest level gets so many sweeps; each coarser one, a quarter of the work, twice as many, up to 64.
    """
    for index in range(len(levels) - 2, -1, -1):
        colors, seen = levels[index]
        rows, columns = np.nonzero(~seen)
        colors[rows, columns] = sample(levels[index + 1][0], rows, columns)
        free = _rim(~seen, levels[index + 1 :]) if seen.size > _SMALL else ~seen
        _relax(colors, free, np.ones_like(seen), min(sweeps << index, 64))


def _rim(unknown: Bools, coarser: list[tuple[Floats, Bools]]) -> Bools:
    """The part of the unknown pixels that a few sweeps can change: within about six pixels of what is known."""
    rows, columns = np.nonzero(unknown)
    seen = coarser[min(1, len(coarser) - 1)][1].astype(np.float32)[..., None]
    near = sample(seen, rows, columns, 4)[:, 0] > 0
    rim = np.zeros_like(unknown)
    rim[rows[near], columns[near]] = True
    return rim


def _membrane(rgb: NDArray[np.uint8], known: Bools, hole: Bools, levels: list[tuple[Floats, Bools]]) -> Floats:
    """Colours (n, 3) of the hole's pixels; ``levels`` are those of ``push``, pulled."""
    rows, columns = np.nonzero(hole)
    colors = rgb.astype(np.float32)
    colors[rows, columns] = sample(levels[0][0], rows, columns)
    _relax(colors, _rim(hole, levels), hole | known, _SWEEPS)
    return np.asarray(colors[rows, columns])


def _grain(rgb: NDArray[np.uint8], hole: Bools, levels: list[tuple[Floats, Bools]], known: Bools, seed: int) -> Floats:
    """Noise (n, 1) for the hole's pixels, as strong in each octave as what is known nearby.

    The strength of an octave is taken from the mean square root of its differences, so that a few strong edges, which
    are not grain, hardly count; for a normal distribution, sigma is that mean squared / 0.6760.
    """
    from scipy import ndimage

    finer: list[tuple[NDArray[Any], Bools]] = [(rgb, known), *levels]
    shape = (-(-rgb.shape[0] // _CELL), -(-rgb.shape[1] // _CELL))
    roots = np.zeros((*shape, _OCTAVES), np.float32)
    counts = np.zeros((*shape, _OCTAVES), np.int64)
    octaves = min(_OCTAVES, len(levels))
    for octave in range(octaves):
        colors, seen = finer[octave]
        sites = np.flatnonzero(seen)
        sites = sites[:: 1 + len(sites) // _SITES]
        rows, columns = np.divmod(sites, seen.shape[1])
        detail = ((colors[rows, columns] - sample(levels[octave][0], rows, columns)) * _LUMA).sum(axis=1)
        cell = ((rows << octave) // _CELL) * shape[1] + (columns << octave) // _CELL
        size = shape[0] * shape[1]
        roots[..., octave] = np.bincount(cell, np.sqrt(np.abs(detail)), size).reshape(shape)
        counts[..., octave] = np.bincount(cell, minlength=size).reshape(shape)
    means = np.where(counts > 0, roots / np.maximum(counts, 1), np.float32(np.inf))
    means = ndimage.minimum_filter(means, size=(5, 5, 1), mode="nearest")
    measured = np.isfinite(means[..., :octaves]).all(axis=2)
    means[~measured] = 0
    cells = [(means, measured), *push(means, measured)]
    pull(cells, _SWEEPS)
    rows, columns = np.nonzero(hole)
    sigma = np.minimum(sample(cells[0][0], rows, columns, _CELL) ** 2 / np.float32(0.676), _MOST_GRAIN)
    noise = np.zeros((len(rows), 1), np.float32)
    for octave, tile in enumerate(_noise_tiles(seed)):
        noise[:, 0] += sigma[:, octave] * tile[rows % _TILE, columns % _TILE]
    return noise


def _copied(
    rgb: NDArray[np.uint8], known: Bools, hole: Bools, levels: list[tuple[Floats, Bools]], smooth: Floats, seed: int
) -> Floats:
    """Colours (n, 3) of the hole's pixels, copied along the shifts found at a coarse scale, or else ``smooth``.

    Between the four cells around a pixel the copies are blended, and what the copies lack in tone is added.
    """
    start = searched_scale(hole, levels)
    whole, finer = [], known
    for _ in levels:
        finer = _halve(finer) == 4
        whole.append(finer)
    found = find_texture([(colors, full) for (colors, _), full in zip(levels, whole, strict=True)][start:], seed)
    if found is None:
        return smooth
    colors, shifts, touched = found
    side = 2 << start
    rows, columns = np.nonzero(hole)
    height, width = touched.shape
    total = np.zeros((len(rows), 3), np.float32)
    weight = np.full((len(rows), 1), 1e-6, np.float32)
    cell_y, cell_x = (rows + 0.5) / side - 0.5, (columns + 0.5) / side - 0.5
    for dy in (0, 1):
        for dx in (0, 1):
            y, x = np.floor(cell_y).astype(np.intp) + dy, np.floor(cell_x).astype(np.intp) + dx
            near = np.clip(1 - np.abs(cell_y - y), 0, 1) * np.clip(1 - np.abs(cell_x - x), 0, 1)
            y, x = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)
            shift = shifts[y, x]
            from_y = np.clip(rows + side * shift[:, 0], 0, known.shape[0] - 1)
            from_x = np.clip(columns + side * shift[:, 1], 0, known.shape[1] - 1)
            good = touched[y, x] & known[from_y, from_x]
            tone = (
                colors[y, x] - colors[np.clip(y + shift[:, 0], 0, height - 1), np.clip(x + shift[:, 1], 0, width - 1)]
            )
            share = (near**2 * good).astype(np.float32)[:, None]
            total += share * (rgb[from_y, from_x] + tone)
            weight += share
    return np.where(weight > 1e-3, total / weight, smooth)


@lru_cache(maxsize=1)
def _noise_tiles(seed: int) -> tuple[Floats, ...]:
    """Periodic noise of unit variance, (_TILE, _TILE), one octave each, finest first."""
    from scipy import ndimage

    random = np.random.default_rng(seed)
    tiles = []
    for octave in range(_OCTAVES):
        noise = random.standard_normal((_TILE >> octave, _TILE >> octave), np.float32)
        noise -= ndimage.gaussian_filter(noise, 1.0, mode="wrap")
        noise = ndimage.zoom(noise, 1 << octave, order=1, mode="grid-wrap", grid_mode=True)
        tiles.append(noise / noise.std())
    return tuple(tiles)


def _spread(rgb: NDArray[np.uint8], known: Bools, hole: Bools) -> Floats:
    """Colours (n, 3) of the hole's pixels: that of the nearest known pixel, blurred as wide as it is far."""
    from scipy import ndimage

    rows, columns = np.nonzero(hole)
    colors: Floats = rgb.astype(np.float32)
    seen, scale = known, 1
    if known.size > _SPREAD_PIXELS:
        levels = push(rgb, known)
        while seen.size > _SPREAD_PIXELS:
            colors, seen = levels.pop(0)
            scale *= 2
    distance, nearest = ndimage.distance_transform_edt(~seen, return_indices=True)
    colors = colors[nearest[0], nearest[1]]
    rest, result = distance, colors.copy()
    for radius in 2.0 ** np.arange(0, np.log2(distance.max() + 1)):
        blurred = ndimage.gaussian_filter(colors, (radius / 2, radius / 2, 0), truncate=3.0)
        share = np.clip(np.log2(np.maximum(rest, 1e-6) / radius) + 1, 0, 1)[..., None].astype(np.float32)
        result += share * (blurred - result)
    return sample(result, rows, columns, scale)
