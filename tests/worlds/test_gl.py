"""The OpenGL renderer against ray casting, closed forms, and itself."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from maquette.camera import Camera
from maquette.errors import MaquetteError
from maquette.labels import BY_NAME
from maquette.worlds.assets import families, sample
from maquette.worlds.assets.solids import ball, box, cylinder, hull
from maquette.worlds.render import gl
from maquette.worlds.render.gl import GlRenderer
from maquette.worlds.types import Asset, Lamp, Lighting, Material, Object, OrientedBox, Part, Sun, View, World

SKY = np.full((16, 32, 3), 0.6, dtype=np.float32)
OVERCAST = Lighting(SKY, (0.2, 0.2, 0.2))


@pytest.fixture(scope="module")
def renderer() -> Iterator[GlRenderer]:
    try:
        made = GlRenderer()
    except MaquetteError as error:
        pytest.skip(str(error))
    with made:
        yield made


def thing(number: int, part: Part, label: str = "object", yaw: float = 0.0, place: object = (0.0, 0.0, 0.0)) -> Object:
    return Object(number, label, Asset("test", "one", (part,)), yaw, tuple(place))  # type: ignore[arg-type]


def looking(
    eye: object, at: object, width: int = 64, height: int = 48, focal: float = 50.0, shift: object = (0, 0)
) -> Camera:
    forward = np.subtract(at, eye).astype(float)
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.column_stack([right, np.cross(forward, right), forward])
    pose[:3, 3] = eye
    dx, dy = shift  # type: ignore[misc]
    return Camera(width, height, focal, (width / 2 + dx, height / 2 + dy), pose)


def world(objects: list[Object], *cameras: Camera, lighting: Lighting = OVERCAST, indoors: bool = True) -> World:
    room = OrientedBox((0, 1.5, 0), (6, 3, 6), 0.0) if indoors else None
    return World("test", "room" if indoors else "street", tuple(objects), lighting, cameras, room)


def still_life() -> list[Object]:
    rng = np.random.default_rng(3)
    table = sample(families()["table"], rng)
    return [
        thing(4, box((0, -0.05, 0), (6, 0.1, 6), Material("planks")), "floor"),
        thing(5, box((0, 1.5, -3.05), (6, 3, 0.1), Material("plaster")), "wall"),
        Object(17, "table", table, 0.7, (-0.6, 0.0, -0.9)),
        thing(2, ball((0, 0.4, 0), (0.4, 0.4, 0.4), Material(color=(0.8, 0.1, 0.1))), place=(0.9, 0.0, -0.3)),
        thing(900, hull(rng.normal((0, 0.9, 0), 0.4, (12, 3)), Material("denim")), "bed", 2.0, (0.5, 0.2, -1.6)),
        thing(31, cylinder((0, 0, 0), 1.4, 0.02, Material("brushed", metallic=1.0)), place=(0.1, 0, 0.2)),
    ]


CAMERAS = (
    looking((1.6, 1.7, 2.4), (0, 0.5, -0.6)),
    looking((-2.0, 1.1, 1.0), (0.4, 0.5, -1.0), 63, 49, shift=(9.0, -6.5)),
)


def cast(scene: World, camera: Camera) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Ids, z and face normals in the camera's frame by casting a ray through each pixel's centre."""
    rows, columns = np.mgrid[0 : camera.height, 0 : camera.width] + 0.5
    rays = camera.unproject(np.stack([columns, rows], axis=-1).reshape(-1, 2), np.ones(rows.size))
    directions = rays @ camera.T_world_camera[:3, :3].T
    best = np.full(rows.size, np.inf)
    ids = np.zeros(rows.size, dtype=np.int64)
    normals = np.zeros((rows.size, 3))
    for item in scene.objects:
        mesh = trimesh.Trimesh(*item.mesh_world(), process=False)
        places, ray, face = mesh.ray.intersects_location(
            np.broadcast_to(camera.T_world_camera[:3, 3], directions.shape), directions, multiple_hits=True
        )
        z = camera.from_world(places.reshape(-1, 3))[:, 2]
        for order in np.argsort(-z):
            if z[order] < best[ray[order]]:
                best[ray[order]], ids[ray[order]] = z[order], item.id
                normals[ray[order]] = mesh.face_normals[face[order]] @ camera.T_world_camera[:3, :3]
    normals *= -np.sign((normals * rays).sum(axis=1, keepdims=True))
    best[ids == 0] = 0.0
    shape = (camera.height, camera.width)
    return ids.reshape(shape), best.reshape(shape), normals.reshape(*shape, 3)


@pytest.mark.parametrize("at", range(len(CAMERAS)))
def test_ids_depth_and_normals_are_those_of_rays_through_pixel_centres(renderer: GlRenderer, at: int) -> None:
    scene = world(still_life(), *CAMERAS)
    view = renderer.render(scene)[at]
    ids, depth, normals = cast(scene, scene.cameras[at])
    same = view.instance == ids
    assert same.mean() >= 0.995
    assert set(np.unique(ids)) >= {0, 2, 4, 5, 17, 31, 900}
    seen = same & (ids > 0)
    close = np.abs(view.depth_m - depth) < 1e-4
    assert close[seen].mean() >= 0.999
    assert np.all(view.depth_m[view.instance == 0] == 0)
    cosine = (view.normals_cam * normals).sum(axis=-1)
    assert (cosine[seen] > 0.9999).mean() >= 0.995
    labels = {item.id: BY_NAME[item.label].id for item in scene.objects} | {0: BY_NAME["sky"].id}
    assert np.array_equal(view.semantic, np.vectorize(labels.get)(view.instance))


def test_views_have_the_shapes_and_types_that_they_promise(renderer: GlRenderer) -> None:
    (view,) = renderer.render(world(still_life(), CAMERAS[0]), amodal=True)
    assert (view.rgb.dtype, view.rgb.shape) == (np.uint8, (48, 64, 3))
    assert (view.depth_m.dtype, view.depth_m.shape) == (np.float32, (48, 64))
    assert (view.semantic.dtype, view.semantic.shape) == (np.uint8, (48, 64))
    assert (view.instance.dtype, view.instance.shape) == (np.uint16, (48, 64))
    assert (view.normals_cam.dtype, view.normals_cam.shape) == (np.float32, (48, 64, 3))
    assert view.amodal is not None
    assert (view.amodal.dtype, view.amodal.shape) == (np.bool_, (6, 48, 64))
    length = np.linalg.norm(view.normals_cam, axis=-1)
    assert np.allclose(length, view.instance > 0, atol=1e-5)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (-40.0, 13.5)])
def test_depth_of_a_plane_in_closed_form(renderer: GlRenderer, shift: tuple[float, float]) -> None:
    camera = looking((0.3, 1.6, 0), (0.3, 1.0, -2.0), shift=shift)
    floor = thing(1, box((0, -0.5, 0), (900, 1, 900), Material()), "floor")
    (view,) = renderer.render(world([floor], camera))
    rows, columns = np.mgrid[0 : camera.height, 0 : camera.width] + 0.5
    rays = camera.unproject(np.stack([columns, rows], axis=-1), np.ones(rows.shape)) @ camera.T_world_camera[:3, :3].T
    wanted = -1.6 / rays[..., 1]
    hit = (rays[..., 1] < 0) & (wanted < 300)
    assert hit.mean() > 0.5
    assert np.allclose(view.depth_m[hit], wanted[hit], rtol=1e-5)
    assert np.all(view.depth_m[rays[..., 1] > 0] == 0)


def test_what_crosses_the_plane_of_the_camera_is_drawn_and_what_is_behind_it_is_not(renderer: GlRenderer) -> None:
    camera = looking((0, 1, 0), (0, 1, -1))
    wall = thing(1, box((0.5, 1, 0), (0.02, 2, 8), Material()), "wall")
    behind = thing(2, ball((0, 1, 2), (0.5, 0.5, 0.5), Material()))
    (view,) = renderer.render(world([wall, behind], camera), amodal=True)
    assert view.amodal is not None
    assert not view.amodal[1].any() and view.instance.max() == 1
    assert 0.7 < view.depth_m[24, 63] < 0.9
    assert view.depth_m[24, 63] == pytest.approx(0.49 * 50 / 31.5, rel=1e-5)


def test_vertices_appear_where_the_camera_projects_them(renderer: GlRenderer) -> None:
    spots = np.random.default_rng(0).uniform((-1, 0, -2), (1, 1.5, 0), (12, 3))
    camera = looking((0.2, 1.0, 3.0), (0, 0.7, 0), 320, 240, 260.0, (31.0, -17.0))
    balls = [thing(at + 1, ball(tuple(spot), (0.03, 0.03, 0.03), Material())) for at, spot in enumerate(spots)]
    (view,) = renderer.render(world(balls, camera), amodal=True)
    assert view.amodal is not None
    for item, mask in zip(balls, view.amodal, strict=True):
        centers = np.argwhere(mask)[:, ::-1] + 0.5
        points = camera.project(camera.from_world(item.mesh_world()[0]))
        low, high = centers.min(axis=0) - points.min(axis=0), points.max(axis=0) - centers.max(axis=0)
        assert np.all(low > -0.01) and np.all(high > -0.01)
        assert np.all(low < 1.3) and np.all(high < 1.3)


def test_an_amodal_mask_is_the_object_seen_alone(renderer: GlRenderer) -> None:
    objects = still_life()
    views = renderer.render(world(objects, *CAMERAS), amodal=True)
    for at, item in enumerate(objects):
        alone = renderer.render(world([item], *CAMERAS))
        for view, single in zip(views, alone, strict=True):
            assert view.amodal is not None
            assert np.all(view.amodal[at][view.instance == item.id])
            assert (view.amodal[at] != (single.instance > 0)).mean() < 0.003


def test_many_objects_get_masks_through_several_pictures(renderer: GlRenderer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gl, "_ATLAS", 800)  # 3 x 4 masks a picture
    camera = looking((0, 1, 4), (0, 1, 0), 240, 180, 180.0)
    grid = [(x * 0.3, y * 0.3, 0.0) for x in range(-3, 4) for y in range(1, 6)]
    objects = [thing(at + 1, box(place, (0.1, 0.1, 0.1), Material())) for at, place in enumerate(grid)]
    (view,) = renderer.render(world(objects, camera), amodal=True)
    assert view.amodal is not None
    for item, mask in zip(objects, view.amodal, strict=True):
        assert mask.sum() > 15
        assert (mask != (view.instance == item.id)).sum() <= 2


def test_edges_are_blended_in_colour_and_not_in_ids(renderer: GlRenderer) -> None:
    white = Material(color=(0.9, 0.9, 0.9), emission=3.0)
    leaning = hull([(x, y, z) for x, y in ((-1, -2), (1, -2), (0, 2.4)) for z in (0, -0.1)], white)
    dark = Lighting(np.zeros((4, 8, 3), np.float32), (0.0, 0.0, 0.0))
    (view,) = renderer.render(world([thing(7, leaning)], looking((0, 0, 5), (0, 0, 0)), lighting=dark))
    assert set(np.unique(view.instance)) == {0, 7}
    levels = np.unique(view.rgb[..., 1])
    assert levels[0] == 0 and levels[-1] > 230
    between = (view.rgb[..., 1] > 20) & (view.rgb[..., 1] < 220)
    assert 20 < between.sum() < 200
    inside = view.instance == 7
    covered = np.zeros_like(inside)
    covered[:, 1:] |= inside[:, :-1] != inside[:, 1:]
    covered[:, :-1] |= inside[:, :-1] != inside[:, 1:]
    covered[1:] |= inside[:-1] != inside[1:]
    covered[:-1] |= inside[:-1] != inside[1:]
    assert np.all(covered[between])


def brightness(view: View, mask: NDArray[np.bool_]) -> float:
    return float(view.rgb[mask].astype(np.float64).mean())


def test_the_sun_is_stopped_by_what_stands_in_its_way_but_not_by_glass(renderer: GlRenderer) -> None:
    ground = thing(1, box((0, -0.1, 0), (20, 0.2, 20), Material(color=(0.5, 0.5, 0.5))), "road")
    board = box((0, 2, -2), (2, 0.1, 2), Material())
    pane = replace(board, material=Material(casts_shadow=False))
    light = Lighting(SKY / 4, (0.0, 0.0, 0.0), Sun((0.0, 1.0, 0.0), (2.0, 2.0, 2.0)))
    camera = looking((0, 3.5, 4), (0, 0, -2))
    open_air, under_board, under_glass = (
        renderer.render(world([ground, *over], camera, lighting=light, indoors=False))[0]
        for over in ([], [thing(2, board)], [thing(2, pane)])
    )
    rows, columns = np.mgrid[0:48, 0:64] + 0.5
    points = camera.to_world(camera.unproject(np.stack([columns, rows], axis=-1), open_air.depth_m))
    free = (under_board.instance == 1) & (np.abs(points[..., 1]) < 1e-3)
    shaded = free & (np.abs(points[..., 0]) < 0.8) & (np.abs(points[..., 2] + 2) < 0.8)
    lit = free & (np.abs(points[..., 0]) > 1.6)
    assert shaded.sum() > 20 and lit.sum() > 200
    assert brightness(under_board, shaded) < 0.75 * brightness(open_air, shaded)
    assert brightness(under_board, lit) == pytest.approx(brightness(open_air, lit), rel=0.03)
    assert brightness(under_glass, shaded) > 0.9 * brightness(open_air, shaded)


def test_a_lamp_lights_what_is_near_and_throws_a_shadow_under_a_table(renderer: GlRenderer) -> None:
    floor = thing(1, box((0, -0.1, 0), (6, 0.2, 6), Material(color=(0.5, 0.5, 0.5), roughness=1.0)), "floor")
    top = thing(2, box((0, 0.8, 0), (1, 0.05, 1), Material()), "table")
    lamp = Lighting(SKY, (0.02, 0.02, 0.02), lamps=(Lamp((0.0, 2.4, 0.0), (4.0, 4.0, 4.0)),))
    camera = looking((0, 1.0, 3.2), (0, 0, -1.0))
    empty, full = (renderer.render(world(items, camera, lighting=lamp))[0] for items in ([floor], [floor, top]))
    points = camera.to_world(camera.unproject(np.stack(np.mgrid[0:48, 0:64][::-1] + 0.5, axis=-1), full.depth_m))
    ground = (full.instance == 1) & (points[..., 1] < 1e-3)
    under = ground & (np.abs(points[..., 0]) < 0.4) & (np.abs(points[..., 2]) < 0.4)
    beside = ground & (np.abs(points[..., 0]) > 1.2) & (np.abs(points[..., 2]) < 0.5)
    far = ground & (points[..., 2] < -2.0) & (points[..., 2] > -2.7)
    assert under.sum() > 10 and beside.sum() > 10 and far.sum() > 10
    assert brightness(full, under) < 0.5 * brightness(empty, under)
    assert brightness(full, beside) > 0.9 * brightness(empty, beside)
    assert brightness(empty, far) < 0.8 * brightness(empty, under)


def test_corners_are_darker_than_open_floor_under_even_light(renderer: GlRenderer) -> None:
    plain = Material(color=(0.5, 0.5, 0.5), roughness=1.0)
    floor = thing(1, box((0, -0.1, 0), (6, 0.2, 6), plain), "floor")
    block = thing(2, box((0, 0.5, -1), (2, 1, 1), plain))
    camera = looking((0, 1.5, 2.5), (0, 0.2, -0.5), 96, 72, 75.0)
    (view,) = renderer.render(world([floor, block], camera))
    points = camera.to_world(camera.unproject(np.stack(np.mgrid[0:72, 0:96][::-1] + 0.5, axis=-1), view.depth_m))
    ground = (view.instance == 1) & (np.abs(points[..., 0]) < 0.8)
    assert brightness(view, ground & (points[..., 2] < -0.4)) < 0.9 * brightness(view, ground & (points[..., 2] > 0.4))


def test_a_leaf_is_seen_and_lit_from_both_sides(renderer: GlRenderer) -> None:
    flat = box((0, 1, 0), (1, 1, 0.0), Material())
    leaf = replace(flat, vertices=flat.vertices * (1, 1, 0), closed=False)
    ids = [
        renderer.render(world([thing(3, leaf)], looking(eye, (0, 1, 0)), indoors=False))[0]
        for eye in ((0, 1, 2), (0, 1, -2))
    ]
    for view in ids:
        assert np.array_equal(view.instance > 0, ids[0].instance > 0)
        assert np.allclose(view.normals_cam[24, 32], (0, 0, -1), atol=1e-6)
        assert brightness(view, view.instance > 0) == pytest.approx(brightness(ids[0], view.instance > 0), rel=0.01)


def test_textures_stand_upright_on_walls(renderer: GlRenderer) -> None:
    wall = box((0, 0.5, 0), (1, 1, 0.1), Material("picture_b", (1, 1, 1), 1.0))
    bright = Lighting(SKY, (1.0, 1.0, 1.0))
    camera = looking((0.5, 0.5, 2), (0, 0.5, 0), 64, 64, 110.0)
    (view,) = renderer.render(world([thing(1, wall)], camera, lighting=bright))
    rows = np.flatnonzero((view.instance > 0).any(axis=1))
    sky, ground = view.rgb[rows[3]][view.instance[rows[3]] > 0], view.rgb[rows[-4]][view.instance[rows[-4]] > 0]
    assert sky.mean() > ground.mean()  # the painting's sky is blue and light, its shore dark


def digest(views: tuple[View, ...]) -> str:
    state = hashlib.sha256()
    for view in views:
        assert view.amodal is not None
        for array in (view.rgb, view.depth_m, view.semantic, view.instance, view.normals_cam, view.amodal):
            state.update(np.ascontiguousarray(array).tobytes())
    return state.hexdigest()


DAY_AND_NIGHT = Lighting(
    SKY, (0.2, 0.2, 0.2), Sun((0.36, 0.8, 0.48), (1.0, 1.0, 1.0)), (Lamp((0.0, 2.4, 0.0), (4.0, 4.0, 4.0)),)
)
AGAIN = """
from tests.worlds.test_gl import *
with GlRenderer() as renderer:
    print(digest(renderer.render(world(still_life(), *CAMERAS, lighting=DAY_AND_NIGHT), amodal=True)))
"""


def test_the_same_world_gives_the_same_bytes_whatever_was_drawn_before(renderer: GlRenderer) -> None:
    scene = world(still_life(), *CAMERAS, lighting=DAY_AND_NIGHT)
    first = digest(renderer.render(scene, amodal=True))
    renderer.render(world(still_life()[:2], looking((0, 1, 3), (0, 1, 0), 50, 70), indoors=False))
    assert digest(renderer.render(scene, amodal=True)) == first
    other = subprocess.run([sys.executable, "-c", AGAIN], capture_output=True, text=True, check=True, timeout=120)
    assert other.stdout.strip() == first


def test_worlds_leave_nothing_behind(renderer: GlRenderer) -> None:
    resource = pytest.importorskip("resource")
    scene = world(still_life(), CAMERAS[0])
    for _ in range(20):
        renderer.render(scene, amodal=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(60):
        renderer.render(scene, amodal=True)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8 * 1024


def test_two_renderers_do_not_disturb_each_other(renderer: GlRenderer) -> None:
    scene = world(still_life(), *CAMERAS, lighting=DAY_AND_NIGHT)
    first = digest(renderer.render(scene, amodal=True))
    with GlRenderer() as second:
        assert digest(second.render(scene, amodal=True)) == first
        assert digest(renderer.render(scene, amodal=True)) == first
    assert digest(renderer.render(scene, amodal=True)) == first


@pytest.mark.parametrize(
    ("setup", "wanted"),
    [
        ("sys.modules['moderngl'] = None", "maquette[worlds]"),
        ("os.environ['__EGL_VENDOR_LIBRARY_DIRS'] = '/none'", "libegl1"),
    ],
)
def test_what_is_missing_is_said_in_one_line(renderer: GlRenderer, setup: str, wanted: str) -> None:
    code = f"""
import os, sys
{setup}
from maquette.errors import MaquetteError
from maquette.worlds.render import make_renderer
try:
    make_renderer("gl", 1)
except MaquetteError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert wanted in done.stdout and done.stdout.count("\n") == 1
