"""Soft edges: how much of a pixel belongs to a layer, and which colour the layer has there.

Both are solved in tiles along the edge only, so that time and memory follow the length of the edge. Tiles are aligned to the
grid of the pyramid inside them and overlap by more than the windows reach, so that they leave no seams.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maquette.diorama.fill import pull, push, sample

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Box = tuple[slice, slice]

_TILE, _MARGIN = 256, 64
_LARGE = 3_000_000
"""Pictures with more pixels than this are regressed at half their size (the fast guided filter): they are softer anyway."""

_NOISE = 12.0
"""Difference of the sides, in levels of 255, at which projecting a colour on it is half trusted."""

_WINDOW = 3
"""Radius of the guided filter's windows, in pixels."""

_EPSILON = np.float32(20.0)
"""Regularisation of the guided filter: the variance, in squared levels of 255, below which colours do not guide it."""


def solve_alpha(rgb: NDArray[np.uint8], foreground: Bools, background: Bools) -> Floats:
    """Solve the opacity of a layer in the band between what surely belongs to it and what surely does not.

    In the band, the colours of both sides are continued through a pyramid and the pixel's colour is projected on the line
    between them. That is trusted as far as the sides differ by more than they vary; elsewhere a ramp across the band takes
    its place. A guided filter (He, Sun and Tang, ECCV 2010, section 3; coefficients at half size on large pictures, He and
    Sun 2015, arXiv:1505.00996) whose regression is weighted by that trust then fits opacity to the picture's own edges.

    Args:
        rgb: (h, w, 3) uint8, sRGB.
        foreground: (h, w) bool, opaque pixels.
        background: (h, w) bool, transparent pixels; foreground wins where both are set.

    Returns:
        (h, w) float32, exactly 1 in the foreground, exactly 0 in the background, from 0 to 1 in the band between. Without any
        foreground it is 0, without any background 1.
    """
    alpha = foreground.astype(np.float32)
    band = ~(foreground | background)
    if not foreground.any() or not background.any():
        alpha[band] = float(foreground.any())
        return alpha
    halve = rgb.shape[0] * rgb.shape[1] > _LARGE
    for tile, core in _tiles(band):
        inner = band[tile] & core
        solved = _solve_tile(rgb[tile], foreground[tile], background[tile], inner, halve)
        alpha[tile][inner] = solved
    return alpha


def estimate_foreground(rgb: NDArray[np.uint8], alpha: Floats) -> NDArray[np.uint8]:
    """Colours of a layer where it is partly transparent, without what shines through.

    Blur fusion (Forte 2021, Approximate Fast Foreground Colour Estimation, ICIP, equations 4 to 7) with a wide and then a
    narrow blur; the correction is scaled to the least change of both sides that gives the picture back exactly. The colours
    behind are ``estimate_foreground(rgb, 1 - alpha)``.

    Args:
        rgb: (h, w, 3) uint8, sRGB.
        alpha: (h, w) float32, 0 to 1.

    Returns:
        (h, w, 3) uint8; equal to ``rgb`` where alpha is 0 or 1.
    """
    result = rgb.copy()
    edge = (alpha > 0) & (alpha < 1)
    for tile, core in _tiles(edge):
        inner = edge[tile] & core
        result[tile][inner] = _unmix(rgb[tile], alpha[tile], inner)
    return result


def _tiles(wanted: Bools) -> Iterator[tuple[Box, Bools]]:
    """Tiles that hold something wanted: (box with margin, (h, w) bool of the box's pixels without margin)."""
    height, width = wanted.shape
    for top in range(0, height, _TILE):
        for left in range(0, width, _TILE):
            if not wanted[top : top + _TILE, left : left + _TILE].any():
                continue
            y, x = max(top - _MARGIN, 0), max(left - _MARGIN, 0)
            box = slice(y, min(top + _TILE + _MARGIN, height)), slice(x, min(left + _TILE + _MARGIN, width))
            core = np.zeros((box[0].stop - y, box[1].stop - x), bool)
            core[top - y : top - y + _TILE, left - x : left - x + _TILE] = True
            yield box, core


def _mean(values: NDArray[Any], radius: int) -> Floats:
    """Box means of (h, w) float32, edges repeated."""
    from scipy import ndimage

    return np.asarray(ndimage.uniform_filter(values, 2 * radius + 1, mode="nearest"))


def _halved(values: NDArray[Any]) -> NDArray[Any]:
    """The means of 2 x 2 blocks; an odd last row or column is repeated."""
    values = np.pad(values, [(0, values.shape[0] % 2), (0, values.shape[1] % 2)] + [(0, 0)] * (values.ndim - 2), "edge")
    return np.float32(0.25) * (values[::2, ::2] + values[1::2, ::2] + values[::2, 1::2] + values[1::2, 1::2])


def _solve_tile(rgb: NDArray[np.uint8], foreground: Bools, background: Bools, inner: Bools, halve: bool) -> Floats:
    """Opacity (n,) of the pixels ``inner`` of a tile."""
    colors = rgb.astype(np.float32)
    front, back = foreground, background & ~foreground
    if halve:
        colors = _halved(colors)
        front, back = (_halved(side.astype(np.float32)) == 1 for side in (front, back))
    if not front.any() or not back.any():  # the band is wider than a tile
        return np.full(np.count_nonzero(inner), float(front.any()), np.float32)
    target, trust = _projected(colors, front, back)
    slope, offset = _regress(colors, target, trust)
    rows, columns = np.nonzero(inner)
    model = np.dstack([slope, offset])
    local = sample(model, rows, columns, 2) if halve else model[rows, columns]
    return np.clip((local[:, :3] * rgb[rows, columns]).sum(axis=1) + local[:, 3], 0, 1)


def _continued(values: Floats, known: Bools) -> Floats:
    """Continue (h, w, channels) from the known pixels to all others."""
    levels = [(values.copy(), known), *push(values, known)]
    pull(levels, 1)
    return levels[0][0]


def _projected(colors: Floats, front: Bools, back: Bools) -> tuple[Floats, Floats]:
    """First guess of the opacity, and how far to trust it, both (h, w) from 0 to 1."""
    power = (colors * colors).sum(axis=2, keepdims=True)
    stacked = np.concatenate([colors, power], axis=2)
    f, b = _continued(stacked, front), _continued(stacked, back)
    ramp = _continued(front[..., None].astype(np.float32), front | back)[..., 0]
    variance = f[..., 3] - (f[..., :3] ** 2).sum(axis=2) + b[..., 3] - (b[..., :3] ** 2).sum(axis=2)
    line = f[..., :3] - b[..., :3]
    length = (line * line).sum(axis=2)
    along = ((colors - b[..., :3]) * line).sum(axis=2) / np.maximum(length, 1)
    trust = length / (length + np.maximum(variance, 0) + np.float32(_NOISE**2))
    guess = trust * np.clip(along, 0, 1) + (1 - trust) * ramp
    sure = front | back
    return np.where(sure, front, guess).astype(np.float32), np.where(sure, 1, np.maximum(trust, 0.02)).astype(np.float32)


def _regress(colors: Floats, target: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Local linear models target = slope . color + offset: (h, w, 3) and (h, w), means over the windows of a pixel."""
    total = _mean(weight, _WINDOW)

    def mean(values: Floats) -> Floats:
        return _mean(values * weight, _WINDOW) / np.maximum(total, np.float32(1e-6))

    means = [mean(colors[..., channel]) for channel in range(3)]
    goal = mean(target)
    cross = [mean(colors[..., i] * target) - means[i] * goal for i in range(3)]
    moment = {
        (i, j): mean(colors[..., i] * colors[..., j]) - means[i] * means[j] for i in range(3) for j in range(i, 3)
    }
    xx, yy, zz = (moment[i, i] + _EPSILON for i in range(3))
    xy, xz, yz = moment[0, 1], moment[0, 2], moment[1, 2]
    # Cramer's rule with the adjugate of the symmetric 3 x 3 covariance
    axx, axy, axz = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
    ayy, ayz, azz = xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy
    determinant = xx * axx + xy * axy + xz * axz
    slope = [
        (axx * cross[0] + axy * cross[1] + axz * cross[2]) / determinant,
        (axy * cross[0] + ayy * cross[1] + ayz * cross[2]) / determinant,
        (axz * cross[0] + ayz * cross[1] + azz * cross[2]) / determinant,
    ]
    offset = goal - sum(slope[i] * means[i] for i in range(3))
    return np.stack([_mean(s, _WINDOW) for s in slope], axis=2), _mean(offset, _WINDOW)


def _unmix(rgb: NDArray[np.uint8], alpha: Floats, inner: Bools) -> NDArray[np.uint8]:
    """Foreground colours (n, 3) of the pixels ``inner`` of a tile."""
    picture = rgb.astype(np.float32)
    front, back = picture, picture
    rest = 1 - alpha
    correction = (alpha / (alpha * alpha + rest * rest))[..., None]
    counter = (rest / (alpha * alpha + rest * rest))[..., None]
    for radius in (24, 3):
        front, back = _blurred(front, alpha, radius), _blurred(back, rest, radius)
        residual = picture - alpha[..., None] * front - rest[..., None] * back
        front = np.clip(front + correction * residual, 0, 255)
        back = np.clip(back + counter * residual, 0, 255)
    return np.rint(front[inner]).astype(np.uint8)


def _blurred(colors: Floats, weight: Floats, radius: int) -> Floats:
    """Weighted box means of (h, w, 3); the colours themselves where nothing within reach has weight."""
    total = _mean(weight, radius)
    means = np.stack([_mean(colors[..., c] * weight, radius) for c in range(3)], axis=2)
    return np.where(total[..., None] > 1e-4, means / np.maximum(total, np.float32(1e-4))[..., None], colors)
