"""Scenes made by hand: a photo-like picture cut into layers whose planes are known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from maquette.camera import Camera, world_pose
from maquette.scene import Body, Material, Mesh, Node, Plane, Relief, Scene
from maquette.worlds.assets.solids import box
from maquette.worlds.types import Material as WorldMaterial
from maquette.worlds.types import yaw_pose

Image = NDArray[np.uint8]


def photo_like(width: int, height: int, seed: int = 0) -> Image:
    """(height, width, 3): broad gradients, blobs of several sizes, and a little noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    picture = np.stack([90 + 90 * x / width, 160 - 80 * y / height, 80 + 60 * (x + y) / (width + height)], axis=-1)
    for size, strength in ((width / 8, 25), (width / 40, 20), (3, 8)):
        blobs = ndimage.gaussian_filter(rng.standard_normal((height, width, 3)), (size, size, 0), mode="nearest")
        picture += blobs / blobs.std() * strength
    picture += rng.normal(0, 1.5, picture.shape)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def cut(
    photo: Image, alpha: Image, bounds: tuple[int, int, int, int], inverse_depth: tuple[float, float, float]
) -> Plane:
    """A plane that carries the photo, continued beyond the frame by its edge, under ``alpha`` of the bounds' size."""
    left, top, right, bottom = bounds
    rows = np.clip(np.arange(top, bottom), 0, photo.shape[0] - 1)
    columns = np.clip(np.arange(left, right), 0, photo.shape[1] - 1)
    texture = np.dstack([photo[np.ix_(rows, columns)], alpha])
    return Plane(left, top, texture * (alpha[..., None] > 0), inverse_depth)


def disc(width: int, height: int, soft: float = 3.0) -> Image:
    """Alpha of an ellipse that fills the box, with an edge ``soft`` pixels wide."""
    y, x = (np.mgrid[:height, :width] + 0.5) / np.array([height, width])[:, None, None] * 2 - 1
    inside = (1 - np.hypot(x, y)) * min(width, height) / 2
    return np.clip(np.rint(inside / soft * 255), 0, 255).astype(np.uint8)


def make_scene(width: int = 320, height: int = 200, cards: int = 3, *, overscan: bool = True, seed: int = 0) -> Scene:
    """Sky, a ground that tilts away, a wall that tilts sideways, and cards that face the camera."""
    photo = photo_like(width, height, seed)
    camera = Camera.from_fov(width, height, 55, pitch_rad=0.1, height_m=1.6)
    focal = camera.focal_px
    margin = width // 16 if overscan else 0
    nodes = []

    def add(name: str, plane: Plane) -> None:
        depths = plane.depth_m([(x, y) for x in plane.bounds[::2] for y in plane.bounds[1::2]])
        spread = (float(depths.min()), float(depths.max()))
        nodes.append(Node(name, name.split()[0], (len(nodes) + 1,), len(nodes), spread, plane))

    frame = (-margin, -margin, width + margin, height + margin)
    full = np.full((height + 2 * margin, width + 2 * margin), 255, np.uint8)
    add("sky", cut(photo, full, frame, (0.0, 0.0, 1 / 1000)))

    horizon = height * 0.4
    top = math.ceil(horizon + focal * 1.6 / 60)
    alpha = np.minimum(255, 40 * np.arange(1, height + margin - top + 1))[:, None].repeat(width + 2 * margin, 1)
    slope = 1 / (focal * 1.6)
    ground = (-margin, top, width + margin, height + margin)
    add("floor", cut(photo, alpha.astype(np.uint8), ground, (0.0, slope, -slope * horizon)))

    w = width // 3
    near, far = 1 / 4.0, 1 / 12.0
    wall = disc(w, height // 2)
    add(
        "wall",
        cut(photo, wall, (0, height // 4, w, height // 4 + height // 2), ((far - near) / w, -0.02 / height, near)),
    )

    rng = np.random.default_rng(seed + 1)
    for index in range(cards):
        size = int(rng.integers(height // 5, height // 2))
        x, y = int(rng.integers(0, width - size)), int(rng.integers(height // 4, height - size // 2))
        depth_m = 3.0 - 1.5 * index / max(cards, 1)
        add(f"person {index + 1}", cut(photo, disc(size, size), (x, y, x + size, y + size), (0.0, 0.0, 1 / depth_m)))
    settings = {"diorama": {"move": 0.08, "seed": seed}, "networks": {"small": "0" * 64}}
    return Scene(tuple(nodes), camera, "hand made", settings, ("The field of view was assumed.",))


def bent(scene: Scene, step: float = 5.0) -> Scene:
    """The scene with waves in the depth of every layer."""
    nodes = []
    for node in scene.nodes:
        left, top, right, bottom = node.plane.bounds
        x, y = np.meshgrid(np.arange(left, right + step, step), np.arange(top, bottom + step, step))
        flat = 1 / node.plane.depth_m(np.stack([x, y], axis=-1))
        waves = (0.12 * flat * np.sin(x / 23) * np.cos(y / 31)).astype(np.float32)
        nodes.append(replace(node, plane=replace(node.plane, relief=Relief(left, top, step, waves))))
    return replace(scene, nodes=tuple(nodes))


def one_plane(plane: Plane, width: int = 64, height: int = 48) -> Scene:
    """A scene of one plane, seen by a camera that looks down from a height."""
    camera = Camera(width, height, 60.0, (width / 2, height / 2), world_pose(0.3, 1.5))
    return Scene((Node("layer", "object", (1,), 0, (1.0, 2.0), plane),), camera, "one")


def make_bodies() -> Scene:
    """Two boxes that share a texture, one of them in two materials, around a camera that stands among them."""
    checks = np.kron(np.indices((4, 4)).sum(axis=0) % 2, np.ones((8, 8)))[..., None].repeat(3, axis=2)
    texture = (checks * 155 + 100).astype(np.uint8)
    wood = Material("wood", (1.05, 0.7, 0.4), texture, 0.6)
    glow = Material("glow", (1.0, 0.9, 0.8), texture, emissive=(3.0, 2.7, 2.4))
    steel = Material("steel", (0.5, 0.5, 0.5), roughness=0.3, metallic=1.0, emissive=(0.1, 0.0, 0.0))
    table = (_box((1.2, 0.1, 0.8), (0.0, 0.7, 0.0), wood), _box((0.1, 0.65, 0.1), (0.0, 0.325, 0.0), steel))
    turned = yaw_pose(0.6, (-0.5, 0.0, -2.0))
    bodies = (
        Body("table 1", "table", table, turned, {"family": "table", "instance_id": 3, "parent": 0}),
        Body("lamp 1", "object", (_box((0.2, 0.5, 0.2), (0.0, 0.25, 0.0), glow),), yaw_pose(-0.2, (1.0, 0.0, 1.0))),
    )
    camera = Camera.from_fov(64, 48, 60, pitch_rad=0.2, height_m=1.2)
    return Scene((), camera, "bodies", {"seed": 1}, bodies=bodies)


def _box(size: tuple[float, float, float], middle: tuple[float, float, float], material: Material) -> Mesh:
    part = box(middle, size, WorldMaterial())
    return Mesh(part.vertices, part.faces, part.normals, part.uv * 4, material)


def psnr(picture: NDArray[np.generic], other: NDArray[np.generic]) -> float:
    """Peak signal to noise ratio in dB, of 8-bit values."""
    error = np.mean((picture.astype(float) - other.astype(float)) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-10)))
