import math
from dataclasses import replace

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from maquette.camera import Camera
from maquette.export.geometry import TEXTURE_ERROR_PX, grid_lines, to_mesh, visible_part
from maquette.scene import Plane, Relief

CAMERA = Camera.from_fov(640, 427, 55, pitch_rad=0.2, height_m=1.5)


def blank(x: int, y: int, width: int, height: int, inverse_depth: tuple[float, float, float]) -> Plane:
    return Plane(x, y, np.broadcast_to(np.uint8(255), (height, width, 4)), inverse_depth)


def texture_error_px(plane: Plane) -> float:
    """Greatest distance between a texel's place and where its triangle draws it, over points all over each triangle."""
    mesh = to_mesh(plane, CAMERA)
    points_cam = CAMERA.from_world(mesh.points_world)
    pixels = CAMERA.project(points_cam)[mesh.triangles]
    texels = (mesh.uv * plane.texture.shape[1::-1] + (plane.x, plane.y))[mesh.triangles]
    inverse = 1 / points_cam[mesh.triangles][..., 2]
    steps = np.linspace(0, 1, 5)
    weights = np.array([(i, j, 1 - i - j) for i in steps for j in steps if i + j <= 1])
    on_screen = weights @ pixels
    perspective = weights[None] * inverse[:, None]  # perspective-correct interpolation, as a GPU does it
    perspective /= perspective.sum(axis=-1, keepdims=True)
    drawn = perspective @ texels
    return float(np.abs(drawn - on_screen).max())


depths = st.floats(0.5, 200)


@settings(deadline=None, max_examples=40)
@given(
    bounds=st.tuples(st.integers(-80, 300), st.integers(-80, 300), st.integers(1, 150), st.integers(1, 150)),
    near=depths,
    across=depths,
    down=depths,
)
@example(bounds=(-40, 180, 300, 260), near=60.0, across=60.0, down=1.5)
@example(bounds=(0, 0, 1, 1), near=1.0, across=200.0, down=200.0)
def test_tilted_planes_are_drawn_within_a_tenth_of_a_pixel(
    bounds: tuple[int, int, int, int], near: float, across: float, down: float
) -> None:
    x, y, width, height = bounds
    a, b = (1 / across - 1 / near) / width, (1 / down - 1 / near) / height
    if a * width + b * height + 1 / near < 1 / 400:
        b = 0.0
    plane = blank(x, y, width, height, (a, b, 1 / near - a * x - b * y))
    assert texture_error_px(plane) <= TEXTURE_ERROR_PX * 1.0001
    assert all(np.all(np.diff(lines) > 0) for lines in grid_lines(plane))


def test_a_facing_plane_is_one_quad() -> None:
    mesh = to_mesh(blank(3, 4, 200, 100, (0.0, 0.0, 0.5)), CAMERA)
    assert len(mesh.points_world) == 4
    assert len(mesh.triangles) == 2


def test_a_coarser_grid_would_be_off() -> None:
    """The bound is not met by waste: half the lines in each direction break it."""
    plane = blank(-40, 180, 300, 260, (0.0, (1 / 1.5 - 1 / 60) / 260, 1 / 60 - 180 * (1 / 1.5 - 1 / 60) / 260))
    columns, rows = grid_lines(plane)
    error = 0.0
    for y0, y1 in zip(rows[:-2:2], rows[2::2], strict=False):
        u, v = (1 / plane.depth_m((0, y)) for y in (y0, y1))
        error = max(error, (columns[2] - columns[0]) * (math.sqrt(v) - math.sqrt(u)) / (math.sqrt(v) + math.sqrt(u)))
    assert error > 2 * TEXTURE_ERROR_PX
    assert (len(columns) - 1) * (len(rows) - 1) < 300 * math.log(40) / (4 * TEXTURE_ERROR_PX) * 1.3


def test_triangles_turn_counterclockwise_to_the_camera() -> None:
    mesh = to_mesh(blank(0, 200, 640, 227, (0.0005, 0.003, -0.55)), CAMERA)
    a, b, c = np.moveaxis(mesh.points_world[mesh.triangles], 1, 0)
    normal = np.cross(b - a, c - a)
    assert np.all(np.einsum("ij,ij->i", normal, CAMERA.T_world_camera[:3, 3] - a) > 0)


def test_crops_to_what_is_visible() -> None:
    texture = np.zeros((20, 30, 4), np.uint8)
    texture[..., :3] = 90
    texture[5:8, 11:19, 3] = 1
    part = visible_part(Plane(100, -50, texture, (0.001, 0.002, 3.0)))
    assert part.bounds == (111, -45, 119, -42)
    assert part.inverse_depth == (0.001, 0.002, 3.0)
    texture[..., 3] = 0
    assert visible_part(Plane(0, 0, texture, (0.0, 0.0, 1.0))).bounds == (0, 0, 1, 1)


def test_a_flat_relief_is_drawn_as_exactly_as_its_plane() -> None:
    steep = blank(-40, 180, 300, 260, (0.0, (1 / 1.5 - 1 / 60) / 260, 1 / 60 - 180 * (1 / 1.5 - 1 / 60) / 260))
    flat = replace(steep, relief=Relief(-40, 180, 20, np.zeros((14, 16), np.float32)))
    assert texture_error_px(flat) <= TEXTURE_ERROR_PX * 1.0001


def test_a_relief_is_meshed_where_its_texture_shows() -> None:
    texture = np.zeros((90, 120, 4), np.uint8)
    texture[10:60, 30:70, 3] = 255
    texture[70:80, 100:104, 3] = 1
    x, y = np.meshgrid(np.arange(25), np.arange(19))
    waves = (0.05 * np.sin(x) * np.cos(y)).astype(np.float32)
    plane = Plane(200, 100, texture, (0.0, 0.0, 0.3), Relief(200, 100, 5, waves))
    mesh = to_mesh(plane, CAMERA)
    assert np.array_equal(np.unique(mesh.triangles), np.arange(len(mesh.points_world)))
    corners = (mesh.uv * (120, 90))[mesh.triangles]
    cells = {(int(x), int(y)) for x, y in np.floor(corners.mean(axis=1) / 5)}
    shown = {(int(x) // 5, int(y) // 5) for y, x in np.argwhere(texture[..., 3])}
    beside = {(x + i, y + j) for x, y in shown for i in (-1, 0, 1) for j in (-1, 0, 1)}
    assert shown < cells <= beside
    assert len(mesh.triangles) == 2 * len(cells)

    points_cam = CAMERA.from_world(mesh.points_world)
    assert np.allclose(CAMERA.project(points_cam), mesh.uv * (120, 90) + (200, 100), atol=1e-6)
    on_lattice = np.rint(mesh.uv * (24, 18)).astype(int)
    assert np.allclose(1 / points_cam[:, 2], 0.3 + waves[on_lattice[:, 1], on_lattice[:, 0]], atol=1e-6)
    assert np.all(np.diff((1 / points_cam[:, 2])[mesh.triangles].sum(axis=1)) >= -1e-12)  # from far to near
    a, b, c = np.moveaxis(mesh.points_world[mesh.triangles], 1, 0)
    assert np.all(np.einsum("ij,ij->i", np.cross(b - a, c - a), CAMERA.T_world_camera[:3, 3] - a) > 0)


def test_a_relief_without_anything_to_show_is_meshed_whole() -> None:
    plane = Plane(0, 0, np.zeros((7, 9, 4), np.uint8), (0.0, 0.0, 0.5), Relief(0, 0, 4, np.zeros((3, 4), np.float32)))
    assert len(to_mesh(plane, CAMERA).triangles) == 2 * 2 * 3


@given(x=st.floats(-30, 60), y=st.floats(-30, 60))
def test_a_relief_is_bilinear_and_ends_as_at_its_edge(x: float, y: float) -> None:
    values = np.random.default_rng(1).normal(size=(4, 6)).astype(np.float32)
    relief = Relief(-3.5, 2.0, 5.0, values)
    column, row = np.clip((x + 3.5) / 5, 0, 5), np.clip((y - 2) / 5, 0, 3)
    expected = ndimage.map_coordinates(values.astype(float), [[row], [column]], order=1)[0]
    assert np.isclose(relief.at((x, y)), expected, atol=1e-9)


def corners_of(plane: Plane) -> NDArray[np.float64]:
    left, top, right, bottom = plane.bounds
    return np.array([(left, top), (right, top), (left, bottom), (right, bottom)], dtype=float)


def test_the_mesh_ends_where_the_texture_ends() -> None:
    plane = blank(-13, 190, 555, 200, (-0.0001, 0.0019, -0.25))
    seen = CAMERA.project(CAMERA.from_world(to_mesh(plane, CAMERA).points_world))
    expected = corners_of(plane)
    assert np.allclose(seen.min(axis=0), expected.min(axis=0), atol=1e-6)
    assert np.allclose(seen.max(axis=0), expected.max(axis=0), atol=1e-6)
