"""Maps of depth and segments on disk: what a user gives, and what perception leaves beside a scene.

Depth is a 16-bit PNG in millimetres, 0 for unknown (or ``.npy`` in metres). Segments are COCO panoptic: a PNG whose
colour is the id, R + 256 G + 256^2 B, 0 for none, and a JSON file of the same name with ``segments_info`` and
``categories`` (https://cocodataset.org/#format-data); or an index PNG, one grey or palette value a segment.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maquette.errors import ExportError, MaquetteError
from maquette.labels import BY_NAME, LABELS, Label, from_name
from maquette.perception.types import Perception, Segment

LIMIT_MM = 65535
"""Most that a 16-bit PNG holds: depth beyond 65.535 m is written as that, and sky as 0."""


def read_depth(path: Path, width: int, height: int) -> NDArray[np.float32]:
    """Read a depth map.

    Args:
        path: 16-bit PNG in millimetres, or ``.npy`` in metres.
        width: Of the photo.
        height: Of the photo. A map of another size and the same shape is resized by its nearest pixels.

    Returns:
        (height, width) float32 metres, nan where unknown.

    Raises:
        MaquetteError: The file cannot be read, is no depth map, or has another shape than the photo.
    """
    metres = read_metres(path)
    if not metres.any():
        raise MaquetteError(f"{path}: no pixel has a known depth (above 0)")
    return _fit(np.where(metres > 0, metres, np.float32(np.nan)), width, height, path)


def read_metres(path: Path) -> NDArray[np.float32]:
    """Read a depth map of any size.

    Args:
        path: 16-bit PNG in millimetres, or ``.npy`` in metres, (H, W) or (H, W, 1).

    Returns:
        (H, W) float32 metres, finite; 0 where unknown.

    Raises:
        MaquetteError: The file cannot be read, or is no depth map.
    """
    if path.suffix.lower() == ".npy":
        array = read_npy(path)
        if array.ndim == 3 and array.shape[2] == 1:
            array = array[..., 0]
        if array.ndim != 2 or array.dtype.kind not in "fiu":
            raise MaquetteError(
                f"{path}: holds {array.dtype} of shape {array.shape}; depth is one number a pixel, in metres"
            )
        metres = array.astype(np.float32)
    else:
        image = open_image(path)
        if image.mode not in ("I;16", "I;16B", "I;16L", "I"):
            raise MaquetteError(
                f"{path}: a picture of mode {image.mode}; depth is a 16-bit grey PNG in millimetres, or .npy"
            )
        metres = np.asarray(image).astype(np.float32) / np.float32(1000)
    return np.where(np.isfinite(metres) & (metres > 0), metres, np.float32(0))


def read_npy(path: Path) -> NDArray[Any]:
    """Read an array that NumPy wrote; one of Python objects is refused.

    Raises:
        MaquetteError: It cannot be read.
    """
    try:
        array: NDArray[Any] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise MaquetteError(f"{path}: cannot be read as .npy ({_reason(error)}); write it again with numpy") from error
    return array


def read_segments(path: Path, width: int, height: int) -> tuple[NDArray[np.int32], tuple[Segment, ...]]:
    """Read panoptic segments.

    Args:
        path: A COCO panoptic PNG (RGB) with its JSON beside it, or the JSON itself; or a PNG of one channel: each value
            is a segment, an ``object`` unless a JSON of the same name gives ``categories`` (a list of ``id`` and
            ``name``), by which each value is a category, its connected regions things. Value 0 is none.
        width: Of the photo.
        height: Of the photo. A map of another size and the same shape is resized by its nearest pixels.

    Returns:
        (height, width) int32 ids, and the segments that have a pixel.

    Raises:
        MaquetteError: A file cannot be read, is no such map, or has another shape than the photo.
    """
    card = path.with_suffix(".json")
    image = open_image(path.with_suffix(".png") if path == card else path)
    described = read_json(card) if card.is_file() else None
    if image.mode in ("RGB", "RGBA"):
        if described is None:
            raise MaquetteError(f"{path}: a colour PNG needs its COCO panoptic JSON beside it, {card.name}")
        ids = _fit(rgb_to_id(np.asarray(image.convert("RGB"))), width, height, path)
        return ids, _coco_segments(described, ids, card, path)
    if image.mode not in ("L", "P", "I", "I;16"):
        raise MaquetteError(f"{path}: a picture of mode {image.mode}; segments are a COCO panoptic or an index PNG")
    ids = _fit(np.asarray(image).astype(np.int32), width, height, path)
    if described is None:
        numbers = np.unique(ids[ids > 0])
        return ids, _not_empty(tuple(Segment(int(number), BY_NAME["object"], 1.0) for number in numbers), path)
    return _by_category(ids, _categories(described, card), path, card)


def write_perception(perception: Perception, folder: Path) -> None:
    """Write ``depth.png``, ``panoptic.png`` and ``panoptic.json``, as ``read_depth`` and ``read_segments`` take them.

    Ids, labels and scores come back exactly, depth to the millimetre. Sky has depth 0 (unknown) in the file and is sky
    again by its label; other depth beyond 65.535 m is written as 65.535 m.

    Args:
        perception: What to write.
        folder: Exists.

    Raises:
        ExportError: A file cannot be written.
    """
    ids = perception.segment_ids
    sky = np.isin(ids, [segment.id for segment in perception.segments if segment.label.role == "sky"])
    millimetres = np.clip(np.rint(perception.depth_m * 1000), 1, LIMIT_MM).astype(np.uint16)
    millimetres[sky] = 0
    document = json.dumps(_coco(perception), indent=1, ensure_ascii=False)
    try:
        Image.fromarray(millimetres).save(folder / "depth.png", compress_level=1)
        Image.fromarray(id_to_rgb(ids)).save(folder / "panoptic.png", compress_level=1)
        (folder / "panoptic.json").write_text(document + "\n", encoding="utf-8")
    except OSError as error:
        raise ExportError(f"{folder}: perception could not be written ({_reason(error)})") from error


def rgb_to_id(rgb: NDArray[np.uint8]) -> NDArray[np.int32]:
    """(..., 3) uint8 to ids: R + 256 G + 256^2 B."""
    wide = rgb.astype(np.int32)
    return wide[..., 0] + 256 * wide[..., 1] + 65536 * wide[..., 2]


def id_to_rgb(ids: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Ids below 2^24 to (..., 3) uint8, the inverse of ``rgb_to_id``."""
    return np.stack([ids & 255, ids >> 8 & 255, ids >> 16 & 255], axis=-1).astype(np.uint8)


def areas_and_boxes(ids: NDArray[np.int32]) -> dict[int, tuple[int, list[int]]]:
    """Return the area in pixels and the box [left, top, width, height] of each id above 0 that a map (H, W) shows."""
    from scipy.ndimage import find_objects

    areas = np.bincount(ids.ravel())
    areas[0] = 0
    numbers = np.flatnonzero(areas)
    rank = np.zeros(len(areas), np.int32)
    rank[numbers] = np.arange(1, len(numbers) + 1)
    return {
        number: (int(areas[number]), [x.start, y.start, x.stop - x.start, y.stop - y.start])
        for number, (y, x) in zip(numbers.tolist(), find_objects(rank[ids]), strict=True)
    }


def _coco(perception: Perception) -> dict[str, Any]:
    ids = perception.segment_ids
    found = areas_and_boxes(ids)
    infos = []
    for segment in perception.segments:
        area, box = found[segment.id]
        infos.append(
            {
                "id": segment.id,
                "category_id": segment.label.id,
                "area": area,
                "bbox": box,
                "iscrowd": 0,
                "score": segment.score,
            }
        )
    height, width = ids.shape
    return {
        "images": [{"id": 1, "file_name": "panoptic.png", "width": width, "height": height}],
        "annotations": [{"image_id": 1, "file_name": "panoptic.png", "segments_info": infos}],
        "categories": [
            {"id": label.id, "name": label.name, "isthing": int(label.isthing), "color": list(label.color)}
            for label in LABELS
        ],
    }


def _coco_segments(described: dict[str, Any], ids: NDArray[np.int32], card: Path, path: Path) -> tuple[Segment, ...]:
    labels = _categories(described, card)
    infos = _annotation(described, card, path).get("segments_info")
    area = np.bincount(ids.ravel())
    segments = {}
    try:
        for info in infos or ():
            number = int(info["id"])
            if 0 < number < len(area) and area[number]:
                segments[number] = Segment(number, labels[info["category_id"]], float(info.get("score", 1.0)))
    except (KeyError, TypeError, ValueError) as error:
        raise MaquetteError(
            f"{card}: an entry of segments_info lacks or misnames {error}; each has id and category_id"
        ) from error
    nameless = [int(number) for number in np.flatnonzero(area) if number and number not in segments]
    if nameless:
        some = ", ".join(map(str, nameless[:5]))
        raise MaquetteError(
            f"{card}: segments_info lacks {len(nameless)} ids that {path.name} shows ({some}); add or erase them"
        )
    return _not_empty(tuple(segments[number] for number in sorted(segments)), path)


def _annotation(described: dict[str, Any], card: Path, path: Path) -> dict[str, Any]:
    if "segments_info" in described:
        return described
    annotations = described.get("annotations")
    if not isinstance(annotations, list) or not all(isinstance(entry, dict) for entry in annotations):
        raise MaquetteError(f"{card}: has neither annotations nor segments_info; it must be COCO panoptic JSON")
    named = [entry for entry in annotations if Path(str(entry.get("file_name"))).stem == path.stem]
    chosen = named or annotations
    if len(chosen) != 1:
        raise MaquetteError(f"{card}: describes {len(annotations)} pictures, none of them named {path.stem}.png")
    annotation: dict[str, Any] = chosen[0]
    return annotation


def _categories(described: dict[str, Any], card: Path) -> dict[int, Label]:
    entries = described.get("categories")
    try:
        return {int(entry["id"]): from_name(str(entry["name"])) or BY_NAME["object"] for entry in entries or ()}
    except (KeyError, TypeError, ValueError) as error:
        raise MaquetteError(
            f"{card}: an entry of categories lacks or misnames {error}; each has id and name"
        ) from error


def _by_category(
    ids: NDArray[np.int32], labels: dict[int, Label], path: Path, card: Path
) -> tuple[NDArray[np.int32], tuple[Segment, ...]]:
    from scipy.ndimage import label as connect

    result = np.zeros_like(ids)
    segments: list[Segment] = []
    for value in np.unique(ids[ids > 0]):
        if int(value) not in labels:
            raise MaquetteError(f"{card}: categories lacks the value {value} that {path.name} shows")
        ours = labels[int(value)]
        here = ids == value
        parts, count = connect(here) if ours.isthing else (here, 1)
        result[here] = parts[here] + len(segments)
        segments += [Segment(len(segments) + 1 + index, ours, 1.0) for index in range(count)]
    return result, _not_empty(tuple(segments), path)


def _not_empty(segments: tuple[Segment, ...], path: Path) -> tuple[Segment, ...]:
    if not segments:
        raise MaquetteError(f"{path}: shows no segment, only the value 0")
    return segments


def _fit(array: NDArray[Any], width: int, height: int, path: Path) -> NDArray[Any]:
    rows, columns = array.shape
    if abs(rows * width - columns * height) > max(width, height, rows, columns):
        raise MaquetteError(
            f"{path}: is {columns}x{rows}, the photo {width}x{height}; give a map of the photo's size or shape"
        )
    y = ((np.arange(height) + 0.5) * rows / height).astype(np.intp)
    x = ((np.arange(width) + 0.5) * columns / width).astype(np.intp)
    fitted: NDArray[Any] = array[y[:, None], x]
    return fitted


def open_image(path: Path) -> Image.Image:
    """Read a picture file, in the mode that it has.

    Raises:
        MaquetteError: There is none, or it is damaged.
    """
    try:
        with Image.open(path) as image:
            image.load()
    except FileNotFoundError as error:
        raise MaquetteError(f"{path}: no such file") from error
    except Exception as error:  # Pillow's decoders raise many kinds
        raise MaquetteError(f"{path}: cannot be read as a picture ({_reason(error)})") from error
    return image


def read_json(path: Path) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Raises:
        MaquetteError: It cannot be read, or holds something else.
    """
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MaquetteError(f"{path}: cannot be read as JSON ({_reason(error)})") from error
    if not isinstance(described, dict):
        raise MaquetteError(f"{path}: must hold one JSON object, as COCO panoptic does")
    return described


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
