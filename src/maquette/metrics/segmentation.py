"""Agreement of label maps, and panoptic quality.

Sources: Everingham et al., "The PASCAL Visual Object Classes Challenge" (IJCV 2015), for the intersection over union
from a confusion matrix over all pixels; Kirillov et al., "Panoptic Segmentation" (CVPR 2019), equation 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.integer]

MATCH_IOU = 0.5
"""Segments match above this (then at most one can)."""


def agreement(a: IntArray, b: IntArray, where: NDArray[np.bool_] | None = None) -> float:
    """Share of pixels at which two label maps of the same shape are equal, over ``where`` (all by default).

    Raises:
        ValueError: The shapes differ or ``where`` is empty.
    """
    if a.shape != b.shape:
        raise ValueError(f"label maps of shapes {a.shape} and {b.shape}")
    equal = a == b if where is None else (a == b)[where]
    if not equal.size:
        raise ValueError("no pixel to compare")
    return float(equal.mean())


def confusion(truth: IntArray, predicted: IntArray, classes: int) -> NDArray[np.int64]:
    """Count pixels by (truth, prediction).

    Args:
        truth: Ids 0 to ``classes - 1``; others are left out.
        predicted: The same shape and ids.
        classes: Their number.

    Returns:
        (classes, classes) int64, rows truth.
    """
    t, p = np.ravel(truth).astype(np.int64), np.ravel(predicted).astype(np.int64)
    if t.shape != p.shape:
        raise ValueError(f"truth has {t.size} pixels, prediction {p.size}")
    valid = (t >= 0) & (t < classes) & (p >= 0) & (p < classes)
    return np.bincount(t[valid] * classes + p[valid], minlength=classes**2).reshape(classes, classes)


def iou_per_class(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (classes,) float64 intersection over union of a confusion matrix; NaN where a class is in neither map."""
    shared = np.diag(matrix).astype(np.float64)
    union = matrix.sum(0) + matrix.sum(1) - shared
    out = np.full(shared.shape, np.nan)
    np.divide(shared, union, out=out, where=union > 0)
    return out


def mean_iou(matrix: NDArray[np.int64]) -> float:
    """Mean over the classes that occur in truth or prediction."""
    return float(np.nanmean(iou_per_class(matrix)))


@dataclass(frozen=True)
class PanopticQuality:
    """Counts of one or more pictures of one category; they add.

    Attributes:
        iou_sum: Sum of the intersections over union of matched segments.
        matched: True positives.
        missed: Segments of the truth without a match.
        spurious: Segments of the prediction without a match.
    """

    iou_sum: float = 0.0
    matched: int = 0
    missed: int = 0
    spurious: int = 0

    def __add__(self, other: PanopticQuality) -> PanopticQuality:
        """Return the counts of both."""
        return PanopticQuality(
            self.iou_sum + other.iou_sum,
            self.matched + other.matched,
            self.missed + other.missed,
            self.spurious + other.spurious,
        )

    @property
    def sq(self) -> float:
        """Segmentation quality: mean IoU of matches, 0 without any."""
        return self.iou_sum / self.matched if self.matched else 0.0

    @property
    def rq(self) -> float:
        """Recognition quality: the F1 score of segments, 0 without any."""
        total = self.matched + 0.5 * (self.missed + self.spurious)
        return self.matched / total if total else 0.0

    @property
    def pq(self) -> float:
        """Panoptic quality, SQ times RQ."""
        return self.sq * self.rq


def panoptic_quality(truth: IntArray, predicted: IntArray, unknown: NDArray[np.bool_] | None = None) -> PanopticQuality:
    """Match the segments of one category in one picture.

    Args:
        truth: (H, W) segment ids, 0 elsewhere.
        predicted: (H, W) segment ids, 0 elsewhere.
        unknown: (H, W), pixels without truth. They count in no union, and a predicted segment that lies mostly there is
            not spurious (Kirillov et al., section 4.1, "void labels").
    """
    void = np.zeros(truth.shape, bool) if unknown is None else unknown
    theirs = np.where(void, 0, truth)
    truth_ids, truth_areas = np.unique(theirs[theirs != 0], return_counts=True)
    ids, areas = np.unique(predicted[predicted != 0], return_counts=True)
    hidden = {int(i): int((void & (predicted == i)).sum()) for i in ids}
    area = dict(zip(ids.tolist(), areas.tolist(), strict=True))
    both = (theirs != 0) & (predicted != 0)
    pairs, shared = np.unique(np.stack([theirs[both], predicted[both]]), axis=1, return_counts=True)
    truth_area = dict(zip(truth_ids.tolist(), truth_areas.tolist(), strict=True))
    iou_sum, used = 0.0, set()
    for (t, p), intersection in zip(pairs.T.tolist(), shared.tolist(), strict=True):
        iou = intersection / (truth_area[t] + area[p] - hidden[p] - intersection)
        if iou > MATCH_IOU:
            iou_sum += iou
            used.add(p)
    spurious = sum(1 for i in area if i not in used and hidden[i] <= 0.5 * area[i])
    return PanopticQuality(iou_sum, len(used), len(truth_ids) - len(used), spurious)
