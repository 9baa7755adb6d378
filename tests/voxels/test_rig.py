"""Rigs: the studio's, those of files, and how a photo goes in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maquette.camera import Camera
from maquette.errors import MaquetteError
from maquette.models.entry import read_entry
from maquette.models.types import VoxelContract
from maquette.shapes.voxelize import middles
from maquette.voxels.rig import MOST_CELLS, fit, on_photo, read_rig, studio_grid, studio_rig
from maquette.voxels.types import CLASSES, Grid
from tests.voxels.tiny import document


def write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_the_studio_has_the_cells_of_its_worlds() -> None:
    pytest.importorskip("numba")
    from maquette.worlds.generate import make_world
    from maquette.worlds.options import WorldOptions
    from maquette.worlds.truth import world_grid

    world = make_world(WorldOptions(kind="studio"), 3, 0)
    grid, truth = studio_grid(), world_grid(world)
    assert grid.shape == truth.shape
    assert grid.cell_m == pytest.approx(truth.cell_m, rel=1e-12)
    assert np.allclose(grid.T_world_grid, truth.T_world_grid, atol=1e-12)
    for camera, own in zip(studio_rig().cameras, world.cameras, strict=True):
        assert np.array_equal(camera.T_world_camera, own.T_world_camera)
        assert camera.focal_px == own.focal_px


def test_a_rig_comes_back_from_its_file(tmp_path: Path) -> None:
    rig = studio_rig()
    read = read_rig(write(tmp_path / "transforms.json", document()))
    assert read.names == ("images/a.png", "images/b.png", "images/c.png")
    assert (read.grid.shape, read.grid.cell_m) == (rig.grid.shape, rig.grid.cell_m)
    assert np.array_equal(read.grid.T_world_grid, rig.grid.T_world_grid)
    for camera, own in zip(read.cameras, rig.cameras, strict=True):
        assert np.array_equal(camera.T_world_camera, own.T_world_camera)
        assert (camera.width, camera.height, camera.center_px) == (224, 224, (112, 112))
        assert camera.focal_px == own.focal_px


def test_frames_may_have_their_own_lens_and_the_grid_may_be_left_out(tmp_path: Path) -> None:
    content = document()
    del content["grid"], content["fl_x"], content["fl_y"]
    content["camera_angle_x"] = np.pi / 2
    content["frames"][1] |= {"w": 1920, "h": 1080, "fl_x": 1500.0, "cx": 950.5, "cy": 530.25}
    read = read_rig(write(tmp_path / "rig.json", content))
    assert read.cameras[0].focal_px == pytest.approx(112)
    assert (read.cameras[1].width, read.cameras[1].focal_px, read.cameras[1].center_px) == (1920, 1500, (950.5, 530.25))
    assert read.grid.shape == studio_grid().shape


def changed(**change: Any) -> dict[str, Any]:
    return document() | change


def frame(**change: Any) -> dict[str, Any]:
    content = document()
    content["frames"][1] |= change
    return content


def grid(**change: Any) -> dict[str, Any]:
    content = document()
    content["grid"] |= change
    return content


TURNED, SKEWED, MIRRORED, FLAT = np.eye(4), np.eye(4), np.diag([1.0, 1, -1, 1]), np.zeros((4, 4))
SKEWED[0, 1] = 0.1
TURNED[3, 0] = 1.0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not a JSON file"),
        ("[" * 100_000, "not a JSON file"),
        ("[]", "list of frames"),
        (changed(frames=[]), "list of frames"),
        (changed(frames=[3]), "frame 1"),
        (frame(file_path="images/a.png"), "two frames for images/a.png"),
        (frame(file_path=7), "frame 2"),
        (frame(w=0), "frame 2 (images/b.png): w and h"),
        (frame(w=100.5), "whole number"),
        (frame(w=None), "w must be a number"),
        (frame(fl_x=-3.0), "above 0"),
        (frame(fl_x=float("nan")), "fl_x must be a number"),
        (frame(fl_x=200.0), "square pixels"),
        (frame(cy=1e308), "cy must be a number, at most a million"),
        (frame(w=10**400), "w must be a number"),
        (frame(cx="left"), "cx must be a number"),
        (frame(k1=0.1), "undistort"),
        (frame(transform_matrix=None), "4 x 4 numbers"),
        (frame(transform_matrix=[[1, 2], [3]]), "4 x 4 numbers"),
        (frame(transform_matrix=np.eye(3).tolist()), "4 x 4 numbers"),
        (frame(transform_matrix=np.full((4, 4), np.nan).tolist()), "4 x 4 numbers"),
        (frame(transform_matrix=SKEWED.tolist()), "rotation"),
        (frame(transform_matrix=TURNED.tolist()), "rotation"),
        (frame(transform_matrix=FLAT.tolist()), "rotation"),
        (frame(transform_matrix=(2 * np.eye(4)).tolist()), "rotation"),
        (frame(transform_matrix=MIRRORED.tolist()), "mirrors"),
        (changed(grid=[1]), "grid must be an object"),
        (grid(shape=[80, 96]), "three whole numbers"),
        (grid(shape=[80.0, 96, 64]), "three whole numbers"),
        (grid(shape=[80, 0, 64]), "80 x 0 x 64 cells is empty"),
        (grid(shape=[10**9, 10**9, 10**9]), "too large"),
        (grid(cell_m=0), "edge from 0.001 to 10 metres"),
        (grid(cell_m="5 cm"), "cell_m must be a number"),
        (grid(T_world_grid=FLAT.tolist()), "T_world_grid must be a rotation"),
    ],
)
def test_a_broken_rig_says_what_is_wrong(tmp_path: Path, content: Any, says: str) -> None:
    path = write(tmp_path / "transforms.json", content)
    with pytest.raises(MaquetteError) as raised:
        read_rig(path)
    assert str(path) in str(raised.value)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_rig_that_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(MaquetteError, match="cannot be read"):
        read_rig(tmp_path)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MaquetteError, match="not a JSON file"):
        read_rig(tmp_path / "binary.json")


def test_a_mirrored_grid_is_allowed(tmp_path: Path) -> None:
    read = read_rig(write(tmp_path / "rig.json", grid(T_world_grid=MIRRORED.tolist(), shape=[4, 5, MOST_CELLS // 20])))
    assert np.array_equal(read.grid.T_world_grid, MIRRORED)


sizes = st.sampled_from([(224, 224), (448, 448), (1920, 1080), (1080, 1920), (641, 479), (100, 37), (3000, 40)])


@settings(max_examples=40, deadline=None)
@given(size=sizes, own=sizes, off=st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2)), which=st.integers(0, 2))
def test_the_projection_is_what_the_camera_sees_on_the_padded_square(
    size: tuple[int, int], own: tuple[int, int], off: tuple[float, float], which: int
) -> None:
    """Against ``Camera.project``, through the frame of the photo, for any photo, shape and principal point."""
    rig = studio_rig()
    pose = rig.cameras[which].T_world_camera
    center_px = own[0] / 2 + off[0] * own[0], own[1] / 2 + off[1] * own[1]
    camera = Camera(own[0], own[1], 0.9 * max(own), center_px, pose)
    _, projection = fit(np.zeros((size[1], size[0], 3), np.uint8), camera, rig.grid)
    cells = np.random.default_rng(0).uniform(0, 1, (50, 3)) * rig.grid.shape * rig.grid.cell_m
    world = cells @ rig.grid.T_world_grid[:3, :3].T + rig.grid.T_world_grid[:3, 3]
    seen = camera.from_world(world)
    seen, cells = seen[seen[:, 2] > 0.1], cells[seen[:, 2] > 0.1]
    # the camera's frame, then the photo's: same unit along the longer side, same middle
    pixels = (camera.project(seen) - np.array(own) / 2) * max(size) / max(own) + np.array(size) / 2
    # then the square's
    small = [max(1, round(side * 224 / max(size))) for side in size]
    first = [(224 - side) // 2 for side in small]
    square = pixels * np.array(small) / size + first
    u, v, depth = projection @ np.column_stack([cells, np.ones(len(cells))]).T
    assert np.allclose(depth, seen[:, 2], rtol=1e-5)
    assert np.allclose(np.stack([u, v]).T / depth[:, None], 2 * square / 224 - 1, atol=2e-5)


def test_a_photo_of_the_rigs_own_size_goes_in_as_it_is() -> None:
    rig = studio_rig()
    rgb = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    image, _ = fit(rgb, rig.cameras[0], rig.grid)
    assert (image.shape, image.dtype) == ((3, 224, 224), np.float32)
    assert np.array_equal(np.rint((image + 1) * 127.5).astype(np.uint8), rgb.transpose(2, 0, 1))
    assert (image.min(), image.max()) == (-1, 1)


@pytest.mark.parametrize(
    ("size", "rows", "columns"), [((100, 50), (56, 168), (0, 224)), ((45, 90), (0, 224), (56, 168))]
)
def test_beyond_a_photo_that_is_not_square_there_is_grey(
    size: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    rig = studio_rig()
    image, _ = fit(np.full((size[1], size[0], 3), 255, np.uint8), rig.cameras[0], rig.grid)
    inside = np.zeros((224, 224), bool)
    inside[slice(*rows), slice(*columns)] = True
    assert (image[:, inside] == 1).all()
    assert (image[:, ~inside] == 0).all()


def test_a_photo_four_times_as_large_gives_nearly_the_same_input() -> None:
    rig = studio_rig()
    y, x = np.mgrid[:224, :224] / 30.0
    smooth = np.stack([np.sin(x), np.cos(y), np.sin(x + y)], axis=-1)
    rgb = np.rint((smooth + 1) * 127.5).astype(np.uint8)
    small, near = fit(rgb, rig.cameras[1], rig.grid)
    large, far = fit(rgb.repeat(4, axis=0).repeat(4, axis=1), rig.cameras[1], rig.grid)
    assert np.allclose(near, far, atol=1e-6)
    assert np.abs(small - large).max() < 0.02


def test_moving_rig_and_grid_together_changes_no_projection() -> None:
    rig = studio_rig()
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    motion = np.eye(4)
    motion[:3, :3], motion[:3, 3] = turn * np.sign(np.linalg.det(turn)), (3.0, -7.0, 1.5)
    blank = np.zeros((90, 160, 3), np.uint8)
    moved = Grid(rig.grid.shape, rig.grid.cell_m, motion @ rig.grid.T_world_grid)
    for camera in rig.cameras:
        there = Camera(camera.width, camera.height, camera.focal_px, camera.center_px, motion @ camera.T_world_camera)
        assert np.allclose(fit(blank, camera, rig.grid)[1], fit(blank, there, moved)[1], atol=1e-5)


def test_every_camera_sees_most_of_the_studio() -> None:
    rig = studio_rig()
    points = middles(rig.grid)[::8, ::8, ::8].reshape(-1, 3)
    for camera in rig.cameras:
        on = on_photo(camera, 640, 640)
        seen = on.from_world(points)
        with np.errstate(invalid="ignore"):
            pixels = on.project(seen)
        within = (seen[:, 2] > 0) & (pixels >= 0).all(axis=1) & (pixels < 640).all(axis=1)
        assert within.mean() > 0.5


def test_the_rig_and_the_contract_in_the_documentation_are_valid(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "voxels.md").read_text(encoding="utf-8")
    rig, contract, _ = re.findall(r"```json\n(.*?)```", text, flags=re.DOTALL)
    read = read_rig(write(tmp_path / "transforms.json", rig))
    assert np.allclose(read.grid.T_world_grid, studio_grid().T_world_grid)
    assert len(read.cameras) == 2
    described = read_entry({"name": "net", **json.loads(contract)}, tmp_path / "net.json", tmp_path)
    assert isinstance(described.output, VoxelContract)
    assert described.output.classes == CLASSES
