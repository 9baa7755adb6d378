"""The renderer: layers brought to another camera and painted from back to front.

A plane whose inverse depth is affine in the pixels ``p = (x, y, 1)`` of one camera, ``1 / z = n . p``, is seen by
another through the homography ``H = K2 (R inv(K1) + t n)``, where (R, t) brings points from the first camera's frame to
the second's (Hartley and Zisserman, Multiple View Geometry, 2nd edition, section 13.1). The third component of ``H p``
is the ratio of the second depth to the first, so its sign says what lies in front. A surface with relief is drawn as
the mesh that is exported (``raster.py``).
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maquette.camera import Camera
from maquette.errors import ExportError
from maquette.export.raster import draw_surface
from maquette.scene import Plane, Scene

FloatArray = NDArray[np.float64]

SHRINK_BELOW = 0.75
"""Textures are averaged down first where the new camera's focal length is shorter than the scene's by this factor."""


def render(scene: Scene, camera: Camera) -> NDArray[np.uint8]:
    """Paint the nodes from back to front as ``camera`` sees them.

    Seen from the scene's own camera the textures are copied, not resampled; from any other they are interpolated
    linearly on premultiplied colours (a cubic kernel overshoots where a layer ends, and draws bright lines there).

    Returns:
        (H, W, 4) uint8, sRGB with straight alpha; alpha 0 where the camera sees past every node.

    Raises:
        ExportError: The scene has bodies.
    """
    if scene.bodies:
        raise ExportError(f"{scene.name}: only layers can be painted, and it has meshes; export it as .glb")
    scale = camera.focal_px / scene.camera.focal_px
    if scale < SHRINK_BELOW:
        scene = shrink(scene, scale)
    canvas = Image.new("RGBA", (camera.width, camera.height))
    moved = _moved(scene.camera, camera)
    for node in scene.nodes:
        if moved and node.plane.relief is not None:
            _compose(canvas, *draw_surface(node.plane, scene.camera, camera))
        else:
            _paint(canvas, node.plane, plane_homography(node.plane, scene.camera, camera))
    return np.array(canvas)


def _moved(one: Camera, other: Camera) -> bool:
    """Whether two cameras do not see the same picture."""
    same_pose = np.allclose(one.T_world_camera, other.T_world_camera, rtol=0, atol=1e-9)
    return not (same_pose and np.allclose(one.K, other.K, rtol=0, atol=1e-9))


def plane_homography(plane: Plane, seen_by: Camera, camera: Camera) -> FloatArray:
    """The map of a plane from the pixels of one camera to those of another.

    Args:
        plane: Its inverse depth is affine in the pixels of ``seen_by``.
        seen_by: The camera whose pixels go in.
        camera: The camera whose pixels come out.

    Returns:
        (3, 3) float64 H: ``H (x, y, 1)`` is ``z2 / z1`` times the pixel (x, y, 1) of ``camera``.
    """
    T_camera_seen = np.linalg.solve(camera.T_world_camera, seen_by.T_world_camera)
    rotated = T_camera_seen[:3, :3] @ np.linalg.inv(seen_by.K)
    homography: FloatArray = camera.K @ (rotated + np.outer(T_camera_seen[:3, 3], plane.inverse_depth))
    return homography


def shrink(scene: Scene, scale: float) -> Scene:
    """The same scene with smaller textures: its camera's focal length and picture times ``scale``, below 1."""
    old = scene.camera
    new = old.resized(max(1, round(old.width * scale)), max(1, round(old.height * scale)))
    nodes = tuple(replace(node, plane=_shrink_plane(node.plane, old, new)) for node in scene.nodes)
    return replace(scene, camera=new, nodes=nodes)


def _shrink_plane(plane: Plane, old: Camera, new: Camera) -> Plane:
    scale = new.focal_px / old.focal_px
    offset_x, offset_y = np.subtract(new.center_px, np.multiply(old.center_px, scale))
    a, b, c = plane.inverse_depth
    inverse_depth = (a / scale, b / scale, c - (a * offset_x + b * offset_y) / scale)
    relief = plane.relief and replace(
        plane.relief,
        x=plane.relief.x * scale + offset_x,
        y=plane.relief.y * scale + offset_y,
        step=plane.relief.step * scale,
    )

    offset = np.array([offset_x, offset_y, offset_x, offset_y])
    left, top, right, bottom = np.multiply(plane.bounds, scale) + offset
    x0, y0, x1, y1 = (round(v) for v in (left, top, right, bottom))
    if min(_inverse_at_corners(inverse_depth, (x0, y0, x1, y1))) <= 0:  # rounding must not pass the plane's horizon
        x0, y0, x1, y1 = math.ceil(left), math.ceil(top), math.floor(right), math.floor(bottom)
    x1, y1 = max(x1, x0 + 1), max(y1, y0 + 1)

    height, width = plane.texture.shape[:2]
    box = ((x0 - left) / scale, (y0 - top) / scale, (x1 - left) / scale, (y1 - top) / scale)
    pad = math.ceil(max(0.0, -box[0], -box[1], box[2] - width, box[3] - height))
    texture = np.pad(plane.texture, ((pad, pad), (pad, pad), (0, 0)), mode="edge") if pad else plane.texture
    box = (box[0] + pad, box[1] + pad, box[2] + pad, box[3] + pad)
    small = Image.fromarray(texture).resize((x1 - x0, y1 - y0), Image.Resampling.BILINEAR, box=box, reducing_gap=3.0)
    return Plane(x0, y0, np.asarray(small), inverse_depth, relief)


def _inverse_at_corners(
    inverse_depth: tuple[float, float, float], bounds: tuple[int, int, int, int]
) -> tuple[float, ...]:
    a, b, c = inverse_depth
    left, top, right, bottom = bounds
    return tuple(a * x + b * y + c for x in (left, right) for y in (top, bottom))


def _paint(canvas: Image.Image, plane: Plane, homography: FloatArray) -> None:
    """Paint a plane over the canvas, in place."""
    left, top, right, bottom = plane.bounds
    texture = Image.fromarray(plane.texture)
    if np.allclose(homography, np.eye(3), rtol=0, atol=1e-9):
        _compose(canvas, texture, left, top)
        return
    corners = np.array([(left, top, 1), (right, top, 1), (right, bottom, 1), (left, bottom, 1)]) @ homography.T
    in_front = corners[:, 2] > 0
    if not in_front.any():
        return
    x0, y0, x1, y1 = 0, 0, canvas.width, canvas.height
    if in_front.all():
        pixels = corners[:, :2] / corners[:, 2:]
        x0, y0 = np.clip(np.floor(pixels.min(axis=0)), (x0, y0), (x1, y1)).astype(int).tolist()
        x1, y1 = np.clip(np.ceil(pixels.max(axis=0)), (x0, y0), (x1, y1)).astype(int).tolist()
    if x1 <= x0 or y1 <= y0:
        return
    backward = _shift(-left, -top) @ np.linalg.inv(homography) @ _shift(x0, y0)
    backward /= abs(backward).max()
    if np.abs(backward[[0, 1, 2, 2], [1, 0, 0, 1]]).max() < 1e-12 and np.diag(backward).min() > 0:
        _compose(canvas, _scaled(plane.texture, backward, (x1 - x0, y1 - y0)), x0, y0)
        return
    warped = _warped(texture, backward, (x1 - x0, y1 - y0))
    if not in_front.all():
        columns, rows = np.arange(x1 - x0) + 0.5, np.arange(y1 - y0) + 0.5
        visible = backward[2, 0] * columns + (backward[2, 1] * rows + backward[2, 2])[:, None] > 0
        warped = Image.fromarray(np.asarray(warped) * visible[..., None])
    _compose(canvas, warped, x0, y0)


def _warped(texture: Image.Image, backward: FloatArray, size: tuple[int, int]) -> Image.Image:
    """Resample a texture; ``backward`` brings pixels of the result to pixels of the texture."""
    # Pillow wants the last coefficient to be 1; a tiny one in place of 0 changes nothing that can be seen.
    last = backward[2, 2] if abs(backward[2, 2]) > 1e-12 else 1e-12
    return texture.transform(
        size, Image.Transform.PERSPECTIVE, (backward / last).ravel()[:8].tolist(), Image.Resampling.BILINEAR
    )


def _scaled(texture: NDArray[np.uint8], backward: FloatArray, size: tuple[int, int]) -> Image.Image:
    """What ``_warped`` does, three times faster, where the map only shifts and scales."""
    scale_x, scale_y = backward[0, 0] / backward[2, 2], backward[1, 1] / backward[2, 2]
    x, y = backward[:2, 2] / backward[2, 2]
    height, width = texture.shape[:2]
    box = (x, y, x + scale_x * size[0], y + scale_y * size[1])
    pad = max(0, math.ceil(max(-box[0], -box[1], box[2] - width, box[3] - height)))
    padded = Image.fromarray(np.pad(texture, ((pad, pad), (pad, pad), (0, 0))))
    return padded.resize(size, Image.Resampling.BILINEAR, box=tuple(edge + pad for edge in box))


def _shift(x: int, y: int) -> FloatArray:
    return np.array([[1.0, 0, x], [0, 1, y], [0, 0, 1]])


def _compose(canvas: Image.Image, layer: Image.Image, x: int, y: int) -> None:
    """Lay a picture over the canvas with its corner at (x, y), which may lie outside."""
    if -layer.width < x < canvas.width and -layer.height < y < canvas.height:
        canvas.alpha_composite(layer, (max(x, 0), max(y, 0)), (max(-x, 0), max(-y, 0)))
