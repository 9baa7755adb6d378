"""Skies: clear, with clouds, overcast, or at dusk, and the sun that goes with them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from maquette.worlds.noise import fractal
from maquette.worlds.types import Color, Floats, Lighting, Sun

_ROWS = 128


def sample_sky(rng: np.random.Generator) -> Lighting:
    """Daylight: the sky's radiance, the sun, and an exposure that suits both.

    The clear sky goes from a pale horizon to a deep zenith and brightens around the sun; clouds are fractal noise on a
    level plane, so that they close up towards the horizon.

    Args:
        rng: Draws the weather and the time of day.

    Returns:
        Lighting without lamps; ``sky`` is (128, 256, 3). Overcast skies have no sun.
    """
    weather = rng.choice(["clear", "clouds", "overcast", "dusk"], p=[0.25, 0.42, 0.18, 0.15])
    height = math.radians(rng.uniform(7, 14) if weather == "dusk" else rng.uniform(24, 62))
    azimuth = rng.uniform(0, 2 * math.pi)
    towards = np.array([math.cos(height) * math.sin(azimuth), math.sin(height), math.cos(height) * math.cos(azimuth)])
    rays = directions(_ROWS)
    seed = int(rng.integers(2**31))
    if weather == "overcast":
        sky = _overcast(rays, seed)
        return Lighting(_with_ground(sky, rays), (0.0, 0.0, 0.0), None, (), rng.uniform(0.95, 1.15))
    low = weather == "dusk"
    sky = _clear(rays, towards, low)
    sun_color = np.array((1.0, 0.62, 0.34)) * 2.2 if low else np.array((1.0, 0.95, 0.86)) * 3.1
    cover = {"clear": rng.uniform(-0.6, -0.35), "clouds": rng.uniform(-0.12, 0.2), "dusk": rng.uniform(-0.3, 0.15)}[
        weather
    ]
    sky = _clouded(sky, rays, towards, sun_color / math.pi, cover, seed)
    red, green, blue = (float(c) for c in sun_color)
    sun = Sun((float(towards[0]), float(towards[1]), float(towards[2])), (red, green, blue))
    return Lighting(_with_ground(sky, rays), (0.0, 0.0, 0.0), sun, (), rng.uniform(0.9, 1.1) * (1.25 if low else 0.95))


def directions(rows: int) -> Floats:
    """(rows, 2 rows, 3) float64 unit vectors through the pixels of an equirectangular picture, as ``Lighting.sky``."""
    polar = (np.arange(rows) + 0.5) / rows * math.pi
    turn = (np.arange(2 * rows) + 0.5) / (2 * rows) * 2 * math.pi - math.pi
    level = np.sin(polar)[:, None]
    return np.stack([level * np.sin(turn), np.cos(polar)[:, None] + 0 * turn, -level * np.cos(turn)], axis=-1)


def _mix(a: Floats, b: Floats | Color, share: Floats) -> Floats:
    mixed: Floats = a + (np.asarray(b) - a) * share[..., None]
    return mixed


def _clear(rays: Floats, towards: Floats, dusk: bool) -> Floats:
    up = np.clip(rays[..., 1], 0.0, 1.0)
    near = np.clip(rays @ towards, -1.0, 1.0)
    zenith, horizon = np.array((0.10, 0.24, 0.58)), np.array((0.62, 0.76, 0.92))
    if dusk:
        warm = np.clip(0.5 + 0.5 * near, 0, 1)
        zenith = np.array((0.12, 0.18, 0.4))
        horizon = _mix(np.full(rays.shape, (0.42, 0.42, 0.55)), (1.0, 0.55, 0.28), warm**2)
    sky = _mix(horizon * np.ones_like(rays), zenith, (1 - np.exp(-up * (3.2 if not dusk else 2.4))) / 0.96)
    glow = np.array((1.0, 0.7, 0.42)) if dusk else np.array((1.0, 0.96, 0.88))
    halo = (
        0.25 * np.exp(-(1 - near) * 9)
        + 1.2 * np.exp(-(1 - near) * 110)
        + 14.0 * np.exp(-((np.arccos(near) / math.radians(1.5)) ** 2))
    )
    lit: Floats = sky + halo[..., None] * glow
    return lit


def _plane(rays: Floats) -> tuple[Floats, Floats]:
    """Where rays meet a level of clouds, in heights of that level (curved down far away)."""
    up = np.maximum(rays[..., 1], 0.0) + 0.12
    return rays[..., 0] / up, rays[..., 2] / up


def _clouded(sky: Floats, rays: Floats, towards: Floats, light: Floats, cover: float, seed: int) -> Floats:
    """Clouds in front of a sky: lit from the sun's side, grey below where they are thick."""
    x, z = _plane(rays)
    dense = fractal(x * 0.55, z * 0.55, seed, octaves=6, gain=0.55) + cover
    lit = fractal(x * 0.55 + towards[0] * 0.12, z * 0.55 + towards[2] * 0.12, seed, octaves=4, gain=0.55) + cover
    share = np.clip(dense / 0.28, 0, 1)
    share = (
        share
        * share
        * (3 - 2 * share)
        * np.clip(rays[..., 1] * 14, 0, 1)
        * (1 - 0.85 * np.exp(-(1 - rays @ towards) * 40))
    )
    shade = np.clip(0.78 + 0.9 * (dense - lit) - 0.3 * np.clip(dense, 0, 1), 0.4, 1.1)
    color = light * 0.75 + np.array((0.24, 0.28, 0.34))
    return _mix(sky, shade[..., None] * color, 0.94 * share)


def _overcast(rays: Floats, seed: int) -> Floats:
    """The overcast sky of the CIE, three times as bright overhead as at the horizon, with mottled clouds."""
    x, z = _plane(rays)
    mottle = fractal(x * 0.5, z * 0.5, seed, octaves=6, gain=0.55)
    bright = 0.72 * (1 + 0.9 * np.clip(rays[..., 1], 0, 1)) / 1.5 * (1 + 0.3 * mottle)
    grey: Floats = bright[..., None] * np.array((0.93, 0.97, 1.04))
    return grey


def _with_ground(sky: Floats, rays: Floats) -> NDArray[np.float32]:
    """A dull ground below the horizon, which lights things from below."""
    level = sky[_ROWS // 2 - 2 : _ROWS // 2].mean(axis=(0, 1))
    bounce = level * (0.32, 0.31, 0.27)
    share = np.clip(-rays[..., 1] * 40, 0, 1)
    return _mix(_mix(sky, level, np.clip(-rays[..., 1] * 200, 0, 1)), bounce, share).astype(np.float32)
