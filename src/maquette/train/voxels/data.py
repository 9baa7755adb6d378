"""Rooms to learn from: pictures, their frozen features and their true cells, kept on disk so that each is made once."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from maquette.errors import MaquetteError
from maquette.export.atomic import shown
from maquette.train.nets.extractor import SIDE, Extractor
from maquette.voxels.rig import CELLS, fit, studio_cameras
from maquette.worlds.plan import INDEX, read_index
from maquette.worlds.record import CLASSES, SceneRecord
from maquette.worlds.run import read

log = logging.getLogger(__name__)

VIEWS = 3
HALF = SIDE // 2
UNKNOWN = 255
"""Value of ``Rooms.label`` where nothing is known of the pixel."""
_DONE = "rooms.json"
_FILES = ("f4", "f8", "f16", "image", "projection", "cells", "depth", "label")


@dataclass(frozen=True, eq=False)
class Rooms:
    """Rooms of a data set, as arrays on disk; n rooms, 3 views.

    Attributes:
        f4: (n, 3, C, 56, 56) float16 frozen features.
        f8: (n, 3, C, 28, 28) float16.
        f16: (n, 3, C, 14, 14) float16.
        image: (n, 3, 3, 224, 224) uint8, RGB.
        projection: (n, 3, 3, 4) float32, as ``maquette.voxels.rig.fit`` gives it.
        cells: (n, 80, 96, 64) uint8: bit 0 where anything is, bit i + 1 where class i of ``CLASSES`` is.
        depth: (n, 3, 112, 112) float16, z in metres, 0 where it is not known.
        label: (n, 3, 112, 112) uint8: 0 for the room itself, i + 1 for class i, 255 where it is not known.
        extractor: Name of the network of the features.
        source: Name of the data set's folder.
    """

    f4: NDArray[np.float16]
    f8: NDArray[np.float16]
    f16: NDArray[np.float16]
    image: NDArray[np.uint8]
    projection: NDArray[np.float32]
    cells: NDArray[np.uint8]
    depth: NDArray[np.float16]
    label: NDArray[np.uint8]
    extractor: str
    source: str

    def __len__(self) -> int:
        """Number of rooms."""
        return len(self.cells)


def prepare(dataset: Path, folder: Path, extractor: Extractor) -> Rooms:
    """Return the rooms of a data set, made now unless ``folder`` has them.

    Args:
        dataset: Folder of a data set of studio worlds, of either layout. One in the paper's own has neither depth
            nor cameras: those of the studio are taken.
        folder: Where the arrays are kept.
        extractor: Gives the features.

    Raises:
        MaquetteError: The data set cannot be read, or has rooms of another shape.
    """
    reader = read(dataset)
    index = read_index(dataset) if (dataset / INDEX).exists() else None
    plan = {"source": str(dataset.resolve()), "index": index, "rooms": len(reader), "extractor": extractor.name}
    done = folder / _DONE
    if not done.is_file() or json.loads(done.read_text(encoding="utf-8")) != plan:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _fill(iter(reader), len(reader), folder, extractor, dataset)
        done.write_text(json.dumps(plan), encoding="utf-8")
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _FILES}
    return Rooms(**arrays, extractor=extractor.name, source=dataset.name)


def _fill(records: Iterator[SceneRecord], count: int, folder: Path, extractor: Extractor, dataset: Path) -> None:
    sides = {"f4": SIDE // 4, "f8": SIDE // 8, "f16": SIDE // 16}
    shapes: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {
        "image": ((VIEWS, 3, SIDE, SIDE), np.uint8),
        "projection": ((VIEWS, 3, 4), np.float32),
        "cells": (CELLS, np.uint8),
        "depth": ((VIEWS, HALF, HALF), np.float16),
        "label": ((VIEWS, HALF, HALF), np.uint8),
    }
    for (name, side), channels in zip(sides.items(), extractor.channels, strict=True):
        shapes[name] = (VIEWS, channels, side, side), np.float16
    arrays = {
        name: open_memmap(folder / f"{name}.npy", "w+", dtype, (count, *shape))
        for name, (shape, dtype) in shapes.items()
    }
    for number, record in enumerate(records):
        if record.grid is None or record.occupancy is None or record.classes is None or record.grid.shape != CELLS:
            raise MaquetteError(f"{shown(dataset)}: {record.name} has no grid of {CELLS} cells; make studio worlds")
        if len(record.pictures) != VIEWS:
            raise MaquetteError(f"{shown(dataset)}: {record.name} has {len(record.pictures)} views; {VIEWS} are needed")
        row = _row(record)
        with torch.inference_mode():
            found = extractor(torch.from_numpy(row["image"]))
        for name, values in {**row, **found._asdict()}.items():
            arrays[name][number] = to_bytes(values) if name == "image" else values
        if (number + 1) % 250 == 0 or number + 1 == count:
            log.info("%s: %d of %d rooms", dataset.name, number + 1, count)
    for array in arrays.values():
        array.flush()


def to_bytes(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return uint8 of pixels from -1 to 1."""
    return np.round((image + 1) * 127.5).astype(np.uint8)


def unpack(cells: torch.Tensor) -> torch.Tensor:
    """Return (b, 7, ...) bool of (b, ...) uint8 cells as in ``Rooms``: occupancy, then the six classes."""
    return torch.stack([(cells >> bit) & 1 for bit in range(1 + len(CLASSES))], 1).bool()


def _row(record: SceneRecord) -> dict[str, NDArray[np.generic]]:
    assert record.grid is not None and record.occupancy is not None and record.classes is not None
    height, width = record.pictures.shape[1:3]
    cameras = [view.camera for view in record.views] if record.views else studio_cameras(width, height)
    fitted = [fit(rgb, camera, record.grid) for rgb, camera in zip(record.pictures, cameras, strict=True)]
    cells = record.occupancy.astype(np.uint8)
    for index in range(len(CLASSES)):
        cells |= record.classes[..., index].astype(np.uint8) << (index + 1)
    depth = np.zeros((VIEWS, HALF, HALF), np.float16)
    label = np.full((VIEWS, HALF, HALF), UNKNOWN, np.uint8)
    if record.views and (height, width) == (SIDE, SIDE):
        number = np.zeros(1 + max((thing.id for thing in record.objects), default=0), np.uint8)
        for thing in record.objects:
            number[thing.id] = CLASSES.index(thing.family) + 1 if thing.family in CLASSES else 0
        for at, view in enumerate(record.views):
            depth[at] = view.depth_m[1::2, 1::2]
            label[at] = number[view.instance[1::2, 1::2]]
    return {
        "image": np.stack([image for image, _ in fitted]),
        "projection": np.stack([projection for _, projection in fitted]),
        "cells": cells,
        "depth": depth,
        "label": label,
    }
