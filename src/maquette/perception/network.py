"""Photos into networks, and what comes out, brought onto the photo's own frame.

A network sees the photo stretched or padded to its input size. Every map that leaves this module covers exactly the
photo, whatever its grid: cell (i, j) of an (h, w) map covers the photo's pixels from (i H / h, j W / w) on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maquette.camera import Camera
from maquette.errors import ModelError
from maquette.labels import LABELS
from maquette.models.catalogue import EMBEDDED, resolve
from maquette.models.session import run
from maquette.models.types import DepthContract, InputContract, Model, PanopticContract
from maquette.perception.panoptic import SoftSegments, from_label_map, from_query_masks

FloatMap = NDArray[np.float32]


@dataclass(frozen=True)
class Embedded:
    """What ``maquette-small`` says of a photo, on a grid of about a quarter of its input.

    Attributes:
        probability: (45, h, w) float32, of the label with id i + 1; sums to 1 over the labels.
        depth_m: (h, w) float32, z in metres for the photo's own camera.
        log_scale: (h, w) float32, log of the Laplace scale of the log depth.
        centre: (h, w) float32, probability that a thing has its centre here.
        offset: (2, h, w) float32, (dx, dy) in cells from a cell to the centre of its thing.
    """

    probability: FloatMap
    depth_m: FloatMap
    log_scale: FloatMap
    centre: FloatMap
    offset: FloatMap


def run_embedded(rgb: NDArray[np.uint8], camera: Camera, threads: int = 0) -> Embedded:
    """Run the network that ships in the package.

    Args:
        rgb: (H, W, 3) uint8, sRGB.
        camera: The photo's camera, at any size.
        threads: Of ONNX Runtime; 0 for the default.

    Raises:
        ModelError: The file is missing or altered, or does not keep its contract.
    """
    model = resolve(EMBEDDED)
    image, _ = to_input(rgb, model.input)
    wanted = (("semantic", (4,)), ("depth", (4,)), ("instance", (4,)))
    semantic, depth, instance = run(model, image, wanted, threads)
    if (semantic.shape[1], depth.shape[1], instance.shape[1]) != (len(LABELS), 2, 3):
        raise ModelError(
            f"{model.file}: gives {semantic.shape[1]} labels, maquette has {len(LABELS)}; install maquette again"
        )
    zoom = camera.focal_px / max(camera.width, camera.height)
    cells_per_px = semantic.shape[3] / image.shape[3]
    return Embedded(
        softmax(semantic[0]),
        np.exp(depth[0, 0]) * np.float32(zoom),
        depth[0, 1],
        instance[0, 0],
        instance[0, 1:] * np.float32(cells_per_px),
    )


def run_depth(rgb: NDArray[np.uint8], model: Model, camera: Camera, threads: int = 0) -> FloatMap:
    """Run a depth network of the catalogue or of the user's.

    Args:
        rgb: (H, W, 3) uint8, sRGB.
        model: Its output is a ``DepthContract``.
        camera: The photo's camera, at the photo's size.
        threads: Of ONNX Runtime; 0 for the default.

    Returns:
        (h, w) float32 over the photo: metres where the contract says ``metric``, else what the network gives. What is
        not finite, and metric depth that is not positive, is nan.

    Raises:
        ModelError: The file is missing or altered, or does not keep its contract.
    """
    contract = model.output
    assert isinstance(contract, DepthContract)
    image, seen = to_input(rgb, model.input)
    (raw,) = run(model, image, [(contract.name, (3, 4))], threads)
    depth = _crop(raw.reshape(raw.shape[-2:]).astype(np.float32), seen)
    depth[~np.isfinite(depth)] = np.nan
    if contract.kind == "metric":
        if contract.focal_px is not None:
            width = seen[1] * image.shape[3 if model.input.layout == "nchw" else 2]
            depth *= np.float32(camera.focal_px * width / camera.width / contract.focal_px)
        depth[~(depth > 0)] = np.nan
    if not np.isfinite(depth).any():
        raise ModelError(
            f"{model.name}: gave no usable depth for this photo; check its contract or take another network"
        )
    return depth


def run_panoptic(rgb: NDArray[np.uint8], model: Model, threads: int = 0) -> SoftSegments:
    """Run a segmentation network of the catalogue or of the user's.

    Args:
        rgb: (H, W, 3) uint8, sRGB.
        model: Its output is a ``PanopticContract``.
        threads: Of ONNX Runtime; 0 for the default.

    Raises:
        ModelError: The file is missing or altered, or does not keep its contract.
    """
    contract = model.output
    assert isinstance(contract, PanopticContract)
    image, seen = to_input(rgb, model.input)
    if contract.kind == "query_masks":
        classes, masks = run(model, image, [(contract.classes, (3,)), (contract.masks, (4,))], threads)
        queries, count = classes.shape[1:]
        _check_classes(model, count - 1, contract)
        if masks.shape[1] != queries:
            raise ModelError(
                f"{model.name}: {queries} queries of classes but {masks.shape[1]} masks; correct its contract"
            )
        return from_query_masks(classes[0], _crop(masks[0], seen), contract)
    (result,) = run(model, image, [(contract.classes, (3, 4))], threads)
    if result.ndim == 4 and result.shape[1] > 1:
        _check_classes(model, result.shape[1], contract)
        return from_label_map(softmax(_crop(result[0], seen)), contract)
    indices = _crop(result.reshape(result.shape[-2:]), seen).astype(np.int64)
    one_hot = np.arange(len(contract.categories))[:, None, None] == indices
    return from_label_map(one_hot.astype(np.float32), contract)


def to_input(rgb: NDArray[np.uint8], contract: InputContract) -> tuple[FloatMap, tuple[float, float]]:
    """Make a network's input from a photo, antialiased.

    Args:
        rgb: (H, W, 3) uint8, sRGB.
        contract: What the network wants.

    Returns:
        The input, (1, 3, h, w) or (1, h, w, 3) float32, and the part (of its height, of its width) that the photo
        covers.
    """
    height, width = contract.size or _free_size(rgb.shape[0], rgb.shape[1], contract)
    shown = (height, width)
    if contract.fit == "pad":
        scale = min(height / rgb.shape[0], width / rgb.shape[1])
        shown = (max(1, round(rgb.shape[0] * scale)), max(1, round(rgb.shape[1] * scale)))
    values = np.zeros((height, width, 3), np.float32)  # zero is the mean, once normalised
    pixels = np.asarray(_resize(rgb, shown), np.float32)
    values[: shown[0], : shown[1]] = (
        pixels * np.float32(contract.scale) - np.array(contract.mean, np.float32)
    ) / np.array(contract.std, np.float32)
    image = values[None] if contract.layout == "nhwc" else np.ascontiguousarray(values.transpose(2, 0, 1)[None])
    return image, (shown[0] / height, shown[1] / width)


def softmax(logits: NDArray[Any]) -> FloatMap:
    """Return the softmax over the first axis as float32."""
    shifted = np.exp(logits.astype(np.float32) - logits.max(0, keepdims=True).astype(np.float32))
    return np.asarray(shifted / shifted.sum(0, keepdims=True), np.float32)


def _resize(rgb: NDArray[np.uint8], size: tuple[int, int]) -> Image.Image:
    image = Image.fromarray(rgb)
    return image.resize((size[1], size[0]), Image.Resampling.BILINEAR, reducing_gap=3.0)


def _free_size(height: int, width: int, contract: InputContract) -> tuple[int, int]:
    scale = math.sqrt(contract.pixels / (height * width))
    longest = 4 * math.sqrt(contract.pixels)  # of a panorama: what is beyond is squeezed
    sides = (min(side * scale, longest) / contract.multiple for side in (height, width))
    rows, columns = (max(1, round(side)) * contract.multiple for side in sides)
    return rows, columns


def _crop(array: NDArray[Any], seen: tuple[float, float]) -> NDArray[Any]:
    height, width = array.shape[-2:]
    return array[..., : max(1, round(height * seen[0])), : max(1, round(width * seen[1]))]


def _check_classes(model: Model, count: int, contract: PanopticContract) -> None:
    if count != len(contract.categories):
        raise ModelError(
            f"{model.name}: the network knows {count} classes, its contract names {len(contract.categories)} categories"
        )
