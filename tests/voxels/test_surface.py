"""Meshes of objects, against their cells and trimesh."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from maquette.scene import Body
from maquette.voxels.instances import separate
from maquette.voxels.surface import blocky_bodies, smooth_bodies
from maquette.voxels.types import Grid, VoxelGrid
from tests.voxels.rooms import ROOM, Box, make_grid, predict


def turned(grid: Grid) -> Grid:
    """The same cells in a room that is turned and moved."""
    angle = 0.4
    pose = np.eye(4)
    pose[:3, :3] = [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    pose[:3, 3] = (3, 0.5, -2)
    return replace(grid, T_world_grid=pose @ grid.T_world_grid)


def mirrored(grid: Grid) -> Grid:
    return replace(grid, T_world_grid=grid.T_world_grid @ np.diag([-1.0, 1, 1, 1]))


def room(kind: str = "straight") -> VoxelGrid:
    grid = {"straight": make_grid(), "turned": turned(make_grid()), "mirrored": mirrored(make_grid())}[kind]
    return separate(predict(ROOM, grid), 0.5)


def in_world(body: Body) -> trimesh.Trimesh:
    (mesh,) = body.meshes
    return trimesh.Trimesh(body.vertices_world, mesh.faces, process=False)


@pytest.mark.parametrize("kind", ["straight", "turned", "mirrored"])
def test_blocks_are_the_cells(kind: str) -> None:
    voxels = room(kind)
    for thing, body in zip(voxels.objects, blocky_bodies(voxels), strict=True):
        mesh = in_world(body)
        shares = (mesh.triangles_center * mesh.face_normals * mesh.area_faces[:, None]).sum(axis=0)
        assert np.allclose(shares, thing.cells * 0.05**3, rtol=1e-4)  # the divergence theorem, along each axis
        assert np.allclose(mesh.face_normals, body.meshes[0].normals[mesh.faces[:, 0]], atol=1e-4)
        mesh.merge_vertices(digits_vertex=5)
        edges = np.concatenate([mesh.edges, mesh.edges[:, ::-1]])
        there, back = (np.unique(pairs, axis=0, return_counts=True) for pairs in np.split(edges, 2))
        assert np.array_equal(there[0], back[0]) and np.array_equal(there[1], back[1])  # closed
        low, high = thing.low * 0.05, thing.high * 0.05
        pose = np.linalg.inv(voxels.grid.T_world_grid)
        cells = mesh.vertices @ pose[:3, :3].T + pose[:3, 3]
        assert np.allclose(cells.min(axis=0), low, atol=1e-5) and np.allclose(cells.max(axis=0), high, atol=1e-5)


@pytest.mark.parametrize("kind", ["straight", "turned", "mirrored"])
def test_smooth_ones_are_closed_and_near(kind: str) -> None:
    voxels = room(kind)
    blocks = blocky_bodies(voxels)
    for thing, body, block in zip(voxels.objects, smooth_bodies(voxels), blocks, strict=True):
        mesh = in_world(body)
        assert mesh.is_watertight and mesh.is_winding_consistent
        assert mesh.volume == pytest.approx(thing.cells * 0.05**3, rel=0.2)
        (normals,) = (mesh.normals for mesh in body.meshes)
        assert np.allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
        assert np.sum(normals * mesh.vertex_normals, axis=1).min() > 0.7
        assert np.abs(mesh.bounds - in_world(block).bounds).max() < 0.02


def test_what_is_one_cell_thick_stays_whole() -> None:
    seat: Box = ("chair", (4, 4, 8), (14, 14, 9))
    legs: list[Box] = [("chair", (x, y, 0), (x + 1, y + 1, 8)) for x in (4, 13) for y in (4, 13)]
    voxels = separate(predict([seat, *legs]), 0.5)
    mesh = in_world(smooth_bodies(voxels)[0])
    assert voxels.objects[0].cells == 132
    assert mesh.body_count == 1 and mesh.is_watertight
    assert mesh.bounds[0, 1] < 0.01  # down to the floor


def test_what_a_body_says() -> None:
    voxels = room("turned")
    bodies = smooth_bodies(voxels)
    assert [body.name for body in bodies] == [f"{thing.label} 1" for thing in voxels.objects]
    for thing, body, block in zip(voxels.objects, bodies, blocky_bodies(voxels), strict=True):
        box = body.extras["box"]
        low, high = (
            np.array(box["center"]) - np.array(box["size"]) / 2,
            np.array(box["center"]) + np.array(box["size"]) / 2,
        )
        points = block.vertices_world
        assert (points > low - 1e-5).all() and (points < high + 1e-5).all()
        assert body.extras["cells"] == thing.cells and body.extras["class"] == body.label == thing.label
        assert body.extras["confidence"] == thing.confidence
        assert np.allclose(body.T_world_body[:3, 3], [box["center"][0], low[1], box["center"][2]])
    red = bodies[0].meshes[0].material.color
    assert red == pytest.approx((0.672, 0.0296, 0.0307), abs=1e-3)  # sRGB 214, 48, 49


def test_second_of_a_class_is_2() -> None:
    pair: list[Box] = [("bag", (4, 4, 0), (12, 10, 12)), ("bag", (20, 4, 0), (28, 10, 12))]
    assert [body.name for body in blocky_bodies(separate(predict(pair), 0.5))] == ["bag 1", "bag 2"]


def test_nothing() -> None:
    voxels = separate(predict([]), 0.5)
    assert smooth_bodies(voxels) == blocky_bodies(voxels) == ()
