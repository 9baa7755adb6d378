"""Depth from geometry, joined with the depth of a network."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maquette.camera import Camera, world_pose
from maquette.perception.horizon import GroundPlane, fit_ground
from maquette.perception.layout import Layout, read_layout
from maquette.perception.standing import Standing
from maquette.perception.types import MAX_DEPTH_M, SKY_DEPTH_M, Segment

_NEAREST_M = 0.05


@dataclass(frozen=True)
class GeometryResult:
    """Depth of a picture and the camera that took it.

    Attributes:
        depth_m: (h, w) float32, z in metres, finite and positive; sky at ``SKY_DEPTH_M``, all else within ``MAX_DEPTH_M``.
        confidence: (h, w) float32, 0 (a guess) to 1.
        camera: The camera given, with its pitch and its height above the ground.
        horizon_px: Row of the horizon, in pixels; may lie outside the picture.
        notes: What was assumed, one sentence each.
    """

    depth_m: NDArray[np.float32]
    confidence: NDArray[np.float32]
    camera: Camera
    horizon_px: float
    notes: tuple[str, ...]


def join_depth(
    segment_ids: NDArray[np.int32],
    segments: tuple[Segment, ...],
    net_depth_m: NDArray[np.float32],
    net_log_scale: NDArray[np.float32],
    camera: Camera,
) -> GeometryResult:
    """Place the segments of a picture by geometry and take from the network what it is sure of.

    Args:
        segment_ids: (h, w) int32, 0 is void.
        segments: The segments behind the ids.
        net_depth_m: (h, w) float32, the network's z in metres.
        net_log_scale: (h, w) float32, log of the Laplace scale of the network's log depth.
        camera: Intrinsics at the size of the maps.
    """
    layout = read_layout(segment_ids, segments, camera)
    net = np.log(np.clip(np.nan_to_num(net_depth_m, nan=1.0, posinf=MAX_DEPTH_M), _NEAREST_M, MAX_DEPTH_M)).astype(float)
    net_spread = math.sqrt(2) * np.exp(np.clip(np.nan_to_num(net_log_scale, nan=3.0), -4, 3)).astype(float)
    if _outdoors(layout):
        net_spread = net_spread + 1.0
    net_spread = np.hypot(net_spread, 0.05)
    plane = fit_ground(layout, np.exp(net), np.log(net_spread / math.sqrt(2)))
    depth, spread = Standing(layout, plane).solve()
    if plane.surface != "ground" and not _outdoors(layout):
        spread = np.maximum(spread, 0.6)
    log_depth = np.log(depth)
    weight = spread**2 / (spread**2 + net_spread**2)
    joined = np.clip(weight * net + (1 - weight) * log_depth, math.log(_NEAREST_M), math.log(MAX_DEPTH_M))
    sky = layout.role("sky")
    depth_m = np.where(sky, SKY_DEPTH_M, np.exp(joined)).astype(np.float32)
    total = np.where(sky, 0.1, spread * net_spread / np.hypot(spread, net_spread))
    confidence = (1 / (1 + (total / 0.3) ** 2)).astype(np.float32)
    return GeometryResult(depth_m, confidence, *_pose(camera, plane))


def ground_camera(
    segment_ids: NDArray[np.int32],
    segments: tuple[Segment, ...],
    depth_m: NDArray[np.float32],
    camera: Camera,
) -> tuple[Camera, float, tuple[str, ...]]:
    """Find pitch and height of the camera for a depth map that is to be believed.

    Args:
        segment_ids: (h, w) int32, 0 is void.
        segments: The segments behind the ids.
        depth_m: (h, w) float32, z in metres.
        camera: Intrinsics at the size of the maps.

    Returns:
        The camera with its pitch and height, the row of the horizon in pixels, and notes.
    """
    layout = read_layout(segment_ids, segments, camera)
    sure = np.full(depth_m.shape, math.log(0.02), dtype=np.float32)
    return _pose(camera, fit_ground(layout, depth_m, sure))


def _outdoors(layout: Layout) -> bool:
    open_air = layout.named("sky", "building", "tree", "mountain", "road", "sidewalk", "grass", "field", "water", "earth")
    indoors = layout.named("wall", "floor", "ceiling", "bed", "sofa", "cabinet", "table", "rug", "curtain", "door")
    return bool(np.count_nonzero(open_air) > np.count_nonzero(indoors))


def _pose(camera: Camera, plane: GroundPlane) -> tuple[Camera, float, tuple[str, ...]]:
    note = {
        "ground": "The horizon and the height of the camera were estimated from the ground.",
        "table": "No ground is seen: things were placed on the table.",
        "none": "No ground is seen: a camera at a usual height was assumed.",
    }[plane.surface]
    posed = dataclasses.replace(camera, T_world_camera=world_pose(plane.pitch_rad, plane.height_m))
    return posed, camera.center_px[1] + plane.horizon_v * camera.focal_px, (note,)
