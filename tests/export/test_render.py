import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from maquette.camera import Camera, world_pose
from maquette.export.render import render, shrink
from maquette.scene import Plane, Scene
from tests.export.scenes import make_scene, one_plane, photo_like, psnr


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
