"""Soft semantic targets: the teachers' merged views, averaged over scales and flips, their edges the picture's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter
from torch import Tensor
from torch.nn import functional as F

from maquette.train.data import working_size
from maquette.train.export import export
from maquette.train.nets.deeplab import load_teachers
from maquette.train.nets.merge import Merge

FloatMap = NDArray[np.float32]

VIEWS = ((0.6, False), (0.6, True), (0.85, False), (0.85, True), (1.15, False), (1.15, True))
"""Area as a share of the picture's, and whether mirrored, of each view of the ensemble."""
ADE_ORIGIN_PX, VOC_ORIGIN_PX = 2.0, 0.0
"""Pixel index of each teacher's cell (0, 0): chosen so that a picture and its mirror image agree best."""
_SHARPEN = 1.4
_EDGE_RADIUS, _EDGE_EPSILON = 6, 2e-3


class Teachers:
    """Both teachers as ONNX sessions of any size."""

    def __init__(self, folder: Path, cache: Path) -> None:
        """Take their weights from the ONNX files in ``folder``, and write graphs of any size to ``cache``."""
        self.sessions = []
        for name, net in zip(("ade", "voc"), load_teachers(folder), strict=True):
            path = cache / f"teacher-{name}.onnx"
            if not path.exists():
                export(net, path, ("logits",), half=False)
            self.sessions.append(onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]))
        self.merge = Merge()

    def logits(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return ADE logits (1, 32, H/4, W/4) and VOC logits (1, 21, H/16 + 1, W/16 + 1) of (1, 3, H, W) in [-1, 1]."""
        ade, voc = (session.run(None, {"image": image.numpy()})[0] for session in self.sessions)
        return torch.from_numpy(ade), torch.from_numpy(voc)

    def view(self, image: Tensor, area: float, mirrored: bool, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
        """Return probabilities of one view, sampled on a grid of ``size`` over the picture.

        Args:
            image: (1, 3, H, W) float32 in [-1, 1].
            area: Of the view, as a share of the picture's.
            mirrored: Whether the teachers see it mirrored.
            size: (h, w) of the result.

        Returns:
            ADE (1, 32, h, w), VOC (1, 21, h, w) and VOC's neighbourhood of the common categories (1, 2, h, w).
        """
        height, width = image.shape[2:]
        small_w, small_h = working_size(width, height, area * height * width)
        small = F.interpolate(image, size=(small_h, small_w), mode="bilinear", antialias=True, align_corners=False)
        ade, voc = self.logits(small.flip(3).contiguous() if mirrored else small)
        near = self.merge.neighbourhood(voc.softmax(1))
        layers = [
            sample_cells(ade, 4, ADE_ORIGIN_PX, (small_h, small_w), size).softmax(1),
            sample_cells(voc, 16, VOC_ORIGIN_PX, (small_h, small_w), size).softmax(1),
            sample_cells(near, 16, VOC_ORIGIN_PX, (small_h, small_w), size),
        ]
        return tuple(layer.flip(3) if mirrored else layer for layer in layers)  # type: ignore[return-value]

    def ensemble(self, image: NDArray[np.uint8]) -> tuple[Tensor, Tensor, Tensor]:
        """Return the mean over ``VIEWS`` at half size: merged (1, 45, h, w), ADE (1, 32, h, w), VOC (1, 21, h, w)."""
        tensor = to_tensor(image)
        size = (image.shape[0] // 2, image.shape[1] // 2)
        views = [self.view(tensor, area, mirrored, size) for area, mirrored in VIEWS]
        ade, voc, near = (torch.stack(layers).mean(0) for layers in zip(*views, strict=True))
        return self.merge(ade, voc, near), ade, voc


def to_tensor(image: NDArray[np.uint8]) -> Tensor:
    """Return (1, 3, H, W) float32 in [-1, 1] of (H, W, 3) uint8."""
    return torch.from_numpy(image.astype(np.float32) / 127.5 - 1.0).permute(2, 0, 1)[None].contiguous()


def sample_cells(x: Tensor, stride: int, origin: float, full: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """Sample maps whose cell (i, j) lies at pixel index ``origin + stride * (i, j)`` on a grid of cell areas.

    Args:
        x: (1, C, h, w) float32.
        stride: Pixels between cells.
        origin: Pixel index (centre of pixel 0 at 0) of cell (0, 0).
        full: (H, W) of the picture in those pixels.
        size: Of the result.

    Returns:
        (1, C, *size); beyond the outermost cells their values are repeated.
    """

    def axis(cells: int, pixels: int, count: int) -> Tensor:
        at = (torch.arange(count) + 0.5) * pixels / count - 0.5
        return (at - origin) / stride / (cells - 1) * 2 - 1

    y, x_axis = axis(x.shape[2], full[0], size[0]), axis(x.shape[3], full[1], size[1])
    grid = torch.stack([x_axis[None].expand(*size), y[:, None].expand(*size)], -1)[None]
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=True)


def soft_target(merged: Tensor, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the target (45, h, w) uint8 of merged probabilities (1, 45, h, w), sharpened.

    Edges come from the guided filter (He et al., "Guided Image Filtering", PAMI 2013) with the picture's luma as guide.
    """
    probabilities: FloatMap = merged[0].numpy().astype(np.float32)
    h, w = probabilities.shape[1:]
    luma = np.asarray(F.interpolate(to_tensor(image), size=(h, w), mode="area")[0].mean(0) * 0.5 + 0.5, np.float32)
    for index in np.flatnonzero(probabilities.max((1, 2)) > 0.02):
        probabilities[index] = _guided(luma, probabilities[index])
    sharp = probabilities.clip(0.0, 1.0) ** _SHARPEN
    return np.asarray(np.rint(sharp / sharp.sum(0, keepdims=True) * 255), np.uint8)


def _guided(guide: FloatMap, values: FloatMap) -> FloatMap:
    size = 2 * _EDGE_RADIUS + 1

    def mean(x: FloatMap) -> FloatMap:
        return np.asarray(uniform_filter(x, size, mode="nearest"), np.float32)

    mean_guide, mean_values = mean(guide), mean(values)
    slope = (mean(guide * values) - mean_guide * mean_values) / (mean(guide**2) - mean_guide**2 + _EDGE_EPSILON)
    return mean(slope) * guide + mean(mean_values - slope * mean_guide)
