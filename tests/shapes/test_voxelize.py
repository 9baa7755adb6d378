"""Cells of solids against clipping, solid angles, known volumes and another voxeliser."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from maquette.shapes.voxelize import cells_of, middles, voxelize
from maquette.worlds.record import Grid
from maquette.worlds.types import yaw_pose

pytest.importorskip("igl")

Floats = NDArray[np.float64]
UNIT = Grid((12, 13, 11), 1.0, np.eye(4))


def clipped(triangle: Floats, low: Floats, high: Floats) -> bool:
    """Whether a triangle reaches into a box, by cutting it at the box's six planes."""
    polygon = list(triangle)
    for axis in range(3):
        for sign, bound in ((1, low[axis]), (-1, -high[axis])):
            kept = []
            for here, there in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
                a, b = sign * here[axis] - bound, sign * there[axis] - bound
                if a >= 0:
                    kept.append(here)
                if (a >= 0) != (b >= 0):
                    kept.append(here + (there - here) * a / (a - b))
            polygon = kept
            if not polygon:
                return False
    return True


def winding(vertices: Floats, faces: NDArray[np.int64], points: Floats) -> Floats:
    """Generalized winding numbers, by the solid angle of every triangle (Van Oosterom and Strackee 1983)."""
    a, b, c = (vertices[faces[:, corner]][None] - points[:, None] for corner in range(3))
    la, lb, lc = (np.linalg.norm(side, axis=-1) for side in (a, b, c))
    above = np.einsum("...i,...i", a, np.cross(b, c))
    below = la * lb * lc + (a * b).sum(-1) * lc + (b * c).sum(-1) * la + (c * a).sum(-1) * lb
    return np.arctan2(above, below).sum(axis=1) / (2 * np.pi)


def blob(seed: int) -> trimesh.Trimesh:
    """A dented ball somewhere in ``UNIT``, partly outside now and then."""
    rng = np.random.default_rng(seed)
    mesh = trimesh.creation.icosphere(2)
    mesh.vertices *= rng.uniform(0.6, 1.0, (len(mesh.vertices), 1)) * rng.uniform(1.5, 5, 3)
    mesh.apply_transform(trimesh.transformations.random_rotation_matrix(rng.random(3)))
    mesh.apply_translation(rng.uniform(2, 10, 3))
    return mesh


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.3, 30))
def test_the_cells_of_a_triangle_are_those_that_clipping_finds(seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    triangle = rng.uniform(-2, 14, 3) + rng.uniform(-size, size, (3, 3)) * rng.choice([1, 1e-3, 0.1], 3)
    filled = voxelize(triangle, [[0, 1, 2]], UNIT, closed=np.array([False]))
    for cell in np.ndindex(UNIT.shape):
        low = np.array(cell, dtype=float)
        assert filled[cell] or not clipped(triangle, low + 2e-4, low + 1 - 2e-4)
        assert not filled[cell] or clipped(triangle, low - 2e-4, low + 1 + 2e-4)


@pytest.mark.parametrize("seed", range(4))
def test_cells_are_those_with_a_winding_number_or_a_triangle(seed: int) -> None:
    mesh = trimesh.util.concatenate([blob(2 * seed), blob(2 * seed + 1)])
    filled = voxelize(mesh.vertices, mesh.faces, UNIT)
    turns = winding(mesh.vertices, mesh.faces, middles(UNIT).reshape(-1, 3)).reshape(UNIT.shape)
    assert np.abs(turns - turns.round()).max() < 1e-6
    inside = turns.round() != 0
    assert filled[inside].all() and inside.any()
    spans = mesh.triangles.min(axis=1), mesh.triangles.max(axis=1)
    for cell in np.argwhere(~inside):
        near = np.flatnonzero((spans[0] < cell + 1).all(axis=1) & (spans[1] > cell).all(axis=1))
        for slack in (-2e-4, 2e-4):
            met = any(clipped(mesh.triangles[at], cell - slack, cell + 1 + slack) for at in near)
            assert met if filled[tuple(cell)] and slack > 0 else True
            assert filled[tuple(cell)] if met and slack < 0 else True


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 22), min_size=6, max_size=6), st.booleans(), st.integers(0, 3))
def test_boxes_on_the_lines_of_the_grid_fill_just_their_cells(ends: list[int], mirrored: bool, turns: int) -> None:
    """Corners at halves of cells: every tie between cells, columns, edges and middles occurs."""
    low, high = np.sort(np.array(ends).reshape(2, 3) / 2, axis=0)
    if (high <= low).any():
        return
    pose = yaw_pose(turns * np.pi / 2, (3.0, 2.0, 1.0))
    if mirrored:
        pose = pose @ np.diag([1.0, 1.0, -1.0, 1.0])
    grid = Grid(UNIT.shape, 0.05, pose)
    box = trimesh.creation.box(bounds=[low, high])
    world = box.vertices * 0.05 @ pose[:3, :3].T + pose[:3, 3]
    faces = box.faces[:, ::-1] if mirrored else box.faces
    expected = np.zeros(UNIT.shape, dtype=bool)
    expected[tuple(slice(int(np.floor(a)), int(np.ceil(b))) for a, b in zip(low, high, strict=True))] = True
    np.testing.assert_array_equal(voxelize(world, faces, grid), expected)


def test_a_ball_has_its_volume() -> None:
    radius, cell = 1.3, 0.05
    ball = trimesh.creation.icosphere(4, radius=radius)
    grid = Grid((60, 60, 60), cell, yaw_pose(0.4, (-2.1, -1.49, -0.9)))
    filled = voxelize(ball.vertices, ball.faces, grid)
    far = np.linalg.norm(middles(grid), axis=-1)
    assert filled[far < radius - 0.005].all()
    assert not filled[far > radius + cell * np.sqrt(3) / 2].any()
    # A cell that the surface crosses counts whole: on average a layer of three quarters of a cell is added.
    grown = radius + cell * 0.75
    assert filled.sum() * cell**3 == pytest.approx(4 / 3 * np.pi * grown**3, rel=0.02)


def test_it_agrees_with_trimesh() -> None:
    mesh = blob(5)
    mesh.apply_translation(6 - mesh.bounds.mean(axis=0))
    theirs = mesh.voxelized(0.5).fill()
    grid = Grid((28, 28, 28), 0.5, yaw_pose(0.0, (-0.25, -0.25, -0.25)))
    cells, within = cells_of(theirs.points, grid)
    assert within.all()
    expected = np.zeros(grid.shape, dtype=bool)
    expected[tuple(cells.T)] = True
    filled = voxelize(mesh.vertices, mesh.faces, grid)
    assert filled[expected].all()  # theirs samples the surface, and misses cells that it only grazes
    assert expected.sum() / filled.sum() > 0.93


def test_pieces_may_overlap_nest_and_be_turned_inside_out() -> None:
    outer, inner = trimesh.creation.box((8, 8, 8)), trimesh.creation.box((6, 6, 6))
    both = trimesh.util.concatenate([outer, inner])
    grid = Grid((10, 10, 10), 1.0, yaw_pose(0.0, (-5.0, -5.0, -5.0)))
    assert voxelize(both.vertices, both.faces, grid).sum() == 8**3
    assert voxelize(outer.vertices, outer.faces[:, ::-1], grid)[1:9, 1:9, 1:9].all()
    inner.invert()
    shell = trimesh.util.concatenate([outer, inner])
    assert voxelize(shell.vertices, shell.faces, grid).sum() == 8**3 - 6**3


def test_open_surfaces_fill_where_they_nearly_close() -> None:
    box = trimesh.creation.box((8, 8, 8))
    grid = Grid((10, 10, 10), 1.0, yaw_pose(0.0, (-5.0, -5.0, -5.0)))
    bottomless = box.faces[box.face_normals[:, 1] > -0.5]
    filled = voxelize(box.vertices, bottomless, grid, closed=np.zeros(len(bottomless), dtype=bool))
    assert filled[1:9, 2:9, 1:9].all()
    sheet = box.faces[box.face_normals[:, 1] > 0.5]
    assert voxelize(box.vertices, sheet, grid, closed=np.zeros(2, dtype=bool)).sum() == 8 * 8


def test_nothing_is_found_outside_the_grid() -> None:
    box = trimesh.creation.box((2, 2, 2))
    for place in np.eye(3) * 100:
        assert not voxelize(box.vertices + place, box.faces, UNIT).any()
    around = trimesh.creation.box((99, 99, 99))
    assert voxelize(around.vertices, around.faces, UNIT).all()
    assert not voxelize(np.zeros((0, 3)), np.zeros((0, 3), int), UNIT).any()


def test_cells_and_middles_are_inverse() -> None:
    grid = Grid((3, 4, 5), 0.3, yaw_pose(1.1, (4.0, -2.0, 0.5)) @ np.diag([1.0, -1.0, 1.0, 1.0]))
    cells, within = cells_of(middles(grid), grid)
    assert within.all()
    np.testing.assert_array_equal(cells, np.stack(np.indices(grid.shape), axis=-1))
    assert not cells_of(middles(grid)[0, 0, 0] - grid.T_world_grid[:3, 0] * 0.3, grid)[1]
