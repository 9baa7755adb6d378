"""Intersection over union of voxel grids, each variant under its own name.

The Everted U-Net paper (section 4, tables 1 and 2) gives "mIoU" and says neither how scenes nor classes are averaged.
So there are two ways from scenes to a number: ``pooled``, of the cells of all scenes, and ``per_sample``, the mean of
the scenes' own. And there are two from classes to a number: ``mean_over_classes``, and ``together``, which takes the
masks of all classes for one grid, so that large classes weigh more. (The paper's "Overall" is not the mean over its
classes: those of its final version have a mean of 0.31, and it gives 0.384.)

Masks are independent: a cell may belong to two classes. What is neither true nor predicted has no IoU: NaN, and left
out of means. Objects are counted by ``metrics.segmentation``, whose maps may have any number of axes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

THRESHOLDS: tuple[float, ...] = tuple(percent / 100 for percent in range(1, 96))
"""Among which a network's threshold is chosen."""


@dataclass(frozen=True, eq=False)
class Overlaps:
    """How many cells prediction and truth share, in one or more scenes, at one or more thresholds.

    Attributes:
        shared: (scenes, thresholds, channels) int64: cells both predicted and true.
        either: The same shape: cells predicted, true or both.
    """

    shared: NDArray[np.int64]
    either: NDArray[np.int64]

    def together(self) -> Overlaps:
        """The same with all channels as one: intersections and unions summed over them."""
        return Overlaps(self.shared.sum(axis=2, keepdims=True), self.either.sum(axis=2, keepdims=True))

    @property
    def by_scene(self) -> FloatArray:
        """(scenes, thresholds, channels) float64: IoU of each scene."""
        return _ratio(self.shared, self.either)

    @property
    def pooled(self) -> FloatArray:
        """(thresholds, channels) float64: IoU of all scenes' cells, intersections and unions summed over scenes."""
        return _ratio(self.shared.sum(axis=0), self.either.sum(axis=0))

    @property
    def per_sample(self) -> FloatArray:
        """(thresholds, channels) float64: mean of the scenes' own IoU, over those that have one."""
        return _mean(self.by_scene, axis=0)


def curve(truth: NDArray[np.bool_], probability: NDArray[np.floating], thresholds: Sequence[float]) -> Overlaps:
    """Count the cells of one scene at many thresholds in one pass.

    Args:
        truth: (channels, ...) bool.
        probability: The same shape; a cell is predicted where it is at least the threshold.
        thresholds: In ascending order.

    Returns:
        Counts of one scene.

    Raises:
        ValueError: The shapes differ, a probability is NaN, or the thresholds do not ascend.
    """
    if truth.shape != probability.shape:
        raise ValueError(f"truth is {truth.shape}, prediction is {probability.shape}")
    if np.isnan(probability).any():
        raise ValueError("the prediction has cells that are no numbers")
    levels = np.asarray(thresholds, probability.dtype)
    if not len(levels) or (np.diff(levels) <= 0).any():
        raise ValueError(f"thresholds must ascend, not {list(thresholds)}")
    shared, either = np.zeros((2, 1, len(levels), len(truth)), np.int64)
    for channel, (true, p) in enumerate(zip(truth, probability, strict=True)):
        passed = np.searchsorted(levels, p.ravel(), side="right")
        counts = np.bincount(2 * passed + true.ravel(), minlength=2 * len(levels) + 2).reshape(-1, 2)
        predicted = counts[::-1].cumsum(axis=0)[-2::-1]
        shared[0, :, channel] = predicted[:, 1]
        either[0, :, channel] = predicted[:, 0] + np.count_nonzero(true)
    return Overlaps(shared, either)


def joined(scenes: Iterable[Overlaps]) -> Overlaps:
    """Return the scenes of several counts, in their order."""
    listed = list(scenes)
    return Overlaps(np.concatenate([one.shared for one in listed]), np.concatenate([one.either for one in listed]))


def mean_over_classes(iou: FloatArray) -> FloatArray:
    """Return (...) the mean over the last axis of (..., classes), over the classes that have an IoU: the mIoU."""
    return _mean(iou, axis=-1)


def best_threshold(scores: FloatArray, thresholds: Sequence[float]) -> float:
    """Return the threshold with the greatest score, the lowest of several.

    "The threshold value is chosen according to the best result on the validation sample" (section 4).

    Args:
        scores: (thresholds,), NaN where there is none.
        thresholds: They.

    Raises:
        ValueError: There is no score at all.
    """
    return float(thresholds[int(np.nanargmax(scores))])


def _ratio(shared: NDArray[np.int64], either: NDArray[np.int64]) -> FloatArray:
    out = np.full(shared.shape, np.nan)
    np.divide(shared, either, out=out, where=either > 0)
    return out


def _mean(values: FloatArray, axis: int) -> FloatArray:
    known = ~np.isnan(values)
    count = known.sum(axis=axis)
    out = np.full(count.shape, np.nan)
    np.divide(np.where(known, values, 0).sum(axis=axis), count, out=out, where=count > 0)
    return out
