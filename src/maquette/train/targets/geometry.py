"""Weak depth for photos without any: a ground plane, what stands on it, and a sky at the back.

The order is right more often than the metres are, so such a target carries a large uncertainty of scale.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from maquette.labels import BY_NAME, LABELS

EYE_M, CEILING_M = 1.5, 1.2
"""Assumed heights of the camera above the ground and of a ceiling above the camera."""
SKY_M, FAR_M, NEAR_M = 100.0, 80.0, 0.4
LOOSE_M = 2.0
"""Depth of a picture that shows neither ground nor sky."""

_LEAST_GROUND = 0.04
_ROLE = np.array([label.role for label in LABELS])
_OUTDOOR = [BY_NAME[n].id for n in ("sky", "road", "grass", "field", "tree", "mountain", "water", "sidewalk", "earth")]


def is_outdoor(ids: NDArray[np.int64]) -> bool:
    """Whether more than a third of (h, w) label ids are outdoor categories."""
    return bool(np.isin(ids, _OUTDOOR).mean() > 0.33)


def horizon(ids: NDArray[np.int64]) -> float | None:
    """Return the assumed row of the horizon as a share of the height (may be outside 0..1), or None without ground."""
    roles = _ROLE[ids - 1]
    ground = roles == "ground"
    if ground.mean() < _LEAST_GROUND:
        return None
    rows = np.nonzero(ground)[0] / ids.shape[0]
    top = float(np.quantile(rows, 0.03))
    if is_outdoor(ids):
        sky = np.nonzero(roles == "sky")[0] / ids.shape[0]
        bottom = float(np.quantile(sky, 0.97)) if sky.size > 0.02 * ids.size else top - 0.06
        return min(top - 0.02, max(bottom, top - 0.15))
    return min(top - 0.08, 0.45)


def weak_depth(ids: NDArray[np.int64], instances: NDArray[np.int16], focal: float) -> tuple[NDArray[np.float32], bool]:
    """Return weak depth (h, w) float32 in metres, 0 where nothing can be said, and whether it rests on a ground.

    Args:
        ids: (h, w) label ids.
        instances: (h, w) int16 ids of things, above 0.
        focal: In cells of these maps.
    """
    h, w = ids.shape
    roles = _ROLE[ids - 1]
    level = horizon(ids)
    inverse = np.zeros((h, w))
    known = np.zeros((h, w), bool)
    if level is None:
        inverse[:] = 1 / LOOSE_M
        known[:] = True
    else:
        drop = (np.arange(h) + 0.5 - level * h) / focal
        plane = np.clip(drop / EYE_M, 1 / FAR_M, 1 / NEAR_M)[:, None].repeat(w, 1)
        ground, ceiling = roles == "ground", roles == "ceiling"
        inverse[ground], known[ground] = plane[ground], True
        above = np.clip(-drop / CEILING_M, 1 / FAR_M, 1 / NEAR_M)[:, None].repeat(w, 1)
        inverse[ceiling], known[ceiling] = above[ceiling], True
        for mask, thing in _standing(ids, roles, instances):
            fitted = _upright_plane(mask, ground, plane, thing)
            if fitted is not None:
                inverse[mask], known[mask] = np.broadcast_to(fitted, (h, w))[mask], True
    sky = roles == "sky"
    inverse[sky], known[sky] = 1 / SKY_M, True
    return np.where(known, 1 / np.maximum(inverse, 1 / SKY_M), 0).astype(np.float32), level is not None


def _standing(
    ids: NDArray[np.int64], roles: NDArray[np.str_], instances: NDArray[np.int16]
) -> list[tuple[NDArray[np.bool_], bool]]:
    """Return masks of what stands, and whether each is one thing: stuff first, so that things overwrite it."""
    masks = []
    for label in np.unique(ids[(roles == "upright") | ((roles == "object") & (instances <= 0))]):
        regions, count = ndimage.label((ids == label) & (instances <= 0))
        masks += [(regions == i + 1, False) for i in range(int(count)) if (regions == i + 1).sum() > 30]
    masks += [(instances == i, True) for i in np.unique(instances[instances > 0])]
    return masks


def _upright_plane(
    mask: NDArray[np.bool_], ground: NDArray[np.bool_], plane: NDArray[np.float64], thing: bool
) -> NDArray[np.float64] | None:
    """Return inverse depth (1, w) of a vertical plane through where ``mask`` meets the ground below it, or None."""
    h, w = mask.shape
    columns = np.flatnonzero(mask.any(0))
    lowest = h - 1 - mask[::-1].argmax(0)[columns]
    below = np.minimum(lowest + 3, h - 1)
    touches = ground[below, columns] | (lowest >= h - 2)
    if touches.sum() < max(2, 0.1 * columns.size):
        return None
    columns, contact = columns[touches], plane[lowest[touches], columns[touches]]
    if thing or columns.size < 8:
        return np.full((1, w), np.quantile(contact, 0.9))
    slope, offset = np.polyfit(columns, contact, 1)
    low, high = np.quantile(contact, [0.02, 0.98])
    return np.asarray(np.clip(slope * np.arange(w) + offset, low, high)[None], np.float64)
