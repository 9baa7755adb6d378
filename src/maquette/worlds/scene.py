"""Worlds as scenes, for other programs: every object a body, in glTF's terms."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
from numpy.typing import NDArray

from maquette import scene
from maquette.worlds.textures import tile
from maquette.worlds.types import Asset, Material, Object, Part, World


def to_scene(world: World, camera_index: int = 0) -> scene.Scene:
    """Make a scene of a world.

    Bodies are named after their families, as in ``chair 1``. Light, sky and the relief of tiles are left out.

    Args:
        world: The world.
        camera_index: Which of its cameras is the scene's.

    Returns:
        A scene of bodies alone. Their ``extras`` hold ``family``, ``style``, ``instance_id``, ``parent`` (an instance
        id, 0 for the world), ``T_world_object`` and ``box`` (``center`` and ``size`` in metres, ``yaw_rad``).
    """
    looks: dict[Material, scene.Material] = {}
    for thing in world.objects:
        for part in thing.asset.parts:
            if part.material not in looks:
                looks[part.material] = _material(part.material)
    numbers: Counter[str] = Counter()
    bodies = []
    for thing in world.objects:
        numbers[thing.asset.family] += 1
        bodies.append(
            scene.Body(
                f"{thing.asset.family} {numbers[thing.asset.family]}",
                thing.label,
                _meshes(thing.asset, looks),
                thing.T_world_object,
                _extras(thing),
            )
        )
    return scene.Scene((), world.cameras[camera_index], world.name, dict(world.settings), bodies=tuple(bodies))


def _extras(thing: Object) -> dict[str, object]:
    box = thing.box
    return {
        "family": thing.asset.family,
        "style": thing.asset.style,
        "instance_id": thing.id,
        "parent": thing.parent,
        "T_world_object": thing.T_world_object.tolist(),
        "box": {"center": list(box.center), "size": list(box.size), "yaw_rad": box.yaw_rad},
    }


def _meshes(asset: Asset, looks: dict[Material, scene.Material]) -> tuple[scene.Mesh, ...]:
    """One mesh for each material of an asset."""
    by_material: dict[Material, list[Part]] = {}
    for part in asset.parts:
        by_material.setdefault(part.material, []).append(part)
    return tuple(_mesh(parts, material, looks[material]) for material, parts in by_material.items())


def _mesh(parts: list[Part], material: Material, look: scene.Material) -> scene.Mesh:
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    faces = [part.faces + start for part, start in zip(parts, starts, strict=False)]
    return scene.Mesh(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate(faces).astype(np.int32),
        np.concatenate([part.normals for part in parts]),
        (np.concatenate([part.uv for part in parts]) / np.float32(material.tile_m)).astype(np.float32),
        look,
    )


def _material(material: Material) -> scene.Material:
    red, green, blue = material.color
    return scene.Material(
        material.texture,
        material.color,
        None if material.texture == "plain" else _picture(material.texture),
        material.roughness,
        material.metallic,
        (material.emission * red, material.emission * green, material.emission * blue),
    )


@cache
def _picture(name: str) -> NDArray[np.uint8]:
    """(h, w, 3) the colours of a tile; the same array every time, so that materials share it."""
    return np.ascontiguousarray(tile(name)[..., :3])
