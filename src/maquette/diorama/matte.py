"""Soft edges: how much of a pixel belongs to a layer, and which colour the layer has there.

Both work on the pixels of the edge, not of the picture, so that time and memory follow the length of the edge.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from maquette.diorama.fill import pull, push, sample

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

_MARGIN = 64
"""Known pixels kept around the band, in pixels."""

_LARGE = 2_000_000
"""Crops with more pixels than this are solved at half their size, or less; their edges are that much softer."""

_NOISE = np.float32(12.0)
"""Difference of the two sides, in levels of 255, at which the projection between them is half trusted."""

_EPSILON = np.float32(0.02)
"""Regularisation of the matting Laplacian: variance, in squared levels of 255, below which colours do not guide it."""

_PULL = np.float32(0.001)
"""Weight of the projection against the matting Laplacian, whose diagonal is about 1."""

_STEPS = 80
"""Most steps of the conjugate gradients; more change only what is far from both sides."""


def solve_alpha(rgb: NDArray[np.uint8], foreground: Bools, background: Bools) -> Floats:
    """Solve the opacity of a layer in the band between what surely belongs to it and what surely does not.

    Closed-form matting (Levin, Lischinski and Weiss, PAMI 2008, equations 11 to 13) on the band alone, with a data
    term as in robust matting (Wang and Cohen, CVPR 2007, section 4): the colours of both sides are continued through a
    pyramid and a pixel's colour is projected on the line between them, which is trusted as far as the sides differ by
    more than they vary. Large pictures are solved at reduced size; the local linear models that the matting Laplacian
    stands for then give opacity at full size (as in the fast guided filter, He and Sun 2015, arXiv:1505.00996).

    Args:
        rgb: (h, w, 3) uint8, sRGB, at least 3 x 3.
        foreground: (h, w) bool, opaque pixels.
        background: (h, w) bool, transparent pixels; foreground wins where both are set.

    Returns:
        (h, w) float32, exactly 1 in the foreground, exactly 0 in the background, from 0 to 1 in the band between.
        Without any foreground the band is 0, without any background 1.
    """
    alpha = foreground.astype(np.float32)
    band = ~(foreground | background)
    if not band.any():
        return alpha
    box = _around(band)
    front, back = foreground[box], background[box] & ~foreground[box]
    if not front.any() or not back.any():
        alpha[band] = float(foreground.any() and (front.any() or not background.any()))
        return alpha
    colors, scale = rgb[box].astype(np.float32), 1
    while colors.shape[0] * colors.shape[1] > _LARGE:
        sides = [_halved(side.astype(np.float32)) == 1 for side in (front, back)]
        if not (sides[0].any() and sides[1].any()):
            break
        (front, back), colors, scale = sides, _halved(colors), 2 * scale
    inner = ~(front | back)
    windows = _Windows(colors, inner)
    guess, trust = _projected(colors, front, back, inner)
    solved = front.astype(np.float32)
    solved[inner] = windows.solve(solved, guess, trust)
    if scale == 1:
        alpha[box][band[box]] = np.clip(solved[inner], 0, 1)
        return alpha
    rows, columns = np.nonzero(band[box])
    model = sample(windows.models(solved), rows, columns, scale)
    alpha[box][rows, columns] = np.clip((model[:, :3] * rgb[box][rows, columns]).sum(axis=1) + model[:, 3], 0, 1)
    return alpha


def estimate_foreground(rgb: NDArray[np.uint8], alpha: Floats) -> NDArray[np.uint8]:
    """Colours of a layer where it is partly transparent, without what shines through.

    Blur fusion (Forte 2021, Approximate Fast Foreground Colour Estimation, ICIP) with a wide and then a narrow blur, by
    a pyramid; weights are alpha to the fourth, as what is half transparent knows little of its own colour. The
    correction of both sides is the least one that gives the picture back exactly. The colours behind are
    ``estimate_foreground(rgb, 1 - alpha)``.

    Args:
        rgb: (h, w, 3) uint8, sRGB.
        alpha: (h, w) float32, 0 to 1.

    Returns:
        (h, w, 3) uint8; equal to ``rgb`` where alpha is 0 or 1.
    """
    result = rgb.copy()
    edge = (alpha > 0) & (alpha < 1)
    if not edge.any():
        return result
    box = _around(edge)
    rows, columns = np.nonzero(edge[box])
    picture, opacity, scale = rgb[box].astype(np.float32), alpha[box], 1
    while opacity.size > _LARGE:
        picture, opacity, scale = _halved(picture), _halved(opacity), 2 * scale
    inner = (opacity > 0) & (opacity < 1)
    small_rows, small_columns = np.nonzero(inner)
    wide = [sample(_blurred(picture, weight, 3), small_rows, small_columns, 8) for weight in (opacity, 1 - opacity)]
    sharper = []
    for side, weight in zip(_corrected(picture[inner], opacity[inner], *wide), (opacity, 1 - opacity), strict=True):
        layer = picture.copy()
        layer[inner] = side
        sharper.append(sample(_blurred(layer, weight, 1), rows, columns, 2 * scale))
    target = rgb[box][rows, columns].astype(np.float32)
    front, _ = _corrected(target, alpha[box][rows, columns], *sharper)
    result[box][rows, columns] = np.rint(front).astype(np.uint8)
    return result


def _corrected(target: Floats, alpha: Floats, front: Floats, back: Floats) -> tuple[Floats, Floats]:
    """The colours (n, 3) nearest to ``front`` and ``back`` that blend to ``target`` by ``alpha`` (n,), clipped."""
    a = alpha[:, None]
    residual = (target - a * front - (1 - a) * back) / (a * a + (1 - a) * (1 - a))
    return np.clip(front + a * residual, 0, 255), np.clip(back + (1 - a) * residual, 0, 255)


def _around(wanted: Bools) -> tuple[slice, slice]:
    """Bounding box of what is wanted, and its margin."""
    rows, columns = (np.flatnonzero(wanted.any(axis=axis)) for axis in (1, 0))
    return (
        slice(max(int(rows[0]) - _MARGIN, 0), int(rows[-1]) + 1 + _MARGIN),
        slice(max(int(columns[0]) - _MARGIN, 0), int(columns[-1]) + 1 + _MARGIN),
    )


def _halved(values: Floats) -> Floats:
    """Means of 2 x 2 blocks; an odd last row or column is repeated."""
    odd = [(0, values.shape[0] % 2), (0, values.shape[1] % 2)] + [(0, 0)] * (values.ndim - 2)
    if values.shape[0] % 2 or values.shape[1] % 2:
        values = np.pad(values, odd, "edge")
    total = values[::2, ::2] + values[1::2, ::2]
    total += values[::2, 1::2]
    total += values[1::2, 1::2]
    return np.asarray(total * np.float32(0.25))


def _blurred(picture: Floats, weight: Floats, finest: int) -> Floats:
    """Local means (h / 2 ** finest, w / 2 ** finest, 3), weighted by the fourth power of ``weight`` (h, w).

    As far as a cell of ``2 ** finest`` pixels lacks weight, its mean comes from larger cells.
    """
    weight = (weight * weight) ** 2
    stacked = np.empty((*weight.shape, 4), np.float32)
    np.multiply(picture, weight[..., None], out=stacked[..., :3])
    stacked[..., 3] = weight
    levels: list[Floats] = []
    while len(levels) < finest or stacked.size > 4:
        stacked = _halved(stacked)
        levels.append(stacked)
    means = np.asarray(levels[-1][..., :3] / np.maximum(levels[-1][..., 3:], np.float32(1e-6)), np.float32)
    for level in levels[-2::-1][: len(levels) - finest]:
        row, column = np.divmod(np.arange(level.shape[0] * level.shape[1]), level.shape[1])
        coarse = sample(means, row, column).reshape(*level.shape[:2], 3)
        share = np.minimum(4 * level[..., 3:], 1)
        own = level[..., :3] / np.maximum(level[..., 3:], np.float32(1e-6))
        means = np.asarray(coarse + share * (own - coarse), np.float32)
    return means


def _projected(colors: Floats, front: Bools, back: Bools, inner: Bools) -> tuple[Floats, Floats]:
    """Opacity (n,) of the band's pixels by their colours alone, and how far to trust it, both from 0 to 1."""
    rows, columns = np.nonzero(inner)
    stacked = np.dstack([colors, (colors * colors).sum(axis=2)])
    sides = []
    for known in (front, back):
        levels = push(stacked, known)
        pull(levels, 0)
        sides.append(sample(levels[0][0], rows, columns))
    f, b = sides
    variance = sum(side[:, 3] - (side[:, :3] ** 2).sum(axis=1) for side in sides)
    line = f[:, :3] - b[:, :3]
    length = (line * line).sum(axis=1)
    along = ((colors[inner] - b[:, :3]) * line).sum(axis=1) / np.maximum(length, 1)
    trust = length / (length + np.maximum(variance, 0) + _NOISE**2)
    levels = push(front[..., None].astype(np.float32), front | back)
    pull(levels, 2)
    ramp = sample(levels[0][0], rows, columns)[:, 0]
    return trust * np.clip(along, 0, 1) + (1 - trust) * ramp, trust


class _Windows:
    """The 3 x 3 windows that touch a band, as lists: what the matting Laplacian is made of.

    In each, opacity is a linear function of colour: alpha = slope . color + offset.
    """

    def __init__(self, colors: Floats, inner: Bools) -> None:
        height, width = inner.shape
        touched = np.zeros_like(inner)
        for row in range(3):
            for column in range(3):
                touched[1:-1, 1:-1] |= inner[row : height - 2 + row, column : width - 2 + column]
        centers = np.flatnonzero(touched)
        self.shape = inner.shape
        self.inner = np.flatnonzero(inner)
        self.pixels = [centers + dy * width + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        flat = colors.reshape(-1, 3)
        seen = np.stack([flat[pixels].T for pixels in self.pixels])
        self.mean = seen.mean(axis=0)
        self.offsets = seen - self.mean
        covariance = np.einsum("kin,kjn->nij", self.offsets, self.offsets) / 9 + _EPSILON * np.eye(3, dtype=np.float32)
        self.weights = np.einsum("nij,kjn->kin", np.linalg.inv(covariance), self.offsets)

    def solve(self, known: Floats, guess: Floats, trust: Floats) -> Floats:
        """Opacity (n,) of the band's pixels, from that of the pixels around it in ``known`` (h, w) and a guess."""
        from scipy import sparse

        height, width = self.shape
        count = len(self.inner)
        position = np.full(height * width, count, np.int32)
        position[self.inner] = np.arange(count, dtype=np.int32)
        diagonals = np.zeros((25, count + 1), np.float32)  # the last column takes what is outside the band
        places = [position[pixels] for pixels in self.pixels]
        for k in range(9):
            for m in range(k, 9):
                value = np.float32(k == m) - (1 + (self.offsets[k] * self.weights[m]).sum(axis=0)) / 9
                step = 12 + (m // 3 - k // 3) * 5 + m % 3 - k % 3
                diagonals[step, places[k]] += value
                if m > k:
                    diagonals[24 - step, places[m]] += value
        entries = diagonals[:, :count].T
        reach = np.array([dy * width + dx for dy in range(-2, 3) for dx in range(-2, 3)])
        others = np.clip(self.inner[:, None] + reach, 0, height * width - 1)
        columns = position[others]
        within = columns < count
        pull_weight = _PULL * np.maximum(trust, np.float32(0.02))
        right = pull_weight * guess - np.where(within, 0, entries * known.ravel()[others]).sum(axis=1)
        matrix = sparse.csr_matrix(
            (
                np.where(within, entries, 0).ravel(),
                np.where(within, columns, 0).ravel(),
                np.arange(0, 25 * count + 1, 25),
            ),
            shape=(count, count),
        )
        return _conjugate_gradients(matrix, pull_weight, entries[:, 12] + pull_weight, right, guess)

    def models(self, alpha: Floats) -> Floats:
        """Slope and offset (h, w, 4) at the pixels of the band, means over the windows that hold a pixel."""
        flat = alpha.ravel()
        opacity = np.stack([flat[pixels] for pixels in self.pixels])
        slope = np.einsum("kin,kn->in", self.weights, opacity) / 9
        offset = opacity.mean(axis=0) - (slope * self.mean).sum(axis=0)
        model = np.concatenate([slope, offset[None]]).T
        total = np.zeros((len(flat), 5), np.float32)
        for pixels in self.pixels:
            total[pixels, :4] += model
            total[pixels, 4] += 1
        total[:, 3] += np.where(total[:, 4] == 0, flat, 0)
        return np.asarray((total[:, :4] / np.maximum(total[:, 4:], 1)).reshape(*self.shape, 4))


def _conjugate_gradients(matrix: Any, extra: Floats, diagonal: Floats, right: Floats, start: Floats) -> Floats:
    """Solve (matrix + diag(extra)) x = right from ``start``, preconditioned by its diagonal.

    Sums are numpy's own, not those of a threaded BLAS, so that the result does not depend on the number of threads.
    """
    solution = start.copy()
    residual = right - matrix @ solution - extra * solution
    scaled = residual / diagonal
    direction = scaled
    strength = float((residual * scaled).sum(dtype=np.float64))
    goal = 1e-8 * len(right)
    for _ in range(_STEPS):
        if strength <= goal:
            break
        product = matrix @ direction + extra * direction
        step = np.float32(strength / float((direction * product).sum(dtype=np.float64)))
        solution = solution + step * direction
        residual = residual - step * product
        scaled = residual / diagonal
        previous, strength = strength, float((residual * scaled).sum(dtype=np.float64))
        direction = scaled + np.float32(strength / previous) * direction
    return solution
