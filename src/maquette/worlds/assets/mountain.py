"""Mountains: rock, forest, snow on top, and a table mountain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler
from maquette.worlds.assets.batch import slab
from maquette.worlds.noise import fractal
from maquette.worlds.types import Asset, Floats, Material, Part

Style = Literal["rocky", "forested", "snowy", "mesa"]

_ROWS, _COLUMNS = 15, 29
_DEEP_M = 4.0


@dataclass(frozen=True)
class Mountain:
    """A mountain range.

    Attributes:
        style: Its kind.
        width_m: Along x.
        depth_m: Along z.
        height_m: About that of its highest peak.
        rough: How much ridges cut into it, 0 to 1.
        slopes: Material.
        cap: Material above ``cap_m``.
        cap_m: Where the cap starts, of the height; above 1 there is none.
        seed: Its shape.
    """

    style: Style
    width_m: float
    depth_m: float
    height_m: float
    rough: float
    slopes: Material
    cap: Material
    cap_m: float
    seed: int


def build(mountain: Mountain) -> Asset:
    """Make a mountain."""
    u, v = np.meshgrid(np.linspace(-1, 1, _COLUMNS), np.linspace(-1, 1, _ROWS))
    x, z = u * mountain.width_m / 2, v * mountain.depth_m / 2
    high = _relief(mountain, u, v)
    grid = np.stack([x, _DEEP_M + mountain.height_m * high, z], axis=-1)
    parts = [slab(grid, 0.0, mountain.slopes)]
    if mountain.cap_m < 1:
        parts.append(_cap(mountain, grid, high))
    return Asset("mountain", mountain.style, tuple(parts))


def _relief(mountain: Mountain, u: Floats, v: Floats) -> Floats:
    """Height over the footprint, 0 to about 1: a swell with peaks, cut by ridged noise, that ends at 0."""
    aspect = mountain.width_m / mountain.depth_m
    swell = np.clip(1 - np.abs(u) ** 2.2, 0, 1) * np.clip(1 - np.abs(v) ** 1.7, 0, 1)
    ridges = 1 - np.abs(fractal(u * 1.5 * aspect, v * 1.5, mountain.seed, octaves=5, gain=0.48))
    peaks = 0.5 + 0.5 * fractal(u * 1.1 * aspect, v * 0.8, mountain.seed + 1, octaves=2)
    high = swell * (0.25 + 0.75 * peaks) * ((1 - mountain.rough) + mountain.rough * ridges**1.6)
    if mountain.style == "mesa":
        high = np.where(high > 0.36, 0.72 + 0.08 * high, high * 0.8)
    return high


def _cap(mountain: Mountain, grid: Floats, high: Floats) -> Part:
    """A lid that rises out of the slopes above a level, and stays below them elsewhere."""
    over = high - mountain.cap_m - 0.05 * fractal(grid[..., 0] / 25, grid[..., 2] / 25, mountain.seed + 2, octaves=3)
    lid = grid.copy()
    lid[..., 1] += np.clip(over * 60, -1.0, 1.0) * 0.02 * mountain.height_m - 0.001
    lid[..., 1] = np.maximum(lid[..., 1], 0.5)
    return slab(lid, 0.2, mountain.cap)


def _style(style: Style, height: tuple[float, float], rough: float) -> Sampler:
    def sampler(rng: np.random.Generator) -> Mountain:
        high = rng.uniform(*height)
        wide = high * rng.uniform(3.2, 5.0)
        tones = {
            "rocky": ((0.55, 0.57, 0.65), "rock"), "forested": ((0.9, 0.95, 3.0), "leaves"),
            "snowy": ((0.5, 0.55, 0.78), "rock"), "mesa": ((1.1, 0.55, 0.35), "rock"),
        }  # fmt: skip
        tone, texture = tones[style]
        shade = rng.uniform(0.9, 1.15)
        red, green, blue = tone
        return Mountain(
            style,
            wide,
            wide * rng.uniform(0.4, 0.6),
            high,
            rough,
            Material(texture, (red * shade, green * shade, blue * shade), 22.0, 1.0, bump_m=0.4),
            Material("snow", (1.0, 1.0, 1.0), 10.0, 0.9),
            rng.uniform(0.32, 0.45) if style == "snowy" else 2.0,
            int(rng.integers(2**31)),
        )

    return sampler


FAMILY = Family(
    name="mountain",
    label="mountain",
    stands="fixed",
    styles={
        "rocky": _style("rocky", (70.0, 120.0), 0.8),
        "forested": _style("forested", (35.0, 70.0), 0.45),
        "snowy": _style("snowy", (90.0, 140.0), 0.85),
        "mesa": _style("mesa", (50.0, 80.0), 0.6),
    },
    unseen=("mesa",),
    build=build,
)
