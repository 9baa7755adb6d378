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
from maquette.models.types import DepthContract, InputContract, Model, PanopticContract, PointsContract
from maquette.perception.panoptic import SoftSegments, from_label_map, from_query_masks
from maquette.perception.points import to_depth

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


def run_embedded(rgb: NDArray[np.uint8], camera: Camera, threads: int = 0, *, model: Model | None = None) -> Embedded:
    """Run the network that ships in the package.

    Args:
        rgb: (H, W, 3) uint8, sRGB.
        camera: The photo's camera, at any size.
        threads: Of ONNX Runtime; 0 for the default.
        model: Another network with the same inputs and outputs, in its place.

    Raises:
        ModelError: The file is missing or altered, or does not keep its contract.
    """
    model = model or resolve(EMBEDDED)
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


def run_depth(
    rgb: NDArray[np.uint8], model: Model, camera: Camera, threads: int = 0, *, solve_focal: bool = False
) -> tuple[FloatMap, Camera]:
    """Run a depth network of the catalogue or of the user's.

    Args:
        rgb: (H, W, 3) uint8, sRGB.
        model: Its output is a ``DepthContract`` or a ``PointsContract``.
        camera: The photo's camera, at the photo's size.
        threads: Of ONNX Runtime; 0 for the default.
        solve_focal: Whether the camera's focal length is a guess: a network of points then tells a better one.

    Returns:
        (h, w) float32 over the photo: metres where the contract says ``metric`` or ``points``, else what the network
        gives. What is not finite, and metric depth that is not positive, is nan. And the camera that it holds for.

    Raises:
        ModelError: The file is missing or altered, or does not keep its contract.
    """
    contract = model.output
    image, seen = to_input(rgb, model.input)
    if isinstance(contract, PointsContract):
        points, valid, metres = _run_points(model, contract, image, seen, threads)
        depth, camera = to_depth(points, valid, camera, solve_focal=solve_focal)
        depth *= metres
    else:
        assert isinstance(contract, DepthContract)
        (raw,) = run(model, image, [(contract.name, (3, 4))], threads)
        depth = _crop(_one_map(model, contract.name, raw).astype(np.float32), seen)
        if contract.kind == "metric" and contract.focal_px is not None:
            width = seen[1] * image.shape[3 if model.input.layout == "nchw" else 2]
            depth *= np.float32(camera.focal_px * width / camera.width / contract.focal_px)
    if isinstance(contract, PointsContract) or contract.kind == "metric":
        depth[~(depth > 0)] = np.nan
    depth[~np.isfinite(depth)] = np.nan
    if not np.isfinite(depth).any():
        raise ModelError(
            f"{model.name}: gave no usable depth for this photo; check its contract or take another network"
        )
    return depth, camera


def _run_points(
    model: Model, contract: PointsContract, image: FloatMap, seen: tuple[float, float], threads: int
) -> tuple[FloatMap, NDArray[np.bool_], np.float32]:
    """Return (h, w, 3) points over the photo, where there are any, and metres a unit of them."""
    wanted = ((contract.points, (4,)), (contract.mask, (3, 4)), (contract.scale, (0, 1, 2)))
    points, mask, scale = run(model, image, wanted, threads)
    if points.shape[3] != 3 or mask.shape[-2:] != points.shape[1:3] or scale.size != 1:
        raise ModelError(
            f"{model.name}: points {points.shape}, mask {mask.shape} and scale {scale.shape} do not belong together; "
            "correct its contract"
        )
    planes = _crop(points[0].transpose(2, 0, 1).astype(np.float32), seen)
    valid = _crop(_one_map(model, contract.mask, mask), seen) > 0.5
    return np.moveaxis(planes, 0, -1), valid, np.float32(scale.item())


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
    indices = _crop(_one_map(model, contract.classes, result), seen).astype(np.int64)
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


def _one_map(model: Model, output: str, array: NDArray[Any]) -> NDArray[Any]:
    """The (h, w) map that is all of an output."""
    if array.size != array.shape[-2] * array.shape[-1]:
        raise ModelError(f"{model.name}: output {output} has shape {array.shape}, not one map; correct its contract")
    return array.reshape(array.shape[-2:])


def _crop(array: NDArray[Any], seen: tuple[float, float]) -> NDArray[Any]:
    height, width = array.shape[-2:]
    return array[..., : max(1, round(height * seen[0])), : max(1, round(width * seen[1]))]


def _check_classes(model: Model, count: int, contract: PanopticContract) -> None:
    if count != len(contract.categories):
        raise ModelError(
            f"{model.name}: the network knows {count} classes, its contract names {len(contract.categories)} categories"
        )
