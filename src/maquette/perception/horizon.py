"""The ground plane: where the horizon runs and how high the camera stands.

A level ground seen by a pinhole camera without roll has an inverse depth that is affine in the row: with ``v`` the row
in units of the focal length from the principal point, ``v_h`` the horizon's, ``H`` the height of the camera and ``p``
its pitch,

    1 / z = (v - v_h) * cos(p) / H,    v_h = -tan(p).

Both numbers have a posterior, on a grid, from all that speaks of them: what lies below and above the horizon, how far
a ground usually reaches, things of known size that stand on it (Hoiem, Efros and Hebert, Putting Objects in
Perspective, IJCV 2008, section 3), and the network's depth of the ground itself. As inverse depth is linear in
``cos(p) / H`` and ``v_h * cos(p) / H``, the means of these two give its mean at every row: far away, where a small
error of the horizon is large in depth, that is steadier than the most probable pair.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from maquette.perception.layout import EDGE, Layout, Thing
from maquette.perception.sizes import CEILING_M, TYPICAL_SIZE_M

FloatArray = NDArray[np.float64]
Surface = Literal["ground", "table", "none"]

_PITCH_DEG = np.arange(-40.0, 75.25, 0.25)
_LOG_REACH = np.linspace(math.log(0.15), math.log(40.0), 113)


@dataclass(frozen=True)
class GroundPlane:
    """The level surface that things stand on.

    Attributes:
        horizon_v: Row of the horizon in units of the focal length from the principal point; down is positive.
        reach_m: Height of the camera above the surface over the cosine of its pitch:
            ``1 / z = (v - horizon_v) / reach_m``.
        surface: What lies there: the ``ground``, a ``table``, or ``none`` where the picture shows neither.
        scale_spread: Standard deviation of the logarithm of the surface's depth at its middle row.
        slope_spread: Half that of the ratio of its far to its near depth: what a wrong horizon does.
    """

    horizon_v: float
    reach_m: float
    surface: Surface
    scale_spread: float
    slope_spread: float

    @property
    def pitch_rad(self) -> float:
        """How far the camera looks down."""
        return -math.atan(self.horizon_v)

    @property
    def height_m(self) -> float:
        """Height of the camera above the surface."""
        return self.reach_m * math.cos(self.pitch_rad)

    def inverse_depth(self, v: FloatArray) -> FloatArray:
        """1/m, zero at the horizon and negative above."""
        return (v - self.horizon_v) / self.reach_m


def fit_ground(
    layout: Layout, net_depth_m: NDArray[np.floating], net_spread: FloatArray, net_scale_spread: float
) -> GroundPlane:
    """Find the ground plane of a picture.

    Args:
        layout: What lies where.
        net_depth_m: (h, w), z in metres.
        net_spread: (h, w) float64, standard deviation of its logarithm.
        net_scale_spread: That of the logarithm of the scale of all of it.
    """
    ground = layout.role("ground")
    table = layout.named("table")
    pixels = ground.size
    surface: Surface = "none"
    mask = ground
    if ground.sum() > 0.01 * pixels:
        surface = "ground"
    elif table.sum() > 0.05 * pixels:
        surface, mask = "table", table

    pitch = np.radians(_PITCH_DEG)[:, None]
    horizon = -np.tan(pitch)
    reach = np.exp(_LOG_REACH)[None, :]

    def plane_log_depth(row_v: float) -> FloatArray:
        return np.asarray(np.log(reach / np.maximum(row_v - horizon, 1e-3)))

    usual_deg, spread_deg, height = (25.0, 15.0, 0.5) if surface == "table" else (6.0, 10.0, 1.5)
    score = -_long_tailed((np.degrees(pitch) - usual_deg) / spread_deg, 3.0)
    score = score - _heavy(np.log(reach * np.cos(pitch) / height) / 0.3)

    v = layout.v
    step = layout.pixel
    sky, ceiling = layout.role("sky"), layout.role("ceiling")
    for above in (sky, ceiling):
        share = np.count_nonzero(above) / pixels
        if share > 0.002:
            low = v[_quantile_row(above, 0.95)]
            score = score - min(share / 0.05, 1) * _long_tailed(np.maximum(low - horizon, 0) / (step + 0.01), 1.4)
    if surface != "none":
        high = v[_quantile_row(mask, 0.02)]
        score = score - _long_tailed(np.maximum(horizon - high + step, 0) / (step + 0.005), 1.4)
        far = plane_log_depth(high)
        usual, spread = _far_end_m(layout, surface, sky, ceiling)
        score = score - _heavy((far - math.log(usual)) / spread)
        score = score + _network_score(mask, plane_log_depth, layout, net_depth_m, net_spread, net_scale_spread)
    if surface == "ground" and ceiling.sum() > 0.01 * pixels:
        # The far wall meets floor and ceiling at one distance.
        low = v[_quantile_row(ceiling, 0.98)]
        above_m = np.maximum(CEILING_M / np.cos(pitch) - reach, 0.3)
        ratio = far - np.log(above_m / np.maximum(horizon - low, 1e-3))
        score = score - _heavy(ratio / 0.5)
    for thing in layout.things:
        if surface == "ground" and _stands(layout, thing):
            size_m, _, spread = TYPICAL_SIZE_M[thing.label.name]
            foot, head = v[thing.rows[1] - 1] + step / 2, v[thing.rows[0]] - step / 2
            seen = reach * (foot - head) / np.maximum(foot - horizon, 1e-3)
            seen = seen / (np.cos(pitch) * np.maximum(1 + horizon * head, 0.05))
            score = score - _heavy(np.log(seen / size_m) / math.hypot(spread, 0.2))

    weight = np.exp(score - score.max())
    weight /= weight.sum()
    rows = [v[_quantile_row(mask, share)] for share in (0.1, 0.5, 0.9)] if surface != "none" else [v[-1]] * 3
    far, middle, near = (plane_log_depth(row) for row in rows)
    per_row = float((weight / reach).sum())
    return GroundPlane(
        float((weight * horizon / reach).sum()) / per_row,
        1 / per_row,
        surface,
        _deviation(middle, weight),
        _deviation(far - near, weight) / 2,
    )


def _stands(layout: Layout, thing: Thing) -> bool:
    """Whether a single thing is seen from foot to head, with ground under it."""
    below = layout.labels[thing.below] if thing.below != EDGE else None
    height_m, width_m, _ = TYPICAL_SIZE_M[thing.label.name]
    tall, wide = thing.rows[1] - thing.rows[0], thing.cols[1] - thing.cols[0]
    single = wide / tall < 1.8 * width_m / height_m
    return thing.cut_rows == 0 and below is not None and below.role == "ground" and tall >= 6 and single


def _far_end_m(
    layout: Layout, surface: Surface, sky: NDArray[np.bool_], ceiling: NDArray[np.bool_]
) -> tuple[float, float]:
    """Usual distance of the far end of the visible surface, and the spread of its logarithm."""
    if surface == "table":
        return 1.5, 0.6
    if layout.named("water").sum() > 0.5 * layout.role("ground").sum():
        return 60.0, 1.2
    if sky.sum() > 0.02 * sky.size:
        return 40.0, 0.8
    if ceiling.any() or layout.named("floor", "rug").sum() > 0.5 * layout.role("ground").sum():
        return 4.5, 0.5
    return 12.0, 1.0


def _network_score(
    mask: NDArray[np.bool_],
    plane_log_depth: Callable[[float], FloatArray],
    layout: Layout,
    net_depth_m: NDArray[np.floating],
    net_spread: FloatArray,
    net_scale_spread: float,
) -> FloatArray:
    """Log-likelihood of the network's depth on the surface, from a dozen of its rows: their scale, then their shape."""
    rows = np.flatnonzero(mask.any(axis=1))
    rows = rows[np.linspace(0, len(rows) - 1, 12).astype(int)]
    apart = [plane_log_depth(layout.v[row]) - math.log(float(np.median(net_depth_m[row, mask[row]]))) for row in rows]
    common = np.mean(apart, axis=0)
    score = -_heavy(common / net_scale_spread)
    for row, residual in zip(rows, apart, strict=True):
        # Neighbouring rows err together: the twelve count as four.
        score = score - _heavy((residual - common) / float(np.median(net_spread[row, mask[row]]))) / 3
    return np.asarray(score)


def _heavy(residual: FloatArray) -> FloatArray:
    """Negative log of Student's t with three degrees of freedom."""
    return 2 * np.log1p(residual**2 / 3)


def _deviation(value: FloatArray, weight: FloatArray) -> float:
    mean = float((weight * value).sum())
    return math.sqrt(float((weight * (value - mean) ** 2).sum()))


def _long_tailed(residual: FloatArray, core: float) -> FloatArray:
    """Pseudo-Huber: a Gaussian within ``core``, an exponential beyond, so that one wrong label does not decide."""
    return np.asarray(core**2 * (np.sqrt(1 + (residual / core) ** 2) - 1))


def _quantile_row(mask: NDArray[np.bool_], quantile: float) -> int:
    """The row above which this part of the mask's pixels lies."""
    counts = np.cumsum(mask.sum(axis=1))
    return int(np.searchsorted(counts, quantile * counts[-1]))
