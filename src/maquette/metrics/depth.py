"""Depth errors, each published variant under its own name.

Every function takes two (N,) or (H, W) arrays of z-depth in metres and looks only where the truth is valid (above 0 and
finite). There are two ways from pictures to a data set: the mean of the pictures' own numbers (``mean_over_images``),
as DIODE's devkit (https://github.com/diode-dataset/diode-devkit, metrics.py) computes it, and one number over the
pixels of all of them (from the sum of their ``errors``), whose name ends in ``_pooled``.

A prediction may first be brought to the truth's scale, picture by picture: ``median_scaled``, ``affine_depth``,
``affine_disparity``. Numbers of different alignments cannot be compared, so the names of metrics say which it was.

Sources: Eigen, Puhrsch and Fergus, "Depth Map Prediction from a Single Image using a Multi-Scale Deep Network" (NIPS
2014), for the relative error, the thresholds and the scale-invariant error; the diorama paper (Vejbora and Sikudova,
ITAT 2023), equation 1, for the scale-invariant error as a loss with lambda 0.5; Ranftl et al., "Towards Robust
Monocular Depth Estimation" (TPAMI 2020), for the alignment by scale and shift.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

LEAST_DEPTH_M = 1e-3
"""What an affine alignment sets to less is set to this (the least depth of GLPN's evaluation)."""

EIGEN_CROP = (slice(45, 471), slice(41, 601))
"""Rows and columns of NYU Depth v2's 480x640 pictures that Eigen 2014 and all after it evaluate on."""


@dataclass(frozen=True)
class DepthErrors:
    """Sums over the valid pixels of one or more pictures; they add. With d = ln p - ln t:

    Attributes:
        pixels: Their number.
        relative: Sum of |p - t| / t.
        square_m2: Sum of (p - t)^2, square metres.
        log: Sum of d.
        log_square: Sum of d^2.
        within: Number of pixels with max(p / t, t / p) < 1.25^k, for k = 1, 2, 3.
    """

    pixels: int
    relative: float
    square_m2: float
    log: float
    log_square: float
    within: tuple[int, int, int]

    def __add__(self, other: DepthErrors) -> DepthErrors:
        """Return the sums over the pixels of both."""
        one, two, three = (a + b for a, b in zip(self.within, other.within, strict=True))
        return DepthErrors(
            self.pixels + other.pixels,
            self.relative + other.relative,
            self.square_m2 + other.square_m2,
            self.log + other.log,
            self.log_square + other.log_square,
            (one, two, three),
        )

    @property
    def abs_rel(self) -> float:
        """Mean of |p - t| / t (Eigen 2014)."""
        return self.relative / self.pixels

    @property
    def rmse_m(self) -> float:
        """Root of the mean of (p - t)^2, in metres (Eigen 2014, "RMSE (linear)")."""
        return float(np.sqrt(self.square_m2 / self.pixels))

    @property
    def rmse_log(self) -> float:
        """Root of the mean of d^2 (Eigen 2014, "RMSE (log)")."""
        return float(np.sqrt(self.log_square / self.pixels))

    def silog(self, lam: float) -> float:
        """Mean of d^2 minus ``lam`` times the square of the mean of d (Eigen 2014, equation 4).

        No root is taken and no factor applied. ``lam`` 1 ignores the scale of the prediction altogether (it is the
        variance of d; the diorama paper's column "SILog"); 0.5 is the training loss of both papers; 0 is the square of
        ``rmse_log``.
        """
        return self.log_square / self.pixels - lam * (self.log / self.pixels) ** 2

    def delta(self, power: int) -> float:
        """Share of pixels with max(p / t, t / p) < 1.25^power, 1 to 3 (Eigen 2014, "threshold")."""
        return self.within[power - 1] / self.pixels

    def metrics(self) -> dict[str, float]:
        """Return every metric by its name."""
        return {
            "abs_rel": self.abs_rel,
            "rmse_m": self.rmse_m,
            "rmse_log": self.rmse_log,
            "silog_1": self.silog(1.0),
            "silog_half": self.silog(0.5),
            **{f"delta{power}": self.delta(power) for power in (1, 2, 3)},
        }


def valid_pairs(predicted_m: ArrayLike, truth_m: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return prediction and truth (n,) float64 where the truth is finite and above 0.

    Raises:
        ValueError: The shapes differ, nothing is valid, or a prediction there is not finite and above 0.
    """
    predicted, truth = np.asarray(predicted_m, np.float64), np.asarray(truth_m, np.float64)
    if predicted.shape != truth.shape:
        raise ValueError(f"prediction is {predicted.shape}, truth is {truth.shape}")
    valid = np.isfinite(truth) & (truth > 0)
    predicted, truth = predicted[valid], truth[valid]
    if not truth.size:
        raise ValueError("no pixel of the truth is valid")
    if not (np.isfinite(predicted).all() and (predicted > 0).all()):
        raise ValueError("the prediction has depths that are not finite and above 0")
    return predicted, truth


def errors(predicted_m: ArrayLike, truth_m: ArrayLike) -> DepthErrors:
    """Sum the errors of one picture, as given, without any alignment."""
    p, t = valid_pairs(predicted_m, truth_m)
    ratio = p / t
    d, off = np.log(ratio), np.maximum(ratio, 1 / ratio)
    one, two, three = (int((off < 1.25**power).sum()) for power in (1, 2, 3))
    return DepthErrors(
        p.size,
        float(np.abs(ratio - 1).sum()),
        float(((p - t) ** 2).sum()),
        float(d.sum()),
        float((d**2).sum()),
        (one, two, three),
    )


def median_scaled(predicted_m: ArrayLike, truth_m: ArrayLike) -> FloatArray:
    """Return the prediction times median(truth) / median(prediction), both over valid pixels; same shape, float64."""
    predicted, truth = valid_pairs(predicted_m, truth_m)
    return np.asarray(predicted_m, np.float64) * (np.median(truth) / np.median(predicted))


def affine_depth(predicted_m: ArrayLike, truth_m: ArrayLike, farthest_m: float) -> FloatArray:
    """Return the prediction times a scale plus a shift, both by least squares of depth over valid pixels.

    This is how networks are compared whose depth is known up to scale and shift (Ke et al., "Repurposing
    Diffusion-Based Image Generators for Monocular Depth Estimation", CVPR 2024, section 4).

    Args:
        predicted_m: The prediction.
        truth_m: The truth.
        farthest_m: The result is cut to ``LEAST_DEPTH_M`` to this: a least-squares line may leave what is possible.

    Returns:
        Float64 of the prediction's shape.
    """
    scale, shift = _line(*valid_pairs(predicted_m, truth_m))
    return np.clip(scale * np.asarray(predicted_m, np.float64) + shift, LEAST_DEPTH_M, farthest_m)


def affine_disparity(predicted_m: ArrayLike, truth_m: ArrayLike, farthest_m: float) -> FloatArray:
    """Return the prediction after its inverse was given a scale and a shift, by least squares of inverse depth.

    This is how networks are compared whose inverse depth is known up to scale and shift (Ranftl et al. 2020, section
    6).

    Args:
        predicted_m: The prediction; a network's relative inverse depth goes in as its inverse.
        truth_m: The truth.
        farthest_m: The result is cut to ``LEAST_DEPTH_M`` to this; an inverse depth of 0 or less becomes this.

    Returns:
        Float64 of the prediction's shape.
    """
    predicted, truth = valid_pairs(predicted_m, truth_m)
    scale, shift = _line(1 / predicted, 1 / truth)
    return 1 / np.clip(scale / np.asarray(predicted_m, np.float64) + shift, 1 / farthest_m, 1 / LEAST_DEPTH_M)


def _line(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """Scale and shift that bring x nearest to y in the least-squares sense; a constant x gives scale 0."""
    middle_x, middle_y = x.mean(), y.mean()
    spread = ((x - middle_x) ** 2).sum()
    scale = float(((x - middle_x) * (y - middle_y)).sum() / spread) if spread > 0 else 0.0
    return scale, float(middle_y - scale * middle_x)


def errors_by_alignment(predicted_m: ArrayLike, truth_m: ArrayLike, farthest_m: float) -> dict[str, DepthErrors]:
    """Sum the errors of one picture in every alignment, by what the names of its metrics end in.

    Args:
        predicted_m: The prediction.
        truth_m: The truth.
        farthest_m: As ``affine_depth`` and ``affine_disparity`` take it.

    Returns:
        ``""`` (none), ``"_median_scaled"``, ``"_affine_depth"`` and ``"_affine_disparity"``.
    """
    return {
        "": errors(predicted_m, truth_m),
        "_median_scaled": errors(median_scaled(predicted_m, truth_m), truth_m),
        "_affine_depth": errors(affine_depth(predicted_m, truth_m, farthest_m), truth_m),
        "_affine_disparity": errors(affine_disparity(predicted_m, truth_m, farthest_m), truth_m),
    }


def all_metrics(predicted_m: ArrayLike, truth_m: ArrayLike) -> dict[str, float]:
    """Return every metric of one picture by its name, as given, without any alignment."""
    return errors(predicted_m, truth_m).metrics()


def all_metrics_median_scaled(predicted_m: ArrayLike, truth_m: ArrayLike) -> dict[str, float]:
    """Return every metric of one picture after median scaling, each name ending in ``_median_scaled``."""
    scaled = median_scaled(predicted_m, truth_m)
    return {f"{name}_median_scaled": value for name, value in all_metrics(scaled, truth_m).items()}


def mean_over_images(rows: Iterable[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each metric over pictures, every picture counting the same however many pixels it has."""
    listed = list(rows)
    if not listed:
        raise ValueError("no picture to average over")
    return {name: float(np.mean([row[name] for row in listed])) for name in listed[0]}


def all_metrics_over_images(pictures: Sequence[Mapping[str, DepthErrors]]) -> dict[str, float]:
    """Return every metric of a data set in both ways and in every alignment.

    Args:
        pictures: What ``errors_by_alignment`` says of each picture.

    Returns:
        By name, ``METRIC + ALIGNMENT`` for the mean over pictures, ``METRIC + ALIGNMENT + "_pooled"`` over all pixels:
        ``silog_1``, ``silog_1_pooled``, ``rmse_m_affine_depth``, ``rmse_m_affine_depth_pooled`` ...
    """
    result: dict[str, float] = {}
    for alignment in pictures[0]:
        found = [picture[alignment] for picture in pictures]
        means = mean_over_images(each.metrics() for each in found)
        pooled = reduce(DepthErrors.__add__, found).metrics()
        result |= {f"{name}{alignment}": value for name, value in means.items()}
        result |= {f"{name}{alignment}_pooled": value for name, value in pooled.items()}
    return result


def eigen_crop(truth_m: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the truth of a picture of NYU Depth v2 with 0 outside of ``EIGEN_CROP``.

    Raises:
        ValueError: It is not (480, 640).
    """
    if truth_m.shape != (480, 640):
        raise ValueError(f"Eigen's crop is of 640x480 pictures, this one is {truth_m.shape[1]}x{truth_m.shape[0]}")
    cropped = np.zeros_like(truth_m)
    cropped[EIGEN_CROP] = truth_m[EIGEN_CROP]
    return cropped
