"""Binary glTF 2.0, by a writer of our own.

trimesh encodes textures one after another with Pillow's slow settings (see ``png.py``), and writes neither unlit
materials nor samplers. What is needed is little: one mesh, one material and one PNG a layer; ``bodies.py`` adds what
is made of meshes.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maquette.export.binary import ARRAY_BUFFER, FLOAT, Binary, container
from maquette.export.bodies import add_bodies
from maquette.export.geometry import Mesh, to_mesh, visible_part
from maquette.export.png import encode_png, spread_colors, worker_count
from maquette.scene import Plane, Scene

_CLAMP_TO_EDGE, _LINEAR, _LINEAR_MIPMAP_LINEAR = 33071, 9729, 9987
_NEAREST_M = 0.05
"""Near plane of a camera that stands among bodies."""

_STEP_FORWARD = 0.999
"""Ratio of the depths of the origins of a node and of the one behind it, where their planes do not order them."""


def encode_glb(scene: Scene) -> bytes:
    """Encode a scene as GLB: a node a layer, back to front, a node ``camera``, and a node a body.

    The world is that of ``Scene.camera``: +Y up, metres. A layer's origin lies on the ray through the middle of its
    texture, at depths that decrease from node to node, for viewers that sort transparent objects by their origins.
    """
    surfaces = [visible_part(node.plane) for node in scene.nodes]
    with ThreadPoolExecutor(worker_count()) as pool:
        images = list(pool.map(_encode_texture, surfaces))
    binary = Binary()
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
    document: dict[str, Any] = {
        "asset": {
            "version": "2.0",
            "generator": generator(),
            "extras": {"name": scene.name, "settings": dict(scene.settings), "notes": list(scene.notes)},
        },
        "extensionsUsed": ["KHR_materials_unlit"] if scene.nodes else [],
        "scene": 0,
        "scenes": [{"name": scene.name}],
        "nodes": nodes,
        "cameras": [_camera(scene, lifted)],
        "meshes": meshes,
        "materials": materials,
        "textures": [{"name": node.name, "sampler": 0, "source": i} for i, node in enumerate(scene.nodes)],
        "images": sources,
        "samplers": [sampler] if scene.nodes else [],
        "accessors": binary.accessors,
        "bufferViews": binary.views,
    }
    if scene.bodies:
        add_bodies(scene.bodies, document, binary)
    document["scenes"][0]["nodes"] = list(range(len(nodes)))
    document["buffers"] = [{"byteLength": binary.length}] if binary.length else []
    filled = {key: value for key, value in document.items() if value != []}  # glTF allows no empty lists
    return container(json.dumps(filled, ensure_ascii=False, separators=(",", ":")).encode(), binary.parts)


def generator() -> str:
    """What made the file, as outputs state it."""
    from maquette import __version__

    return f"maquette {__version__}"


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


def _primitive(binary: Binary, mesh: Mesh, origin: NDArray[np.float64], material: int) -> dict[str, Any]:
    position = binary.add_points(mesh.points_world - origin)
    uv = binary.add_array(mesh.uv.astype("<f4"), "VEC2", FLOAT, ARRAY_BUFFER)
    indices = binary.add_triangles(mesh.triangles, len(mesh.points_world))
    return {"attributes": {"POSITION": position, "TEXCOORD_0": uv}, "indices": indices, "material": material}


def _material(name: str, texture: int, *, opaque: bool) -> dict[str, Any]:
    return {
        "name": name,
        "pbrMetallicRoughness": {"baseColorTexture": {"index": texture}, "metallicFactor": 0, "roughnessFactor": 1},
        "alphaMode": "OPAQUE" if opaque else "BLEND",
        "doubleSided": True,
        "extensions": {"KHR_materials_unlit": {}},
    }


def _camera(scene: Scene, meshes: list[Mesh]) -> dict[str, Any]:
    camera = scene.camera
    bodies = [body.vertices_world for body in scene.bodies]
    points = [mesh.points_world for mesh in meshes] + bodies
    depths_m = camera.from_world(np.concatenate(points))[:, 2] if points else np.ones(1)
    perspective = {
        "yfov": camera.yfov_rad,
        "aspectRatio": camera.width / camera.height,
        "znear": max(float(depths_m.min()) / 10, _NEAREST_M) if bodies else float(depths_m.min()) / 10,
        "zfar": max(float(depths_m.max()) * 2, 1.0) if bodies else float(depths_m.max()) * 2,
    }
    return {"name": "camera", "type": "perspective", "perspective": perspective}
