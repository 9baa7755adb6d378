"""What ``maquette models export`` can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from maquette.models.types import DepthKind, Fit

Precision = Literal["fp32", "fp16", "int8"]


@dataclass(frozen=True)
class ExportOptions:
    """How a network becomes an ONNX file.

    Attributes:
        name: Name of the files, without ending; else the source's own, with the precision behind it.
        height: Of the input, in pixels; else what the network's own preprocessing asks for.
        width: Of the input, in pixels; goes with the height.
        fit: How a photo of another shape gets into the input; else ``pad`` for segments and ``stretch`` for depth.
        precision: Of the stored weights: fp32, fp16 (half the file, arithmetic stays fp32) or int8 (matrix products in
            8 bits, everything else fp32).
        kind: What its depth is, where its configuration does not say it or says it wrongly.
        revision: Branch, tag or commit on the Hugging Face Hub.
        overwrite: Replace files of that name.
    """

    name: str | None = None
    height: int | None = None
    width: int | None = None
    fit: Fit | None = None
    precision: Precision = "fp32"
    kind: DepthKind | None = None
    revision: str | None = None
    overwrite: bool = False
