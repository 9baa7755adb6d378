"""What is stored of a world against its surfaces, pixel by pixel and cell by cell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from maquette.camera import Camera
from maquette.labels import BY_NAME
from maquette.shapes.sdf import CANONICAL, CUT
from maquette.shapes.voxelize import cells_of, middles
from maquette.worlds import truth
from maquette.worlds.options import TruthOptions
from maquette.worlds.record import CLASSES
from maquette.worlds.truth import canonical_pose, frustum_volume, make_record, occupied, world_grid
from maquette.worlds.types import Object, View, World
from tests.worlds.cast import cast, crate, small_world

pytest.importorskip("igl")
pytest.importorskip("manifold3d")


@pytest.fixture(scope="module")
def world() -> World:
    return small_world()


@pytest.fixture(scope="module")
def views(world: World) -> tuple[View, ...]:
    return cast(world)


def test_visibility_is_what_the_masks_show(world: World, views: tuple[View, ...]) -> None:
    record = make_record(world, views, TruthOptions(grid="no"))
    hidden = 0
    for at, thing in enumerate(record.objects):
        assert len(thing.visibility) == len(views)
        for view, found in zip(views, thing.visibility, strict=True):
            for mask, bounds, count in (
                (view.instance == thing.id, found.box, found.visible_px),
                (view.amodal[at], found.amodal_box, found.amodal_px),
            ):
                assert count == mask.sum()
                if bounds is None:
                    assert not mask.any()
                    continue
                left, top, right, bottom = bounds
                assert mask[top:bottom, left:right].sum() == count
                assert mask[top, left:right].any() and mask[bottom - 1, left:right].any()
                assert mask[top:bottom, left].any() and mask[top:bottom, right - 1].any()
            assert 0 <= found.fraction <= 1
            hidden += 0 < found.fraction < 1
    assert hidden >= 2


def test_without_amodal_masks_there_is_no_visibility(world: World, views: tuple[View, ...]) -> None:
    bare = [replace(view, amodal=None) for view in views]
    record = make_record(world, bare, TruthOptions(amodal=False, grid="no"))
    assert all(thing.visibility == () for thing in record.objects)


def test_the_record_repeats_the_world(world: World, views: tuple[View, ...]) -> None:
    record = make_record(world, views, TruthOptions())
    assert (record.name, record.kind, record.room, record.settings) == ("small", "studio", world.room, {"seed": 1})
    assert record.pictures.shape == (2, 48, 48, 3)
    assert [(o.id, o.label, o.family, o.style, o.parent) for o in record.objects] == [
        (o.id, o.label, o.asset.family, o.asset.style, o.parent) for o in world.objects
    ]
    assert [o.isthing for o in record.objects] == [o.label != "floor" for o in world.objects]
    assert record.occupancy is not None and record.volumes == () and record.shapes == ()
    assert make_record(world, views, TruthOptions(grid="no")).occupancy is None
    outdoors = replace(world, kind="street", room=None)
    assert make_record(outdoors, views, TruthOptions()).occupancy is None
    assert make_record(outdoors, views, TruthOptions(grid="yes")).occupancy is not None


def test_poses_place_the_canonical_mesh(world: World) -> None:
    for thing in world.objects:
        low, high = thing.asset.bounds
        vertices = np.concatenate([part.vertices for part in thing.asset.parts])
        canonical = (vertices - (low + high) / 2) / (high - low)
        np.testing.assert_allclose([canonical.min(axis=0), canonical.max(axis=0)], [[-0.5] * 3, [0.5] * 3], atol=1e-6)
        pose = canonical_pose(thing)
        np.testing.assert_allclose(canonical @ pose[:3, :3].T + pose[:3, 3], thing.mesh_world()[0], atol=1e-6)
        np.testing.assert_allclose(np.linalg.norm(pose[:3, :3], axis=0), thing.box.size, atol=1e-6)


def test_a_flat_thing_has_a_pose_that_can_be_inverted() -> None:
    sheet = crate("rug", (1.0, 1e-9, 2.0))
    pose = canonical_pose(Object(1, "rug", sheet, 0.4, (0.0, 0.0, 0.0)))
    assert np.isfinite(np.linalg.inv(pose)).all()


def test_the_studio_has_cells_of_5_cm_from_wall_to_wall(world: World) -> None:
    assert world.room is not None
    grid = world_grid(world)
    assert grid.shape == (80, 96, 64)
    assert grid.cell_m == pytest.approx(0.05, abs=1e-12)
    turn = grid.T_world_grid[:3, :3]
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)
    ends = np.array(np.meshgrid([0, 80], [0, 96], [0, 64])).reshape(3, 8).T * grid.cell_m
    corners = ends @ turn.T + grid.T_world_grid[:3, 3]
    distance = np.linalg.norm(corners[:, None] - world.room.corners[None], axis=-1)
    assert distance.min(axis=1).max() < 1e-9
    assert set(distance.argmin(axis=1)) == set(range(8))


def test_cells_grow_with_the_room_and_look_ahead_outdoors(world: World) -> None:
    assert world.room is not None
    hall = replace(world, kind="room", room=replace(world.room, size=(8.0, 3.0, 6.0), center=(1.0, 1.5, -2.0)))
    grid = world_grid(hall)
    assert grid.cell_m == pytest.approx(0.1)
    middle = (np.linalg.inv(grid.T_world_grid) @ [1.0, 1.5, -2.0, 1.0])[:3]
    np.testing.assert_allclose(middle, (4.0, 4.8, 1.5))
    assert grid.T_world_grid[1, 3] == pytest.approx(0.0)
    street = replace(world, kind="street", room=None)
    camera = street.cameras[0]
    ahead, within = cells_of(camera.to_world([[0.0, 0.0, 4.0], [0.0, 0.0, -1.0]]), world_grid(street))
    assert list(within) == [True, False]
    assert ahead[0, 0] in (39, 40) and ahead[0, 1] == pytest.approx(4 * np.cos(np.radians(15)) / 0.25, abs=1)


def test_cells_are_those_of_the_things(world: World) -> None:
    grid = world_grid(world)
    occupancy, classes = occupied(world, grid)
    centers = middles(grid)
    for family in ("chair", "table", "bag", "lamp"):
        cells = np.zeros(grid.shape, dtype=bool)
        near = np.zeros(grid.shape, dtype=bool)
        for thing in world.objects:
            if thing.asset.family == family:
                local = (centers - thing.box.center) @ thing.box.T_world_box[:3, :3]
                beyond = np.abs(local) - np.array(thing.box.size) / 2
                cells |= (beyond < -1e-6).all(axis=-1)
                near |= (beyond < 0.05 * np.sqrt(3) / 2).all(axis=-1)
        assert occupancy[cells].all()
        if family in CLASSES:
            own = classes[..., CLASSES.index(family)]
            assert own[cells].all() and not own[~near].any()
    assert not (classes.any(axis=-1) & ~occupancy).any()
    assert not classes[..., [CLASSES.index(name) for name in ("nightstand", "laptop", "person")]].any()
    assert not occupancy[..., 0][~occupancy[..., 1]].any()  # the floor takes no cells


@pytest.fixture(scope="module")
def coarse(world: World) -> truth.FrustumVolume:
    return frustum_volume(world, 0, 24)


def test_the_frustum_has_exact_distances(world: World, coarse: truth.FrustumVolume) -> None:
    centers = middles(coarse.grid)
    meshes = [trimesh.Trimesh(*thing.mesh_world(), process=False) for thing in world.objects]
    apart = np.stack([mesh.nearest.on_surface(centers[coarse.frustum])[1] for mesh in meshes])
    nearest = apart.min(axis=0)
    cell_m = coarse.grid.cell_m
    assert coarse.truncation == pytest.approx(0.36 / cell_m)
    np.testing.assert_allclose(
        coarse.distance[coarse.frustum], np.minimum(nearest, 0.36) / cell_m, rtol=1e-3, atol=1e-3
    )
    band = nearest < 0.36
    assert 0.05 < band.mean() < 0.95
    chosen = coarse.instance[coarse.frustum]
    np.testing.assert_array_equal(chosen > 0, band)
    at = {thing.id: place for place, thing in enumerate(world.objects)}
    for cell in np.flatnonzero(band):
        assert apart[at[chosen[cell]], cell] == pytest.approx(nearest[cell], abs=1e-9)
    labels = {0: 0, **{thing.id: BY_NAME[thing.label].id for thing in world.objects}}
    np.testing.assert_array_equal(coarse.semantic, np.vectorize(labels.get)(coarse.instance))


def test_the_frustum_is_what_the_camera_has_in_range(world: World, coarse: truth.FrustumVolume) -> None:
    camera = world.cameras[0]
    points = camera.from_world(middles(coarse.grid))
    pixels = camera.project(points)
    expected = (points[..., 2] >= 0.4) & (points[..., 2] <= 6.0) & ((pixels >= 0) & (pixels < 48)).all(axis=-1)
    np.testing.assert_array_equal(coarse.frustum, expected)
    assert (coarse.distance[~expected] == np.float16(coarse.truncation)).all()
    assert not coarse.semantic[~expected].any() and not coarse.instance[~expected].any()


def test_panoptic3ds_camera_fills_its_231_174_187_cells() -> None:
    camera = Camera(320, 240, 277.128, (160.0, 120.0), np.eye(4))
    far_away = Object(1, "chair", crate("chair", (1.0, 1.0, 1.0)), 0.0, (100.0, 0.0, 0.0))
    volume = frustum_volume(World("empty", "room", (far_away,), small_world().lighting, (camera,)), 0, 256)
    extent = [np.ptp(np.flatnonzero(volume.frustum.any(axis=axes))) + 1 for axes in ((1, 2), (0, 2), (0, 1))]
    np.testing.assert_allclose(extent, (231, 174, 187), atol=2)
    assert not volume.instance.any()


def test_pixels_reproject_to_cells_at_the_surface(views: tuple[View, ...], coarse: truth.FrustumVolume) -> None:
    view = views[0]
    rows, columns = np.nonzero(view.depth_m > 0)
    depth = view.depth_m[rows, columns]
    points = view.camera.to_world(view.camera.unproject(np.stack([columns, rows], axis=-1) + 0.5, depth))
    cells, within = cells_of(points, coarse.grid)
    at = tuple(cells[within].T)
    checked = coarse.frustum[at]
    assert checked.mean() > 0.8
    assert coarse.distance[at][checked].max() < 1
    np.testing.assert_array_equal(coarse.instance[at][checked] > 0, True)


def test_shapes_are_boxes_whole_and_as_seen(world: World, views: tuple[View, ...]) -> None:
    chair = next(thing for thing in world.objects if thing.id == 2)
    record = make_record(replace(world, objects=(world.objects[0], chair)), views, TruthOptions(grid="no", shapes=True))
    (shape,) = record.shapes
    assert shape.id == 2
    every = np.stack(np.meshgrid(*[CANONICAL.values] * 3, indexing="ij"), axis=-1)
    beyond = np.abs(every) - np.array(chair.box.size) / max(chair.box.size) / 2
    exact = np.linalg.norm(np.maximum(beyond, 0), axis=-1) + np.minimum(beyond.max(axis=-1), 0)
    np.testing.assert_allclose(shape.sdf, np.clip(exact, -CUT, CUT), atol=3e-4)
    assert set(shape.partial) == {at for at, view in enumerate(views) if (view.instance == 2).any()} == {0, 1}
    for at, partial in shape.partial.items():
        partial = partial.astype(float)
        assert (np.abs(partial) >= np.minimum(np.abs(exact), CUT) - 2e-3).all()  # what is seen is part of the surface
        inside = exact < -0.05
        assert (partial[inside] < 0).all()
        scale = max(chair.box.size)
        points = chair.box.T_world_box[:3, :3] @ (every[..., None] * scale) + np.reshape(chair.box.center, (3, 1))
        ahead = views[at].camera.from_world(points[..., 0])[..., 2]
        seen_z = views[at].depth_m[views[at].instance == 2]
        assert (partial[(ahead < seen_z.min() - 0.02) & (np.abs(every).max(axis=-1) < 0.4)] > 0).all()
