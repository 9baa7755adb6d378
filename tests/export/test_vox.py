"""MagicaVoxel files, read back by a reader written from the format's description alone."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from maquette.errors import ExportError
from maquette.export.vox import VoxModel, encode_vox

COLORS = [(214, 48, 49), (52, 101, 196), (240, 240, 240)]


@dataclass
class Reader:
    """A cursor over the content of a chunk."""

    data: bytes
    at: int = 0

    def int(self) -> int:
        self.at += 4
        return int.from_bytes(self.data[self.at - 4 : self.at], "little", signed=True)

    def text(self) -> str:
        length = self.int()
        self.at += length
        return self.data[self.at - length : self.at].decode()

    def dict(self) -> dict[str, str]:
        return {self.text(): self.text() for _ in range(self.int())}


@dataclass
class Vox:
    """A file as its chunks say it."""

    sizes: list[tuple[int, ...]] = field(default_factory=list)
    voxels: list[np.ndarray] = field(default_factory=list)
    nodes: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    palette: list[tuple[int, ...]] = field(default_factory=list)


def read_vox(data: bytes) -> Vox:
    magic, version, main, own, inside = struct.unpack_from("<4si4sii", data)
    assert (magic, version, main, own, inside) == (b"VOX ", 150, b"MAIN", 0, len(data) - 20)
    vox, at = Vox(), 20
    while at < len(data):
        kind, length, children = struct.unpack_from("<4sii", data, at)
        assert children == 0
        chunk = Reader(data[at + 12 : at + 12 + length])
        at += 12 + length
        if kind == b"SIZE":
            vox.sizes.append((chunk.int(), chunk.int(), chunk.int()))
        elif kind == b"XYZI":
            count = chunk.int()
            vox.voxels.append(np.frombuffer(chunk.data[4:], np.uint8).reshape(count, 4))
        elif kind == b"RGBA":
            vox.palette = list(struct.iter_unpack("<4B", chunk.data))
        elif kind == b"nTRN":
            number, names, child, reserved, layer, frames = chunk.int(), chunk.dict(), *(chunk.int() for _ in range(4))
            assert reserved == -1 and frames == 1
            vox.nodes[number] = ("T", names, child, layer, chunk.dict())
            assert chunk.at == length
        elif kind == b"nGRP":
            number, _ = chunk.int(), chunk.dict()
            vox.nodes[number] = ("G", [chunk.int() for _ in range(chunk.int())])
        elif kind == b"nSHP":
            number, _, models, model, _ = chunk.int(), chunk.dict(), chunk.int(), chunk.int(), chunk.dict()
            assert models == 1 and chunk.at == length
            vox.nodes[number] = ("S", model)
        else:
            raise AssertionError(kind)
    assert len(vox.palette) == 256
    return vox


def placed(vox: Vox) -> dict[str, dict[tuple[int, ...], tuple[int, ...]]]:
    """By the names of objects: colours by their places in the scene, which turns models about ``size // 2``."""
    kind, _, child, layer, frame = vox.nodes[0]
    assert (kind, layer, frame) == ("T", -1, {})
    kind, children = vox.nodes[child]
    assert kind == "G"
    found = {}
    for number in children:
        _, names, shape, _, frame = vox.nodes[number]
        _, model = vox.nodes[shape]
        place = np.array([int(part) for part in frame["_t"].split()]) - np.array(vox.sizes[model]) // 2
        rows = vox.voxels[model].astype(int)
        assert (rows[:, :3] < vox.sizes[model]).all()
        found[names["_name"]] = {tuple((row[:3] + place).tolist()): vox.palette[row[3] - 1] for row in rows}
    return found


def test_objects_come_back_where_they_were() -> None:
    rng = np.random.default_rng(4)
    models = [
        VoxModel("chair 1", rng.integers(0, 4, (5, 4, 7)).astype(np.uint8), (-3, 2, 0)),
        VoxModel("chair 2", rng.integers(0, 4, (1, 2, 3)).astype(np.uint8), (10, -20, 5)),
        VoxModel("Stühle", np.full((256, 1, 1), 3, np.uint8), (-128, 0, 0)),
    ]
    found = placed(read_vox(encode_vox(models, COLORS)))
    assert list(found) == [model.name for model in models]
    for model in models:
        true = {
            tuple((cell + model.low).tolist()): (*COLORS[model.cells[tuple(cell)] - 1], 255)
            for cell in np.argwhere(model.cells)
        }
        assert found[model.name] == true


def test_nothing() -> None:
    assert placed(read_vox(encode_vox([], COLORS))) == {}


def test_too_long() -> None:
    with pytest.raises(ExportError, match=r"table 1 has 2 x 257 x 1 cells, and .vox holds 256"):
        encode_vox([VoxModel("table 1", np.ones((2, 257, 1), np.uint8), (0, 0, 0))], COLORS)
