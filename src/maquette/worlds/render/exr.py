"""Pictures that Blender writes: OpenEXR in one part, uncompressed."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_MAGIC, _FLOAT = 20000630, 2
_NOT_PLAIN = 0x200 | 0x800 | 0x1000
"""Bits of the version field: tiles, deep data, several parts."""


def read_exr(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read a file of one part whose channels are 32-bit floats and whose lines are not compressed.

    The layout is that of "OpenEXR File Layout" (openexr.com): attributes, then the offsets of the lines, then for each
    line its row, its size, and its values, channel after channel in the order of their names.

    Args:
        path: An .exr file.

    Returns:
        (h, w) float32 under the full name of each channel, as in ``exact.Depth.Z``; the first row is the top one.

    Raises:
        ValueError: It is another kind of file.
    """
    data = path.read_bytes()
    magic, version = struct.unpack_from("<II", data)
    if magic != _MAGIC or version & _NOT_PLAIN:
        raise ValueError(f"{path.name}: not an OpenEXR file of one part with scan lines")
    attributes, at = {}, 8
    while data[at]:
        name, at = _text(data, at)
        _, at = _text(data, at)
        size = int.from_bytes(data[at : at + 4], "little")
        attributes[name] = data[at + 4 : at + 4 + size]
        at += 4 + size
    names, channels, inner = [], attributes["channels"], 0
    while channels[inner]:
        name, inner = _text(channels, inner)
        if int.from_bytes(channels[inner : inner + 4], "little") != _FLOAT:
            raise ValueError(f"{path.name}: channel {name} does not hold 32-bit floats")
        names.append(name)
        inner += 16
    if attributes["compression"] != b"\0":
        raise ValueError(f"{path.name}: compressed")
    left, top, right, bottom = struct.unpack("<4i", attributes["dataWindow"])
    width, height = right - left + 1, bottom - top + 1
    line = np.dtype([("row", "<i4"), ("size", "<i4"), ("values", "<f4", (len(names), width))])
    lines = np.frombuffer(data, line, height, at + 1 + 8 * height)
    values = lines["values"][np.argsort(lines["row"])]
    return {name: values[:, index] for index, name in enumerate(names)}


def _text(data: bytes, at: int) -> tuple[str, int]:
    """A string that ends with a zero byte, and the place past that."""
    end = data.index(b"\0", at)
    return data[at:end].decode(), end + 1
