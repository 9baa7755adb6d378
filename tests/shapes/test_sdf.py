"""Distances against known solids and against every triangle in turn."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from maquette.shapes.sdf import CANONICAL, CUT, Axis, near_cells, partial_grid, sdf_grid, surface
from tests.shapes.oracle import signed_distance

pytest.importorskip("igl")

Floats = NDArray[np.float64]
EVERY = np.stack(np.meshgrid(*[CANONICAL.values] * 3, indexing="ij"), axis=-1)


def box_distance(points: Floats, half: Floats) -> Floats:
    """Signed distance to a box around 0."""
    beyond = np.abs(points) - half
    return np.linalg.norm(np.maximum(beyond, 0), axis=-1) + np.minimum(beyond.max(axis=-1), 0)


def test_the_cells_span_what_the_record_says() -> None:
    np.testing.assert_allclose(CANONICAL.values[[0, -1]], [-0.6 + 0.6 / 64, 0.6 - 0.6 / 64])


def test_a_box() -> None:
    half = np.array([0.5, 0.3, 0.04])
    box = trimesh.creation.box(2 * half)
    field = sdf_grid(box.vertices, box.faces)
    np.testing.assert_allclose(field, np.clip(box_distance(EVERY, half), -CUT, CUT), atol=2e-4)
    points = np.random.default_rng(0).uniform(-1, 1, (500, 3))
    np.testing.assert_allclose(signed_distance(box.vertices, box.faces, points), box_distance(points, half), atol=1e-9)


def test_a_solid_thicker_than_the_cut() -> None:
    box = trimesh.creation.box((1, 1, 1))
    np.testing.assert_allclose(
        sdf_grid(box.vertices, box.faces), np.clip(box_distance(EVERY, np.full(3, 0.5)), -CUT, CUT), atol=2e-4
    )


def test_the_inside_survives_a_missing_face_and_turning_inside_out() -> None:
    ball = trimesh.creation.icosphere(2, radius=0.5)
    clear = np.abs(np.linalg.norm(EVERY, axis=-1) - 0.5) > 0.05
    within = np.linalg.norm(EVERY, axis=-1) < 0.5
    turned = sdf_grid(ball.vertices, ball.faces[:, ::-1])
    torn = sdf_grid(ball.vertices, ball.faces[3:], closed=np.zeros(len(ball.faces) - 3, dtype=bool))
    for field in (turned, torn):
        np.testing.assert_array_equal((field < 0)[clear], within[clear])
    points = EVERY[clear][::50]
    assert ((signed_distance(ball.vertices, ball.faces[3:], points) < 0) == within[clear][::50]).all()


def test_both_ways_to_tell_the_inside_agree() -> None:
    """On two balls that overlap, one with a hollow."""
    parts = [trimesh.creation.icosphere(2, radius=r) for r in (0.3, 0.3, 0.15)]
    parts[0].apply_translation((0.2, 0.0, 0.0))
    parts[1].apply_translation((-0.2, 0.0, 0.0))
    parts[2].apply_translation((-0.2, 0.0, 0.0))
    parts[2].invert()
    mesh = trimesh.util.concatenate(parts)
    field = sdf_grid(mesh.vertices, mesh.faces)[::3, ::3, ::3].astype(float)
    signed = signed_distance(mesh.vertices, mesh.faces, EVERY[::3, ::3, ::3].reshape(-1, 3)).reshape(field.shape)
    np.testing.assert_allclose(field, np.clip(signed, -CUT, CUT), atol=2e-4)


@pytest.mark.parametrize("counts", [(8, 8, 8), (9, 6, 13)])
def test_near_cells_are_all_and_exact(counts: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(3)
    vertices = rng.uniform(-1, 1, (15, 3))
    faces = np.arange(15).reshape(5, 3)
    x, y, z = (Axis(-1.1, 2.2 / count, count) for count in counts)
    places = np.stack(np.meshgrid(x.values, y.values, z.values, indexing="ij"), axis=-1)
    wanted = rng.random(counts) < 0.7
    brute = np.stack(
        [
            np.linalg.norm(
                trimesh.triangles.closest_point(
                    np.repeat(vertices[face][None], places.size // 3, 0), places.reshape(-1, 3)
                )
                - places.reshape(-1, 3),
                axis=1,
            ).reshape(counts)
            for face in faces
        ]
    )
    cells, distance, face = near_cells(surface(vertices, faces), (x, y, z), 0.4, wanted)
    found = np.full(counts, np.inf)
    found[tuple(cells.T)] = distance
    expected = np.where(wanted & (brute.min(axis=0) < 0.4), brute.min(axis=0), np.inf)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    np.testing.assert_allclose(brute[(face, *cells.T)], distance, atol=1e-9)


def test_a_partial_field_is_the_distance_to_what_is_seen() -> None:
    seen = np.random.default_rng(1).uniform(-0.5, 0.5, (40, 3)) * (1, 1, 0)
    field = partial_grid(seen, EVERY[..., 2] < 0)
    brute = np.linalg.norm(EVERY[::7, ::7, ::7, None] - seen, axis=-1).min(axis=-1)
    expected = np.copysign(np.minimum(brute, CUT), EVERY[::7, ::7, ::7, 2])
    np.testing.assert_allclose(field[::7, ::7, ::7], expected, atol=2e-4)
