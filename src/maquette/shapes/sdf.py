"""Exact distances to surfaces and points, through libigl (extra ``worlds``) and k-d trees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from maquette.shapes.voxelize import inside
from maquette.worlds.record import Grid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Measure = Callable[[Floats], tuple[Floats, Ints]]
"""(p, 3) points to their (p,) distances from something, and the (p,) indices of what is nearest in it."""

SIZE = 64
"""Cells of an ``ObjectShape`` along each axis."""
CUT = 0.2
"""Where its distances are cut."""
_BLOCK = 4


@dataclass(frozen=True)
class Axis:
    """Evenly spaced places: ``first + i * step`` for i below ``count``."""

    first: float
    step: float
    count: int

    @property
    def values(self) -> Floats:
        """(count,) float64."""
        return self.first + self.step * np.arange(self.count, dtype=np.float64)


CANONICAL = Axis(1.2 / SIZE / 2 - 0.6, 1.2 / SIZE, SIZE)
"""The middles of the cells of an ``ObjectShape`` along each axis."""


def surface(vertices: ArrayLike, faces: ArrayLike) -> Measure:
    """What measures exact distances to a mesh of (n, 3) vertices and (m, 3) faces, and tells the nearest face."""
    xyz, triangles = _mesh(vertices, faces)

    def measure(points: Floats) -> tuple[Floats, Ints]:
        import igl

        squared, face, _ = igl.point_mesh_squared_distance(np.ascontiguousarray(points, np.float64), xyz, triangles)
        return np.sqrt(squared), face

    return measure


def near_cells(
    measure: Measure, axes: tuple[Axis, Axis, Axis], cut: float, wanted: NDArray[np.bool_] | None = None
) -> tuple[Ints, Floats, Ints]:
    """The places of a regular grid that are nearer than ``cut`` to something.

    Blocks of 4^3 places whose middle is too far for any of them are left out at once: a distance changes by no more
    than one moves.

    Args:
        measure: Distances to it.
        axes: The grid.
        cut: In the unit of ``axes``.
        wanted: Bool of the grid's shape: the places to look at; all by default.

    Returns:
        (p, 3) int64 indices of the places, (p,) float64 distances, (p,) int64 indices of what is nearest.
    """
    shape = tuple(axis.count for axis in axes)
    blocks = _blocks(axes)
    if wanted is None:
        wanted = np.ones(shape, dtype=bool)
    spare = [(0, block.count * _BLOCK - axis.count) for axis, block in zip(axes, blocks, strict=True)]
    split = np.pad(wanted, spare).reshape([n for block in blocks for n in (block.count, _BLOCK)])
    near = np.argwhere(split.any(axis=(1, 3, 5)))
    reach = np.linalg.norm([axis.step for axis in axes]) * (_BLOCK - 1) / 2
    near = near[measure(_places(blocks, near))[0] < cut + reach]
    within = np.argwhere(np.ones((_BLOCK,) * 3, dtype=bool))
    cells = (near[:, None] * _BLOCK + within).reshape(-1, 3)
    cells = cells[(cells < shape).all(axis=1)]
    cells = cells[wanted[tuple(cells.T)]]
    distance, index = measure(_places(axes, cells))
    kept = distance < cut
    return cells[kept], distance[kept], index[kept]


def sdf_grid(vertices: ArrayLike, faces: ArrayLike, *, closed: NDArray[np.bool_] | None = None) -> NDArray[np.float16]:
    """The truncated signed distances of an ``ObjectShape``.

    Args:
        vertices: (n, 3) in the canonical frame: the middle of the mesh's box is 0, its longest side 1.
        faces: (m, 3) indices.
        closed: (m,) whether a face belongs to a closed piece; by default all do. See ``voxelize`` for what is inside.

    Returns:
        (64, 64, 64) float16, cut at +-0.2.
    """
    cells, distance, _ = near_cells(surface(vertices, faces), (CANONICAL,) * 3, CUT)
    field = np.full((SIZE,) * 3, CUT)
    field[tuple(cells.T)] = distance
    corner = np.eye(4)
    corner[:3, 3] = CANONICAL.first - CANONICAL.step / 2
    field[inside(vertices, faces, Grid(field.shape, CANONICAL.step, corner), closed=closed)] *= -1
    return field.astype(np.float16)


def partial_grid(seen: ArrayLike, hidden: NDArray[np.bool_]) -> NDArray[np.float16]:
    """The truncated distances of an ``ObjectShape`` as one picture gives them.

    Args:
        seen: (n, 3) points seen of the object, in the canonical frame; n at least 1.
        hidden: (64, 64, 64) bool: the cells whose middle the picture does not show to be empty.

    Returns:
        (64, 64, 64) float16, negative where hidden, cut at +-0.2.
    """
    tree = cKDTree(np.asarray(seen, np.float64))
    cells, distance, _ = near_cells(tree.query, (CANONICAL,) * 3, CUT)
    field = np.full((SIZE,) * 3, CUT, dtype=np.float16)
    field[tuple(cells.T)] = distance
    return np.where(hidden, -field, field)


def _blocks(axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
    """The middles of blocks of 4^3 places."""
    return tuple(Axis(a.first + a.step * (_BLOCK - 1) / 2, a.step * _BLOCK, -(-a.count // _BLOCK)) for a in axes)


def _places(axes: tuple[Axis, ...], cells: Ints) -> Floats:
    return np.stack([axis.values[cells[:, dimension]] for dimension, axis in enumerate(axes)], axis=-1)


def _mesh(vertices: ArrayLike, faces: ArrayLike) -> tuple[Floats, Ints]:
    return np.ascontiguousarray(vertices, np.float64), np.ascontiguousarray(faces, np.int64)
