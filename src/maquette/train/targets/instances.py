"""Which pixels belong to which thing: detected boxes joined with semantics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from maquette.labels import BY_NAME, LABELS
from maquette.train.targets.nanodet import Box

THINGS = np.array([label.isthing for label in LABELS])
"""(45,) bool, whether label id i + 1 is a thing."""

# Rarely touching one another, so that a connected region is one of them.
_SOLITARY = ("bed", "sofa", "painting", "airplane", "bus", "cat", "tv", "table", "cabinet", "train", "armchair")
# Categories that detector and teachers confuse, and that may fill one another's boxes.
_KIN = (("sofa", "armchair", "chair", "bed"), ("car", "bus", "train"), ("dog", "cat", "cow", "sheep", "horse", "bird"))
_LEAST_BOXED, _LEAST_REGION = 60, 200


def _family(name: str) -> list[int]:
    for kin in _KIN:
        if name in kin:
            return [BY_NAME[member].id for member in kin]
    return [BY_NAME[name].id]


def pseudo_instances(ids: NDArray[np.int64], boxes: list[Box], cells_per_pixel: float) -> NDArray[np.int16]:
    """Tell things apart.

    A pixel of a thing's category goes to the box of that category (or a kindred one) in which it lies most centrally.
    What no box covers is one thing if its category rarely touches its like, or if no box of the category exists and the
    region is connected; else it is unknown.

    Args:
        ids: (h, w) label ids.
        boxes: Detections, in pixels of the picture.
        cells_per_pixel: h over the picture's height.

    Returns:
        (h, w) int16: 0 no thing, above 0 a thing, -1 a thing that could not be told apart.
    """
    h, w = ids.shape
    out = np.where(THINGS[ids - 1], -1, 0).astype(np.int16)
    nearest = np.full((h, w), np.inf)
    y, x = np.mgrid[:h, :w] + 0.5
    count = 0
    boxed: set[int] = set()
    for box in boxes:
        family = _family(box.label.name)
        x0, y0, x1, y1 = (corner * cells_per_pixel for corner in box.corners)
        slack = 0.06
        u = (x - (x0 + x1) / 2) / max((x1 - x0) / 2, 1.0)
        v = (y - (y0 + y1) / 2) / max((y1 - y0) / 2, 1.0)
        reach = np.maximum(np.abs(u), np.abs(v))
        inside = (reach < 1 + 2 * slack) & np.isin(ids, family)
        if inside.sum() < max(_LEAST_BOXED, 0.15 * (x1 - x0) * (y1 - y0)):
            continue
        count += 1
        boxed.update(family)
        distance = np.where(inside, u**2 + 0.3 * v**2, np.inf)
        closer = distance < nearest
        out[closer] = count
        nearest = np.minimum(nearest, distance)
    for label in np.unique(ids[out == -1]):
        solitary = LABELS[label - 1].name in _SOLITARY
        regions, regions_count = ndimage.label((ids == label) & (out == -1))
        for region in range(1, int(regions_count) + 1):
            mask = regions == region
            if mask.sum() >= _LEAST_REGION and (solitary or label not in boxed):
                count += 1
                out[mask] = count
    return out
