"""Closed pieces as one solid, through manifold3d (extra ``worlds``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def manifold(triangles: Floats) -> Any:
    """A ``manifold3d.Manifold`` of (m, 3, 3) triangles, whose corners are merged where they are the same in float32.

    It is empty, and its ``status()`` not ``NoError``, where they are not closed.
    """
    import manifold3d

    points, index = np.unique(triangles.reshape(-1, 3).astype(np.float32), axis=0, return_inverse=True)
    mesh = manifold3d.Mesh(vert_properties=points, tri_verts=index.reshape(-1, 3).astype(np.uint32))
    mesh.merge()
    return manifold3d.Manifold(mesh)


def union(pieces: Sequence[Floats]) -> tuple[Floats, Ints, NDArray[np.bool_]]:
    """The outer surface of what closed pieces fill together.

    Args:
        pieces: (m, 3, 3) triangles each; one that is not closed is kept as it is.

    Returns:
        (n, 3) vertices, (m, 3) faces, and (m,) whether a face is of that outer surface, which is closed.
    """
    import manifold3d

    solids = [manifold(triangles) for triangles in pieces]
    loose = [triangles.reshape(-1, 3) for triangles, solid in zip(pieces, solids, strict=True) if solid.is_empty()]
    filled = [solid for solid in solids if not solid.is_empty()]
    outer = manifold3d.Manifold.batch_boolean(filled, manifold3d.OpType.Add).to_mesh()
    points = outer.vert_properties[:, :3].astype(np.float64)
    vertices = np.concatenate([points, *loose])
    faces = np.concatenate([outer.tri_verts.astype(np.int64), np.arange(len(points), len(vertices)).reshape(-1, 3)])
    return vertices, faces, np.arange(len(faces)) < len(outer.tri_verts)
