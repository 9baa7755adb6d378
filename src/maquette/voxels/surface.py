"""Objects of cells as closed meshes: smooth ones, and such as show the cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from maquette.scene import Body, Material, Mesh
from maquette.voxels.types import CLASSES, COLORS, Grid, VoxelGrid, VoxelObject

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Surface = Callable[[Bools], tuple[Floats, Ints, Floats]]

_LEVEL = 0.4
"""Of the interpolated cells at which the smooth surface lies: each cell keeps its inside, even a lone one (0.42)."""

_PASSES = 10
_FACTORS = (0.5, -0.53)
"""Shrinking and growing step of Taubin (A signal processing approach to fair surface design, SIGGRAPH 1995)."""


def smooth_bodies(voxels: VoxelGrid) -> tuple[Body, ...]:
    """Each object as a smooth closed mesh, within a cell of its cells' sides.

    Returns:
        Bodies by id, named as in ``chair 1``. Their frames stand along the world's axes, with the origin in the middle
        of the bottom of the object's box. ``extras`` has ``class``, ``box`` (``center`` and ``size`` in the world,
        metres), ``confidence`` and ``cells``.
    """
    return _bodies(voxels, _smooth)


def blocky_bodies(voxels: VoxelGrid) -> tuple[Body, ...]:
    """Each object as those sides of its cells that no other cell of it covers; else as ``smooth_bodies``."""
    return _bodies(voxels, _blocks)


def names(objects: Sequence[VoxelObject]) -> list[str]:
    """What the objects of a room are called, each by its class and its number in it, as in ``chair 1``."""
    count = dict.fromkeys(CLASSES, 0)
    found = []
    for thing in objects:
        count[thing.label] += 1
        found.append(f"{thing.label} {count[thing.label]}")
    return found


def world_box(thing: VoxelObject, grid: Grid) -> tuple[Floats, Floats]:
    """(3,) least and greatest corner in the world, metres, of the cells between ``thing.low`` and ``thing.high``."""
    ends = np.stack([thing.low, thing.high]) * grid.cell_m
    corners = np.stack(np.meshgrid(*ends.T, indexing="ij"), axis=-1).reshape(-1, 3)
    placed = corners @ grid.T_world_grid[:3, :3].T + grid.T_world_grid[:3, 3]
    return placed.min(axis=0), placed.max(axis=0)


def _bodies(voxels: VoxelGrid, surface: Surface) -> tuple[Body, ...]:
    """Make a body of each object.

    Args:
        voxels: They.
        surface: From the cells of an object, with an empty one all around, to vertices and normals in cells, and faces
            that are counter-clockwise seen from outside in a right-handed grid.
    """
    materials = {name: Material(name, color=_linear(color)) for name, color in COLORS.items()}
    turn, shift = voxels.grid.T_world_grid[:3, :3], voxels.grid.T_world_grid[:3, 3]
    bodies = []
    for thing, name in zip(voxels.objects, names(voxels.objects), strict=True):
        box = tuple(slice(first, last) for first, last in zip(thing.low, thing.high, strict=True))
        vertices, faces, normals = surface(np.pad(voxels.instance[box] == thing.id, 1))
        low, high = world_box(thing, voxels.grid)
        origin = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
        placed = (vertices - 1 + thing.low) * voxels.grid.cell_m @ turn.T + shift - origin
        pose = np.eye(4)
        pose[:3, 3] = origin
        mesh = Mesh(
            vertices=placed.astype(np.float32),
            faces=(faces if np.linalg.det(turn) > 0 else faces[:, ::-1]).astype(np.int32),
            normals=(normals @ turn.T).astype(np.float32),
            uv=np.zeros((len(vertices), 2), np.float32),
            material=materials[thing.label],
        )
        extras = {
            "class": thing.label,
            "box": {"center": ((low + high) / 2).tolist(), "size": (high - low).tolist()},
            "confidence": thing.confidence,
            "cells": thing.cells,
        }
        bodies.append(Body(name, thing.label, (mesh,), pose, extras))
    return tuple(bodies)


def _linear(color: tuple[int, int, int]) -> tuple[float, float, float]:
    """Linear RGB of an sRGB colour (IEC 61966-2-1)."""
    value = np.array(color) / 255
    red, green, blue = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).tolist()
    return red, green, blue


def _blocks(cells: Bools) -> tuple[Floats, Ints, Floats]:
    corners, normals = [], []
    for axis in range(3):
        along, across, up = np.roll(np.eye(3), -axis, axis=0)
        quad = np.stack([0 * up, across, across + up, up])
        for beyond in (1, 0):
            bare = np.argwhere(cells & ~np.roll(cells, 1 - 2 * beyond, axis))
            corners.append((bare + beyond * along)[:, None] + (quad if beyond else quad[::-1]))
            normals.append(np.broadcast_to((2 * beyond - 1) * along, corners[-1].shape))
    vertices = np.concatenate(corners).reshape(-1, 3)
    faces = np.arange(len(vertices)).reshape(-1, 4)[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
    return vertices, faces, np.concatenate(normals).reshape(-1, 3)


def _smooth(cells: Bools) -> tuple[Floats, Ints, Floats]:
    """Marching cubes on twice as many cells, freed of the steps that are left by Taubin's smoothing."""
    from skimage import measure

    finer = ndimage.zoom(cells.astype(np.float32), 2, order=1, mode="nearest", grid_mode=True)
    vertices, faces, _, _ = measure.marching_cubes(finer, _LEVEL, gradient_direction="ascent")  # type: ignore[no-untyped-call]
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    linked = sparse.csr_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(vertices),) * 2)
    mean = sparse.diags_array(1 / linked.sum(axis=1)) @ linked
    points = (vertices.astype(np.float64) + 0.5) / 2
    for factor in _FACTORS * _PASSES:
        points += factor * (mean @ points - points)
    first, second, third = points[faces].swapaxes(0, 1)
    turned = np.cross(second - first, third - first)
    normals = np.stack([np.bincount(faces.ravel(), np.repeat(part, 3), len(points)) for part in turned.T], axis=1)
    return points, faces.astype(np.int64), normals / np.linalg.norm(normals, axis=1, keepdims=True)
