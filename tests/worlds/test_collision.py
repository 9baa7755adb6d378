"""Collision tests against independent oracles: boolean volumes, dense samples, and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("numba")

from maquette.worlds.assets.solids import ball, box, lathe
from maquette.worlds.collision import Body, Shape, box_footing, boxes_touch, meshes_touch, triangles_touch
from maquette.worlds.types import Asset, Material, Object, OrientedBox, yaw_pose

PAINT = Material()


def asset(*parts):
    return Asset("test", "test", parts)


def frame():
    """A table without its top: four legs and a rim, concave from below."""
    legs = [box((x, 0.35, z), (0.05, 0.7, 0.05), PAINT) for x in (-0.5, 0.5) for z in (-0.4, 0.4)]
    return asset(*legs, box((0, 0.72, 0), (1.1, 0.04, 0.9), PAINT))


CUP = asset(lathe([(0.3, 0.0), (0.3, 0.5), (0.25, 0.5), (0.25, 0.05), (0.0, 0.05)], PAINT))
STOOL = asset(box((0, 0.2, 0), (0.4, 0.4, 0.4), PAINT))
PEAR = asset(ball((0, 0.3, 0), (0.25, 0.3, 0.2), PAINT), box((0.1, 0.65, 0), (0.1, 0.2, 0.1), PAINT))


def body(thing, yaw=0.0, place=(0.0, 0.0, 0.0)):
    return Body(Shape.of(thing), yaw, place)


def solid(thing, yaw, place):
    manifold3d = pytest.importorskip("manifold3d")
    whole = manifold3d.Manifold()
    pose = yaw_pose(yaw, place)
    for part in thing.parts:
        points, corner = np.unique(part.vertices, axis=0, return_inverse=True)
        points = points @ pose[:3, :3].T + pose[:3, 3]
        faces = corner.ravel()[part.faces]
        whole += manifold3d.Manifold(manifold3d.Mesh(points.astype(np.float32), faces.astype(np.uint32)))
    return whole


def distance(a, b, samples=24):
    """Distance between triangles by dense barycentric samples of one, and exact projection on the other."""
    trimesh = pytest.importorskip("trimesh")
    u, v = np.meshgrid(*[np.linspace(0, 1, samples)] * 2)
    keep = u + v <= 1 + 1e-12
    weights = np.stack([1 - u - v, u, v], axis=-1)[keep]

    def one_way(a, b):
        points = weights @ a
        nearest = trimesh.triangles.closest_point(np.repeat(b[None], len(points), axis=0), points)
        return np.linalg.norm(points - nearest, axis=1).min()

    return min(one_way(a, b), one_way(b, a))


def test_triangles_touch_exactly_when_they_are_closer_than_the_clearance():
    rng = np.random.default_rng(0)
    for _ in range(300):
        stretch = np.exp(rng.uniform(-2, 1, 3))
        a, b = rng.normal(size=(2, 3, 3)) * stretch
        b = b + rng.normal(size=3)
        apart = distance(a, b)
        coarse = 0.2 * max(
            np.linalg.norm(np.diff(a, axis=0), axis=1).max(), np.linalg.norm(np.diff(b, axis=0), axis=1).max()
        )
        assert triangles_touch(a, b, apart + 1e-9), "samples bound the distance from above"
        if apart > coarse:
            assert not triangles_touch(a, b, apart - coarse)


def test_triangles_corner_to_corner_are_as_far_apart_as_their_corners():
    needle = np.array([[0.0, 0, 0], [-1, 0.01, 0], [-1, -0.01, 0]])
    other = np.array([[0.1, 0, 0], [1, 0, 0.01], [1, 0, -0.01]])
    assert not triangles_touch(needle, other, 0.0999)
    assert triangles_touch(needle, other, 0.1001)


def test_triangles_through_each_other_touch_at_any_clearance():
    flat = np.array([[-1.0, 0, -1], [1, 0, -1], [0, 0, 1]])
    upright = np.array([[0.0, -1, -0.5], [0, 1, -0.5], [0, 0, 0.2]])
    assert triangles_touch(flat, upright, 0.0)


def test_boxes_touch_agrees_with_the_boolean_of_boxes():
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(200):
        sizes = rng.uniform(0.2, 1.0, (2, 3))
        centers = rng.uniform(-0.6, 0.6, (2, 3))
        yaws = rng.uniform(-4, 4, 2)
        one, two = (OrientedBox(tuple(c), tuple(s), y) for c, s, y in zip(centers, sizes, yaws, strict=True))
        touch = boxes_touch(box_footing(one), box_footing(two)[None], 0.0)[0]
        assert touch == boxes_touch(box_footing(two), box_footing(one)[None], 0.0)[0]
        cubes = [solid(asset(box((0, 0, 0), b.size, PAINT)), b.yaw_rad, b.center) for b in (one, two)]
        assert touch == ((cubes[0] ^ cubes[1]).volume() > 1e-9)
        hits += touch
    assert 20 < hits < 180


def test_a_body_has_the_box_of_its_object():
    made = Object(1, "object", PEAR, 0.7, (1.0, 2.0, 3.0))
    np.testing.assert_allclose(body(PEAR, 0.7, (1.0, 2.0, 3.0)).footing, box_footing(made.box), atol=1e-6)


@pytest.mark.parametrize(("one", "two"), [(frame(), STOOL), (CUP, PEAR), (frame(), PEAR), (CUP, CUP)])
def test_meshes_touch_agrees_with_boolean_volume_whichever_comes_first(one, two):
    rng = np.random.default_rng(2)
    hits = 0
    for _ in range(40):
        yaws, places = rng.uniform(-4, 4, 2), rng.uniform(-0.5, 0.5, (2, 3)) * (1, 0.6, 1)
        a, b = body(one, yaws[0], tuple(places[0])), body(two, yaws[1], tuple(places[1]))
        touch = meshes_touch(a, b)
        assert touch == meshes_touch(b, a)
        shared = (solid(one, yaws[0], tuple(places[0])) ^ solid(two, yaws[1], tuple(places[1]))).volume()
        if touch:
            hits += 1
        else:
            assert shared < 1e-9
        if shared > 1e-7:
            assert touch
    assert 0 < hits < 40


def test_a_thing_may_stand_under_a_table_and_in_a_cup():
    assert not meshes_touch(body(frame()), body(STOOL, 0.3))
    marble = asset(ball((0, 0.1, 0), (0.04, 0.04, 0.04), PAINT))
    assert not meshes_touch(body(CUP), body(marble))


def test_a_thing_inside_a_solid_touches_it():
    marble = asset(ball((0, 0.2, 0), (0.04, 0.04, 0.04), PAINT))
    assert meshes_touch(body(STOOL), body(marble))
    assert meshes_touch(body(marble), body(STOOL))


def test_clearance_is_kept_to_a_tenth_of_a_millimetre():
    left = body(STOOL)
    assert meshes_touch(left, body(STOOL, math.pi / 2, (0.4009, 0, 0)))
    assert not meshes_touch(left, body(STOOL, math.pi / 2, (0.4011, 0, 0)))
