"""Worlds as scenes, and as GLB read by trimesh."""

from __future__ import annotations

import io

import numpy as np
import pytest
import trimesh

from maquette.export.glb import encode_glb
from maquette.worlds.assets.solids import box
from maquette.worlds.scene import to_scene
from maquette.worlds.types import Asset, Material, Object, OrientedBox, World
from tests.export.glb import read_json
from tests.worlds.cast import DARK, camera_at, small_world


def test_every_object_is_a_body_in_its_place() -> None:
    world = small_world()
    scene = to_scene(world, 1)
    assert scene.camera is world.cameras[1]
    assert [body.name for body in scene.bodies] == ["floor 1", "chair 1", "chair 2", "table 1", "bag 1", "lamp 1"]
    loaded = trimesh.load(io.BytesIO(encode_glb(scene)), file_type="glb")
    for body, thing in zip(scene.bodies, world.objects, strict=True):
        transform, geometry = loaded.graph[body.name]
        found = loaded.geometry[geometry].copy().apply_transform(transform)
        vertices, faces = thing.mesh_world()
        assert np.allclose(found.vertices[found.faces], vertices[faces], atol=1e-5)
        assert body.label == thing.label
        extras = body.extras
        assert (extras["instance_id"], extras["parent"]) == (thing.id, thing.parent)
        assert np.array_equal(extras["T_world_object"], thing.T_world_object)
        told = OrientedBox(tuple(extras["box"]["center"]), tuple(extras["box"]["size"]), extras["box"]["yaw_rad"])
        assert np.array_equal(told.corners, thing.box.corners)
        low, high = told.corners.min(axis=0), told.corners.max(axis=0)
        assert np.allclose(found.bounds, (low, high), atol=1e-5)  # the things of this world are boxes
        found.merge_vertices(merge_tex=True, merge_norm=True)
        assert found.volume == pytest.approx(np.prod(extras["box"]["size"]), rel=1e-4)


def test_a_material_and_a_tile_are_written_once() -> None:
    oak, lit = Material("oak", (0.9, 0.8, 0.7), 0.5), Material("oak", (0.5, 0.5, 0.5), emission=3.0)
    plain = Material("plain", (0.1, 0.2, 0.3), roughness=0.4, metallic=1.0)
    parts = tuple(box((x, 0.5, 0.0), (0.5, 1.0, 0.5), m) for x, m in ((0, oak), (1, plain), (2, oak), (3, lit)))
    things = tuple(Object(i, "table", Asset("table", "odd", parts), 0.3, (0.0, 0.0, 2.0 * i)) for i in (1, 2))
    world = World("w", "room", things, DARK, (camera_at((0.0, 1.0, 9.0), 0.0),))
    document = read_json(encode_glb(to_scene(world)))
    assert [material["name"] for material in document["materials"]] == ["oak", "plain", "oak"]
    assert [len(mesh["primitives"]) for mesh in document["meshes"]] == [3, 3]
    assert [image["name"] for image in document["images"]] == ["oak"]
    assert document["materials"][1]["pbrMetallicRoughness"]["baseColorFactor"] == [0.1, 0.2, 0.3, 1.0]
    first = to_scene(world).bodies[0].meshes[0]
    assert np.allclose(first.uv[:24], parts[0].uv / 0.5)  # a tile of half a metre: uv of 1 after half a metre
    assert document["materials"][2]["extensions"]["KHR_materials_emissive_strength"]["emissiveStrength"] == 1.5
