"""The outer surface of overlapping pieces."""

from __future__ import annotations

import numpy as np
import pytest

from maquette.shapes.union import union
from tests.shapes.oracle import signed_distance

trimesh = pytest.importorskip("trimesh")
pytest.importorskip("manifold3d")


def test_faces_inside_others_go_away() -> None:
    low, high = trimesh.creation.box((1, 1, 1)), trimesh.creation.box((1, 1, 1))
    high.apply_translation((0, 0.5, 0))
    joined = trimesh.Trimesh(*union([low.triangles, high.triangles])[:2])
    assert joined.is_watertight
    assert joined.volume == pytest.approx(1.5)
    assert signed_distance(joined.vertices, joined.faces, [[0.0, 0.25, 0.0]]) == pytest.approx([-0.5])
    both = trimesh.util.concatenate([low, high])
    assert signed_distance(both.vertices, both.faces, [[0.0, 0.25, 0.0]]) == pytest.approx([-0.25])


def test_pieces_that_stand_flush_become_one() -> None:
    leg, top = trimesh.creation.box((0.1, 1, 0.1)), trimesh.creation.box((1, 0.1, 1))
    top.apply_translation((0, 0.55, 0))
    joined = trimesh.Trimesh(*union([leg.triangles, top.triangles])[:2])
    assert joined.volume == pytest.approx(0.01 + 0.1)
    assert signed_distance(joined.vertices, joined.faces, [[0.0, 0.5, 0.0]])[0] < -0.04


def test_open_pieces_stay_as_they_are() -> None:
    box = trimesh.creation.box((1, 1, 1))
    sheet = np.array([[[0, 2, 0], [1, 2, 0], [0, 2, 1]]], dtype=float)
    vertices, faces, closed = union([box.triangles, sheet])
    np.testing.assert_array_equal(vertices[faces[-1]], sheet[0])
    assert list(closed) == [True] * 12 + [False]
    vertices, faces, closed = union([sheet])
    np.testing.assert_array_equal(vertices[faces], sheet)
    assert not closed.any()
