"""What perception says of a photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maquette.camera import Camera
from maquette.labels import Label
from maquette.models.types import Network


@dataclass(frozen=True)
class Segment:
    """One panoptic segment.

    Attributes:
        id: Value of its pixels in ``Perception.segment_ids``, at least 1.
        label: Its category.
        score: Mean confidence of its pixels, 0 to 1; 1 where a person drew it.
    """

    id: int
    label: Label
    score: float


@dataclass(frozen=True, eq=False)
class Perception:
    """Panoptic segments, depth and camera of one photo, all at the photo's resolution.

    Attributes:
        segment_ids: (H, W) int32, the id of each pixel's segment; 0 where there is none (void).
        segments: Every segment that has at least one pixel, by id.
        depth_m: (H, W) float32, z in metres along the camera's axis, finite and positive everywhere; sky is at
            ``SKY_DEPTH_M``.
        confidence: (H, W) float32, 0 (a guess) to 1 (given by the user).
        camera: Intrinsics of the photo and, where the ground gives them, its pitch and height above the ground.
        horizon_px: Row of the horizon at the centre column, in pixels (may lie outside the picture).
        networks: Each network that took part.
        notes: What was assumed, one sentence each.
    """

    segment_ids: NDArray[np.int32]
    segments: tuple[Segment, ...]
    depth_m: NDArray[np.float32]
    confidence: NDArray[np.float32]
    camera: Camera
    horizon_px: float
    networks: tuple[Network, ...] = ()
    notes: tuple[str, ...] = ()


SKY_DEPTH_M = 1000.0
"""Depth given to sky, in metres: behind all that a photo can measure."""

MAX_DEPTH_M = 150.0
"""Farthest depth of anything but sky, in metres (99.9% of DIODE's depths are nearer: diorama paper, section 3.2.1)."""
