"""MagicaVoxel's .vox, by its published format and the extension for scenes (github.com/ephtracy/voxel-model)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maquette.errors import ExportError

VERSION = 150
MOST_CELLS = 256
"""Along each axis of a model: the file keeps a voxel's place in three bytes."""


@dataclass(frozen=True, eq=False)
class VoxModel:
    """One object of a scene, which stays an object of its own in MagicaVoxel's world editor.

    Attributes:
        name: Readable in the outline.
        cells: Uint8 (x, y, z), z up: 0 where nothing is, else 1 + the index of the colour.
        low: Where its first cell lies in the scene, in cells.
    """

    name: str
    cells: NDArray[np.uint8]
    low: tuple[int, int, int]


def encode_vox(models: Sequence[VoxModel], colors: Sequence[tuple[int, int, int]]) -> bytes:
    """Encode a scene of voxels.

    MagicaVoxel's world is right-handed with z up, and shows y going away from the viewer. It turns and moves a model
    about the cell ``size // 2``, which is where the translation in the file puts it.

    Args:
        models: In their order in the file.
        colors: sRGB, at most 255.

    Raises:
        ExportError: A model has more than 256 cells along an axis.
    """
    content, nodes = [], [_transform(0, 1, layer=-1), _group(1, [2 + 2 * at for at in range(len(models))])]
    for at, model in enumerate(models):
        shape = model.cells.shape
        if max(shape) > MOST_CELLS:
            size = " x ".join(map(str, shape))
            raise ExportError(
                f"{model.name} has {size} cells, and .vox holds {MOST_CELLS} along an axis; write another format, or "
                "use larger cells"
            )
        places = np.argwhere(model.cells)
        voxels = np.column_stack([places, model.cells[tuple(places.T)]]).astype(np.uint8)
        content.append(_chunk(b"SIZE", struct.pack("<3i", *shape)))
        content.append(_chunk(b"XYZI", struct.pack("<i", len(voxels)) + voxels.tobytes()))
        middle = " ".join(str(first + count // 2) for first, count in zip(model.low, shape, strict=True))
        nodes.append(_transform(2 + 2 * at, 3 + 2 * at, layer=0, name=model.name, place=middle))
        nodes.append(_shape(3 + 2 * at, at))
    palette = np.zeros((256, 4), np.uint8)
    palette[: len(colors)] = [(*color, 255) for color in colors]
    inside = b"".join([*content, *nodes, _chunk(b"RGBA", palette.tobytes())])
    return struct.pack("<4si", b"VOX ", VERSION) + struct.pack("<4sii", b"MAIN", 0, len(inside)) + inside


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack("<4sii", kind, len(content), 0) + content


def _string(text: str) -> bytes:
    return struct.pack("<i", len(text.encode())) + text.encode()


def _dictionary(entries: dict[str, str]) -> bytes:
    return struct.pack("<i", len(entries)) + b"".join(_string(key) + _string(entries[key]) for key in entries)


def _transform(number: int, child: int, *, layer: int, name: str = "", place: str = "") -> bytes:
    attributes = _dictionary({"_name": name} if name else {})
    frame = _dictionary({"_t": place} if place else {})
    return _chunk(b"nTRN", struct.pack("<i", number) + attributes + struct.pack("<4i", child, -1, layer, 1) + frame)


def _group(number: int, children: list[int]) -> bytes:
    content = (
        struct.pack("<i", number) + _dictionary({}) + struct.pack(f"<{1 + len(children)}i", len(children), *children)
    )
    return _chunk(b"nGRP", content)


def _shape(number: int, model: int) -> bytes:
    return _chunk(b"nSHP", struct.pack("<i", number) + _dictionary({}) + struct.pack("<2i", 1, model) + _dictionary({}))
