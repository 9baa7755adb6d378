"""Materials that things are made of, for the samplers of assets: each a function of a random generator."""

from __future__ import annotations

import colorsys

import numpy as np

from maquette.worlds.types import Color, Material

Rng = np.random.Generator

WOODS = ("oak", "walnut", "pine")
FABRICS = ("weave", "knit", "velvet", "denim")


def linear(red: float, green: float, blue: float) -> Color:
    """Linear RGB of an sRGB colour, each from 0 to 1."""
    srgb = np.array([red, green, blue])
    values = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return float(values[0]), float(values[1]), float(values[2])


def grey(level: float) -> Color:
    """Linear RGB of an sRGB grey from 0 to 1."""
    return linear(level, level, level)


def hue(rng: Rng, saturation: tuple[float, float] = (0.2, 0.7), value: tuple[float, float] = (0.25, 0.85)) -> Color:
    """A random colour, its saturation and value (of HSV in sRGB) within bounds."""
    return linear(*colorsys.hsv_to_rgb(rng.random(), rng.uniform(*saturation), rng.uniform(*value)))


def muted(rng: Rng) -> Color:
    """A colour that people live with: mostly greys, beiges and blues, now and then a strong one."""
    pick = rng.random()
    if pick < 0.35:
        return grey(rng.uniform(0.2, 0.85))
    if pick < 0.65:
        return linear(*colorsys.hsv_to_rgb(rng.uniform(0.05, 0.13), rng.uniform(0.15, 0.5), rng.uniform(0.35, 0.85)))
    if pick < 0.85:
        return linear(*colorsys.hsv_to_rgb(rng.uniform(0.5, 0.67), rng.uniform(0.2, 0.6), rng.uniform(0.25, 0.7)))
    return hue(rng)


def wood(rng: Rng) -> Material:
    """Oak, walnut or pine, varnished or not. The grain runs along u."""
    shade = rng.uniform(0.75, 1.1)
    color = (shade, shade * rng.uniform(0.93, 1.0), shade * rng.uniform(0.85, 1.0))
    return Material(
        WOODS[rng.integers(len(WOODS))], color, rng.uniform(0.8, 1.4), rng.uniform(0.35, 0.7), bump_m=0.0004
    )


def painted(rng: Rng) -> Material:
    """Wood or board under paint or foil, mostly white."""
    color = grey(rng.uniform(0.8, 0.95)) if rng.random() < 0.5 else muted(rng)
    return Material("paint", color, 1.0, rng.uniform(0.3, 0.7), bump_m=0.0003)


def furniture(rng: Rng) -> Material:
    """What cabinets and tables are made of: wood, or painted."""
    return wood(rng) if rng.random() < 0.65 else painted(rng)


def fabric(rng: Rng) -> Material:
    """Cloth of covers and curtains."""
    return Material(FABRICS[rng.integers(len(FABRICS))], muted(rng), rng.uniform(0.25, 0.5), 0.9, bump_m=0.001)


def leather(rng: Rng) -> Material:
    """Brown, black or cream leather."""
    base = [(0.35, 0.2, 0.12), (0.1, 0.09, 0.09), (0.75, 0.68, 0.58), (0.45, 0.13, 0.1)][rng.integers(4)]
    return Material("leather", linear(*base), 0.4, rng.uniform(0.4, 0.6), bump_m=0.0008)


def metal(rng: Rng) -> Material:
    """Steel, black iron or brass."""
    pick = rng.random()
    if pick < 0.45:
        return Material("brushed", grey(rng.uniform(0.65, 0.85)), 0.3, rng.uniform(0.25, 0.5), metallic=1.0)
    if pick < 0.8:
        return Material("plain", grey(rng.uniform(0.08, 0.2)), 1.0, rng.uniform(0.4, 0.6))
    return Material("brushed", linear(0.8, 0.65, 0.35), 0.3, 0.35, metallic=1.0)


def plastic(rng: Rng) -> Material:
    """Smooth plastic in grey, black, white or a colour."""
    color = grey(rng.choice([0.08, 0.2, 0.5, 0.85, 0.93])) if rng.random() < 0.7 else hue(rng)
    return Material("plain", color, 1.0, rng.uniform(0.25, 0.5))


def glass(rng: Rng) -> Material:
    """A pane, drawn as an opaque, dark, shiny surface that lets light through."""
    return Material("plain", linear(0.35, 0.42, rng.uniform(0.45, 0.5)), 1.0, 0.05, casts_shadow=False)
