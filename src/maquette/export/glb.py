"""Binary glTF 2.0, by a writer of our own.

trimesh encodes textures one after another with Pillow's slow settings (see ``png.py``), and writes neither unlit
materials nor samplers. What is needed is little: one mesh, one material and one PNG a node.
"""

from __future__ import annotations

import json
import struct
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maquette.camera import Camera
from maquette.export.geometry import Mesh, to_mesh, visible_part
from maquette.export.png import encode_png, spread_colors, worker_count
from maquette.scene import Plane, Scene

_FLOAT, _UINT16, _UINT32 = 5126, 5123, 5125
_ARRAY_BUFFER, _ELEMENT_ARRAY_BUFFER = 34962, 34963
_CLAMP_TO_EDGE, _LINEAR, _LINEAR_MIPMAP_LINEAR = 33071, 9729, 9987
_STEP_FORWARD = 0.999
"""Ratio of the depths of the origins of a node and of the one behind it, where their planes do not order them."""


def encode_glb(scene: Scene) -> bytes:
    """Encode a scene as GLB: a node a layer, back to front, and a node ``camera``.

    The world is that of ``Scene.camera``: +Y up, metres. A node's origin lies on the ray through the middle of its
    texture, at depths that decrease from node to node, for viewers that sort transparent objects by their origins.
    """
    surfaces = [visible_part(node.plane) for node in scene.nodes]
    with ThreadPoolExecutor(worker_count()) as pool:
        images = list(pool.map(_encode_texture, surfaces))
    binary = _Binary()
    lifted = [to_mesh(plane, scene.camera) for plane in surfaces]
    meshes, materials, nodes = [], [], []
    layers = zip(scene.nodes, surfaces, lifted, _origins(scene, surfaces), strict=True)
    for index, (node, plane, mesh, origin) in enumerate(layers):
        primitive = _primitive(binary, mesh, origin, index)
        meshes.append({"name": node.name, "primitives": [primitive]})
        materials.append(_material(node.name, index, opaque=_is_opaque(plane)))
        extras = {
            "label": node.label,
            "segment_ids": list(node.segment_ids),
            "order": node.order,
            "depth_range_m": list(node.depth_range_m),
        }
        nodes.append({"name": node.name, "mesh": index, "translation": origin.tolist(), "extras": extras})
    nodes.append({"name": "camera", "camera": 0, "matrix": scene.camera.T_world_gltf.T.ravel().tolist()})
    sources = [
        {"name": node.name, "mimeType": "image/png", "bufferView": binary.add(image, None)}
        for node, image in zip(scene.nodes, images, strict=True)
    ]
    sampler = {
        "magFilter": _LINEAR,
        "minFilter": _LINEAR_MIPMAP_LINEAR,
        "wrapS": _CLAMP_TO_EDGE,
        "wrapT": _CLAMP_TO_EDGE,
    }
    document = {
        "asset": {
            "version": "2.0",
            "generator": generator(),
            "extras": {"name": scene.name, "settings": dict(scene.settings), "notes": list(scene.notes)},
        },
        "extensionsUsed": ["KHR_materials_unlit"],
        "scene": 0,
        "scenes": [{"name": scene.name, "nodes": list(range(len(nodes)))}],
        "nodes": nodes,
        "cameras": [_camera(scene.camera, lifted)],
        "meshes": meshes,
        "materials": materials,
        "textures": [{"name": node.name, "sampler": 0, "source": i} for i, node in enumerate(scene.nodes)],
        "images": sources,
        "samplers": [sampler],
        "accessors": binary.accessors,
        "bufferViews": binary.views,
        "buffers": [{"byteLength": binary.length}],
    }
    return _container(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(), binary.parts)


def generator() -> str:
    """What made the file, as outputs state it."""
    from maquette import __version__

    return f"maquette {__version__}"


class _Binary:
    """The binary chunk as it grows, and the views and accessors that point into it."""

    def __init__(self) -> None:
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


def _encode_texture(plane: Plane) -> bytes:
    if _is_opaque(plane):
        return encode_png(plane.texture[..., :3])
    return encode_png(spread_colors(plane.texture))


def _is_opaque(plane: Plane) -> bool:
    return int(plane.texture[..., 3].min()) == 255


def _origins(scene: Scene, surfaces: list[Plane]) -> list[NDArray[np.float64]]:
    """The (3,) origin of each node in the world."""
    origins, depth_m = [], np.inf
    for plane in surfaces:
        left, top, right, bottom = plane.bounds
        middle = ((left + right) / 2, (top + bottom) / 2)
        depth_m = min(float(plane.depth_m(middle)), depth_m * _STEP_FORWARD)
        origins.append(scene.camera.to_world(scene.camera.unproject(middle, depth_m)))
    return origins


def _primitive(binary: _Binary, mesh: Mesh, origin: NDArray[np.float64], material: int) -> dict[str, Any]:
    points = (mesh.points_world - origin).astype("<f4")
    bounds = {"min": points.min(axis=0).tolist(), "max": points.max(axis=0).tolist()}
    position = binary.add_array(points, "VEC3", _FLOAT, _ARRAY_BUFFER, **bounds)
    uv = binary.add_array(mesh.uv.astype("<f4"), "VEC2", _FLOAT, _ARRAY_BUFFER)
    component, dtype = (_UINT16, "<u2") if len(points) < 65535 else (_UINT32, "<u4")
    indices = binary.add_array(mesh.triangles.astype(dtype), "SCALAR", component, _ELEMENT_ARRAY_BUFFER)
    return {"attributes": {"POSITION": position, "TEXCOORD_0": uv}, "indices": indices, "material": material}


def _material(name: str, texture: int, *, opaque: bool) -> dict[str, Any]:
    return {
        "name": name,
        "pbrMetallicRoughness": {"baseColorTexture": {"index": texture}, "metallicFactor": 0, "roughnessFactor": 1},
        "alphaMode": "OPAQUE" if opaque else "BLEND",
        "doubleSided": True,
        "extensions": {"KHR_materials_unlit": {}},
    }


def _camera(camera: Camera, meshes: list[Mesh]) -> dict[str, Any]:
    depths_m = np.concatenate([camera.from_world(mesh.points_world)[:, 2] for mesh in meshes])
    perspective = {
        "yfov": camera.yfov_rad,
        "aspectRatio": camera.width / camera.height,
        "znear": float(depths_m.min()) / 10,
        "zfar": float(depths_m.max()) * 2,
    }
    return {"name": "camera", "type": "perspective", "perspective": perspective}


def _container(document: bytes, binary: list[bytes]) -> bytes:
    document += b" " * (-len(document) % 4)
    length = sum(map(len, binary))
    header = struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(document) + 8 + length)
    json_head, binary_head = struct.pack("<I4s", len(document), b"JSON"), struct.pack("<I4s", length, b"BIN\0")
    return b"".join([header, json_head, document, binary_head, *binary])
