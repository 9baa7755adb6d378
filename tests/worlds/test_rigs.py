"""Cameras of worlds: where they look, and what they find in their way."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from maquette.camera import Camera
from maquette.worlds.rigs import PAIR_BASELINE, PATH_CAMERAS, Boxes, expand, look_at
from maquette.worlds.types import OrientedBox


def some_boxes(rng, count=6):
    return [
        OrientedBox(tuple(rng.uniform(-2, 2, 3)), tuple(rng.uniform(0.2, 1.5, 3)), rng.uniform(-4, 4))
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_look_at_has_its_target_in_the_middle_and_up_above(seed):
    rng = np.random.default_rng(seed)
    eye, target = rng.uniform(-3, 3, (2, 3))
    camera = look_at(eye, target, 320, 240, 70.0)
    seen = camera.from_world(np.stack([target, target + np.array([0, 0.01, 0])]))
    assert seen[0, 2] == pytest.approx(np.linalg.norm(target - eye))
    pixels = camera.project(seen)
    np.testing.assert_allclose(pixels[0], (160, 120), atol=1e-9)
    np.testing.assert_allclose(pixels[1, 0], 160, atol=1e-6)
    assert pixels[1, 1] < 120
    rotation = camera.T_world_camera[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    assert camera.fov_deg == pytest.approx(70.0)


def test_a_camera_without_tilt_looks_as_the_cameras_of_photos_do():
    upright = Camera.from_fov(64, 48, 60.0, height_m=1.5)
    np.testing.assert_allclose(look_at((0, 1.5, 0), (0, 1.5, -2), 64, 48, 60.0).T_world_camera, upright.T_world_camera)


def test_a_pair_is_parallel_and_a_share_of_the_focus_apart():
    camera = look_at((1, 1.5, 2), (0, 1, 0), 64, 48, 60.0)
    left, right = expand(camera, "pair", 3.0)
    assert left is camera
    np.testing.assert_array_equal(left.T_world_camera[:3, :3], right.T_world_camera[:3, :3])
    offset = left.from_world(right.T_world_camera[:3, 3])
    np.testing.assert_allclose(offset, (PAIR_BASELINE * 3.0, 0, 0), atol=1e-12)


def test_a_path_keeps_its_focus_in_the_middle_and_its_height():
    camera = look_at((1, 1.5, 2), (0, 1, 0), 64, 48, 60.0)
    focus = camera.to_world((0, 0, 2.5))
    path = expand(camera, "path", 2.5)
    assert len(path) == PATH_CAMERAS
    for other in path:
        np.testing.assert_allclose(other.from_world(focus), (0, 0, 2.5), atol=1e-12)
        assert other.T_world_camera[1, 3] == pytest.approx(1.5)
    steps = [np.linalg.norm(b.T_world_camera[:3, 3] - a.T_world_camera[:3, 3]) for a, b in pairwise(path)]
    np.testing.assert_allclose(steps, steps[0])


def test_rays_at_boxes_agree_with_ray_casting_of_their_meshes():
    trimesh = pytest.importorskip("trimesh")
    rng = np.random.default_rng(3)
    boxes = some_boxes(rng)
    camera = look_at((4.0, 1.0, 3.0), (0, 0, 0), 160, 120, 60.0)
    first, depth = Boxes.of(boxes).seen(camera, across=12)
    meshes = [trimesh.creation.box(extents=box.size, transform=box.T_world_box) for box in boxes]
    steps = (np.arange(12) + 0.5) / 12
    x, y = np.meshgrid(steps * 160, steps * 120)
    rays = camera.to_world(camera.unproject(np.stack([x.ravel(), y.ravel()], axis=-1), np.ones(144))) - camera.to_world(
        (0, 0, 0)
    )
    eye = camera.T_world_camera[:3, 3]
    hits, index, triangle = trimesh.util.concatenate(meshes).ray.intersects_location(
        np.repeat(eye[None], 144, axis=0), rays, multiple_hits=False
    )
    expected = np.full(144, -1)
    expected[index] = triangle // 12
    np.testing.assert_array_equal(first, expected)
    np.testing.assert_allclose(depth[index], camera.from_world(hits)[:, 2], atol=1e-6)
    assert 0 < (expected >= 0).sum() < 144
    assert np.isinf(depth[expected < 0]).all()


def test_distance_to_boxes_agrees_with_the_nearest_of_their_meshes():
    trimesh = pytest.importorskip("trimesh")
    rng = np.random.default_rng(4)
    boxes = some_boxes(rng, 3)
    mesh = trimesh.util.concatenate([trimesh.creation.box(extents=b.size, transform=b.T_world_box) for b in boxes])
    points = rng.uniform(-3, 3, (30, 3))
    _, nearest, _ = trimesh.proximity.closest_point_naive(mesh, points)
    for point, expected in zip(points, nearest, strict=True):
        found = Boxes.of(boxes).distance_m(point)
        inside = any((np.abs(np.linalg.inv(b.T_world_box) @ (*point, 1.0))[:3] * 2 < b.size).all() for b in boxes)
        assert found == (0.0 if inside else pytest.approx(expected, abs=1e-9))


def test_the_arc_of_a_path_is_ten_degrees():
    camera = look_at((0, 1, 2), (0, 1, 0), 64, 48, 60.0)
    path = expand(camera, "path", 2.0)
    ends = [other.T_world_camera[:3, 2] for other in (path[0], path[-1])]
    assert math.degrees(math.acos(float(ends[0] @ ends[1]))) == pytest.approx(10.0)
