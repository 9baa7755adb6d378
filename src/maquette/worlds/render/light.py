"""Light as the OpenGL renderer needs it: shadow cameras, and the sky's light by direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maquette.camera import Camera
from maquette.worlds.types import Floats, Lamp, Sun

SHADOW_RANGE_M = 60.0
"""The sun casts shadows up to this distance from a camera."""

_WIDE = 2.6
"""Tangent of half the field of view of a lamp's shadow camera."""


@dataclass(frozen=True, eq=False)
class Shadow:
    """A camera at a light.

    Attributes:
        clip_world: (4, 4) float64: the world to OpenGL's clip space.
        width_m: Extent of its picture in the world, for a parallel light.
    """

    clip_world: Floats
    width_m: float = 0.0


def sun_shadow(sun: Sun, vertices: Floats, cameras: Sequence[Camera]) -> Shadow:
    """A parallel camera that sees what lies in the cameras' view within the range of shadows."""
    z = np.array(sun.direction, dtype=np.float64)
    x = np.cross([0.0, 1.0, 0.0] if abs(z[1]) < 0.95 else [0.0, 0.0, 1.0], z)
    x /= np.linalg.norm(x)
    axes = np.stack([x, np.cross(z, x), z])
    world = vertices @ axes.T
    seen = np.concatenate([_frustum(camera) for camera in cameras]) @ axes.T
    low = np.maximum(world.min(axis=0), seen.min(axis=0))
    high = np.minimum(world.max(axis=0), seen.max(axis=0))
    center = (low + high) / 2
    half = float(max(high[0] - low[0], high[1] - low[1], 0.1)) / 2 * 1.01
    near, far = world[:, 2].max(), world[:, 2].min()
    clip = np.eye(4)
    clip[0, :3], clip[0, 3] = axes[0] / half, -center[0] / half
    clip[1, :3], clip[1, 3] = axes[1] / half, -center[1] / half
    depth = max((near - far) / 2, 0.1)
    clip[2, :3], clip[2, 3] = -axes[2] / depth, (near + far) / 2 / depth
    return Shadow(clip, 2 * half)


def _frustum(camera: Camera) -> Floats:
    corners = [(0, 0), (camera.width, 0), (0, camera.height), (camera.width, camera.height)]
    far = camera.to_world(camera.unproject(corners, np.full(4, SHADOW_RANGE_M)))
    return np.concatenate([far, camera.T_world_camera[None, :3, 3]])


def lamp_shadow(lamp: Lamp, vertices: Floats) -> Shadow:
    """A wide camera at a lamp that looks straight down."""
    x, y, z = lamp.place
    near = 0.1
    far = max(y - float(vertices[:, 1].min()), 1.0) * 1.05
    view = np.array([[1, 0, 0, -x], [0, 0, -1, z], [0, 1, 0, -y], [0, 0, 0, 1.0]])
    lens = np.zeros((4, 4))
    lens[0, 0] = lens[1, 1] = 1 / _WIDE
    lens[2, 2], lens[2, 3] = -(far + near) / (far - near), -2 * far * near / (far - near)
    lens[3, 2] = -1.0
    return Shadow(lens @ view)


def irradiance(sky: NDArray[np.float32]) -> Floats:
    """The light of a sky on a surface by its normal, divided by pi, in spherical harmonics.

    Args:
        sky: (h, 2 h, 3) radiance; see ``Lighting``.

    Returns:
        (9, 3) float64 factors of 1, y, z, x, xy, yz, 3 z^2 - 1, xz and x^2 - y^2 (Ramamoorthi and Hanrahan, "An
        efficient representation for irradiance environment maps", 2001).
    """
    step = max(len(sky) // 32, 1)
    height = len(sky) // step
    width = 2 * height
    coarse = sky[: height * step, : width * step].reshape(height, step, width, step, 3).mean(axis=(1, 3), dtype=float)
    polar = (np.arange(height) + 0.5) / height * np.pi
    turn = ((np.arange(width) + 0.5) / width - 0.5) * 2 * np.pi
    x, y, z = np.sin(polar)[:, None] * np.sin(turn), np.cos(polar)[:, None], -np.sin(polar)[:, None] * np.cos(turn)
    y = np.broadcast_to(y, x.shape)
    basis = np.stack([np.ones_like(x), y, z, x, x * y, y * z, 3 * z**2 - 1, x * z, x**2 - y**2])
    weight = np.sin(polar)[:, None]
    weight = weight / (weight.sum() * width) * 4 * np.pi
    norm = np.array([0.282095, *[0.488603] * 3, 1.092548, 1.092548, 0.315392, 1.092548, 0.546274]) ** 2
    falloff = np.array([1.0, *[2 / 3] * 3, *[1 / 4] * 5])
    factors: Floats = (norm * falloff)[:, None] * np.einsum("khw,hwc->kc", basis * weight, coarse)
    return factors
