"""Agreement of label maps, and panoptic quality.

Sources: Everingham et al., "The PASCAL Visual Object Classes Challenge" (IJCV 2015), for the intersection over union
from a confusion matrix over all pixels; Kirillov et al., "Panoptic Segmentation" (CVPR 2019), equation 1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.integer]

MATCH_IOU = 0.5
"""Segments match above this (then at most one can)."""

_VOID = -1


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
    theirs = truth.astype(np.int64) if unknown is None else np.where(unknown, _VOID, truth)
    of_truth, of_prediction = (dict.fromkeys(np.unique(ids[ids > 0]).tolist(), 0) for ids in (truth, predicted))
    return _matched(theirs, predicted, of_truth, of_prediction, ()).get(0, PanopticQuality())


def panoptic_qualities(
    truth: IntArray,
    predicted: IntArray,
    truth_categories: Mapping[int, int],
    predicted_categories: Mapping[int, int],
    crowds: Collection[int] = (),
) -> dict[int, PanopticQuality]:
    """Match the segments of every category in one picture, as COCO's panopticapi does.

    Args:
        truth: (H, W) segment ids. Pixels of an id without a category are void: they count in no union, and a predicted
            segment that lies mostly there is not spurious (Kirillov et al., section 4.1).
        predicted: (H, W) segment ids; those without a category are no segments.
        truth_categories: Category of each segment of the truth.
        predicted_categories: Category of each predicted segment.
        crowds: Segments of the truth that stand for a group. They are neither found nor missed, and a predicted segment
            of their category that lies mostly there or on void is not spurious (section 4.1, "group labels").

    Returns:
        Counts of each category that is in the truth or the prediction, by its id. Add those of several pictures with
        ``add_qualities``.
    """
    theirs = np.where(np.isin(truth, list(truth_categories)), truth, _VOID)
    return _matched(theirs, predicted, truth_categories, predicted_categories, crowds)


def add_qualities(pictures: Iterable[Mapping[int, PanopticQuality]]) -> dict[int, PanopticQuality]:
    """Return the counts of each category over pictures."""
    total: dict[int, PanopticQuality] = {}
    for picture in pictures:
        for category, quality in picture.items():
            total[category] = total.get(category, PanopticQuality()) + quality
    return total


@dataclass(frozen=True)
class PanopticAverage:
    """Means over categories, every category counting the same however many segments it has.

    Attributes:
        pq: Mean panoptic quality.
        sq: Mean segmentation quality.
        rq: Mean recognition quality.
        categories: Number of categories that occur in truth or prediction: the others are left out. All is 0 without
            any.
    """

    pq: float
    sq: float
    rq: float
    categories: int


def panoptic_averages(
    qualities: Mapping[int, PanopticQuality], things: Collection[int]
) -> dict[Literal["all", "things", "stuff"], PanopticAverage]:
    """Average over all categories, over ``things`` and over the others (Kirillov et al., section 4.2 and table 1)."""
    return {
        "all": _average(qualities.values()),
        "things": _average(quality for category, quality in qualities.items() if category in things),
        "stuff": _average(quality for category, quality in qualities.items() if category not in things),
    }


def _average(qualities: Iterable[PanopticQuality]) -> PanopticAverage:
    occurring = [quality for quality in qualities if quality.matched + quality.missed + quality.spurious]
    if not occurring:
        return PanopticAverage(0.0, 0.0, 0.0, 0)
    pq, sq, rq = np.mean([(quality.pq, quality.sq, quality.rq) for quality in occurring], axis=0).tolist()
    return PanopticAverage(pq, sq, rq, len(occurring))


def _matched(
    truth: IntArray,
    predicted: IntArray,
    truth_categories: Mapping[int, int],
    predicted_categories: Mapping[int, int],
    crowds: Collection[int],
) -> dict[int, PanopticQuality]:
    """Count matches by category; pixels of the truth that are ``_VOID`` count in no union."""
    if truth.shape != predicted.shape:
        raise ValueError(f"truth is {truth.shape}, prediction is {predicted.shape}")
    truth_ids, rows = np.unique(truth, return_inverse=True)
    ids, columns = np.unique(predicted, return_inverse=True)
    shape = len(truth_ids), len(ids)
    shared = np.bincount(np.ravel(rows) * shape[1] + np.ravel(columns), minlength=shape[0] * shape[1]).reshape(shape)
    areas = shared.sum(0)
    hidden = shared[truth_ids == _VOID].sum(0)
    iou = shared / np.maximum(shared.sum(1)[:, None] + areas - hidden - shared, 1)

    missed = {
        row: truth_categories[t]
        for row, t in enumerate(truth_ids.tolist())
        if t in truth_categories and t not in crowds
    }
    spurious = {column: predicted_categories[p] for column, p in enumerate(ids.tolist()) if p in predicted_categories}
    counts: defaultdict[int, PanopticQuality] = defaultdict(PanopticQuality)
    for row, column in np.argwhere(iou > MATCH_IOU).tolist():
        if row in missed and column in spurious and missed[row] == spurious[column]:
            counts[missed.pop(row)] += PanopticQuality(iou_sum=float(iou[row, column]), matched=1)
            del spurious[column]
    for category in missed.values():
        counts[category] += PanopticQuality(missed=1)
    for column, category in spurious.items():
        group = [crowd for crowd in crowds if truth_categories[crowd] == category]
        excused = hidden[column] + shared[np.isin(truth_ids, group), column].sum()
        if excused <= 0.5 * areas[column]:
            counts[category] += PanopticQuality(spurious=1)
    return dict(counts)
