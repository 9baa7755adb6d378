"""Options of perception."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PerceptionOptions:
    """Where segments, depth and camera come from.

    Attributes:
        depth: A depth map of the user's instead of a network's: 16-bit PNG in millimetres (0 = unknown) or ``.npy`` in
            metres.
        segments: Panoptic segments of the user's instead of a network's: a COCO panoptic PNG with its JSON beside it,
            or an index PNG (one grey or palette value a segment).
        depth_model: Name in the catalogue, or path, of an ONNX network for depth; None takes the embedded one.
        panoptic_model: Name in the catalogue, or path, of an ONNX network for segments; None takes the embedded one.
        fov_deg: Field of view of the longer side in degrees; None takes it from the file, or assumes 55.
    """

    depth: Path | None = None
    segments: Path | None = None
    depth_model: str | None = None
    panoptic_model: str | None = None
    fov_deg: float | None = None
