"""Depth errors, each published variant under its own name.

Every function takes two (N,) or (H, W) arrays of z-depth in metres and looks only where the truth is valid (above 0 and
finite). Over several pictures a number is the mean of the pictures' own (``mean_over_images``), as DIODE's devkit
(https://github.com/diode-dataset/diode-devkit, metrics.py) computes it.

Sources: Eigen, Puhrsch and Fergus, "Depth Map Prediction from a Single Image using a Multi-Scale Deep Network" (NIPS
2014), for the relative error, the thresholds and the scale-invariant error; the diorama paper (Vejbora and Sikudova,
ITAT 2023), equation 1, for the scale-invariant error as a loss with lambda 0.5.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


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


def median_scaled(predicted_m: ArrayLike, truth_m: ArrayLike) -> FloatArray:
    """Return the prediction times median(truth) / median(prediction), both over valid pixels; same shape, float64."""
    predicted, truth = valid_pairs(predicted_m, truth_m)
    return np.asarray(predicted_m, np.float64) * (np.median(truth) / np.median(predicted))


def abs_rel(predicted_m: ArrayLike, truth_m: ArrayLike) -> float:
    """Mean of |p - t| / t (Eigen 2014)."""
    p, t = valid_pairs(predicted_m, truth_m)
    return float(np.mean(np.abs(p - t) / t))


def rmse_m(predicted_m: ArrayLike, truth_m: ArrayLike) -> float:
    """Root of the mean of (p - t)^2, in metres (Eigen 2014, "RMSE (linear)")."""
    p, t = valid_pairs(predicted_m, truth_m)
    return float(np.sqrt(np.mean((p - t) ** 2)))


def rmse_log(predicted_m: ArrayLike, truth_m: ArrayLike) -> float:
    """Root of the mean of (ln p - ln t)^2 (Eigen 2014, "RMSE (log)")."""
    p, t = valid_pairs(predicted_m, truth_m)
    return float(np.sqrt(np.mean((np.log(p) - np.log(t)) ** 2)))


def silog(predicted_m: ArrayLike, truth_m: ArrayLike, lam: float) -> float:
    """Mean of d^2 minus ``lam`` times the square of the mean of d, with d = ln p - ln t (Eigen 2014, equation 4).

    No root is taken and no factor applied. ``lam`` 1 ignores the scale of the prediction altogether (it is the variance
    of d); 0 is the square of ``rmse_log``.
    """
    p, t = valid_pairs(predicted_m, truth_m)
    d = np.log(p) - np.log(t)
    return float(np.mean(d**2) - lam * np.mean(d) ** 2)


def silog_1(predicted_m: ArrayLike, truth_m: ArrayLike) -> float:
    """``silog`` with lambda 1, the variance of the log error (the diorama paper's column "SILog")."""
    return silog(predicted_m, truth_m, 1.0)


def silog_half(predicted_m: ArrayLike, truth_m: ArrayLike) -> float:
    """``silog`` with lambda 0.5, the training loss of Eigen 2014 and of the diorama paper (equation 1)."""
    return silog(predicted_m, truth_m, 0.5)


def delta(predicted_m: ArrayLike, truth_m: ArrayLike, power: int) -> float:
    """Share of pixels with max(p / t, t / p) < 1.25^power (Eigen 2014, "threshold")."""
    p, t = valid_pairs(predicted_m, truth_m)
    return float(np.mean(np.maximum(p / t, t / p) < 1.25**power))


def all_metrics(predicted_m: ArrayLike, truth_m: ArrayLike) -> dict[str, float]:
    """Return every metric of one picture by its name, as given, without any alignment."""
    return {
        "abs_rel": abs_rel(predicted_m, truth_m),
        "rmse_m": rmse_m(predicted_m, truth_m),
        "rmse_log": rmse_log(predicted_m, truth_m),
        "silog_1": silog_1(predicted_m, truth_m),
        "silog_half": silog_half(predicted_m, truth_m),
        **{f"delta{power}": delta(predicted_m, truth_m, power) for power in (1, 2, 3)},
    }


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
