import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from maquette.camera import Camera, world_pose
from maquette.export.render import render, shrink
from maquette.scene import Plane, Relief, Scene
from tests.export.scenes import bent, make_scene, one_plane, photo_like, psnr


def turned(
    camera: Camera, yaw: float = 0.0, roll: float = 0.0, offset: tuple[float, float, float] = (0, 0, 0)
) -> Camera:
    """The camera moved along its axes, then turned about its own y and z axes."""
    moved = camera.moved(offset)
    c, s, cr, sr = math.cos(yaw), math.sin(yaw), math.cos(roll), math.sin(roll)
    turn = np.eye(4)
    turn[:3, :3] = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) @ np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return Camera(moved.width, moved.height, moved.focal_px, moved.center_px, moved.T_world_camera @ turn)


def trace(scene: Scene, camera: Camera) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """What a ray through the centre of each pixel meets on a scene's only plane.

    Returns:
        (H, W, 4) colours with premultiplied alpha, interpolated linearly, and (H, W) whether the ray meets the texture
        well inside its border or passes well outside it.
    """
    plane = scene.nodes[0].plane
    left, top, right, bottom = plane.bounds
    corners = np.array([(left, top), (right, top), (left, bottom)], dtype=float)
    p, q, r = scene.camera.to_world(scene.camera.unproject(corners, plane.depth_m(corners)))
    normal = np.cross(q - p, r - p)
    y, x = np.mgrid[: camera.height, : camera.width] + 0.5
    rays = camera.to_world(camera.unproject(np.stack([x, y], axis=-1), np.ones(x.shape))) - camera.T_world_camera[:3, 3]
    distance = (p - camera.T_world_camera[:3, 3]) @ normal / (rays @ normal)
    hits = scene.camera.from_world(camera.T_world_camera[:3, 3] + distance[..., None] * rays)
    column, row = np.moveaxis(scene.camera.project(hits) - (left, top), -1, 0)
    column[(distance <= 0) | (hits[..., 2] <= 0)] = -1e6
    height, width = plane.texture.shape[:2]
    inside = np.minimum(np.minimum(column, width - column), np.minimum(row, height - row))
    alpha = plane.texture[..., 3:].astype(float) / 255
    texture = np.concatenate([plane.texture[..., :3] * alpha, alpha * 255], axis=-1)
    where = np.where(inside > 0, [row - 0.5, column - 0.5], 0)
    seen = np.stack(
        [ndimage.map_coordinates(texture[..., c], where, order=1, mode="nearest") for c in range(4)], axis=-1
    )
    return seen * (inside > 0)[..., None], np.abs(inside) > 1


def smooth(width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    """A texture so smooth that the kernel it is interpolated with hardly matters, of varying alpha."""
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.standard_normal((height, width, 4)), (5, 5, 0), mode="nearest")
    texture = 140 + 100 * noise / np.abs(noise).max()
    return np.rint(texture).astype(np.uint8)


FACING = (0.0, 0.0, 1 / 3)
GROUND = (0.0, 1 / 200, 1 / 30)
WALL = (-1 / 600, 1 / 3000, 1 / 4)


def test_own_camera_gives_the_texture_back_byte_for_byte() -> None:
    texture = photo_like(64, 48)
    opaque = np.dstack([texture, np.full((48, 64), 255, np.uint8)])
    for inverse_depth in (FACING, GROUND, WALL):
        scene = one_plane(Plane(0, 0, opaque, inverse_depth))
        assert np.array_equal(scene.render(), opaque)


@pytest.mark.parametrize("inverse_depth", [FACING, GROUND, WALL])
@pytest.mark.parametrize(
    "move",
    [
        {"offset": (0.3, 0, 0)},
        {"offset": (0.1, -0.2, 0.4)},
        {"offset": (0, 0, -1.0), "yaw": 0.2},
        {"yaw": -0.3, "roll": 0.4, "offset": (-0.2, 0.1, 0.2)},
        {"roll": math.pi},
        {"roll": math.pi / 2, "offset": (0.1, 0.1, 0)},
        {"offset": (0, -1.0, 2.5)},
        {"yaw": 1.2},
        {"yaw": math.pi},
        {"offset": (0, 0, 50.0)},
    ],
)
def test_agrees_with_rays(inverse_depth: tuple[float, float, float], move: dict[str, object]) -> None:
    scene = one_plane(Plane(-8, -6, smooth(80, 60), inverse_depth))
    camera = turned(scene.camera, **move)  # type: ignore[arg-type]
    seen = render(scene, camera).astype(float)
    seen[..., :3] *= seen[..., 3:] / 255
    expected, certain = trace(scene, camera)
    assert certain.mean() > 0.7
    assert np.abs(seen - expected)[certain].max() <= 4


def as_relief(plane: Plane, step: float = 1.0) -> Plane:
    """The same tilted plane, given as a facing one and a relief."""
    left, top, right, bottom = plane.bounds
    x, y = np.meshgrid(np.arange(left, right + step, step), np.arange(top, bottom + step, step))
    level = 1 / float(plane.depth_m((right, bottom)))
    departure = 1 / plane.depth_m(np.stack([x, y], axis=-1)) - level
    return replace(plane, inverse_depth=(0.0, 0.0, level), relief=Relief(left, top, step, departure.astype(np.float32)))


@pytest.mark.parametrize("inverse_depth", [FACING, GROUND, WALL])
@pytest.mark.parametrize(
    "move",
    [
        {"offset": (0.3, 0, 0)},
        {"offset": (0.1, -0.2, 0.4)},
        {"yaw": -0.3, "roll": 0.4, "offset": (-0.2, 0.1, 0.2)},
        {"roll": math.pi},
        {"yaw": math.pi},
        {"offset": (0, 0, 50.0)},
    ],
)
def test_a_relief_that_makes_a_plane_agrees_with_rays(
    inverse_depth: tuple[float, float, float], move: dict[str, object]
) -> None:
    scene = one_plane(as_relief(Plane(-8, -6, smooth(80, 60), inverse_depth)))
    camera = turned(scene.camera, **move)  # type: ignore[arg-type]
    seen = render(scene, camera).astype(float)
    seen[..., :3] *= seen[..., 3:] / 255
    expected, certain = trace(scene, camera)
    assert certain.mean() > 0.7
    assert np.abs(seen - expected)[certain].max() <= 4


def test_texels_of_a_relief_are_drawn_where_their_depth_puts_them() -> None:
    """Colours say which texel is seen; unprojected at its depth, it must land on the pixel that shows it."""
    row, column = np.mgrid[:120, :160]
    texture = np.stack([column, row, np.zeros_like(row), np.full_like(row, 255)], axis=-1).astype(np.uint8)
    camera = Camera(160, 120, 150.0, (80, 60), world_pose(0.2, 1.4))
    scene = bent(replace(one_plane(Plane(0, 0, texture, (1 / 2000, 1 / 900, 1 / 4))), camera=camera))
    away = turned(camera, yaw=0.04, roll=-0.05, offset=(0.25, 0.1, 0.2))
    seen = render(scene, away)
    y, x = np.nonzero(seen[..., 3])
    assert len(x) > 0.8 * seen[..., 3].size
    texels = seen[y, x, :2] + 0.5
    points = camera.to_world(camera.unproject(texels, scene.nodes[0].plane.depth_m(texels)))
    landed = away.project(away.from_world(points))
    assert np.abs(landed - np.stack([x, y], axis=-1) - 0.5).max() < 1.2  # colours are rounded to half a texel
    flat = render(replace(scene, nodes=one_plane(Plane(0, 0, texture, (1 / 2000, 1 / 900, 1 / 4))).nodes), away)
    assert np.abs(flat[..., :2].astype(float) - seen[..., :2])[seen[..., 3] > 0].max() > 3  # the waves do matter


def test_the_near_part_of_a_relief_hides_the_far_part() -> None:
    texture = np.full((40, 80, 4), 255, np.uint8)
    texture[:, :40, :3], texture[:, 40:, :3] = (200, 0, 0), (0, 0, 200)
    step = np.where(np.arange(81) >= 40, 0.25, 0).astype(np.float32)
    plane = Plane(0, 0, texture, (0.0, 0.0, 0.25), Relief(0, 0, 1, np.tile(step, (41, 1))))
    camera = Camera(80, 40, 100.0, (40, 20), world_pose(0, 0))
    seen = render(replace(one_plane(plane), camera=camera), camera.moved((0.6, 0, 0)))
    # Left at 4 m moves by 15 pixels, right at 2 m by 30: it covers what was at 25 to 40.
    assert (seen[:, 11:50] == (0, 0, 200, 255)).all()
    assert (seen[:, :8] == (200, 0, 0, 255)).all()
    assert not seen[:, 51:].any()


def test_own_camera_gives_a_relief_back_byte_for_byte() -> None:
    texture = np.dstack([photo_like(64, 48), np.full((48, 64), 255, np.uint8)])
    scene = bent(one_plane(Plane(0, 0, texture, GROUND)))
    assert np.array_equal(scene.render(), texture)


def test_rays_meet_something() -> None:
    """The oracle above does not agree merely because nothing is seen."""
    scene = one_plane(Plane(-8, -6, smooth(80, 60), GROUND))
    partly_behind = turned(scene.camera, offset=(0, -1.0, 2.5))
    for camera, least in ((turned(scene.camera, roll=math.pi), 0.9), (partly_behind, 0.02)):
        assert (render(scene, camera)[..., 3] > 0).mean() > least


def test_paints_in_order() -> None:
    scene = make_scene()
    stacked = Image.new("RGBA", (320, 200))
    for node in scene.nodes:
        layer = Image.new("RGBA", stacked.size)
        layer.paste(Image.fromarray(node.plane.texture), (node.plane.x, node.plane.y))
        stacked = Image.alpha_composite(stacked, layer)
    assert np.array_equal(scene.render(), np.asarray(stacked))
    assert psnr(scene.render()[..., :3], photo_like(320, 200)) > 50


def test_sees_past_the_scene() -> None:
    scene = make_scene()
    away = turned(scene.camera, yaw=math.pi)
    assert not render(scene, away).any()


def test_shrunk_scene_looks_like_the_shrunk_picture() -> None:
    scene = make_scene(640, 427)
    small = shrink(scene, 0.5)
    assert (small.camera.width, small.camera.height) == (320, 214)
    view = small.render()
    assert view[..., 3].min() == 255
    averaged = Image.fromarray(photo_like(640, 427)).resize((320, 214), Image.Resampling.BICUBIC)
    assert psnr(view[..., :3], np.asarray(averaged)) > 35
    assert np.array_equal(render(scene, small.camera), view)


def test_a_shrunk_relief_keeps_its_place() -> None:
    scene = bent(make_scene(640, 427))
    small = shrink(scene, 0.4)
    for node, smaller in zip(scene.nodes, small.nodes, strict=True):
        left, top, right, bottom = node.plane.bounds
        pixels = np.random.default_rng(0).uniform((left + 4, top + 4), (right - 4, bottom - 4), (50, 2))
        depth = node.plane.depth_m(pixels)
        mapped = small.camera.project(scene.camera.unproject(pixels, depth))
        assert np.allclose(smaller.plane.depth_m(mapped), depth, rtol=1e-6)


@settings(deadline=None)
@given(
    scale=st.floats(0.05, 0.9),
    x=st.integers(-40, 90),
    y=st.integers(-40, 90),
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    near=st.tuples(st.floats(0.002, 1), st.floats(0.002, 1), st.floats(0.002, 1)),
)
def test_shrunk_planes_keep_their_place(
    scale: float, x: int, y: int, size: tuple[int, int], near: tuple[float, float, float]
) -> None:
    width, height = size
    texture = np.full((height, width, 4), 200, np.uint8)
    a, b = (near[1] - near[0]) / width / 2, (near[2] - near[0]) / height / 2
    camera = Camera(100, 77, 80.0, (50, 38.5), world_pose(0, 0))
    scene = one_plane(Plane(x, y, texture, (a, b, near[0] - a * x - b * y)))
    scene = Scene(scene.nodes, camera, "one")
    small = shrink(scene, scale)
    plane = small.nodes[0].plane
    assert (plane.texture == 200).all()
    pixels = np.array([(x + width / 2, y + height / 2), (x + width / 3, y + height / 4)])
    depth = scene.nodes[0].plane.depth_m(pixels)
    mapped = small.camera.project(camera.unproject(pixels, depth))
    assert np.allclose(plane.depth_m(mapped), depth, rtol=1e-9)
    old, new = np.array(scene.nodes[0].plane.bounds, dtype=float), np.array(plane.bounds, dtype=float)
    ideal = small.camera.project(camera.unproject(old.reshape(2, 2), np.ones(2))).ravel()
    assert np.abs(new - ideal).max() < 2
    if min(width, height) * scale >= 2:
        assert np.abs(new - ideal).max() <= 1
        assert (plane.depth_m([(x, y) for x in plane.bounds[::2] for y in plane.bounds[1::2]]) > 0).all()
