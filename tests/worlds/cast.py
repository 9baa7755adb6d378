"""A small world of boxes, and a renderer for it that shares nothing with ours: every ray against every triangle."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from maquette.camera import Camera
from maquette.labels import BY_NAME
from maquette.worlds.assets.solids import box
from maquette.worlds.types import Asset, Lighting, Material, Object, OrientedBox, View, World, yaw_pose

Floats = NDArray[np.float64]
DARK = Lighting(np.zeros((2, 4, 3), np.float32), (0.0, 0.0, 0.0))


def crate(family: str, size: tuple[float, float, float]) -> Asset:
    """A closed box that stands on its origin."""
    return Asset(family, "plain", (box((0.0, size[1] / 2, 0.0), size, Material()),))


def camera_at(place: tuple[float, float, float], yaw_rad: float, pitch_rad: float = 0.0, size: int = 48) -> Camera:
    """A camera that looks along -Z, turned about +Y; a positive pitch looks down."""
    level = Camera.from_fov(size, size, 60.0, pitch_rad=pitch_rad)
    pose = yaw_pose(yaw_rad, place) @ level.T_world_camera
    return Camera(size, size, level.focal_px, level.center_px, pose)


def small_world() -> World:
    """A room of the studio's size, turned and moved, with a floor, two chairs one behind the other, a table with a bag
    on it, and a lamp."""
    turn, middle = 0.3, (1.0, 1.6, -2.0)
    pose = yaw_pose(turn, (middle[0], 0.0, middle[2]))

    def at(x: float, y: float, z: float) -> tuple[float, float, float]:
        px, py, pz = pose[:3, :3] @ (x, y, z) + pose[:3, 3]
        return float(px), float(py), float(pz)

    slab = Asset("floor", "plain", (box((0.0, -0.05, 0.0), (4.0, 0.1, 4.8), Material()),))
    objects = (
        Object(1, "floor", slab, turn, at(0, 0, 0)),
        Object(2, "chair", crate("chair", (0.5, 0.9, 0.45)), 1.1, at(-0.2, 0, 0.4)),
        Object(3, "chair", crate("chair", (0.5, 0.9, 0.45)), 2.0, at(-0.3, 0, -0.8)),
        Object(5, "table", crate("table", (1.2, 0.72, 0.7)), turn, at(1.0, 0, -0.6)),
        Object(9, "object", crate("bag", (0.3, 0.35, 0.2)), 0.9, at(0.9, 0.72, -0.6), parent=5),
        Object(4, "object", crate("lamp", (0.2, 1.5, 0.2)), 0.0, at(-1.5, 0, -1.9)),
    )
    cameras = (
        camera_at(at(0, 1.5, 2.2), turn, math.radians(15)),
        camera_at(at(-1.8, 2.0, 2.0), turn - 0.8, math.radians(25)),
    )
    return World("small", "studio", objects, DARK, cameras, OrientedBox(middle, (4.0, 3.2, 4.8), turn), {"seed": 1})


def cast(world: World) -> tuple[View, ...]:
    """What its cameras see, grey, with amodal masks."""
    return tuple(_view(world, camera) for camera in world.cameras)


def _view(world: World, camera: Camera) -> View:
    height, width = camera.height, camera.width
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1) + 0.5
    rays = camera.unproject(pixels, np.ones((height, width)))
    layers, normals = zip(*(_hits(camera, thing, rays) for thing in world.objects), strict=True)
    depth = np.stack(layers)
    first = depth.argmin(axis=0)
    nearest = np.take_along_axis(depth, first[None], axis=0)[0]
    some = np.isfinite(nearest)
    ids = np.array([thing.id for thing in world.objects])
    labels = np.array([BY_NAME[thing.label].id for thing in world.objects])
    return View(
        camera,
        np.full((height, width, 3), 128, np.uint8),
        np.where(some, nearest, 0).astype(np.float32),
        np.where(some, labels[first], BY_NAME["sky"].id).astype(np.uint8),
        np.where(some, ids[first], 0).astype(np.uint16),
        np.take_along_axis(np.stack(normals), first[None, ..., None], axis=0)[0].astype(np.float32) * some[..., None],
        np.isfinite(depth),
    )


def _hits(camera: Camera, thing: Object, rays: Floats) -> tuple[Floats, Floats]:
    """Depth of the nearest hit of each ray (Möller and Trumbore 1997), inf where there is none, and its normal."""
    vertices, faces = thing.mesh_world()
    a, b, c = np.moveaxis(camera.from_world(vertices)[faces], 1, 0)
    cross = np.cross(rays[..., None, :], c - a)
    scale = (cross * (b - a)).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        u = (cross * -a).sum(axis=-1) / scale
        tangent = np.cross(-a, b - a)
        v = (rays[..., None, :] * tangent).sum(axis=-1) / scale
        t = ((c - a) * tangent).sum(axis=-1) / scale
    t = np.where((u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0), t, np.inf)
    face = t.argmin(axis=-1)
    normals = np.cross(b - a, c - a)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    normals *= -np.sign((normals * a).sum(axis=-1, keepdims=True))
    return np.take_along_axis(t, face[..., None], axis=-1)[..., 0], normals[face]
