"""Depth that does not come from maquette's own network: bringing it to metres and filling what it leaves open."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maquette.models.types import DepthKind
from maquette.perception.types import MAX_DEPTH_M, Segment

FloatMap = NDArray[np.float32]

NEAREST_M = 0.01
"""Nearest depth kept, in metres."""
_ROUNDS = 20


def align(raw: FloatMap, kind: DepthKind, depth_m: FloatMap, weight: FloatMap) -> tuple[float, float] | None:
    """Find the scale and shift that bring a network's inverse depth to 1/m.

    Least absolute deviations by iteratively reweighted least squares. (Ranftl et al., "Towards Robust Monocular Depth
    Estimation", PAMI 2022, section 5, explain why depth of unknown scale and shift is affine in inverse depth.)

    Args:
        raw: (h, w), as the network gives it; nan where unknown.
        kind: ``relative`` or ``inverse``.
        depth_m: (h, w), what it shall agree with.
        weight: (h, w), how much each pixel of it counts; 0 leaves it out.

    Returns:
        (a, b), a > 0: 1 / depth_m = a * x + b, x being ``inverse_of(raw, kind)``; None where near and far disagree.
    """
    x, y = inverse_of(raw, kind).astype(np.float64), 1 / depth_m.astype(np.float64)
    used = np.isfinite(x) & (weight > 0)
    x, y, w = x[used], y[used], weight[used].astype(np.float64)
    if x.size < 2 or np.ptp(x) == 0:
        return None
    a = b = 0.0
    reweighted = w
    for _ in range(_ROUNDS):
        total = reweighted.sum()
        mx, my = (reweighted @ x) / total, (reweighted @ y) / total
        a = float((reweighted @ ((x - mx) * (y - my))) / (reweighted @ (x - mx) ** 2))
        b = float(my - a * mx)
        residual = np.abs(y - a * x - b)
        reweighted = w / np.maximum(residual, 1e-3 * np.abs(y).max())
    return (a, b) if a > 0 else None


def inverse_of(raw: FloatMap, kind: DepthKind) -> FloatMap:
    """Return what grows with nearness: ``raw`` itself or one over it; nan where that is not defined."""
    return raw if kind == "inverse" else np.where(raw > 0, 1 / np.where(raw > 0, raw, 1), np.nan).astype(np.float32)


def to_metres(
    raw: FloatMap,
    kind: DepthKind,
    own_m: FloatMap,
    confidence: FloatMap,
    ids: NDArray[np.int32],
    segments: tuple[Segment, ...],
) -> tuple[FloatMap, str]:
    """Bring the output of a depth network to metres.

    Args:
        raw: (h, w), over the photo on any grid; nan where unknown.
        kind: What it is.
        own_m: (H, W), maquette's own depth over the photo, which gives relative depth its metres.
        confidence: (H, W), of that depth.
        ids: (H, W), segments of the photo.
        segments: The segments behind the ids; sky and void take no part in the alignment.

    Returns:
        (h, w) float32 metres, nan where unknown, and a sentence that says what was done.
    """
    if kind == "metric":
        return raw, "Depth is that of the network chosen, in its own metres."
    rows = ((np.arange(own_m.shape[0]) + 0.5) * raw.shape[0] / own_m.shape[0]).astype(np.intp)
    columns = ((np.arange(own_m.shape[1]) + 0.5) * raw.shape[1] / own_m.shape[1]).astype(np.intp)
    solid = [segment.id for segment in segments if segment.label.role != "sky"]
    weight = np.where(np.isin(ids, solid), confidence + 0.05, 0).astype(np.float32)
    seen = raw[rows[:, None], columns]
    found = align(seen, kind, own_m, weight)
    said = "Depth of the network chosen was scaled to maquette's own metres."
    if found is None:
        nearness = inverse_of(seen, kind)[weight > 0] if weight.any() else inverse_of(seen, kind)
        middle = float(np.nanmedian(nearness - np.nanmin(nearness))) if np.isfinite(nearness).any() else 0.0
        scale = float(np.median(1 / own_m)) / (middle or 1.0)
        found = (scale, -scale * float(np.nanmin(nearness)) if middle else float(np.median(1 / own_m)))
        said = "Depth of the network chosen contradicts maquette's own: only its middle was scaled to metres."
    a, b = found
    nearness = a * inverse_of(raw, kind) + b
    return np.where(np.isnan(nearness), np.nan, 1 / np.clip(nearness, 1 / MAX_DEPTH_M, 1 / NEAREST_M)).astype(
        np.float32
    ), said


def fill(depth_m: FloatMap, ids: NDArray[np.int32], fallback_m: FloatMap) -> FloatMap:
    """Fill unknown depth from the nearest known pixel of the same segment.

    Args:
        depth_m: (h, w), nan where unknown.
        ids: (h, w), the segment of each pixel.
        fallback_m: (h, w), taken over a whole segment that has no known pixel.

    Returns:
        (h, w) float32 without nan.
    """
    from scipy.ndimage import distance_transform_edt, find_objects

    unknown = ~np.isfinite(depth_m)
    result = np.where(unknown, fallback_m, depth_m)
    for number in np.flatnonzero(np.bincount(ids[unknown])):
        where = find_objects((ids == number).view(np.uint8))[0]
        here = ids[where] == number
        known = here & ~unknown[where]
        if known.any():
            nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
            holes = here & unknown[where]
            result[where][holes] = depth_m[where][tuple(nearest)][holes]
    return result.astype(np.float32)
