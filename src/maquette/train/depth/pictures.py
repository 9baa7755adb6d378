"""Contact sheets: pictures beside their depth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from maquette.worlds.preview import depth_colors


def sheet(rows: Sequence[tuple[NDArray[np.uint8], Sequence[NDArray[np.float32]]]]) -> NDArray[np.uint8]:
    """Return one row for each picture: itself, then depth maps of it, each in the colours of its own range.

    Args:
        rows: A picture (H, W, 3) uint8, and depth maps (H, W) float32 in metres, 0 where unknown; all of one size.

    Returns:
        (rows x H, columns x W, 3) uint8 sRGB.
    """
    tiles = [np.hstack([rgb, *(depth_colors(depth_m) for depth_m in maps)]) for rgb, maps in rows]
    return np.vstack(tiles)
