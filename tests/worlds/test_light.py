"""Shadow cameras and the sky's light, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from maquette.camera import Camera
from maquette.worlds.render.light import SHADOW_RANGE_M, irradiance, lamp_shadow, sun_shadow
from maquette.worlds.types import Floats, Lamp, Sun


def lit(factors: Floats, normal: Floats) -> Floats:
    x, y, z = normal
    basis = np.array([1, y, z, x, x * y, y * z, 3 * z**2 - 1, x * z, x**2 - y**2])
    light: Floats = basis @ factors
    return light


def directions(rows: int) -> Floats:
    """Through the middles of a sky's pixels, by its definition in ``Lighting``."""
    down, right = np.mgrid[0:rows, 0 : 2 * rows] + 0.5
    polar, turn = down / rows * np.pi, (right / rows - 1) * np.pi
    return np.stack([np.sin(polar) * np.sin(turn), np.cos(polar), -np.sin(polar) * np.cos(turn)], axis=-1)


def test_an_even_sky_lights_all_sides_alike() -> None:
    factors = irradiance(np.full((64, 128, 3), 0.7, dtype=np.float32))
    for normal in np.random.default_rng(0).normal(size=(20, 3)):
        assert np.allclose(lit(factors, normal / np.linalg.norm(normal)), 0.7, rtol=2e-3)


def test_a_smooth_sky_lights_a_surface_by_the_integral_over_its_half_space() -> None:
    rays = directions(64)
    sky = 0.5 + 0.3 * rays[..., 1:2] + 0.2 * rays[..., :1] * rays[..., 2:] + np.zeros(3)
    factors = irradiance(sky.astype(np.float32))
    weight = np.sqrt(1 - rays[..., 1] ** 2) * (np.pi / 64) ** 2
    for normal in np.eye(3).repeat(2, axis=0) * np.array([1, -1] * 3)[:, None]:
        cosine = np.maximum(rays @ normal, 0)
        wanted = (sky[..., 0] * cosine * weight).sum() / np.pi
        assert lit(factors, normal)[0] == pytest.approx(wanted, abs=4e-3)


def test_the_suns_camera_holds_all_that_is_near_and_seen() -> None:
    rng = np.random.default_rng(1)
    vertices = rng.uniform((-300, 0, -300), (300, 20, 300), (4000, 3))
    camera = Camera.from_fov(64, 48, 70, pitch_rad=0.1, height_m=1.6)
    direction = np.array([0.4, 0.7, -0.3]) / np.linalg.norm([0.4, 0.7, -0.3])
    shadow = sun_shadow(Sun((direction[0], direction[1], direction[2]), (1.0, 1.0, 1.0)), vertices, [camera])
    points = camera.from_world(vertices)
    pixels = camera.project(points)
    near = (points[:, 2] > 0) & (points[:, 2] < SHADOW_RANGE_M)
    near &= np.all((pixels >= 0) & (pixels <= (64, 48)), axis=1)
    clip = np.column_stack([vertices, np.ones(len(vertices))]) @ shadow.clip_world.T
    assert near.sum() > 10
    assert np.all(np.abs(clip[near, :2]) <= 1)
    assert np.all(np.abs(clip[:, 2]) <= 1 + 1e-9)
    towards = np.append(direction, 0) @ shadow.clip_world.T
    assert np.allclose(towards[:2], 0, atol=1e-12) and towards[2] < 0
    assert shadow.width_m < 4 * SHADOW_RANGE_M


def test_a_lamps_camera_sees_the_floor_below_it() -> None:
    floor = np.array([(x, 0.0, z) for x in (-2.0, 2.0) for z in (-2.0, 2.0)])
    shadow = lamp_shadow(Lamp((0.3, 2.5, -0.2), (1.0, 1.0, 1.0)), floor)
    clip = np.column_stack([floor, np.ones(4)]) @ shadow.clip_world.T
    assert np.all(np.abs(clip[:, :3] / clip[:, 3:]) <= 1)
    assert np.allclose(clip[:, 3], 2.5)
