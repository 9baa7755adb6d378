"""The classes of ``transformers`` that can be exported, and what each needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from maquette.models.types import DepthKind

Triple = tuple[float, float, float]

_IMAGENET: tuple[Triple, Triple] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALF: tuple[Triple, Triple] = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_NONE: tuple[Triple, Triple] = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


@dataclass(frozen=True)
class Family:
    """What is common to all networks of one class.

    Attributes:
        title: As its authors write it.
        task: What it does.
        outputs: Names of the outputs wanted: class logits and mask logits, or depth.
        normal: Mean and standard deviation of the input, where the source has no preprocessing configuration.
        size: (height, width) of the input, likewise.
        shape: ``landscape`` takes any shape, by default 4:3; ``own`` only what it was built for.
        multiple: What height and width are rounded to.
        kind: Of its depth, where its configuration does not say.
        needs: ``task``: a second input, the words of its task; ``mask``: another one, which pixels are the photo's.
    """

    title: str
    task: Literal["panoptic", "depth"]
    outputs: tuple[str, ...]
    normal: tuple[Triple, Triple]
    size: tuple[int, int]
    shape: Literal["landscape", "own"]
    multiple: int
    kind: DepthKind = "metric"
    needs: Literal["task", "mask"] | None = None


_QUERIES = ("class_queries_logits", "masks_queries_logits")
_DEPTH = ("predicted_depth",)

FAMILIES: dict[str, Family] = {
    "OneFormerForUniversalSegmentation": Family(
        "OneFormer", "panoptic", _QUERIES, _IMAGENET, (800, 1056), "landscape", 32, needs="task"
    ),
    "Mask2FormerForUniversalSegmentation": Family(
        "Mask2Former", "panoptic", _QUERIES, _IMAGENET, (800, 1056), "landscape", 32
    ),
    "EomtForUniversalSegmentation": Family("EoMT", "panoptic", _QUERIES, _IMAGENET, (640, 640), "own", 16),
    "DetrForSegmentation": Family(
        "DETR", "panoptic", ("logits", "pred_masks"), _IMAGENET, (800, 1056), "landscape", 32, needs="mask"
    ),
    "GLPNForDepthEstimation": Family("GLPN", "depth", _DEPTH, _NONE, (480, 640), "landscape", 32),
    "DepthAnythingForDepthEstimation": Family(
        "Depth Anything", "depth", _DEPTH, _IMAGENET, (518, 686), "landscape", 14, "inverse"
    ),
    "DPTForDepthEstimation": Family("DPT", "depth", _DEPTH, _HALF, (384, 384), "own", 16, "inverse"),
    "ZoeDepthForDepthEstimation": Family("ZoeDepth", "depth", _DEPTH, _HALF, (384, 512), "landscape", 32),
}
"""Name of the class, as ``architectures`` in config.json gives it, to what it needs."""
