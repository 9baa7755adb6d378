"""Depth from geometry, joined with the depth of a network."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maquette.camera import Camera, world_pose
from maquette.perception.horizon import GroundPlane, fit_ground
from maquette.perception.layout import EDGE, Layout, read_layout
from maquette.perception.standing import Canvas, place_behind, place_structures
from maquette.perception.things import place_thing
from maquette.perception.types import MAX_DEPTH_M, SKY_DEPTH_M, Segment

FloatArray = NDArray[np.float64]

_NEAREST_M = 0.05
_FAMILIAR_INSIDE, _FAMILIAR_OUTSIDE = 0.13, 0.45
"""Laplace scales up to which the network is believed: the largest median that it predicts for a validation picture of
a table, and of an open place in worlds. To be set again for another network."""
_ESTRANGEMENT = 3
"""How fast the error grows beyond: by this power of the scale over the familiar one. Best on rooms of worlds."""
_CALIBRATION = 0.2
"""Share of it that mixes best there; on other pictures the error grows faster than the prediction."""
_NET_FLOOR = 0.05
"""Standard deviation of the network's log depth where it claims to be certain."""
_OUTSIDE = (
    *("sky", "building", "tree", "mountain", "road", "sidewalk", "grass", "field", "water", "earth", "fence"),
    *("car", "bus", "train", "boat", "airplane"),
)
_INSIDE = (
    *("wall", "floor", "ceiling", "window", "door", "curtain", "rug", "mirror", "painting"),
    *("bed", "sofa", "cabinet", "table", "chair", "armchair", "shelf", "tv"),
)
_RIPPLE = 0.06
"""Error of the network's log depth along a plane."""
_SCALE_DOUBT = 0.25
"""Standard deviation of the logarithm of geometry's scale at best: no thing is of exactly its usual size."""
_LABEL_DOUBT = 0.6
"""Standard deviation that geometry gets from a label of no confidence at all."""
_NET_BIAS = 0.1
"""What is wrong with the network's depth of a whole surface at once."""
_FOREIGN = 0.35
"""What a picture taken wholly in the open air adds to that: there the network has seen rendered depth alone."""


@dataclass(frozen=True)
class GeometryResult:
    """Depth of a picture and the camera that took it.

    Attributes:
        depth_m: (h, w) float32, z in metres, finite and positive; sky at ``SKY_DEPTH_M``, all else within
            ``MAX_DEPTH_M``.
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
        net_log_scale: (h, w) float32, log of the Laplace scale of the network's log depth. Where it or the depth is
            not finite, or the depth not positive, the network says nothing.
        camera: Intrinsics at the size of the maps.

    Returns:
        Depth, its confidence, and the camera with pitch and height.
    """
    layout = read_layout(segment_ids, segments, camera)
    known = np.isfinite(net_depth_m) & (net_depth_m > 0) & np.isfinite(net_log_scale)
    net = np.log(np.clip(np.where(known, net_depth_m, 1.0), _NEAREST_M, MAX_DEPTH_M).astype(np.float64))
    laplace = np.exp(np.clip(np.where(known, net_log_scale, 3.0), -4, 3).astype(np.float64))
    outside = _open_air(layout)
    familiar = _FAMILIAR_INSIDE + (_FAMILIAR_OUTSIDE - _FAMILIAR_INSIDE) * outside
    foreign = max(float(np.median(laplace)) / familiar, 1) ** _ESTRANGEMENT
    net_spread = np.hypot(_CALIBRATION * foreign * math.sqrt(2) * laplace, _NET_FLOOR) + _FOREIGN * outside
    sky = layout.role("sky")
    net = _flattened(net, ~sky)
    net_spread = net_spread + _bleeding(sky)
    net_scale_spread = float(np.median(net_spread))
    plane = fit_ground(layout, np.exp(net), np.hypot(net_spread, _NET_BIAS), math.hypot(net_scale_spread, _NET_BIAS))
    depth, spread = _place(layout, plane)
    placed = np.log(depth)
    doubt = _LABEL_DOUBT * (1 - np.clip(layout.scores, 0, 1))[layout.index]
    spread = np.sqrt(spread**2 + plane.slope_spread**2 + doubt**2)
    placed_scale = max(plane.scale_spread, _SCALE_DOUBT)
    share = placed_scale**2 / (placed_scale**2 + net_scale_spread**2)
    joined, deviation = _join(placed, spread, net, net_spread, share, ~sky)
    ground = layout.role("ground")
    if ground.any():
        # The camera stands where the ground has come to lie.
        plane = dataclasses.replace(plane, reach_m=plane.reach_m * math.exp(np.median((joined - placed)[ground])))
    joined = np.clip(joined, math.log(_NEAREST_M), math.log(MAX_DEPTH_M))
    depth_m = np.where(sky, SKY_DEPTH_M, np.exp(joined)).astype(np.float32)
    confidence = np.where(sky, 0.9, 1 / (1 + (deviation / 0.3) ** 2)).astype(np.float32)
    return GeometryResult(depth_m, confidence, *_pose(camera, plane))


def _place(layout: Layout, plane: GroundPlane) -> tuple[FloatArray, FloatArray]:
    """Give every part of a picture its depth.

    Returns:
        depth_m: (h, w) float64, z in metres, finite and positive; sky at ``SKY_DEPTH_M``.
        spread: (h, w) float64, standard deviation of its logarithm, that of the surface's own scale left out.
    """
    canvas = Canvas(layout, plane)
    hidden = place_structures(canvas)
    things = [thing for thing in layout.things if not canvas.level[thing.index]]
    footed = [thing for thing in things if thing.below == EDGE or canvas.level[thing.below]]
    bodies = {thing.index for thing in things}
    carried = [thing for thing in things if thing not in footed and thing.below in bodies]
    for thing in (*footed, *carried):
        place_thing(canvas, thing)
    for part in hidden:
        place_behind(canvas, part)
    for thing in things:
        if thing not in footed and thing not in carried:
            place_thing(canvas, thing)
    return canvas.solve()


def _join(
    placed: FloatArray,
    placed_spread: FloatArray,
    net: FloatArray,
    net_spread: FloatArray,
    share: float,
    counted: NDArray[np.bool_],
) -> tuple[FloatArray, FloatArray]:
    """Mix two maps of log depth: their common scale by ``share``, what is left pixel by pixel by precision.

    Returns:
        The mix, and its standard deviation without that of the scale.
    """
    apart = net - placed
    total = np.hypot(placed_spread, net_spread)
    offset = 0.0
    if counted.any():
        order = np.argsort(apart[counted], kind="stable")
        weight = np.cumsum((1 / total[counted] ** 2)[order])
        offset = float(apart[counted][order][np.searchsorted(weight, weight[-1] / 2)])
    pull = (placed_spread / total) ** 2
    return placed + share * offset + pull * (apart - offset), placed_spread * net_spread / total


def _flattened(log_depth: FloatArray, counted: NDArray[np.bool_]) -> FloatArray:
    """Take the ripples out of the network's depth of the plane that fills most of a picture, as a table top does.

    The plane is fitted to inverse depth, which is affine in the pixels, by reweighted least squares with Cauchy weights
    on log depth. What is far from it stays: a residual r becomes r |r|^3 / (|r|^3 + t^3).
    """
    height, width = log_depth.shape
    rows, cols = np.mgrid[0:height, 0:width]
    basis = np.stack([cols / width - 0.5, rows / height - 0.5, np.ones((height, width))], axis=-1)
    every = max(1, min(height, width) // 96)
    chosen = counted[::every, ::every]
    if np.count_nonzero(chosen) < 16:
        return log_depth
    x, inverse = basis[::every, ::every][chosen], np.exp(-log_depth[::every, ::every][chosen])
    weight = 1 / inverse**2
    for _ in range(15):
        # einsum, not a BLAS product: its sums do not depend on the number of threads.
        normal = np.einsum("ni,nj,n->ij", x, x, weight) + 1e-9 * weight.sum() * np.eye(3)
        plane = np.linalg.solve(normal, np.einsum("ni,n,n->i", x, inverse, weight))
        residual = np.log(inverse / np.maximum((x * plane).sum(axis=-1), 1 / MAX_DEPTH_M))
        weight = 1 / (inverse**2 * (1 + (residual / _RIPPLE) ** 2))
    if np.mean(np.abs(residual) < 2 * _RIPPLE) < 0.5:
        return log_depth
    flat = -np.log(np.maximum((basis * plane).sum(axis=-1), 1 / MAX_DEPTH_M))
    apart = log_depth - flat
    size = np.abs(apart) ** 3
    return np.asarray(flat + apart * size / (size + (3 * _RIPPLE) ** 3))


def _bleeding(sky: NDArray[np.bool_]) -> FloatArray:
    """What the network's depth near the sky is worth less, for it comes on a coarse grid and runs over."""
    from scipy import ndimage

    return np.asarray(4 * ndimage.gaussian_filter(sky.astype(np.float64), sky.shape[1] / 100))


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
        depth_m: (h, w) float32, z in metres, finite and positive.
        camera: Intrinsics at the size of the maps.

    Returns:
        The camera with its pitch and height, the row of the horizon in pixels, and notes.
    """
    layout = read_layout(segment_ids, segments, camera)
    return _pose(camera, fit_ground(layout, depth_m, np.full(depth_m.shape, 0.01), 0.01))


def _open_air(layout: Layout) -> float:
    """Share of the labelled surroundings that is only found outdoors."""
    outside, inside = (int(np.count_nonzero(layout.named(*names))) for names in (_OUTSIDE, _INSIDE))
    return outside / max(outside + inside, 1)


def _pose(camera: Camera, plane: GroundPlane) -> tuple[Camera, float, tuple[str, ...]]:
    note = {
        "ground": "The horizon and the height of the camera were estimated from the ground.",
        "table": "No ground is seen: things were placed on the table.",
        "none": "No ground is seen: a camera at a usual height was assumed.",
    }[plane.surface]
    posed = dataclasses.replace(camera, T_world_camera=world_pose(plane.pitch_rad, plane.height_m))
    return posed, camera.center_px[1] + plane.horizon_v * camera.focal_px, (note,)
