"""Geometry against scenes drawn with a known camera, and its invariants on any label map."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from maquette.camera import Camera
from maquette.labels import BY_NAME, LABELS
from maquette.perception.geometry import GeometryResult, ground_camera, join_depth
from maquette.perception.types import MAX_DEPTH_M, SKY_DEPTH_M, Segment

Maps = tuple[NDArray[np.int32], tuple[Segment, ...], NDArray[np.float32], NDArray[np.float32]]

Scene = Callable[[Camera], tuple[Maps, NDArray[np.float64]]]


@dataclass(frozen=True)
class Box:
    """An upright card that faces the viewer and stands on the ground: x and z of its middle, its sides; metres."""

    label: str
    x: float
    z: float
    width: float
    height: float


def cast(camera: Camera, rows: NDArray[np.int_], cols: NDArray[np.int_]) -> NDArray[np.float64]:
    """Rays through pixels, in the world's axes, of length 1 along the camera's axis."""
    ahead = camera.unproject(np.stack([cols + 0.5, rows + 0.5], -1), np.ones(rows.shape))
    return ahead @ camera.T_world_camera[:3, :3].T


def draw(
    camera: Camera, boxes: tuple[Box, ...], *, ground: str, back: str, back_z: float
) -> tuple[Maps, NDArray[np.float64]]:
    """Cast one ray a pixel at a level ground, at cards, at an endless upright back, and else into the sky.

    The world is the camera's: its foot is the origin, y is up, z goes away from the viewer. Returns the maps for
    ``join_depth`` with a network that knows nothing, and the true z along the camera's axis.
    """
    rows, cols = np.mgrid[0 : camera.height, 0 : camera.width]
    rays = cast(camera, rows, cols)
    right, up, away = rays[..., 0], rays[..., 1], -rays[..., 2]
    eye = camera.T_world_camera[1, 3]
    names = ["sky", ground, back] + [box.label for box in boxes]
    ids = np.ones(rows.shape, dtype=np.int32)
    depth = np.full(rows.shape, SKY_DEPTH_M)
    with np.errstate(divide="ignore"):
        hit = np.where(up < 0, -eye / up, np.inf)
    ids[hit < MAX_DEPTH_M] = 2
    depth = np.minimum(depth, hit)
    back_height = 2.6 if back == "wall" else 12.0
    for number, box in enumerate((Box(back, 0, back_z, 1e3, back_height), *boxes), start=3):
        z = box.z / away
        x, y = right * z, eye + up * z
        seen = (abs(x - box.x) <= box.width / 2) & (y >= 0) & (y <= box.height) & (z > 0) & (z < depth)
        ids[seen], depth[seen] = number, z[seen]
    segments = tuple(Segment(i, BY_NAME[name], 1.0) for i, name in enumerate(names, start=1) if (ids == i).any())
    nothing = np.full(ids.shape, 1.0, dtype=np.float32)
    return (ids, segments, nothing, 3 * nothing), depth


PEOPLE = (
    Box("person", -1.5, 6.0, 0.5, 1.7),
    Box("person", 1.0, 9.0, 0.5, 1.6),
    Box("car", 3.0, 14.0, 3.4, 1.5),
    Box("person", -3.0, 17.0, 0.5, 1.7),
)
FURNITURE = (Box("chair", -0.9, 3.0, 0.5, 0.9), Box("person", 0.6, 3.6, 0.5, 1.7), Box("sofa", 0.2, 4.6, 1.9, 0.85))


def view(pitch_deg: float, height_m: float, fov_deg: float = 60.0) -> Camera:
    return Camera.from_fov(384, 288, fov_deg, pitch_rad=math.radians(pitch_deg), height_m=height_m)


def solve(camera: Camera, maps: Maps) -> GeometryResult:
    return join_depth(*maps, Camera(camera.width, camera.height, camera.focal_px, camera.center_px, np.eye(4)))


def street(camera: Camera) -> tuple[Maps, NDArray[np.float64]]:
    return draw(camera, PEOPLE, ground="road", back="building", back_z=40.0)


def room(camera: Camera) -> tuple[Maps, NDArray[np.float64]]:
    return draw(camera, FURNITURE, ground="floor", back="wall", back_z=5.5)


def true_horizon_px(camera: Camera, pitch_deg: float) -> float:
    return camera.center_px[1] - math.tan(math.radians(pitch_deg)) * camera.focal_px


def log_error(result: GeometryResult, truth: NDArray[np.float64], mask: NDArray[np.bool_]) -> float:
    return float(np.median(np.log(result.depth_m[mask] / truth[mask])))


@pytest.mark.parametrize("pitch", [-2.0, 3.0, 8.0, 14.0])
@pytest.mark.parametrize("height", [1.2, 1.6, 2.2])
def test_street_gives_back_horizon_height_and_depth(height: float, pitch: float) -> None:
    camera = view(pitch, height)
    maps, truth = street(camera)
    result = solve(camera, maps)
    assert abs(result.horizon_px - true_horizon_px(camera, pitch)) < 0.04 * camera.focal_px
    assert abs(math.log(result.camera.T_world_camera[1, 3] / height)) < math.log(1.3)
    for segment in maps[1]:
        # Near the horizon a hundredth of the focal length is a third of the depth of a building 40 m away.
        bound = {"sky": math.inf, "building": 1.7}.get(segment.label.name, 1.15)
        assert abs(log_error(result, truth, maps[0] == segment.id)) < math.log(bound), segment


@pytest.mark.parametrize("pitch", [3.0, 8.0, 14.0])
@pytest.mark.parametrize("height", [1.2, 1.6])
def test_room_gives_back_depth(height: float, pitch: float) -> None:
    camera = view(pitch, height)
    maps, truth = room(camera)
    result = solve(camera, maps)
    assert abs(result.horizon_px - true_horizon_px(camera, pitch)) < 0.06 * camera.focal_px
    for segment in maps[1]:
        if segment.label.name != "sky":
            # The chair is cut by the lower edge where the camera is high: then its size alone places it.
            bound = 1.3 if segment.label.name == "chair" else 1.15
            assert abs(log_error(result, truth, maps[0] == segment.id)) < math.log(bound), segment


@pytest.mark.parametrize("scene", [street, room])
def test_order_is_right_and_sky_is_farthest(scene: Scene) -> None:
    maps, truth = scene(view(5.0, 1.5))
    result = solve(view(5.0, 1.5), maps)
    ids = [s.id for s in maps[1] if s.label.name not in ("sky", "road", "floor")]
    found = sorted(ids, key=lambda i: np.median(result.depth_m[maps[0] == i]))
    assert found == sorted(ids, key=lambda i: np.median(truth[maps[0] == i]))
    sky = maps[0] == 1
    assert (result.depth_m[sky] == np.float32(SKY_DEPTH_M)).all()
    assert result.depth_m[~sky].max() <= MAX_DEPTH_M


def test_pose_agrees_with_the_horizon() -> None:
    maps, _ = street(view(6.0, 1.5))
    result = solve(view(6.0, 1.5), maps)
    away = np.array([0.0, 0.0, -1e9])
    seen = result.camera.project(result.camera.from_world(away))
    assert seen[1] == pytest.approx(result.horizon_px, abs=0.01)


def test_ground_seen_by_the_pose_is_level_and_at_zero() -> None:
    maps, _ = street(view(6.0, 1.5))
    result = solve(view(6.0, 1.5), maps)
    rows, cols = np.nonzero((maps[0] == 2) & (result.depth_m < 20))
    points = result.camera.to_world(
        result.camera.unproject(np.stack([cols + 0.5, rows + 0.5], -1), result.depth_m[rows, cols])
    )
    assert np.abs(points[:, 1]).max() < 0.02 * result.camera.T_world_camera[1, 3]


def test_wall_that_runs_away_follows_its_foot() -> None:
    camera = view(4.0, 1.5)
    rows, cols = np.mgrid[0:288, 0:384]
    rays = cast(camera, rows, cols)
    right, up, away = rays[..., 0], rays[..., 1], -rays[..., 2]
    floor = np.where(up < 0, -1.5 / np.minimum(up, -1e-9), np.inf)
    side = np.where(right > 0, 1.6 / np.maximum(right, 1e-9), np.inf)
    back = 9.0 / away
    truth = np.minimum(np.minimum(floor, side), back)
    ids = np.where(truth == floor, 1, 2).astype(np.int32)
    segments = (Segment(1, BY_NAME["floor"], 1.0), Segment(2, BY_NAME["wall"], 1.0))
    nothing = np.ones(ids.shape, np.float32)
    result = solve(camera, (ids, segments, nothing, 3 * nothing))
    wall = ids == 2
    error = np.log(result.depth_m[wall] / truth[wall])
    assert np.std(error) < 0.2
    near, far = wall & (cols > 370), wall & (cols < 150)
    assert np.median(result.depth_m[near]) < 0.5 * np.median(result.depth_m[far])


def test_house_fronts_with_hidden_feet_follow_their_roofs() -> None:
    camera = view(2.0, 1.5)
    rows, cols = np.mgrid[0:288, 0:384]
    rays = cast(camera, rows, cols)
    right, up, away = rays[..., 0], rays[..., 1], -rays[..., 2]
    side = np.where(right > 0, 9.0 / np.maximum(right, 1e-9), np.inf)
    house = (side * up + 1.5 < 10) & (side < 120) & (side * away > 0)
    ids = np.where(house & (up > -0.04), 2, np.where(up < -0.04, 3, 1)).astype(np.int32)
    ids[(up < -0.02) & (up > -0.12)] = 4
    names = ("sky", "building", "road", "car")
    segments = tuple(Segment(i, BY_NAME[name], 1.0) for i, name in enumerate(names, start=1))
    nothing = np.ones(ids.shape, np.float32)
    result = solve(camera, (ids, segments, nothing, 3 * nothing))
    seen = (ids == 2) & (side > 22) & (side < 100)  # nearer roofs are above the picture
    assert seen.sum() > 1000
    assert np.corrcoef(np.log(result.depth_m[seen]), np.log(side[seen]))[0, 1] > 0.9


def test_a_network_that_is_sure_is_believed() -> None:
    camera = view(8.0, 1.5)
    maps, truth = room(camera)
    depth = (0.5 * truth).astype(np.float32)
    result = solve(camera, (maps[0], maps[1], depth, np.full(depth.shape, -4.0, np.float32)))
    inside = (maps[0] > 2) & (truth < 20)
    apart = np.log(result.depth_m[inside] / depth[inside])
    # Its scale is still weighed against three things of usual size, which here are half as large.
    assert np.median(np.abs(apart)) < 0.2 and np.std(apart) < 0.05
    assert result.confidence[inside].mean() > solve(camera, maps).confidence[inside].mean()


def test_ripples_on_a_table_top_are_smoothed_and_what_stands_on_it_stays() -> None:
    camera = view(38.0, 0.9)
    rows, cols = np.mgrid[0:288, 0:384]
    table = -0.9 / cast(camera, rows, cols)[..., 1]
    truth = np.where((abs(cols - 200) < 40) & (abs(rows - 150) < 40), 0.7 * table, table)
    rippled = truth * np.exp(0.05 * np.sin(cols / 25) * np.sin(rows / 20))
    ids = np.ones(truth.shape, np.int32)
    sure = np.full(truth.shape, np.log(0.1), np.float32)
    result = solve(camera, (ids, (Segment(1, BY_NAME["table"], 0.6),), rippled.astype(np.float32), sure))
    box = truth < table
    before, after = (np.std(np.log(depth / truth)[~box]) for depth in (rippled, result.depth_m))
    assert after < 0.6 * before
    step = np.median(np.log(result.depth_m / table)[box]) - np.median(np.log(result.depth_m / table)[~box])
    assert step == pytest.approx(math.log(0.7), abs=0.07)


def test_a_network_that_knows_nothing_changes_nothing() -> None:
    maps, _ = room(view(8.0, 1.5))
    noise = np.exp(np.random.default_rng(0).normal(size=maps[0].shape)).astype(np.float32)
    result = solve(view(8.0, 1.5), (maps[0], maps[1], noise, maps[3]))
    np.testing.assert_allclose(result.depth_m, solve(view(8.0, 1.5), maps).depth_m, rtol=0.02)


@pytest.mark.parametrize("height", [0.8, 1.5, 3.0])
@pytest.mark.parametrize("pitch", [0.0, 12.0, 25.0])
def test_ground_camera_reads_pitch_and_height_off_true_depth(pitch: float, height: float) -> None:
    camera = view(pitch, height)
    maps, truth = street(camera)
    level = Camera(camera.width, camera.height, camera.focal_px, camera.center_px, np.eye(4))
    found, horizon_px, notes = ground_camera(maps[0], maps[1], truth.astype(np.float32), level)
    assert math.degrees(math.asin(-found.T_world_camera[1, 2])) == pytest.approx(pitch, abs=0.5)
    assert found.T_world_camera[1, 3] == pytest.approx(height, rel=0.03)
    assert horizon_px == pytest.approx(true_horizon_px(camera, pitch), abs=0.01 * camera.focal_px)
    assert notes


def test_a_person_cut_across_stays_one_body() -> None:
    maps, _ = street(view(6.0, 1.5))
    whole = solve(view(6.0, 1.5), maps)
    body = maps[0] == 4
    rows = np.flatnonzero(body.any(axis=1))
    cut = maps[0].copy()
    cut[body & (np.arange(288)[:, None] < rows.mean())] = 99
    result = solve(view(6.0, 1.5), (cut, (*maps[1], Segment(99, BY_NAME["person"], 1.0)), *maps[2:]))
    np.testing.assert_allclose(result.depth_m, whole.depth_m, rtol=1e-6)


def test_one_who_stands_behind_another_is_farther() -> None:
    boxes = (Box("person", 0.0, 4.0, 0.5, 1.6), Box("person", 0.3, 5.5, 0.5, 1.8), Box("chair", 1.5, 6.5, 0.5, 0.9))
    maps, _ = draw(view(4.0, 1.2), boxes, ground="floor", back="wall", back_z=8.0)
    result = solve(view(4.0, 1.2), maps)
    front, behind = (np.median(result.depth_m[maps[0] == number]) for number in (4, 5))
    assert 1.1 < behind / front < 1.8


def test_mirrored_picture_has_mirrored_depth() -> None:
    maps, _ = street(view(6.0, 1.5))
    one = solve(view(6.0, 1.5), maps)
    other = solve(view(6.0, 1.5), (maps[0][:, ::-1], maps[1], maps[2][:, ::-1], maps[3][:, ::-1]))
    np.testing.assert_allclose(other.depth_m[:, ::-1], one.depth_m, rtol=1e-5)
    assert other.horizon_px == one.horizon_px


def test_a_picture_of_half_the_size_has_the_same_depth() -> None:
    large, small = view(6.0, 1.5), view(6.0, 1.5).resized(192, 144)
    one, other = solve(large, street(large)[0]), solve(small, street(small)[0])
    ids = street(small)[0][0]
    for number in range(2, 8):
        ratio = np.median(other.depth_m[ids == number]) / np.median(one.depth_m[street(large)[0][0] == number])
        assert abs(math.log(ratio)) < math.log(1.15), number


def test_ids_may_be_any_numbers_in_any_order() -> None:
    maps, _ = street(view(6.0, 1.5))
    plain = solve(view(6.0, 1.5), maps)
    new = {segment.id: 7_000_000 - 913 * segment.id for segment in maps[1]}
    ids = np.vectorize(new.__getitem__)(maps[0]).astype(np.int32)
    segments = tuple(Segment(new[segment.id], segment.label, 1.0) for segment in reversed(maps[1]))
    np.testing.assert_allclose(solve(view(6.0, 1.5), (ids, segments, *maps[2:])).depth_m, plain.depth_m, rtol=1e-5)


def test_the_same_input_gives_the_same_bytes() -> None:
    maps, _ = room(view(6.0, 1.5))
    one, other = solve(view(6.0, 1.5), maps), solve(view(6.0, 1.5), maps)
    assert one.depth_m.tobytes() == other.depth_m.tobytes()
    assert one.confidence.tobytes() == other.confidence.tobytes()


@settings(max_examples=60, deadline=None)
@given(data=st.data(), rows=st.integers(2, 24), cols=st.integers(2, 24))
def test_any_label_map_gets_finite_positive_depth(data: st.DataObject, rows: int, cols: int) -> None:
    ids = data.draw(hnp.arrays(np.int32, (rows, cols), elements=st.integers(0, 6)))
    names = data.draw(st.lists(st.sampled_from(LABELS), min_size=1, max_size=6))
    depth = data.draw(hnp.arrays(np.float32, (rows, cols), elements=st.floats(-1, 1e6, width=32)))
    scale = data.draw(hnp.arrays(np.float32, (rows, cols), elements=st.floats(-50, 50, width=32)))
    segments = tuple(Segment(number, label, 0.5) for number, label in enumerate(names, start=1))
    result = join_depth(ids, segments, depth, scale, Camera.from_fov(cols, rows, 55))
    sky = np.isin(ids, [s.id for s in segments if s.label.name == "sky"])
    assert result.depth_m.shape == ids.shape and result.depth_m.dtype == np.float32
    assert np.isfinite(result.depth_m).all() and (result.depth_m > 0).all()
    assert (result.depth_m[sky] == np.float32(SKY_DEPTH_M)).all() and (result.depth_m[~sky] <= MAX_DEPTH_M).all()
    assert ((result.confidence >= 0) & (result.confidence <= 1)).all()
    assert math.isfinite(result.horizon_px) and np.isfinite(result.camera.T_world_camera).all()
    assert result.camera.T_world_camera[1, 3] > 0
    ground_camera(ids, segments, np.abs(depth) + np.float32(0.1), Camera.from_fov(cols, rows, 55))


@pytest.mark.parametrize("name", [label.name for label in LABELS])
def test_a_picture_of_one_label_alone(name: str) -> None:
    ids = np.ones((48, 64), np.int32)
    nothing = np.ones(ids.shape, np.float32)
    camera = Camera.from_fov(64, 48, 55)
    result = join_depth(ids, (Segment(1, BY_NAME[name], 1.0),), nothing, 3 * nothing, camera)
    assert np.isfinite(result.depth_m).all() and (result.depth_m > 0).all()
