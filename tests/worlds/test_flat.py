"""A world's flat arrays against its objects, one by one."""

from __future__ import annotations

import numpy as np

from maquette.worlds.assets.solids import ball, box
from maquette.worlds.render.flat import flatten
from maquette.worlds.types import Asset, Lighting, Material, Object, World


def test_flat_arrays_are_the_objects_one_after_another() -> None:
    red, wood = Material(color=(0.8, 0.1, 0.1)), Material("oak")
    small, large = box((0, 0.5, 0), (1, 1, 2), wood), ball((0.2, 1.5, 0), (0.5, 0.4, 0.3), red)
    objects = (
        Object(3, "table", Asset("a", "a", (small, large)), 0.4, (1.0, 0.0, -2.0)),
        Object(9, "chair", Asset("b", "b", (large,)), -2.0, (0.0, 0.3, 5.0)),
        Object(1, "floor", Asset("c", "c", (small,)), 0.0, (0.0, 0.0, 0.0)),
    )
    sky = np.zeros((2, 4, 3), dtype=np.float32)
    flat = flatten(World("test", "room", objects, Lighting(sky, (0, 0, 0)), ()))
    assert flat.materials == (wood, red)
    for at, item in enumerate(objects):
        vertices, faces = item.mesh_world()
        first, last = flat.vertex_starts[at : at + 2]
        begin, end = flat.face_starts[at : at + 2]
        assert np.allclose(flat.vertices[first:last], vertices)
        assert np.array_equal(flat.faces[begin:end] - first, faces)
        assert np.all(flat.face_object[begin:end] == at)
        kinds = [flat.materials.index(part.material) for part in item.asset.parts for _ in part.faces]
        assert np.array_equal(flat.face_material[begin:end], kinds)
        turned = np.concatenate([part.normals for part in item.asset.parts]) @ item.T_world_object[:3, :3].T
        assert np.allclose(flat.normals[first:last], turned, atol=1e-6)
    assert flat.face_starts[-1] == len(flat.faces) and flat.vertex_starts[-1] == len(flat.vertices)
