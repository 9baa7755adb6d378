"""Things that stand side by side and touch, taken apart along the valleys of the heatmap between them.

A weakly trained centre heatmap has no sharp peaks, yet it is higher along the axis of an upright thing than where two
of them touch, and a column through a body holds more of the thing than one through a gap between two heads. So the sum
of the heatmap over the columns of a region has a peak for each thing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

SPACING = {"person": 0.22, "car": 0.5}
"""Least distance of two axes, as a share of the region's height, for the labels whose things stand side by side."""

PROMINENCE = 0.12
"""How far the profile falls between two axes, as a share of its highest value."""

SMOOTHING = 0.025
"""Standard deviation of the profile's smoothing, as a share of the region's height."""


def part(mask: NDArray[np.bool_], heat: NDArray[np.float32], spacing: float) -> NDArray[np.int32]:
    """Number the things of one connected region.

    Args:
        mask: (h, w), the region.
        heat: (h, w), probability that a thing has its centre here.
        spacing: See ``SPACING``.

    Returns:
        (h, w) int32, 0 outside the mask, else the thing from 1 on, in the order of their columns.
    """
    from scipy.ndimage import gaussian_filter, gaussian_filter1d
    from scipy.signal import find_peaks
    from skimage import segmentation

    rows = np.flatnonzero(mask.any(axis=1))
    height = int(rows[-1] - rows[0] + 1)
    profile = gaussian_filter1d((heat * mask).sum(axis=0).astype(np.float64), max(1.0, SMOOTHING * height))
    axes, _ = find_peaks(profile, prominence=PROMINENCE * profile.max(), distance=max(2.0, spacing * height))
    axes = axes[mask[:, axes].any(axis=0)]
    if len(axes) < 2:
        return mask.astype(np.int32)
    markers = np.zeros(mask.shape, np.int32)
    markers[:, axes] = np.arange(1, len(axes) + 1)
    watershed: Callable[..., NDArray[np.int32]] = segmentation.watershed
    return watershed(-gaussian_filter(heat, 1.0), markers * mask, mask=mask)
