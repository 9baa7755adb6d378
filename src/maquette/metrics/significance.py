"""Whether one model is better than another, from a metric of each on the same pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Wilcoxon:
    """Outcome of Wilcoxon's signed-rank test of paired numbers.

    Attributes:
        pairs: Number of pairs.
        lower: Pairs in which the second number is lower than the first.
        higher: Pairs in which it is higher; the others are equal, and take no part.
        median: Median of second minus first, over all pairs.
        p_two_sided: Probability of differences that lean this much to either side, if neither model were better; 1
            where all pairs are equal.
        p_lower: Probability of differences that lean this much to the lower side, if the second were not lower.
        p_higher: The same for the higher side.
    """

    pairs: int
    lower: int
    higher: int
    median: float
    p_two_sided: float
    p_lower: float
    p_higher: float


def wilcoxon(first: ArrayLike, second: ArrayLike) -> Wilcoxon:
    """Test whether a metric differs between two models (Wilcoxon, "Individual Comparisons by Ranking Methods", 1945).

    The diorama paper (section 4.1) tests SILog with lambda 1 before and after fine-tuning.

    Args:
        first: (n,) the metric of one model, picture by picture.
        second: (n,) that of the other, on the same pictures in the same order.

    Returns:
        The outcome, by ``scipy.stats.wilcoxon``: exact for up to 50 pairs without ties, else normal.

    Raises:
        ValueError: The lengths differ, there is no pair, or a number is not finite.
    """
    from scipy import stats

    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.shape != b.shape or a.ndim != 1 or not a.size:
        raise ValueError(f"shapes {a.shape} and {b.shape}; give one number a picture for each model")
    difference = b - a
    if not np.isfinite(difference).all():
        raise ValueError("a number is not finite")
    lower, higher = int((difference < 0).sum()), int((difference > 0).sum())
    p_two_sided, p_lower, p_higher = (
        float(stats.wilcoxon(difference, alternative=side).pvalue) if lower or higher else 1.0
        for side in ("two-sided", "less", "greater")
    )
    return Wilcoxon(a.size, lower, higher, float(np.median(difference)), p_two_sided, p_lower, p_higher)
