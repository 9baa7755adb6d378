import math

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from maquette.camera import Camera
from maquette.export.geometry import TEXTURE_ERROR_PX, grid_lines, to_mesh, visible_part
from maquette.scene import Plane

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


def corners_of(plane: Plane) -> NDArray[np.float64]:
    left, top, right, bottom = plane.bounds
    return np.array([(left, top), (right, top), (left, bottom), (right, bottom)], dtype=float)


def test_the_mesh_ends_where_the_texture_ends() -> None:
    plane = blank(-13, 190, 555, 200, (-0.0001, 0.0019, -0.25))
    seen = CAMERA.project(CAMERA.from_world(to_mesh(plane, CAMERA).points_world))
    expected = corners_of(plane)
    assert np.allclose(seen.min(axis=0), expected.min(axis=0), atol=1e-6)
    assert np.allclose(seen.max(axis=0), expected.max(axis=0), atol=1e-6)
