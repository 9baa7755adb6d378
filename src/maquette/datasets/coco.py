"""COCO's panoptic format (https://cocodataset.org/#format-data), which Cityscapes, ADE20K and others share.

A JSON file lists pictures, categories and, for each picture, its segments; a folder of the JSON's name holds a PNG for
each picture whose colours are the ids of its segments, R + 256 G + 256^2 B, 0 for void.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maquette.errors import ExportError, MaquetteError
from maquette.export.atomic import shown, whole
from maquette.perception.files import areas_and_boxes, id_to_rgb, open_image, read_json, rgb_to_id

NAME, IMAGES = "panoptic", "images"
"""What ``write_panoptic`` calls the JSON file and the folder of its maps, and the folder of the pictures."""


@dataclass(frozen=True)
class Category:
    """One category.

    Attributes:
        id: Its number in the file.
        name: Its name.
        isthing: Whether every instance is a segment of its own.
    """

    id: int
    name: str
    isthing: bool


@dataclass(frozen=True)
class PanopticSegment:
    """One segment.

    Attributes:
        id: Value of its pixels, 1 to 2^24 - 1.
        category_id: Its category.
        iscrowd: Whether it stands for a group of things.
    """

    id: int
    category_id: int
    iscrowd: bool = False


@dataclass(frozen=True, eq=False)
class PanopticFrame:
    """The segments of one picture.

    Attributes:
        image_id: What identifies the picture, across files of one data set.
        picture: Its file name.
        ids: (H, W) int32, the id of each pixel's segment; 0 is void.
        segments: Each has at least one pixel.
        rgb: (H, W, 3) uint8, the picture itself, where it is at hand: ``open_panoptic`` reads the maps alone.
    """

    image_id: int | str
    picture: str
    ids: NDArray[np.int32]
    segments: tuple[PanopticSegment, ...]
    rgb: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class PanopticEntry:
    """What the JSON file says of one picture: see ``PanopticFrame``; ``file`` is its PNG."""

    image_id: int | str
    picture: str
    file: Path
    segments: tuple[PanopticSegment, ...]


@dataclass(frozen=True)
class PanopticSet:
    """A data set in COCO's panoptic format; each map is read when it is asked for.

    Attributes:
        path: The JSON file.
        categories: All of them.
        entries: One for each picture, in the file's order.
    """

    path: Path
    categories: tuple[Category, ...]
    entries: tuple[PanopticEntry, ...]

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.entries)

    def __iter__(self) -> Iterator[PanopticFrame]:
        """Every picture, in order."""
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> PanopticFrame:
        """One picture.

        Raises:
            IndexError: There is no such picture.
            MaquetteError: Its PNG is damaged, or does not show the segments that the JSON file lists.
        """
        entry = self.entries[number]
        image = open_image(entry.file)
        if image.mode not in ("RGB", "RGBA"):
            raise MaquetteError(f"{shown(entry.file)}: a picture of mode {image.mode}; a COCO panoptic PNG is RGB")
        ids = rgb_to_id(np.asarray(image.convert("RGB")))
        differ = set(np.unique(ids).tolist()) - {0} ^ {segment.id for segment in entry.segments}
        if differ:
            some = ", ".join(map(str, sorted(differ)[:5]))
            raise MaquetteError(
                f"{shown(entry.file)}: {len(differ)} ids ({some}) are either in the PNG or in {self.path.name} alone"
            )
        return PanopticFrame(entry.image_id, entry.picture, ids, entry.segments)


def open_panoptic(path: Path) -> PanopticSet:
    """Open a JSON file in COCO's panoptic format.

    Args:
        path: The file. Its PNGs are in the folder of its name without ending; where there is none, beside it.

    Raises:
        MaquetteError: It cannot be read, is no such file, or has no picture.
    """
    content = read_json(path)
    folder = path.with_suffix("") if path.with_suffix("").is_dir() else path.parent
    try:
        categories = tuple(
            Category(int(entry["id"]), str(entry["name"]), bool(entry["isthing"])) for entry in content["categories"]
        )
        pictures = {entry["id"]: str(entry["file_name"]) for entry in content.get("images", ())}
        entries = tuple(_entry(annotation, folder, pictures) for annotation in content["annotations"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MaquetteError(
            f"{shown(path)}: not COCO's panoptic format, or damaged ({type(error).__name__}: {error}); it has "
            "categories with id, name and isthing, and annotations with image_id, file_name and segments_info"
        ) from error
    if not entries:
        raise MaquetteError(f"{shown(path)}: lists no picture; its annotations are empty")
    known = {category.id for category in categories}
    for entry in entries:
        for segment in entry.segments:
            if segment.category_id not in known:
                raise MaquetteError(
                    f"{shown(path)}: segment {segment.id} of {entry.file.name} has the category "
                    f"{segment.category_id}, which the file does not list"
                )
    return PanopticSet(path, categories, entries)


def _entry(annotation: dict[str, Any], folder: Path, pictures: dict[Any, str]) -> PanopticEntry:
    image_id, file = annotation["image_id"], str(annotation["file_name"])
    segments = (
        PanopticSegment(int(info["id"]), int(info["category_id"]), bool(info.get("iscrowd", 0)))
        for info in annotation["segments_info"]
    )
    return PanopticEntry(image_id, pictures.get(image_id, file), folder / file, tuple(segments))


def write_panoptic(folder: Path, frames: Iterable[PanopticFrame], categories: Sequence[Category]) -> int:
    """Write a data set in COCO's panoptic format.

    It has ``panoptic.json``, ``panoptic`` with a PNG for each picture, and ``images`` with those pictures that are at
    hand.

    Args:
        folder: A new folder; it appears when all of it is written.
        frames: Taken one at a time; file names of pictures differ in more than their ending. It is the ending of
            ``picture`` that says in which format a picture is written.
        categories: All that segments may have.

    Returns:
        The number of pictures.

    Raises:
        ExportError: The folder exists, or cannot be written.
    """
    if folder.exists():
        raise ExportError(f"{shown(folder)}: already there; choose another name")
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    with whole(folder) as fresh:
        (fresh / NAME).mkdir(parents=True)
        for frame in frames:
            file = f"{Path(frame.picture).stem}.png"
            Image.fromarray(id_to_rgb(frame.ids)).save(fresh / NAME / file, compress_level=1)
            if frame.rgb is not None:
                (fresh / IMAGES).mkdir(exist_ok=True)
                Image.fromarray(frame.rgb).save(fresh / IMAGES / frame.picture)
            height, width = frame.ids.shape
            images.append({"id": frame.image_id, "file_name": frame.picture, "width": width, "height": height})
            annotations.append({"image_id": frame.image_id, "file_name": file, "segments_info": _infos(frame)})
        document = {
            "images": images,
            "annotations": annotations,
            "categories": [{**asdict(category), "isthing": int(category.isthing)} for category in categories],
        }
        (fresh / f"{NAME}.json").write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")
    return len(images)


def _infos(frame: PanopticFrame) -> list[dict[str, Any]]:
    found = areas_and_boxes(frame.ids)
    infos = []
    for segment in frame.segments:
        area, box = found[segment.id]
        infos.append({**asdict(segment), "iscrowd": int(segment.iscrowd), "area": area, "bbox": box})
    return infos
