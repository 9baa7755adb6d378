"""Geometry against scenes drawn with a known camera, and its invariants on any label map."""

from __future__ import annotations

import math
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


@dataclass(frozen=True)
class Box:
    """An upright card that faces the viewer and stands on the ground: x and z of its middle, width and height, in metres."""

    label: str
    x: float
    z: float
    width: float
    height: float


def draw(camera: Camera, boxes: tuple[Box, ...], *, ground: str, back: str, back_z: float) -> tuple[Maps, NDArray[np.float64]]:
    """Cast one ray a pixel at a level ground, at cards, at an endless upright back at ``back_z``, and else into the sky.

    The world is the camera's: its foot is the origin, y is up, z goes away from the viewer. Returns the maps for
    ``join_depth`` with a network that knows nothing, and the true z along the camera's axis.
    """
    rows, cols = np.mgrid[0 : camera.height, 0 : camera.width]
    rays = camera.unproject(np.stack([cols + 0.5, rows + 0.5], -1), np.ones(rows.shape)) @ camera.T_world_camera[:3, :3].T
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
STREET = {"ground": "road", "back": "building", "back_z": 40.0}


def solve(camera: Camera, maps: Maps) -> GeometryResult:
    level = Camera(camera.width, camera.height, camera.focal_px, camera.center_px, np.eye(4))
    return join_depth(*maps, level)


def pitch_deg(camera: Camera) -> float:
    return math.degrees(math.asin(camera.T_world_camera[1, 2] * -1))


@pytest.mark.parametrize("pitch", [-2.0, 3.0, 8.0, 14.0])
@pytest.mark.parametrize("height", [1.2, 1.6, 2.2])
def test_street_with_people_gives_back_horizon_height_and_depth(pitch: float, height: float) -> None:
    camera = Camera.from_fov(384, 288, 60, pitch_rad=math.radians(pitch), height_m=height)
    maps, truth = draw(camera, PEOPLE, **STREET)
    result = solve(camera, maps)
    horizon = camera.center_px[1] - math.tan(math.radians(pitch)) * camera.focal_px
    assert abs(result.horizon_px - horizon) < 0.03 * camera.focal_px
    assert abs(math.log(result.camera.T_world_camera[1, 3] / height)) < math.log(1.25)
    for number in range(4, 8):
        mask = maps[0] == number
        if mask.any():
            error = np.log(np.median(result.depth_m[mask]) / np.median(truth[mask]))
            assert abs(error) < math.log(1.35), (number, error)
