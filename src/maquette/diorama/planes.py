"""Planes fitted to depth.

Seen by a pinhole camera, the inverse depth of a plane is affine in pixel coordinates, so that fitting a plane is a
linear regression on inverse depth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
InverseDepth = tuple[float, float, float]
Bounds = tuple[float, float, float, float]

FARTHEST_M = 400.0
"""No part of a fitted plane is placed farther than this, in metres."""


@dataclass(frozen=True)
class Fit:
    """A plane and how well it fits.

    Attributes:
        inverse_depth: (a, b, c): 1 / depth_m = a * x + b * y + c, in 1/m, x and y in pixels.
        error: Median of the relative error of depth, 0.1 = 10%.
    """

    inverse_depth: InverseDepth
    error: float


def fit_facing(inverse: FloatArray) -> Fit:
    """Fit a plane that faces the camera to (n,) inverse depths in 1/m: their median."""
    level = float(np.median(inverse))
    return Fit((0.0, 0.0, level), float(np.median(np.abs(level / inverse - 1))))


def fit_tilted(x: FloatArray, y: FloatArray, inverse: FloatArray, weight: FloatArray) -> Fit:
    """Fit a plane robustly: least squares on relative error, reweighted with Tukey's biweight.

    Args:
        x: (n,) pixel columns.
        y: (n,) pixel rows.
        inverse: (n,) inverse depths in 1/m.
        weight: (n,) weights, at least 0.
    """
    center = (float(x.mean()), float(y.mean()))
    scale = max(float(np.ptp(x)), float(np.ptp(y)), 1.0)
    basis = np.stack([(x - center[0]) / scale, (y - center[1]) / scale, np.ones_like(x)], axis=1)
    relative = basis / inverse[:, None]
    robust: FloatArray = np.ones(len(x))
    solution: FloatArray = np.zeros(3)
    for _ in range(8):
        w = np.sqrt(weight * robust)
        solution = np.asarray(np.linalg.lstsq(relative * w[:, None], w, rcond=None)[0], dtype=np.float64)
        residual = relative @ solution - 1
        spread = 4.685 * 1.4826 * float(np.median(np.abs(residual))) + 1e-3
        robust = np.clip(1 - (residual / spread) ** 2, 0, None) ** 2
    a, b = solution[:2] / scale
    plane = (float(a), float(b), float(solution[2] - a * center[0] - b * center[1]))
    return Fit(plane, float(np.median(np.abs(relative @ solution - 1))))


def keep_in_front(plane: InverseDepth, bounds: Bounds, pivot: tuple[float, float]) -> InverseDepth:
    """Reduce the tilt of a plane, about a pixel, until all of a rectangle lies nearer than ``FARTHEST_M``.

    Args:
        plane: (a, b, c), see ``Fit``.
        bounds: (left, top, right, bottom) in pixels.
        pivot: Pixel (x, y) whose depth stays.
    """
    a, b, c = plane
    level = a * pivot[0] + b * pivot[1] + c
    left, top, right, bottom = bounds
    drop = max(a * (pivot[0] - x) + b * (pivot[1] - y) for x in (left, right) for y in (top, bottom))
    floor = 1 / FARTHEST_M
    if level <= floor:
        return (0.0, 0.0, floor)
    if drop <= level - floor:
        return plane
    keep = (level - floor) / drop
    a, b = a * keep, b * keep
    return (a, b, level - a * pivot[0] - b * pivot[1])


def evaluate(plane: InverseDepth, x: FloatArray, y: FloatArray) -> FloatArray:
    """Inverse depth of a plane at pixels, in 1/m."""
    a, b, c = plane
    return a * x + b * y + c


def fit_two(x: FloatArray, y: FloatArray, inverse: FloatArray, weight: FloatArray) -> tuple[InverseDepth, InverseDepth]:
    """Fit two planes at once (k-planes, as Lloyd's iteration), starting from the nearer and the farther half."""
    first = inverse > np.median(inverse)
    whole = fit_tilted(x, y, inverse, weight).inverse_depth
    pair = (whole, whole)
    for _ in range(10):
        if min(first.sum(), (~first).sum()) < 8:
            break
        near, far = (fit_tilted(x[m], y[m], inverse[m], weight[m]).inverse_depth for m in (first, ~first))
        pair = (near, far)
        updated = closer(pair, x, y, inverse)
        if np.array_equal(updated, first):
            break
        first = updated
    return pair


def closer(
    pair: tuple[InverseDepth, InverseDepth], x: FloatArray, y: FloatArray, inverse: FloatArray
) -> NDArray[np.bool_]:
    """(n,) bool: where the first of two planes is nearer to the depth than the second."""
    one, two = (np.abs(evaluate(plane, x, y) - inverse) for plane in pair)
    return np.asarray(one < two)
