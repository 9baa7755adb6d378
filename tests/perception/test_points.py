"""Depth from points of unknown shift, against the cameras and scenes that the points were made from."""

import json
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from maquette.camera import Camera
from maquette.errors import ModelError
from maquette.models.catalogue import resolve
from maquette.perception.network import run_depth
from maquette.perception.points import to_depth

from . import tiny

seeds = st.integers(0, 2**32 - 1)
ASSUMED_FOV_DEG = 55.0


def grid(camera: Camera, height: int, width: int) -> np.ndarray:
    """(h, w, 2) x / z and y / z of the cells of a grid over the picture."""
    x = (np.arange(width) + 0.5) * camera.width / width - camera.center_px[0]
    y = (np.arange(height) + 0.5) * camera.height / height - camera.center_px[1]
    return np.stack(np.meshgrid(x, y), -1) / camera.focal_px


def plane(rays: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Depth of a plane that is tilted by at least a tenth across the picture and lies before the camera everywhere."""
    slope = rng.uniform(0.1, 0.6, 2) * rng.choice([-1, 1], 2) / np.abs(rays).max((0, 1))
    return 1 / ((1.3 + rays @ slope) / rng.uniform(1, 30))


def box(rays: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Depth of a room: the nearest of its walls, floor and ceiling, seen from inside."""
    half, far = rng.uniform(0.8, 3, 2), rng.uniform(3, 12)
    return 1 / np.maximum((np.abs(rays) / half).max(-1), 1 / far)


def scene(seed: int, shape) -> tuple[Camera, np.ndarray, np.ndarray, np.ndarray, float]:
    """A camera, the true depth, points of unknown shift and scale, where they hold, and the metres of their unit."""
    rng = np.random.default_rng(seed)
    width, height = (int(side) for side in rng.integers(300, 4000, 2))
    centre = (width * rng.uniform(0.45, 0.55), height * rng.uniform(0.45, 0.55))
    camera = Camera(width, height, max(width, height) * rng.uniform(0.5, 2), centre, np.eye(4))
    rays = grid(camera, *(int(side) for side in rng.integers(24, 150, 2)))
    depth = shape(rays, rng)
    unit = math.exp(rng.uniform(-4, 4))
    shift = depth.min() * rng.uniform(-6, 0.8)
    points = np.concatenate([rays * depth[..., None], depth[..., None] - shift], -1) / unit
    valid = rng.random(depth.shape) < rng.uniform(0.3, 1)
    garbage = rng.choice([np.nan, np.inf, -7.0, 0.0, 1e6], points.shape)
    return camera, depth, np.where(valid[..., None], points, garbage).astype(np.float32), valid, unit


@pytest.mark.parametrize("shape", [plane, box])
@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_depth_comes_back_whatever_the_shift_and_the_scale(shape, seed):
    camera, truth, points, valid, unit = scene(seed, shape)
    depth, same = to_depth(points, valid, camera, solve_focal=False)
    assert same is camera
    assert (np.isfinite(depth) == valid).all()
    np.testing.assert_allclose(depth[valid] * unit, truth[valid], rtol=1e-3)


@pytest.mark.parametrize("shape", [plane, box])
@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_the_focal_length_comes_back_with_it(shape, seed):
    camera, truth, points, valid, unit = scene(seed, shape)
    assume(np.ptp(truth[valid]) > 0.1 * truth[valid].mean())
    guess = Camera(camera.width, camera.height, 1.0 * camera.width, camera.center_px, np.eye(4))
    depth, found = to_depth(points, valid, guess, solve_focal=True)
    assert found.focal_px == pytest.approx(camera.focal_px, rel=1e-3)
    assert (found.width, found.height, found.center_px) == (camera.width, camera.height, camera.center_px)
    np.testing.assert_allclose(depth[valid] * unit, truth[valid], rtol=1e-3)


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_noise_moves_all_depth_by_less_than_itself(seed):
    camera, truth, points, valid, unit = scene(seed, box)
    noise = np.random.default_rng(seed).normal(0, 0.003, points.shape) * truth[..., None] / unit
    depth, _ = to_depth((points + noise).astype(np.float32), valid, camera, solve_focal=False)
    seen = np.isfinite(depth)
    assert seen.sum() > 0.99 * valid.sum()
    error = (depth * unit - truth)[seen] - (noise[..., 2] * unit)[seen]
    assert np.abs(error).max() < 0.01 * truth[valid].mean()


def test_a_wall_seen_straight_on_tells_depth_but_no_focal_length():
    camera = Camera.from_fov(400, 300, ASSUMED_FOV_DEG)
    rays = grid(camera, 30, 40)
    points = np.concatenate([rays * 5, np.full((30, 40, 1), 5 - 2.0)], -1).astype(np.float32)
    depth, _ = to_depth(points, np.ones((30, 40), bool), camera, solve_focal=False)
    np.testing.assert_allclose(depth, 5, rtol=1e-5)
    depth, found = to_depth(points, np.ones((30, 40), bool), camera, solve_focal=True)
    np.testing.assert_allclose(depth / found.focal_px, 5 / camera.focal_px, rtol=1e-3)


@pytest.mark.parametrize("solve_focal", [False, True])
@pytest.mark.parametrize(
    "points", [np.zeros((8, 9, 3)), np.full((8, 9, 3), np.nan), np.eye(8)[:, :, None] * np.ones(3)]
)
def test_points_that_are_none_give_no_depth_and_no_crash(points, solve_focal):
    camera = Camera.from_fov(90, 80, ASSUMED_FOV_DEG)
    valid = np.ones(points.shape[:2], bool)
    depth, found = to_depth(points.astype(np.float32), valid, camera, solve_focal=solve_focal)
    assert depth.shape == valid.shape and not (depth <= 0).any() and 1 < found.fov_deg < 170


def picture(height=120, width=160):
    """Red all over but for its upper left quarter."""
    rgb = np.full((height, width, 3), (250, 20, 20), np.uint8)
    rgb[: height // 2, : width // 2, 0] = 0
    return rgb


def plane_m(camera: Camera, shape: tuple[int, int]) -> np.ndarray:
    """The depth that ``tiny.points`` has in mind."""
    level, slope_x, slope_y = tiny.PLANE
    rays = grid(camera, *shape)
    return 1 / (level + slope_x * rays[..., 0] + slope_y * rays[..., 1])


@pytest.mark.parametrize("solve_focal", [False, True])
def test_a_network_with_the_interface_of_moge_2(tmp_path, solve_focal):
    truth = Camera(160, 120, tiny.FOCAL * 160, (80, 60), np.eye(4))
    camera = Camera.from_fov(160, 120, ASSUMED_FOV_DEG) if solve_focal else truth
    depth, found = run_depth(picture(), resolve(str(tiny.points(tmp_path / "n.onnx"))), camera, solve_focal=solve_focal)
    assert found.focal_px == pytest.approx(truth.focal_px, rel=1e-3)
    rows, columns = depth.shape
    hidden = np.isnan(depth)
    assert hidden[: rows // 2 - 1, : columns // 2 - 1].all()
    assert not hidden[rows // 2 + 1 :].any() and not hidden[:, columns // 2 + 1 :].any()
    np.testing.assert_allclose(depth[~hidden], plane_m(truth, depth.shape)[~hidden], rtol=1e-3)


def test_a_scale_that_is_none(tmp_path):
    card = tiny.points(tmp_path / "net.onnx").with_suffix(".json")
    entry = json.loads(card.read_text())
    card.write_text(json.dumps(entry | {"input": entry["input"] | {"constants": {"num_tokens": {"value": -1800}}}}))
    with pytest.raises(ModelError, match="no usable depth"):
        run_depth(picture(), resolve(str(tmp_path / "net.onnx")), Camera.from_fov(160, 120, ASSUMED_FOV_DEG))


def test_a_picture_without_a_point(tmp_path):
    model = resolve(str(tiny.points(tmp_path / "net.onnx")))
    with pytest.raises(ModelError, match="net: gave no usable depth"):
        run_depth(np.zeros((60, 80, 3), np.uint8), model, Camera.from_fov(80, 60, ASSUMED_FOV_DEG))


@pytest.mark.parametrize(
    ("contract", "says"),
    [
        ({"scale": "metric_scale"}, "has no output metric_scale; it has points, normal, mask, scale"),
        ({"points": "mask"}, "output mask has shape"),
        ({"mask": "normal"}, "do not belong together"),
        ({"scale": "mask"}, "output mask has shape"),
    ],
)
def test_outputs_that_are_not_those_of_the_contract(tmp_path, contract, says):
    model = resolve(str(tiny.points(tmp_path / "net.onnx", **contract)))
    with pytest.raises(ModelError, match=says):
        run_depth(picture(), model, Camera.from_fov(160, 120, ASSUMED_FOV_DEG))
