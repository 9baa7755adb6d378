"""Whether an exported file computes what the network does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from maquette.errors import ModelError
from maquette.examples import example
from maquette.models.options import Precision
from maquette.models.session import run
from maquette.models.types import Model
from maquette.perception.panoptic import group_queries
from maquette.photo import load_photo

LIMITS: dict[Precision, tuple[float, float]] = {"fp32": (1e-3, 0.002), "fp16": (2e-2, 0.01), "int8": (0.1, 0.03)}
"""Largest relative error of an output that is accepted, and largest share of pixels in another segment."""


@dataclass(frozen=True)
class Agreement:
    """How far an ONNX file is from PyTorch.

    Attributes:
        errors: Name of each output, and the root mean square of the difference over the standard deviation of
            PyTorch's output, for the worst picture.
        moved: Share of all pixels in another segment after the panoptic inference; None for a depth network.
        segments: Segments in all that PyTorch's outputs give; None for a depth network.
        pictures: How many pictures were compared.
    """

    errors: dict[str, float]
    moved: float | None
    segments: int | None
    pictures: int

    def check(self, precision: Precision, name: str) -> None:
        """Accept what is close enough.

        Raises:
            ModelError: An output is too far off.
        """
        error, moved = LIMITS[precision]
        advice = "take fp32" if precision != "fp32" else "this version of torch or transformers exports it wrongly"
        for output, found in self.errors.items():
            if not found <= error:
                raise ModelError(
                    f"{name}: as {precision} its {output} is off by {found:.2g} of its spread, more than {error:g}; "
                    f"nothing was written; {advice}"
                )
        if self.moved is not None and not self.moved <= moved:
            raise ModelError(
                f"{name}: as {precision} it puts {self.moved:.2%} of the pixels into other segments, more than "
                f"{moved:.1%}; nothing was written; {advice}"
            )


def compare(model: Model, images: list[NDArray[np.float32]], truths: list[list[NDArray[np.float32]]]) -> Agreement:
    """Run an ONNX file and hold it against what PyTorch gave.

    Args:
        model: The file and its contract.
        images: Inputs, each (1, 3, h, w).
        truths: PyTorch's outputs for each, in the order of the contract's.

    Raises:
        ModelError: The file does not run, or does not keep its contract.
    """
    names = _outputs(model)
    errors = dict.fromkeys(names, 0.0)
    moved, segments = [], 0
    for image, truth in zip(images, truths, strict=True):
        found = run(model, image, [(name, (array.ndim,)) for name, array in zip(names, truth, strict=True)])
        for name, ours, theirs in zip(names, found, truth, strict=True):
            errors[name] = max(errors[name], _relative(ours, theirs), key=_worse)
        if model.task == "panoptic":
            before, after = _owners(*truth), _owners(*found)
            moved.append(float((before != after).mean()))
            segments += len(np.unique(before[before >= 0]))
    if model.task == "depth":
        return Agreement(errors, None, None, len(images))
    return Agreement(errors, float(np.mean(moved)), segments, len(images))


def sample_pictures() -> list[NDArray[np.uint8]]:
    """Pictures to compare on: two photos of different shape, a drawing, noise of every frequency, grey.

    Returns:
        Each (H, W, 3) uint8.
    """
    rng = np.random.default_rng(0)
    noise = sum(
        np.asarray(
            Image.fromarray(rng.integers(0, 64, (side * 3 // 4, side, 3), np.uint8)).resize((640, 480)), np.uint8
        )
        for side in (4, 16, 64, 640)
    )
    drawing = Image.linear_gradient("L").resize((480, 640)).convert("RGB")
    pen = ImageDraw.Draw(drawing)
    for corner in range(0, 400, 80):
        colour = tuple(rng.integers(0, 256, 3).tolist())
        pen.rectangle((corner, corner, corner + 120, corner + 200), fill=colour)
        pen.ellipse((400 - corner, corner, 470 - corner, corner + 90), fill=colour[::-1])
    photos = [load_photo(example(name)).rgb for name in ("coffee", "astronaut")]
    return [*photos, np.asarray(drawing), np.asarray(noise, np.uint8)]


def _outputs(model: Model) -> list[str]:
    contract: Any = model.output
    return [contract.classes, contract.masks] if model.task == "panoptic" else [contract.name]


def _relative(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    if ours.shape != theirs.shape:
        return np.inf
    difference = np.sqrt(np.mean((ours.astype(np.float64) - theirs) ** 2))
    return float(difference / max(theirs.std(dtype=np.float64), np.finfo(np.float32).tiny))


def _worse(error: float) -> float:
    return np.inf if np.isnan(error) else error


def _owners(class_logits: NDArray[np.float32], mask_logits: NDArray[np.float32]) -> NDArray[np.int64]:
    """The query that each pixel belongs to, with its class; -1 for none."""
    queries = class_logits.shape[1]
    ids, kept = group_queries(class_logits[0], mask_logits[0], [True] * (class_logits.shape[2] - 1))
    numbers = np.array([-1, *(index * queries + owners[0] for index, owners in kept)])
    return numbers[ids]
