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
        models: Names in the catalogue, or paths, of ONNX networks that do in the place of maquette's own what each of
            them can: depth, or segments.
        fov_deg: Field of view of the longer side in degrees; None takes it from the file, or assumes 55.
    """

    depth: Path | None = None
    segments: Path | None = None
    models: tuple[str, ...] = ()
    fov_deg: float | None = None
