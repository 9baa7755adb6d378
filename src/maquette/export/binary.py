"""The container of binary glTF: a JSON document, and a chunk of bytes that it points into."""

from __future__ import annotations

import struct
from typing import Any

from numpy.typing import NDArray

FLOAT, UINT16, UINT32 = 5126, 5123, 5125
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963


class Binary:
    """The binary chunk as it grows, and the views and accessors that point into it."""

    def __init__(self) -> None:
        """Start an empty chunk."""
        self.parts: list[bytes] = []
        self.length = 0
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(self, data: bytes, target: int | None) -> int:
        """Append bytes and return the index of their view."""
        view = {"buffer": 0, "byteOffset": self.length, "byteLength": len(data)}
        self.views.append(view if target is None else {**view, "target": target})
        padded = data + bytes(-len(data) % 4)
        self.parts.append(padded)
        self.length += len(padded)
        return len(self.views) - 1

    def add_array(self, array: NDArray[Any], kind: str, component: int, target: int, **bounds: list[float]) -> int:
        """Append an array and return the index of its accessor."""
        view = self.add(array.tobytes(), target)
        count = array.size if kind == "SCALAR" else len(array)
        self.accessors.append({"bufferView": view, "componentType": component, "count": count, "type": kind, **bounds})
        return len(self.accessors) - 1

    def add_triangles(self, triangles: NDArray[Any], vertices: int) -> int:
        """Append (m, 3) indices of that many vertices, as short as they may be, and return their accessor's index."""
        component, dtype = (UINT16, "<u2") if vertices < 65535 else (UINT32, "<u4")
        return self.add_array(triangles.astype(dtype), "SCALAR", component, ELEMENT_ARRAY_BUFFER)

    def add_points(self, points: NDArray[Any]) -> int:
        """Append (n, 3) positions, with the bounds that glTF asks for, and return the index of their accessor."""
        fine = points.astype("<f4")
        bounds = {"min": fine.min(axis=0).tolist(), "max": fine.max(axis=0).tolist()}
        return self.add_array(fine, "VEC3", FLOAT, ARRAY_BUFFER, **bounds)


def container(document: bytes, binary: list[bytes]) -> bytes:
    """Put the document and the pieces of the binary chunk together; without pieces there is no such chunk."""
    document += b" " * (-len(document) % 4)
    chunks = [struct.pack("<I4s", len(document), b"JSON"), document]
    if binary:
        chunks += [struct.pack("<I4s", sum(map(len, binary)), b"BIN\0"), *binary]
    return b"".join([struct.pack("<4sII", b"glTF", 2, 12 + sum(map(len, chunks))), *chunks])
