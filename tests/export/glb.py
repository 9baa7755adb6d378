"""GLB files read by others: trimesh, and a rasteriser that follows the rules of a GPU pixel by pixel."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy import ndimage

from maquette.camera import Camera

Array = NDArray[np.float64]


def read_json(glb: bytes) -> dict[str, Any]:
    """The JSON chunk, after checking the container's lengths."""
    magic, version, length = struct.unpack_from("<4sII", glb)
    size, kind = struct.unpack_from("<I4s", glb, 12)
    binary, binary_kind = struct.unpack_from("<I4s", glb, 20 + size)
    assert (magic, version, length, kind, binary_kind) == (b"glTF", 2, len(glb), b"JSON", b"BIN\0")
    assert 28 + size + binary == len(glb)
    document: dict[str, Any] = json.loads(glb[20 : 20 + size])
    return document


def rasterise(glb: bytes, camera: Camera) -> Array:
    """Draw a GLB's nodes in the order of ``extras.order``: perspective-correct, linear filter, no depth test.

    Returns:
        (H, W, 4) float64, 0 to 255, premultiplied alpha.
    """
    loaded = trimesh.load(io.BytesIO(glb), file_type="glb")
    orders = {node["name"]: node["extras"]["order"] for node in read_json(glb)["nodes"] if "mesh" in node}
    canvas = np.zeros((camera.height, camera.width, 4))
    for name in sorted(orders, key=orders.__getitem__):
        transform, geometry_name = loaded.graph[name]
        geometry = loaded.geometry[geometry_name]
        points_cam = camera.from_world(trimesh.transform_points(geometry.vertices, transform))
        uv = geometry.visual.uv * (1, -1) + (0, 1)  # trimesh turns v upside down
        texture = np.asarray(geometry.visual.material.baseColorTexture.convert("RGBA")).astype(float)
        for triangle in geometry.faces:
            _draw(canvas, camera, points_cam[triangle], uv[triangle], texture)
    return canvas


def _draw(canvas: Array, camera: Camera, points_cam: Array, uv: Array, texture: Array) -> None:
    corners = camera.project(points_cam)
    low = np.maximum(np.ceil(corners.min(axis=0) - 0.5), 0).astype(int)
    high = np.minimum(np.floor(corners.max(axis=0) - 0.5), (camera.width - 1, camera.height - 1)).astype(int)
    if (high < low).any():
        return
    y, x = np.mgrid[low[1] : high[1] + 1, low[0] : high[0] + 1] + 0.5
    inverse = np.linalg.inv(np.vstack([corners.T, np.ones(3)]))
    weights = np.stack([x, y, np.ones_like(x)], axis=-1) @ inverse.T
    # Points on an edge belong to the triangle whose edge is a left or a top one, so that none is drawn twice.
    inside = np.ones(x.shape, bool)
    for i in range(3):
        gx, gy = inverse[i, 0], inverse[i, 1]
        owned = gx > 1e-12 or (abs(gx) <= 1e-12 and gy > 0)
        inside &= (weights[..., i] > 1e-9) | (owned & (weights[..., i] >= -1e-9))
    correct = weights[inside] / points_cam[:, 2]
    u, v = ((correct @ uv) / correct.sum(axis=-1, keepdims=True)).T
    height, width = texture.shape[:2]
    where = [np.clip(v * height - 0.5, 0, height - 1), np.clip(u * width - 0.5, 0, width - 1)]
    alpha = ndimage.map_coordinates(texture[..., 3], where, order=1)
    straight = np.stack([ndimage.map_coordinates(texture[..., c], where, order=1) for c in range(3)], axis=-1)
    part = canvas[low[1] : high[1] + 1, low[0] : high[0] + 1]
    source = np.concatenate([straight * alpha[:, None] / 255, alpha[:, None]], axis=-1)
    part[inside] = source + part[inside] * (1 - alpha[:, None] / 255)
