"""COCO boxes from NanoDet-m, as pseudo-labels.

Decoding follows Li et al., "Generalized Focal Loss" (NeurIPS 2020): each side of a box is the mean of a distribution
over eight bins, in strides.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import ncnn  # type: ignore[import-untyped,import-not-found,unused-ignore]
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maquette.labels import Label, from_name

_SIDE = 320
_MEAN, _SCALE = (103.53, 116.28, 123.675), (0.017429, 0.017507, 0.017125)
_HEADS = ((8, "792", "795"), (16, "814", "817"), (32, "836", "839"))
_BINS = 8

COCO_CLASSES = (
    "person bicycle car motorcycle airplane bus train truck boat traffic_light fire_hydrant stop_sign "
    "parking_meter bench bird cat dog horse sheep cow elephant bear zebra giraffe backpack umbrella handbag tie "
    "suitcase frisbee skis snowboard sports_ball kite baseball_bat baseball_glove skateboard surfboard "
    "tennis_racket bottle wine_glass cup fork knife spoon bowl banana apple sandwich orange broccoli carrot "
    "hot_dog pizza donut cake chair couch potted_plant bed dining_table toilet tv laptop mouse remote keyboard "
    "cell_phone microwave oven toaster sink refrigerator book clock vase scissors teddy_bear hair_drier "
    "toothbrush"
).split()


@dataclass(frozen=True)
class Box:
    """One detected thing.

    Attributes:
        label: Its category among ours.
        score: 0 to 1.
        corners: x0, y0, x1, y1 in pixels of the picture.
    """

    label: Label
    score: float
    corners: tuple[float, float, float, float]


class NanoDet:
    """The detector."""

    def __init__(self, folder: Path) -> None:
        """Load ``nanodet_m.ncnn.param`` and ``nanodet_m.ncnn.bin`` from ``folder``."""
        self.net = ncnn.Net()
        self.net.load_param(str(folder / "nanodet_m.ncnn.param"))
        self.net.load_model(str(folder / "nanodet_m.ncnn.bin"))

    def __call__(self, image: NDArray[np.uint8], least_score: float = 0.35) -> list[Box]:
        """Return the boxes of an RGB picture (H, W, 3), best first, after suppression at IoU 0.5 a class."""
        height, width = image.shape[:2]
        scale = _SIDE / max(height, width)
        small = Image.fromarray(image).resize((round(width * scale), round(height * scale)), Image.Resampling.BILINEAR)
        canvas = np.zeros((_SIDE, _SIDE, 3), np.float32)
        canvas[: small.height, : small.width] = (np.asarray(small)[..., ::-1] - np.array(_MEAN)) * np.array(_SCALE)
        extractor = self.net.create_extractor()
        planes = np.ascontiguousarray(canvas.transpose(2, 0, 1))
        extractor.input("input.1", ncnn.Mat(planes).clone())
        found: list[tuple[float, int, NDArray[np.float64]]] = []
        for stride, classes_name, sides_name in _HEADS:
            classes = np.array(extractor.extract(classes_name)[1])
            sides = np.array(extractor.extract(sides_name)[1])
            found += _decode(classes, sides, stride, least_score)
        found.sort(key=lambda item: -item[0])
        kept: list[tuple[float, int, NDArray[np.float64]]] = []
        for score, index, box in found:
            if all(index != other or _iou(box, rival) < 0.5 for _, other, rival in kept):
                kept.append((score, index, box))
        boxes = []
        for score, index, box in kept:
            label = from_name(COCO_CLASSES[index], "coco")
            if label is not None:
                x0, y0, x1, y1 = (float(v) for v in box / scale)
                boxes.append(Box(label, score, (x0, y0, x1, y1)))
        return boxes


def _decode(
    classes: NDArray[np.float32], sides: NDArray[np.float32], stride: int, least: float
) -> list[tuple[float, int, NDArray[np.float64]]]:
    classes, sides = classes.reshape(-1, len(COCO_CLASSES)), sides.reshape(-1, 4, _BINS)
    across = _SIDE // stride
    found = []
    for cell in np.flatnonzero(classes.max(1) > least):
        bins = np.exp(sides[cell] - sides[cell].max(1, keepdims=True))
        reach = bins @ np.arange(_BINS) / bins.sum(1) * stride
        x, y = (cell % across + 0.5) * stride, (cell // across + 0.5) * stride
        box = np.array([x - reach[0], y - reach[1], x + reach[2], y + reach[3]], np.float64).clip(0, _SIDE)
        found.append((float(classes[cell].max()), int(classes[cell].argmax()), box))
    return found


def _iou(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    size = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = float(size.clip(0).prod())
    return shared / (float((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod()) - shared + 1e-9)
