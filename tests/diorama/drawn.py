"""A drawn place whose segments, depth and camera are known exactly: ground, a wall that runs away, two people, sky."""

from __future__ import annotations

import numpy as np

from maquette.camera import Camera
from maquette.labels import BY_NAME
from maquette.perception.types import SKY_DEPTH_M, Perception, Segment
from maquette.photo import Photo

EYE_M = 1.5


def draw(width: int = 240, height: int = 160, *, people: bool = True, seed: int = 0) -> tuple[Photo, Perception]:
    """Draw the place.

    Sky above the horizon; ground below it at ``EYE_M`` under the camera; on the left a wall in the plane x = -2.2 m,
    from 4 m to 30 m; two people at 5 m and 8 m who stand on the ground, the nearer one in front of the farther.
    """
    camera = Camera.from_fov(width, height, 55, height_m=EYE_M)
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    u, v = (x - width / 2) / camera.focal_px, (y - height / 2) / camera.focal_px
    ids = np.full((height, width), 1, dtype=np.int32)
    depth = np.full((height, width), SKY_DEPTH_M)
    with np.errstate(divide="ignore"):
        ground = EYE_M / v
        wall = -2.2 / u
    below = (v > 0) & (ground < 140)
    ids[below], depth[below] = 2, ground[below]
    upright = (u < 0) & (wall >= 4) & (wall <= 30) & (v * wall < EYE_M) & (v * wall > -1.5)
    ids[upright], depth[upright] = 3, wall[upright]
    if people:
        for segment, z, center in ((4, 8.0, 0.9), (5, 5.0, 0.35)):
            body = (np.abs(u * z - center) < 0.3) & (v * z < EYE_M) & (v * z > -0.2)
            ids[body], depth[body] = segment, z
    colours = np.array(
        [[0, 0, 0], [120, 180, 235], [110, 100, 80], [190, 170, 150], [200, 40, 40], [40, 60, 200]], float
    )
    noise = np.random.default_rng(seed).normal(0, 6, (height, width, 1))
    rgb = np.clip(colours[ids] + noise + 20 * np.sin(x / 9)[..., None], 0, 255).astype(np.uint8)
    names = ["sky", "road", "building", "person", "person"]
    segments = tuple(Segment(i, BY_NAME[n], 1.0) for i, n in enumerate(names, 1) if (ids == i).any())
    perception = Perception(
        ids, segments, depth.astype(np.float32), np.ones((height, width), np.float32), camera, height / 2
    )
    return Photo(rgb, "drawn"), perception


def paint(scene, size: tuple[int, int]) -> np.ndarray:
    """Paint textures over one another in their order, pixel on pixel: (H, W, 4) float64, colour premultiplied, alpha 0
    to 1."""
    height, width = size
    canvas = np.zeros((height, width, 4))
    for node in scene.nodes:
        left, top, right, bottom = node.plane.bounds
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
        if x0 >= x1 or y0 >= y1:
            continue
        texture = node.plane.texture[y0 - top : y1 - top, x0 - left : x1 - left].astype(float)
        alpha = texture[..., 3:] / 255
        source = np.concatenate([texture[..., :3] * alpha, alpha], axis=-1)
        canvas[y0:y1, x0:x1] = source + canvas[y0:y1, x0:x1] * (1 - alpha)
    return canvas
