"""Fractal noise over a plane, for land, mountains and clouds."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maquette.worlds.types import Floats


def fractal(x: ArrayLike, z: ArrayLike, seed: int, *, octaves: int = 5, gain: float = 0.5) -> Floats:
    """Sum of octaves of gradient noise (Perlin, "An image synthesizer", 1985; "Improving noise", 2002).

    Args:
        x: (...) first coordinate; the coarsest octave has a lattice of 1.
        z: (...) second coordinate, of the same shape.
        seed: Which noise.
        octaves: Each has half the lattice of the one before.
        gain: Amplitude of an octave to that of the one before.

    Returns:
        (...) float64, about -1 to 1.
    """
    rng = np.random.default_rng(seed)
    table = rng.permutation(256)
    angle = rng.uniform(0, 2 * np.pi, 256)
    slopes = np.stack([np.cos(angle), np.sin(angle)])
    at = np.stack(np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(z, dtype=np.float64)))
    total = np.zeros(at.shape[1:])
    height, sum_heights = 1.0, 0.0
    for _ in range(octaves):
        total += height * _gradient_noise(at, table, slopes)
        sum_heights += height
        height *= gain
        at = at * 2.0 + rng.uniform(0, 256, 2).reshape(2, *[1] * total.ndim)
    return total * (1.6 / sum_heights)


def _gradient_noise(at: Floats, table: NDArray[np.int64], slopes: Floats) -> Floats:
    cell = np.floor(at).astype(np.int64)
    inside = at - cell
    weight = inside**3 * (inside * (inside * 6 - 15) + 10)

    def corner(dx: int, dz: int) -> Floats:
        which = table[(table[(cell[0] + dx) & 255] + cell[1] + dz) & 255]
        dot: Floats = slopes[0, which] * (inside[0] - dx) + slopes[1, which] * (inside[1] - dz)
        return dot

    near = corner(0, 0) + weight[0] * (corner(1, 0) - corner(0, 0))
    far = corner(0, 1) + weight[0] * (corner(1, 1) - corner(0, 1))
    blended: Floats = near + weight[1] * (far - near)
    return blended
