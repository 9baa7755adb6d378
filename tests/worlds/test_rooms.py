"""Rooms and the studio: closed shells, nothing in anything else, nothing in the air, and always the same."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

pytest.importorskip("numba")

from maquette.errors import MaquetteError
from maquette.labels import BY_NAME
from maquette.voxels.rig import CAMERAS, studio_cameras
from maquette.worlds.assets.shell import WALL_M, Opening, Wall, build_wall
from maquette.worlds.floorplan import KINDS, Plan, sample_plan
from maquette.worlds.library import Library
from maquette.worlds.options import WorldOptions
from maquette.worlds.rooms import make_room
from maquette.worlds.studio import COUNTS, make_studio
from maquette.worlds.truth import world_grid
from maquette.worlds.types import Material, yaw_pose

PAINT = Material()
MAKERS = {"studio": make_studio, "room": make_room}
SEEDS = [pytest.param(seed, marks=[] if seed < 2 else pytest.mark.slow) for seed in range(40)]


@cache
def world(kind, seed, **options):
    chosen = WorldOptions(kind=kind, **options)
    return MAKERS[kind](chosen, np.random.default_rng(seed), Library(chosen))


def things(made):
    return [thing for thing in made.objects if BY_NAME[thing.label].isthing]


def span(thing):
    points = thing.mesh_world()[0]
    return points.min(axis=0), points.max(axis=0)


def solid(thing):
    """The union of an object's closed parts, as an independent library has it."""
    manifold3d = pytest.importorskip("manifold3d")
    pose = thing.T_world_object
    pieces = []
    for part in thing.asset.parts:
        if part.closed:
            points, corner = np.unique(part.vertices, axis=0, return_inverse=True)
            points = (points @ pose[:3, :3].T + pose[:3, 3]).astype(np.float32)
            pieces.append(manifold3d.Manifold(manifold3d.Mesh(points, corner.ravel()[part.faces].astype(np.uint32))))
    return manifold3d.Manifold.batch_boolean(pieces, manifold3d.OpType.Add)


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_two_things_share_a_volume(kind, seed):
    made = things(world(kind, seed))
    spans = [span(thing) for thing in made]
    solids = [solid(thing) for thing in made]
    for i, (low, high) in enumerate(spans):
        for j in range(i):
            if (low < spans[j][1]).all() and (spans[j][0] < high).all():
                shared = (solids[i] ^ solids[j]).volume()
                assert shared < 1e-6, f"{made[i].asset.family} {made[i].id} in {made[j].asset.family} {made[j].id}"


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("seed", SEEDS)
def test_what_stands_rests_on_the_floor_or_on_a_surface_of_its_parent(kind, seed):
    made = world(kind, seed)
    by_id = {thing.id: thing for thing in made.objects}
    for thing in things(made):
        low, high = span(thing)
        parent = by_id.get(thing.parent)
        if parent is None:
            assert low[1] == pytest.approx(0.0, abs=1e-5)
        elif parent.label == "ceiling":
            assert high[1] == pytest.approx(made.room.size[1], abs=1e-5)
        elif parent.label == "wall":
            assert thing.yaw_rad == parent.yaw_rad
            offset = np.linalg.inv(parent.T_world_object) @ (*thing.place, 1.0)
            assert offset[2] + thing.asset.bounds[0, 2] == pytest.approx(0.002, abs=1e-5)
        else:
            levels = [parent.place[1] + free.center[1] for free in parent.asset.surfaces]
            levels.append(parent.place[1] + parent.asset.bounds[1, 1])
            assert min(abs(low[1] - level) for level in levels) < 1e-5
            points = thing.mesh_world()[0]
            base = points[points[:, 1] < low[1] + 0.005]
            least, most = span(parent)
            assert (base[:, [0, 2]] >= least[[0, 2]] - 1e-5).all()
            assert (base[:, [0, 2]] <= most[[0, 2]] + 1e-5).all()


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("seed", range(2))
def test_ids_count_up_parents_come_first_and_all_is_in_the_room(kind, seed):
    made = world(kind, seed)
    assert [thing.id for thing in made.objects] == list(range(1, len(made.objects) + 1))
    assert all(0 <= thing.parent < thing.id for thing in made.objects)
    reach = np.array(made.room.size) / 2
    for thing in things(made):
        low, high = np.array(span(thing)) - made.room.center
        assert (low >= -reach - 1e-5).all()
        assert (high <= reach + 1e-5).all()


@pytest.mark.parametrize("kind", MAKERS)
def test_the_same_seed_gives_the_same_world(kind):
    chosen = WorldOptions(kind=kind)
    one, two = (MAKERS[kind](chosen, np.random.default_rng(7), Library(chosen)) for _ in range(2))
    assert len(one.objects) == len(two.objects)
    for a, b in zip(one.objects, two.objects, strict=True):
        assert (a.label, a.place, a.yaw_rad, a.parent, a.asset.style) == (
            b.label,
            b.place,
            b.yaw_rad,
            b.parent,
            b.asset.style,
        )
        np.testing.assert_array_equal(a.mesh_world()[0], b.mesh_world()[0])
    for a, b in zip(one.cameras, two.cameras, strict=True):
        np.testing.assert_array_equal(a.T_world_camera, b.T_world_camera)
    assert one.lighting.lamps == two.lighting.lamps


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("seed", range(2))
def test_boxes_mode_has_no_overlap_of_axis_aligned_boxes(kind, seed):
    made = things(world(kind, seed, collisions="boxes"))
    spans = [span(thing) for thing in made]
    for i, (low, high) in enumerate(spans):
        for j in range(i):
            if made[i].parent != made[j].id:
                assert (low >= spans[j][1] - 1e-9).any() or (spans[j][0] >= high - 1e-9).any()


@pytest.mark.parametrize("seed", range(2))
def test_the_way_through_a_door_is_free(seed):
    made = world("room", seed)
    for door in (thing for thing in made.objects if thing.label == "door"):
        low, high = door.asset.bounds
        to_door = np.linalg.inv(door.T_world_object)
        for thing in things(made):
            points = thing.mesh_world()[0] @ to_door[:3, :3].T + to_door[:3, 3]
            assert not ((points > (low[0], 0.0, 0.06)) & (points < (high[0], high[1], 0.85))).all(axis=1).any()


@pytest.mark.parametrize("views", ["rig", "pair", "path"])
@pytest.mark.parametrize("seed", range(2))
def test_a_room_is_seen_from_free_space_with_things_in_view(seed, views):
    made = world("room", seed, views=views)
    assert len(made.cameras) == {"rig": 1, "pair": 2, "path": 8}[views]
    for camera in made.cameras:
        eye = camera.T_world_camera[:3, 3]
        assert (np.abs(eye - made.room.center) < np.array(made.room.size) / 2 - 0.1).all()
        in_view = 0
        for thing in things(made):
            points = thing.mesh_world()[0]
            assert np.linalg.norm(points - eye, axis=1).min() > 0.15
            pixels = camera.project(camera.from_world(points)[camera.from_world(points)[:, 2] > 0.1])
            in_view += bool(((pixels > 0) & (pixels < (camera.width, camera.height))).all(axis=1).any())
        assert in_view >= min(4, len(things(made)))


def test_the_studio_has_the_papers_grid_over_all_of_its_room():
    grid = world_grid(world("studio", 0))
    assert grid.shape == (80, 96, 64)
    extent = np.array(grid.shape) * grid.cell_m
    corners = np.array([[x, y, z, 1.0] for x in (0, extent[0]) for y in (0, extent[1]) for z in (0, extent[2])])
    inside = (corners @ grid.T_world_grid.T)[:, :3]
    room = world("studio", 0).room
    np.testing.assert_allclose(inside.min(axis=0), np.array(room.center) - np.array(room.size) / 2, atol=1e-12)
    np.testing.assert_allclose(inside.max(axis=0), np.array(room.center) + np.array(room.size) / 2, atol=1e-12)
    np.testing.assert_allclose(grid.T_world_grid[:3, :3] @ (0, 0, 1), (0, 1, 0))
    assert np.linalg.det(grid.T_world_grid[:3, :3]) == pytest.approx(1.0)


def test_the_studio_keeps_to_its_counts_and_cameras():
    for seed in range(3):
        made = world("studio", seed)
        families = [thing.asset.family for thing in things(made)]
        assert all(families.count(name) <= most for name, most in COUNTS.items())
        assert set(families) <= set(COUNTS)
        for camera, place, fixed in zip(made.cameras, CAMERAS, studio_cameras(224, 224), strict=True):
            np.testing.assert_array_equal(camera.T_world_camera[:3, 3], place)
            np.testing.assert_array_equal(camera.T_world_camera, fixed.T_world_camera)
    assert not things(world("studio", 0, counts="table=0"))
    assert {thing.asset.family for thing in things(world("studio", 1, counts="chair=9"))} == {"chair"}
    assert not things(world("studio", 2, counts="laptop=5")), "laptops stand on tables and nightstands only"
    with pytest.raises(MaquetteError, match="choose from"):
        world("studio", 0, counts="ceiling_lamp=1")


@pytest.mark.parametrize("seed", range(4))
def test_walls_close_a_plan_without_overlap(seed):
    trimesh = pytest.importorskip("trimesh")
    rng = np.random.default_rng(seed)
    x, z = rng.uniform(1.5, 3, 2)
    corners = np.array([(-x, -z), (x, -z), (x, 0.3), (0.4, 0.3), (0.4, z), (-x, z)])
    plan = Plan(corners if seed % 2 else (corners * (-1, 1))[::-1], 2.5)
    meshes = []
    for side in plan.sides(WALL_M):
        asset = build_wall(Wall(side.width_m, 2.5, side.extra_left_m, PAINT, PAINT, skirting_m=0.0))
        (part,) = asset.parts
        mesh = trimesh.Trimesh(part.vertices, part.faces)
        meshes.append(mesh.apply_transform(yaw_pose(side.yaw_rad, side.place(0.0, 0.0, 0.0))))
    ring = 2 * (2 * x + 2 * z) * WALL_M + 4 * WALL_M**2
    assert sum(mesh.volume for mesh in meshes) == pytest.approx(2.5 * ring, rel=1e-5)
    walls = trimesh.util.concatenate(meshes)
    turns = np.linspace(0, 2 * math.pi, 60, endpoint=False) + 0.001
    rays = np.column_stack([np.cos(turns), np.zeros(60), np.sin(turns)])
    start = np.array([plan.corners[:, 0].mean() * 0.0, 1.2, -z / 2])
    assert plan.contains(start[0], start[2], 0.1)
    assert walls.ray.intersects_any(np.repeat(start[None], 60, axis=0), rays).all()


def test_openings_are_cut_out_of_every_layer_of_a_wall():
    trimesh = pytest.importorskip("trimesh")
    door, window = Opening(-1.5, -0.6, 0.0, 2.0), Opening(0.2, 1.4, 0.9, 2.1)
    wall = Wall(4.0, 2.6, WALL_M, PAINT, PAINT, 0.1, 0.08, PAINT, 1.2, (door, window))
    asset = build_wall(wall)
    body = [part for part in asset.parts if part.vertices[:, 2].min() < -0.01]
    volume = sum(trimesh.Trimesh(part.vertices, part.faces).volume for part in body)
    assert volume == pytest.approx(WALL_M * ((4.0 + WALL_M) * 2.6 - 0.9 * 2.0 - 1.2 * 1.2), rel=1e-5)
    mesh = trimesh.util.concatenate([trimesh.Trimesh(part.vertices, part.faces) for part in asset.parts])
    through = np.array([[-1.0, 0.05, 1.0], [-1.0, 1.9, 1.0], [0.8, 1.0, 1.0], [0.8, 2.0, 1.0]])
    blocked = np.array([[0.8, 0.5, 1.0], [0.8, 2.3, 1.0], [-1.0, 2.3, 1.0], [-0.2, 1.5, 1.0]])
    ahead = np.tile([0.0, 0.0, -1.0], (4, 1))
    assert not mesh.ray.intersects_any(through, ahead).any()
    assert mesh.ray.intersects_any(blocked, ahead).all()


@pytest.mark.parametrize("kind", KINDS)
def test_plans_are_simple_and_their_sides_look_inward(kind):
    for seed in range(10):
        plan = sample_plan(np.random.default_rng(seed), kind)
        sides = plan.sides(WALL_M)
        assert len(sides) in (4, 6)
        for side in sides:
            x, _, z = side.place(0.0, 0.0, 0.05)
            assert plan.contains(x, z)
            x, _, z = side.place(0.0, 0.0, -0.05)
            assert not plan.contains(x, z)
            left = side.place(-side.width_m / 2, 0.0, 0.0)
            assert np.abs(plan.corners - np.array([left[0], left[2]])).sum(axis=1).min() < 1e-9
