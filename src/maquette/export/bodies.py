"""What is made of meshes, as glTF: a node a body, a primitive a mesh; materials and textures are written once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from maquette.export.binary import ARRAY_BUFFER, FLOAT, Binary
from maquette.export.png import encode_png
from maquette.scene import Body, Material, Mesh

_LINEAR, _LINEAR_MIPMAP_LINEAR = 9729, 9987
_STRENGTH = "KHR_materials_emissive_strength"


def add_bodies(bodies: tuple[Body, ...], document: dict[str, Any], binary: Binary) -> None:
    """Add bodies to a document, in place.

    Args:
        bodies: At least one.
        document: Has the lists of a glTF document, empty or not.
        binary: The chunk that the document's accessors point into.
    """
    looks = _Looks(document, binary)
    for body in bodies:
        primitives = [_primitive(mesh, looks.material(mesh.material), binary) for mesh in body.meshes]
        matrix = np.asarray(body.T_world_body, dtype=np.float64).T.ravel().tolist()
        node = {"name": body.name, "mesh": len(document["meshes"]), "matrix": matrix}
        document["nodes"].append({**node, "extras": {"label": body.label, **body.extras}})
        document["meshes"].append({"name": body.name, "primitives": primitives})


def _primitive(mesh: Mesh, material: int, binary: Binary) -> dict[str, Any]:
    attributes = {
        "POSITION": binary.add_points(mesh.vertices),
        "NORMAL": binary.add_array(mesh.normals.astype("<f4"), "VEC3", FLOAT, ARRAY_BUFFER),
        "TEXCOORD_0": binary.add_array(mesh.uv.astype("<f4"), "VEC2", FLOAT, ARRAY_BUFFER),
    }
    indices = binary.add_triangles(mesh.faces, len(mesh.vertices))
    return {"attributes": attributes, "indices": indices, "material": material}


class _Looks:
    """Materials and textures of a document, each written when it is first met."""

    def __init__(self, document: dict[str, Any], binary: Binary) -> None:
        self._document, self._binary = document, binary
        self._materials: dict[int, int] = {}
        self._textures: dict[int, int] = {}
        self._sampler = len(document["samplers"])
        document["samplers"].append({"magFilter": _LINEAR, "minFilter": _LINEAR_MIPMAP_LINEAR})  # repeats

    def material(self, material: Material) -> int:
        if id(material) not in self._materials:
            self._materials[id(material)] = len(self._document["materials"])
            self._document["materials"].append(self._describe(material))
        return self._materials[id(material)]

    def _describe(self, material: Material) -> dict[str, Any]:
        surface: dict[str, Any] = {
            "baseColorFactor": [*np.clip(material.color, 0, 1).tolist(), 1.0],
            "metallicFactor": material.metallic,
            "roughnessFactor": material.roughness,
        }
        described = {"name": material.name, "pbrMetallicRoughness": surface, "doubleSided": True}
        if material.texture is not None:
            surface["baseColorTexture"] = {"index": self._texture(material.texture, material.name)}
        strength = max(material.emissive)
        if strength > 0:
            described["emissiveFactor"] = [value / max(strength, 1) for value in material.emissive]
            if material.texture is not None:
                described["emissiveTexture"] = surface["baseColorTexture"]
        if strength > 1:
            described["extensions"] = {_STRENGTH: {"emissiveStrength": strength}}
            if _STRENGTH not in self._document["extensionsUsed"]:
                self._document["extensionsUsed"].append(_STRENGTH)
        return described

    def _texture(self, pixels: NDArray[np.uint8], name: str) -> int:
        if id(pixels) not in self._textures:
            view = self._binary.add(encode_png(pixels), None)
            self._textures[id(pixels)] = len(self._document["textures"])
            source = len(self._document["images"])
            self._document["images"].append({"name": name, "mimeType": "image/png", "bufferView": view})
            self._document["textures"].append({"name": name, "sampler": self._sampler, "source": source})
        return self._textures[id(pixels)]
