"""Solids as cells: which cells of a grid a mesh fills or passes through."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maquette.worlds.record import Grid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_TIE = 1e-4
"""How far triangles move inward, in cells, before it is asked which cells they meet, and by half of which they must
reach into one: a face that lies between two cells belongs to the one behind it, whatever its last digits say."""


def voxelize(
    vertices: ArrayLike, faces: ArrayLike, grid: Grid, *, closed: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_]:
    """The cells whose middle is inside a mesh, or which its surface passes through.

    Inside a closed mesh is where its winding number is not 0: the signed crossings along one axis of the grid, summed.
    So pieces may overlap and be nested. A cell whose middle is level with an edge or a corner counts it once
    (half-open intervals, as scan conversion does), so no column leaks. Surfaces are found by the separating axes of
    triangle and cell (Akenine-Möller 2001), up to 1e-4 of a cell.

    Open surfaces have no inside. Of theirs a cell also counts where the generalized winding number (Jacobson et al.
    2013) of all open faces together is more than half: it fills a sofa that lacks its underside, and leaves leaves
    thin.

    Args:
        vertices: (n, 3) metres in the world.
        faces: (m, 3) indices, counter-clockwise seen from outside.
        grid: The cells.
        closed: (m,) whether a face belongs to a closed piece; by default all do.

    Returns:
        Bool of ``grid.shape``.
    """
    corners = _corners(vertices, faces, grid)
    filled = np.zeros(grid.shape, dtype=bool)
    _mark_inside(corners if closed is None else corners[..., closed], filled)
    _mark_surface(corners, filled)
    if closed is not None:
        _mark_within_open(corners[..., ~closed], filled)
    return filled


def inside(
    vertices: ArrayLike, faces: ArrayLike, grid: Grid, *, closed: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_]:
    """The cells whose middle is inside a mesh, as ``voxelize`` has it, without those on its surface."""
    corners = _corners(vertices, faces, grid)
    filled = np.zeros(grid.shape, dtype=bool)
    _mark_inside(corners if closed is None else corners[..., closed], filled)
    if closed is not None:
        _mark_within_open(corners[..., ~closed], filled)
    return filled


def cells_of(points: ArrayLike, grid: Grid) -> tuple[Ints, NDArray[np.bool_]]:
    """The cells that points lie in.

    Args:
        points: (..., 3) metres in the world.
        grid: The cells.

    Returns:
        (..., 3) int64 indices, and (...) bool: whether the point is within the grid.
    """
    cells = np.floor(_in_cells(np.asarray(points, np.float64), grid)).astype(np.int64)
    within: NDArray[np.bool_] = np.all((cells >= 0) & (cells < grid.shape), axis=-1)
    return cells, within


def middles(grid: Grid) -> Floats:
    """``grid.shape`` + (3,) float64: the middles of the cells in the world, metres."""
    axes = [(np.arange(count) + 0.5) * grid.cell_m for count in grid.shape]
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    turned: Floats = places @ grid.T_world_grid[:3, :3].T + grid.T_world_grid[:3, 3]
    return turned


def _in_cells(points: Floats, grid: Grid) -> Floats:
    scaled: Floats = (points - grid.T_world_grid[:3, 3]) @ (grid.T_world_grid[:3, :3] / grid.cell_m)
    return scaled


def _corners(vertices: ArrayLike, faces: ArrayLike, grid: Grid) -> Floats:
    """(3 corners, 3 axes, m) triangles in cells, counter-clockwise seen from outside."""
    triangles = np.asarray(faces, np.int64).reshape(-1, 3)
    if np.linalg.det(grid.T_world_grid[:3, :3]) < 0:
        triangles = triangles[:, ::-1]
    return _in_cells(np.asarray(vertices, np.float64), grid).T[:, triangles.T].transpose(1, 0, 2)


def _boxes(low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """All integer points of many boxes.

    Args:
        low: (d, m) least corners.
        high: (d, m) greatest corners, exclusive.

    Returns:
        (n,) the box of each point, and (d, n) the points.
    """
    spans = np.maximum(high - low, 0)
    sizes = spans.prod(axis=0)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    rest = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    points = np.empty((len(low), len(owner)), dtype=np.int64)
    for axis in range(len(low) - 1, 0, -1):
        span = spans[axis][owner]
        ahead = rest // span
        points[axis] = rest - ahead * span + low[axis][owner]
        rest = ahead
    points[0] = rest + low[0][owner]
    return owner, points


def _least(corners: Floats) -> Floats:
    found: Floats = np.minimum(np.minimum(corners[0], corners[1]), corners[2])
    return found


def _most(corners: Floats) -> Floats:
    found: Floats = np.maximum(np.maximum(corners[0], corners[1]), corners[2])
    return found


def _normals(corners: Floats) -> Floats:
    """(3, m) normals, as long as twice the area, of (3 corners, 3 axes, m) triangles."""
    (ax, ay, az), (bx, by, bz) = corners[1] - corners[0], corners[2] - corners[0]
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def _mark_surface(corners: Floats, filled: NDArray[np.bool_]) -> None:
    """Mark the cells that (3 corners, 3 axes, m) triangles, in cells, pass through."""
    normals = _normals(corners)
    length = np.sqrt((normals**2).sum(axis=0))
    moved = corners - _TIE / np.maximum(length, 1e-30) * normals
    least = np.floor(_least(moved) + _TIE / 2).astype(np.int64)
    most = np.ceil(_most(moved) - _TIE / 2).astype(np.int64)
    wide = (most - least > 1).sum(axis=0) > 1
    low, high = np.maximum(least, 0), np.minimum(most, np.array(filled.shape)[:, None])
    _, cells = _boxes(low[:, ~wide], high[:, ~wide])  # in a single row, a triangle meets every cell of its box
    filled[tuple(cells)] = True
    owner, cells = _boxes(low[:, wide], high[:, wide])
    news = ~filled[tuple(cells)]
    owner, middles = owner[news], cells[:, news] + 0.5
    for axis, first, last in _separating(moved[..., wide], normals[:, wide]):
        reach = sum(np.abs(part) for part in axis.values()) / 2 + 1e-9
        at = sum(part[owner] * middles[dimension] for dimension, part in axis.items())
        meets = (at > (np.minimum(first, last) - reach)[owner]) & (at < (np.maximum(first, last) + reach)[owner])
        owner, middles = owner[meets], middles[:, meets]
    filled[tuple(middles.astype(np.int64))] = True


def _separating(corners: Floats, normals: Floats) -> Iterator[tuple[dict[int, Floats], Floats, Floats]]:
    """The directions that may separate triangles from cells, but the cells' own.

    Args:
        corners: (3 corners, 3 axes, m).
        normals: (3, m).

    Yields:
        A direction for each triangle: (m,) components by axis, those that are not 0; and the (m,) least or greatest,
        and greatest or least, place of the triangle along it.
    """
    plane = (normals * corners[0]).sum(axis=0)
    yield dict(enumerate(normals)), plane, plane
    for corner in range(3):
        here, other = corners[corner], corners[corner - 1]
        edge = corners[(corner + 1) % 3] - here
        for axis in range(3):
            u, v = (axis + 1) % 3, (axis + 2) % 3
            yield (
                {u: edge[v], v: -edge[u]},
                edge[v] * here[u] - edge[u] * here[v],
                edge[v] * other[u] - edge[u] * other[v],
            )


def _mark_inside(corners: Floats, filled: NDArray[np.bool_]) -> None:
    """Mark the cells whose middle has a winding number other than 0 within the closed mesh of (3 corners, 3 axes, m)
    triangles."""
    if not corners.size:
        return
    shape = np.array(filled.shape)[:, None]
    least, most = _least(corners), _most(corners)
    first = np.clip(np.ceil(least.min(axis=1, keepdims=True) - 0.5).astype(np.int64), 0, shape)
    last = np.clip(np.floor(most.max(axis=1, keepdims=True) + 0.5).astype(np.int64), first, shape)
    offset = first + 0.5
    size = last - first
    low = np.maximum(np.ceil(least[:2] - offset[:2]).astype(np.int64), 0)
    high = np.minimum(np.floor(most[:2] - offset[:2]).astype(np.int64) + 1, size[:2])
    some = (high > low).all(axis=0)
    local = corners[..., some] - offset
    owner, (x, y) = _boxes(low[:, some], high[:, some])
    turns = np.zeros(len(owner), dtype=np.int64)
    for corner in range(3):
        start, end = local[corner, :2], local[(corner + 1) % 3, :2]
        # An edge is measured from its lower end (by y, then x), so that both its triangles get the same numbers.
        upward = (start[1] < end[1]) | ((start[1] == end[1]) & (start[0] < end[0]))
        (x0, y0), (x1, y1) = np.where(upward, start, end), np.where(upward, end, start)
        slope = (x1 - x0) / np.where(y1 > y0, y1 - y0, 1.0)
        above = y - y0[owner]
        beside = (above >= 0) & (y < y1[owner]) & (x < x0[owner] + above * slope[owner])
        turns += np.where(upward, 1, -1)[owner] * beside
    crossed = turns != 0
    owner, x, y, turns = owner[crossed], x[crossed], y[crossed], turns[crossed]
    crossing = local[..., owner]
    nx, ny, nz = _normals(crossing)
    drop = nx * (x - crossing[0, 0]) + ny * (y - crossing[0, 1])
    height = crossing[0, 2] - drop / np.where(nz == 0, 1.0, nz)
    height = np.clip(height, _least(crossing[:, 2]), _most(crossing[:, 2]))
    above = np.clip(np.ceil(height).astype(np.int64), 0, size[2])
    steps = (int(size[0, 0]), int(size[1, 0]), int(size[2, 0]) + 1)
    at = np.ravel_multi_index((x, y, above), steps)
    winding = np.bincount(at, weights=turns, minlength=math.prod(steps)).reshape(steps).cumsum(axis=2)
    filled[tuple(slice(*ends) for ends in zip(first[:, 0], last[:, 0], strict=True))] |= winding[..., :-1] != 0


def _mark_within_open(corners: Floats, filled: NDArray[np.bool_]) -> None:
    """Mark the cells whose middle has a generalized winding number above half among (3 corners, 3 axes, m) triangles of
    open surfaces."""
    if not corners.size:
        return
    import igl

    low = np.clip(np.floor(corners.min(axis=(0, 2))).astype(np.int64), 0, filled.shape)
    high = np.clip(np.ceil(corners.max(axis=(0, 2))).astype(np.int64), low, filled.shape)
    box = tuple(slice(*ends) for ends in zip(low, high, strict=True))
    cells = np.argwhere(~filled[box]) + low
    points = np.ascontiguousarray(corners.transpose(2, 0, 1).reshape(-1, 3))
    winding = igl.fast_winding_number(points, np.arange(len(points)).reshape(-1, 3), cells + 0.5)
    filled[tuple(cells[np.abs(winding) > 0.5].T)] = True
