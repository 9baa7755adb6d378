"""The truth about a world: boxes, poses, visibility, cells, frustum volumes and shapes, from its own surfaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from maquette.camera import Camera
from maquette.labels import BY_NAME
from maquette.shapes.sdf import CANONICAL, Axis, near_cells, partial_grid, sdf_grid, surface
from maquette.shapes.union import union
from maquette.shapes.voxelize import middles, voxelize
from maquette.worlds.options import TruthOptions
from maquette.worlds.record import (
    CLASSES,
    FrustumVolume,
    Grid,
    ObjectRecord,
    ObjectShape,
    SceneRecord,
    Visibility,
)
from maquette.worlds.types import Asset, Floats, Object, View, World

GRID_SHAPE = (80, 96, 64)
"""Cells of the paper's grids (Everted U-Net, section 3.2)."""
OUTDOOR_CELL_M = 0.25
"""Cells of the same grid where there is no room: it spans 20 x 24 x 16 m."""

VOLUME_CELLS: Mapping[str, int] = {"full": 256, "half": 128, "quarter": 64}
VOLUME_M = 7.68
VOLUME_RANGE_M = (0.4, 6.0)
TRUNCATION_M = 0.36
"""Panoptic3D's frustum volume: 256 cells of 3 cm along each axis, distances cut at 12 cells, depths of its camera."""

_FLAT_M = 1e-3


def make_record(world: World, views: Sequence[View], options: TruthOptions) -> SceneRecord:
    """Work out all that is stored of a world.

    Args:
        world: It.
        views: What its cameras see, in their order, with amodal masks where ``options.amodal`` says so.
        options: What to make.
    """
    seen = [_visibility(world.objects, view) for view in views if view.amodal is not None]
    objects = tuple(
        _object_record(thing, tuple(by_object[at] for by_object in seen)) for at, thing in enumerate(world.objects)
    )
    record = SceneRecord(
        name=world.name,
        kind=world.kind,
        views=tuple(views),
        pictures=np.stack([view.rgb for view in views]),
        objects=objects,
        room=world.room,
        settings=world.settings,
    )
    if options.grid == "yes" or (options.grid == "auto" and world.kind == "studio"):
        grid = world_grid(world)
        occupancy, classes = occupied(world, grid)
        record = replace(record, grid=grid, occupancy=occupancy, classes=classes)
    if options.volume != "none":
        count = VOLUME_CELLS[options.volume]
        record = replace(record, volumes=tuple(frustum_volume(world, at, count) for at in range(len(views))))
    if options.shapes:
        record = replace(record, shapes=tuple(_shape(thing, views) for thing in world.objects if _isthing(thing)))
    return record


def canonical_pose(thing: Object) -> Floats:
    """(4, 4) float64: its canonical mesh, whose box is [-0.5, 0.5]^3, to the world. A flat side counts as 1 mm."""
    low, high = thing.asset.bounds
    local = np.diag([*np.maximum(high - low, _FLAT_M), 1.0])
    local[:3, 3] = (low + high) / 2
    pose: Floats = thing.T_world_object @ local
    return pose


def _isthing(thing: Object) -> bool:
    return BY_NAME[thing.label].isthing


def _object_record(thing: Object, visibility: tuple[Visibility, ...]) -> ObjectRecord:
    return ObjectRecord(
        id=thing.id,
        label=thing.label,
        family=thing.asset.family,
        style=thing.asset.style,
        isthing=_isthing(thing),
        parent=thing.parent,
        box=thing.box,
        T_world_canonical=canonical_pose(thing),
        visibility=visibility,
    )


def _visibility(objects: Sequence[Object], view: View) -> list[Visibility]:
    """How each object appears in a view that has amodal masks."""
    assert view.amodal is not None
    last = max((thing.id for thing in objects), default=0)
    visible_px = np.bincount(view.instance.ravel(), minlength=last + 1)
    boxes = ndimage.find_objects(view.instance, last)
    rows, columns = np.any(view.amodal, axis=2), np.any(view.amodal, axis=1)
    found = []
    for at, thing in enumerate(objects):
        seen = boxes[thing.id - 1]
        found.append(
            Visibility(
                box=None if seen is None else (seen[1].start, seen[0].start, seen[1].stop, seen[0].stop),
                amodal_box=_span(rows[at], columns[at]),
                visible_px=int(visible_px[thing.id]),
                amodal_px=int(np.count_nonzero(view.amodal[at])),
            )
        )
    return found


def _span(rows: NDArray[np.bool_], columns: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    y, x = np.flatnonzero(rows), np.flatnonzero(columns)
    return (int(x[0]), int(y[0]), int(x[-1]) + 1, int(y[-1]) + 1) if len(y) else None


def world_grid(world: World) -> Grid:
    """The 80 x 96 x 64 cells of a world: along the room's right, its back (-Z) and up.

    Cells are as small as the room fits, 5 cm in the studio of 4.0 x 4.8 x 3.2 m; it stands on the floor, in the middle
    of the room. Outdoors cells have 25 cm, and the grid begins at the ground under the first camera, along its view.
    """
    pose = np.eye(4)
    if world.room is not None:
        width, height, depth = world.room.size
        cell_m = max(width / GRID_SHAPE[0], depth / GRID_SHAPE[1], height / GRID_SHAPE[2])
        extent = np.array(GRID_SHAPE) * cell_m
        x, _, z = world.room.T_world_box[:3, :3].T
        corner = np.asarray(world.room.center) - x * extent[0] / 2 + z * extent[1] / 2 - (0.0, height / 2, 0.0)
    else:
        cell_m = OUTDOOR_CELL_M
        camera = world.cameras[0].T_world_camera
        z = -camera[:3, 2] * (1, 0, 1)
        z /= np.linalg.norm(z)
        x = np.array([z[2], 0.0, -z[0]])
        corner = camera[:3, 3] * (1, 0, 1) - x * GRID_SHAPE[0] * cell_m / 2
    pose[:3, :3] = np.stack([x, -z, [0.0, 1.0, 0.0]], axis=1)
    pose[:3, 3] = corner
    return Grid(GRID_SHAPE, cell_m, pose)


def occupied(world: World, grid: Grid) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The cells that things take up.

    Returns:
        Bool of ``grid.shape``: any thing; and bool of ``grid.shape`` + (6,): those of the families in ``CLASSES``.
    """
    occupancy = np.zeros(grid.shape, dtype=bool)
    classes = np.zeros((*grid.shape, len(CLASSES)), dtype=bool)
    for family in sorted({thing.asset.family for thing in world.objects if _isthing(thing)}):
        things = [thing for thing in world.objects if thing.asset.family == family and _isthing(thing)]
        vertices, faces, _ = _joined(things)
        closed = np.concatenate([_closed(thing.asset) for thing in things])
        cells = voxelize(vertices, faces, grid, closed=closed)
        occupancy |= cells
        if family in CLASSES:
            classes[..., CLASSES.index(family)] = cells
    return occupancy, classes


def _closed(asset: Asset) -> NDArray[np.bool_]:
    """For each face of an asset, whether its part is closed."""
    return np.repeat([part.closed for part in asset.parts], [len(part.faces) for part in asset.parts])


def _joined(objects: Sequence[Object]) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Objects as one mesh in the world: (n, 3) vertices, (m, 3) faces, and (m,) positions of the faces' objects."""
    meshes = [thing.mesh_world() for thing in objects]
    starts = np.cumsum([0, *(len(vertices) for vertices, _ in meshes)])
    faces = [faces + start for (_, faces), start in zip(meshes, starts, strict=False)]
    owners = np.repeat(np.arange(len(objects)), [len(found) for found in faces])
    return np.concatenate([vertices for vertices, _ in meshes]), np.concatenate(faces), owners


def frustum_volume(world: World, view: int, count: int) -> FrustumVolume:
    """What surrounds the surfaces in front of a camera, hidden ones too, within its frustum.

    The cube of 7.68 m has its middle on the camera's axis, in the middle of the range of 0.4 to 6 m, as Panoptic3D
    pads its own. Distances are exact, from the middles of cells, and cut at 36 cm (12 of the cells of 3 cm).

    Args:
        world: It.
        view: Index of the camera.
        count: Cells along each axis.
    """
    camera = world.cameras[view]
    cell_m = VOLUME_M / count
    near_m, far_m = VOLUME_RANGE_M
    first = np.array([0.0, 0.0, (near_m + far_m) / 2]) - VOLUME_M / 2
    pose = camera.T_world_camera.copy()
    pose[:3, 3] += pose[:3, :3] @ first
    grid = Grid((count,) * 3, cell_m, pose)
    x, y, z = (Axis(float(start + cell_m / 2), cell_m, count) for start in first)
    axes = (x, y, z)
    frustum = _frustum(camera, axes)
    distance = np.full(grid.shape, TRUNCATION_M / cell_m, dtype=np.float16)
    semantic = np.zeros(grid.shape, dtype=np.uint8)
    instance = np.zeros(grid.shape, dtype=np.uint16)
    vertices, faces, owners = _joined(world.objects)
    points = camera.from_world(vertices)
    corners = points[faces]
    low, high = first - TRUNCATION_M, first + VOLUME_M + TRUNCATION_M
    within = (corners.max(axis=1) > low).all(axis=1) & (corners.min(axis=1) < high).all(axis=1)
    if within.any():
        cells, distance_m, face = near_cells(surface(points, faces[within]), axes, TRUNCATION_M, frustum)
        at, nearest = tuple(cells.T), owners[within][face]
        distance[at] = distance_m / cell_m
        semantic[at] = np.array([BY_NAME[thing.label].id for thing in world.objects])[nearest]
        instance[at] = np.array([thing.id for thing in world.objects])[nearest]
    return FrustumVolume(grid, view, distance, TRUNCATION_M / cell_m, semantic, instance, frustum)


def _frustum(camera: Camera, axes: Sequence[Axis]) -> NDArray[np.bool_]:
    """Which points of a grid along the camera's axes are in its picture and in range."""
    x, y, z = (axis.values for axis in axes)
    near_m, far_m = VOLUME_RANGE_M
    ranged = (z >= near_m) & (z <= far_m)
    forward = np.where(ranged, z, 1.0)
    across, down = (
        values[:, None] / forward * camera.focal_px + center
        for values, center in zip((x, y), camera.center_px, strict=True)
    )
    wide = (across >= 0) & (across < camera.width) & ranged
    high = (down >= 0) & (down < camera.height)
    return wide[:, None] & high[None]


def _shape(thing: Object, views: Sequence[View]) -> ObjectShape:
    """A thing's distances, whole and as each view shows it; where parts overlap, their inner faces do not count."""
    low, high = thing.asset.bounds
    longest = float((high - low).max())
    middle = (low + high) / 2
    pose = thing.T_world_object
    vertices, faces, closed = union([part.vertices[part.faces].astype(np.float64) for part in thing.asset.parts])
    cells = Grid((CANONICAL.count,) * 3, CANONICAL.step * longest, _cells_pose(pose, middle, longest))
    partial = {}
    for at, view in enumerate(views):
        mask = view.instance == thing.id
        if not mask.any():
            continue
        rows, columns = np.nonzero(mask)
        pixels = np.stack([columns, rows], axis=-1) + 0.5
        points = view.camera.to_world(view.camera.unproject(pixels, view.depth_m[mask]))
        seen = ((points - pose[:3, 3]) @ pose[:3, :3] - middle) / longest
        partial[at] = partial_grid(seen, _hidden(view, middles(cells)))
    return ObjectShape(thing.id, sdf_grid((vertices - middle) / longest, faces, closed=closed), partial)


def _cells_pose(pose: Floats, middle: Floats, longest: float) -> Floats:
    """Pose of the corner of the canonical cells of an object with ``pose`` in the world."""
    corner = np.eye(4)
    corner[:3, 3] = middle + (CANONICAL.first - CANONICAL.step / 2) * longest
    placed: Floats = pose @ corner
    return placed


def _hidden(view: View, points: Floats) -> NDArray[np.bool_]:
    """Which (..., 3) points of the world a view does not show to be empty: behind what it sees, or out of its sight."""
    points_cam = view.camera.from_world(points)
    with np.errstate(invalid="ignore"):
        pixels = np.floor(view.camera.project(points_cam))
    height, width = view.depth_m.shape
    x, y = pixels[..., 0], pixels[..., 1]
    inside = (points_cam[..., 2] > 0) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    far = np.where(view.depth_m > 0, view.depth_m, np.inf)
    empty = np.zeros(inside.shape, dtype=bool)
    empty[inside] = points_cam[..., 2][inside] < far[y[inside].astype(int), x[inside].astype(int)]
    return ~empty
