"""Scenes of meshes: the GLB against trimesh, and what other formats say."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh

from maquette.errors import ExportError
from maquette.export.glb import encode_glb
from maquette.scene import Body, Scene
from tests.export.glb import read_json
from tests.export.scenes import make_bodies, make_scene


def pieces(glb: bytes, body: Body) -> list[trimesh.Trimesh]:
    """What trimesh finds of a body, in the world: a mesh a material, in their order."""
    document = read_json(glb)
    loaded = trimesh.load(io.BytesIO(glb), file_type="glb")
    found = []
    for name in loaded.graph.nodes_geometry:
        transform, geometry = loaded.graph[name]
        if geometry.split("_")[0] == body.name:
            found.append(loaded.geometry[geometry].copy().apply_transform(transform))
    assert body.name in [node["name"] for node in document["nodes"]]
    return found


def test_every_vertex_is_where_it_was() -> None:
    scene = make_bodies()
    glb = encode_glb(scene)
    for body in scene.bodies:
        found = pieces(glb, body)
        assert len(found) == len(body.meshes)
        start = 0
        for piece, mesh in zip(found, body.meshes, strict=True):
            true = body.vertices_world[start : start + len(mesh.vertices)]
            start += len(mesh.vertices)
            assert np.allclose(piece.vertices[piece.faces], true[mesh.faces], atol=1e-6)
            turned = mesh.normals @ body.T_world_body[:3, :3].T
            assert np.allclose(piece.vertex_normals[piece.faces], turned[mesh.faces], atol=1e-5)
            uv = piece.visual.uv * (1, -1) + (0, 1) if mesh.material.texture is not None else mesh.uv
            assert np.allclose(uv[piece.faces], mesh.uv[mesh.faces], atol=1e-5)
            size = np.ptp(mesh.vertices.astype(float), axis=0)
            piece.merge_vertices(merge_tex=True, merge_norm=True)
            assert piece.is_watertight
            assert piece.volume == pytest.approx(size.prod(), rel=1e-5)


def test_says_what_each_body_is_and_looks_like() -> None:
    scene = make_bodies()
    document = read_json(encode_glb(scene))
    nodes = {node["name"]: node for node in document["nodes"] if "mesh" in node}
    assert list(nodes) == [body.name for body in scene.bodies]
    for body in scene.bodies:
        assert nodes[body.name]["extras"] == {"label": body.label, **body.extras}
    wood, steel, glow = document["materials"]
    assert wood["pbrMetallicRoughness"]["baseColorFactor"] == [1.0, 0.7, 0.4, 1.0]
    assert "emissiveFactor" not in wood
    assert steel["pbrMetallicRoughness"]["metallicFactor"] == 1 and "baseColorTexture" not in steel
    assert steel["emissiveFactor"] == [0.1, 0.0, 0.0] and "extensions" not in steel
    strength = glow["extensions"]["KHR_materials_emissive_strength"]["emissiveStrength"]
    assert np.allclose(np.multiply(glow["emissiveFactor"], strength), (3.0, 2.7, 2.4))
    assert len(document["images"]) == len(document["textures"]) == 1  # shared


def test_a_texture_comes_back(tmp_path: Path) -> None:
    scene = make_bodies()
    texture = scene.bodies[0].meshes[0].material.texture
    loaded = trimesh.load(scene.export(tmp_path / "scene.glb"))
    images = [geometry.visual.material.baseColorTexture for geometry in loaded.geometry.values()]
    assert [np.array_equal(image, texture) for image in images if image is not None] == [True, True]


def test_layers_are_written_as_without_bodies() -> None:
    layers = make_scene()
    both = read_json(encode_glb(replace(layers, bodies=make_bodies().bodies)))
    alone = read_json(encode_glb(layers))
    for key in ("accessors", "bufferViews", "images", "materials", "meshes", "nodes", "samplers", "textures"):
        assert both[key][: len(alone[key])] == alone[key]
    assert both["scenes"][0]["nodes"] == list(range(len(both["nodes"])))


@pytest.mark.parametrize("name", ["scene.html", "scene.png", "scene.webp", "folder"])
def test_other_formats_say_that_they_hold_no_meshes(name: str, tmp_path: Path) -> None:
    scene: Scene = make_bodies()
    with pytest.raises(ExportError, match=r"only \.glb can hold meshes"):
        scene.export(tmp_path / name)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ExportError, match="only layers can be painted"):
        scene.render()


def test_a_scene_of_nothing_is_its_camera_alone() -> None:
    scene = replace(make_bodies(), bodies=())
    glb = encode_glb(scene)
    size, kind = struct.unpack_from("<I4s", glb, 12)
    assert (len(glb), kind) == (20 + size, b"JSON")
    document = json.loads(glb[20:])
    assert [node["name"] for node in document["nodes"]] == ["camera"]
    assert not {"buffers", "bufferViews", "accessors", "meshes"} & document.keys()
