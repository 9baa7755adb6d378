"""A world's surface as flat arrays: what the renderers and the exporters share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maquette.worlds.types import Floats, Material, World


@dataclass(frozen=True, eq=False)
class Flat:
    """All triangles of a world, in the order of its objects and of their parts.

    Attributes:
        vertices: (n, 3) float64, metres, in the world.
        normals: (n, 3) float32 unit normals for shading, in the world.
        uv: (n, 2) float32, metres along the surface.
        faces: (m, 3) int32.
        face_object: (m,) int32 index into ``world.objects``.
        face_material: (m,) int32 index into ``materials``.
        face_starts: (objects + 1,) int64: object i has the faces from ``face_starts[i]`` to ``face_starts[i + 1]``.
        vertex_starts: (objects + 1,) int64, the same for vertices.
        materials: Every material that occurs, once.
    """

    vertices: Floats
    normals: NDArray[np.float32]
    uv: NDArray[np.float32]
    faces: NDArray[np.int32]
    face_object: NDArray[np.int32]
    face_material: NDArray[np.int32]
    face_starts: NDArray[np.int64]
    vertex_starts: NDArray[np.int64]
    materials: tuple[Material, ...]


def flatten(world: World) -> Flat:
    """Bring all parts of all objects of a world (at least one) together."""
    parts = [part for item in world.objects for part in item.asset.parts]
    part_object = np.repeat(np.arange(len(world.objects)), [len(item.asset.parts) for item in world.objects])
    vertex_counts = np.array([len(part.vertices) for part in parts])
    face_counts = np.array([len(part.faces) for part in parts])
    index: dict[Material, int] = {}
    part_material = np.array([index.setdefault(part.material, len(index)) for part in parts], dtype=np.int32)
    faces = np.concatenate([part.faces for part in parts])
    faces = faces + np.repeat(np.cumsum(vertex_counts) - vertex_counts, face_counts).astype(np.int32)[:, None]
    vertex_object = np.repeat(part_object, vertex_counts)
    yaw = np.array([item.yaw_rad for item in world.objects])
    cos, sin = np.cos(yaw)[vertex_object], np.sin(yaw)[vertex_object]
    places = np.array([item.place for item in world.objects], dtype=np.float64)
    vertices = np.concatenate([part.vertices for part in parts]).astype(np.float64)
    normals = np.concatenate([part.normals for part in parts])
    return Flat(
        _turned(vertices, cos, sin) + places[vertex_object],
        _turned(normals, cos, sin).astype(np.float32),
        np.concatenate([part.uv for part in parts]),
        faces,
        np.repeat(part_object, face_counts).astype(np.int32),
        np.repeat(part_material, face_counts),
        _starts(part_object, face_counts, len(world.objects)),
        _starts(part_object, vertex_counts, len(world.objects)),
        tuple(index),
    )


def _turned(points: NDArray[np.floating], cos: Floats, sin: Floats) -> Floats:
    x, y, z = points.T
    return np.column_stack([cos * x + sin * z, y, cos * z - sin * x])


def _starts(part_object: NDArray[np.int64], counts: NDArray[np.int64], objects: int) -> NDArray[np.int64]:
    sums = np.bincount(part_object, weights=counts, minlength=objects).astype(np.int64)
    return np.concatenate([[0], np.cumsum(sums)])
