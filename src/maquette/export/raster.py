"""Surfaces with relief, seen by another camera: the triangles that are exported, drawn with a depth buffer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maquette.camera import Camera
from maquette.export.geometry import to_mesh
from maquette.scene import Plane

FloatArray = NDArray[np.float64]

_AT_ONCE = 1 << 19
"""Most pixels of triangles' rectangles that are looked at together, to bound memory."""


def draw_surface(plane: Plane, seen_by: Camera, camera: Camera) -> tuple[Image.Image, int, int]:
    """Draw a surface as ``camera`` sees it: perspective-correct, with a linear filter on premultiplied colours.

    Triangles that reach behind the camera are left out.

    Args:
        plane: The surface.
        seen_by: The scene's camera, in whose pixels the surface is given.
        camera: The camera to draw for.

    Returns:
        The picture (RGBA, straight alpha) of the part of the frame that the surface may cover, and the column and row
        of its left top corner.
    """
    mesh = to_mesh(plane, seen_by)
    points_cam = camera.from_world(mesh.points_world)
    z = points_cam[:, 2][mesh.triangles]
    triangles = mesh.triangles[(z > 1e-6).all(axis=1)]
    corners = camera.project(points_cam)[triangles]
    low = np.ceil(np.clip(corners.min(axis=1) - 0.5, 0, (camera.width, camera.height))).astype(np.intp)
    high = np.floor(np.clip(corners.max(axis=1) - 0.5, -1, (camera.width - 1, camera.height - 1))).astype(np.intp) + 1
    inverse, facing_any = _barycentric(corners)
    seen = (high > low).all(axis=1) & facing_any
    if not seen.any():
        return Image.new("RGBA", (1, 1)), 0, 0
    low, high, inverse, triangles = low[seen], high[seen], inverse[seen], triangles[seen]
    (x0, y0), (x1, y1) = low.min(axis=0), high.max(axis=0)
    texels = mesh.uv * plane.texture.shape[1::-1]
    # Over a triangle, 1 / z and the texel over z are affine in the camera's pixels.
    over_z = np.column_stack([np.ones(len(texels)), texels])[triangles] / points_cam[:, 2][triangles][..., None]
    affine = np.swapaxes(over_z, 1, 2) @ inverse
    nearest = np.zeros((y1 - y0) * (x1 - x0))
    where = np.zeros((nearest.size, 2))
    span = (high - low).max(axis=1)
    size, below = 1, 0
    while below < span.max():
        some = np.flatnonzero((span > below) & (span <= size))
        for start in range(0, len(some), max(1, _AT_ONCE // size**2)):
            part = some[start : start + max(1, _AT_ONCE // size**2)]
            triangle, pixels = _inside(low[part], high[part], inverse[part], size)
            value = np.einsum(
                "nij,nj->ni", affine[part][triangle], np.column_stack([pixels + 0.5, np.ones(len(pixels))])
            )
            index = (pixels[:, 1] - y0) * (x1 - x0) + pixels[:, 0] - x0
            np.maximum.at(nearest, index, value[:, 0])
            front = value[:, 0] == nearest[index]
            where[index[front]] = value[front, 1:] / value[front, :1]
        size, below = size * 2 if size > 3 else size + 1, size
    picture = np.zeros((nearest.size, 4), np.uint8)
    covered = nearest > 0
    picture[covered] = _sample(plane.texture, where[covered])
    return Image.fromarray(picture.reshape(y1 - y0, x1 - x0, 4)), int(x0), int(y0)


def _barycentric(corners: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """From (n, 3, 2) corners to (n, 3, 3) matrices that make weights of pixels (x, y, 1), and whether there is one."""
    following, last = np.roll(corners, -1, axis=1), np.roll(corners, -2, axis=1)
    normal = np.stack(
        [
            following[..., 1] - last[..., 1],
            last[..., 0] - following[..., 0],
            following[..., 0] * last[..., 1] - last[..., 0] * following[..., 1],
        ],
        axis=-1,
    )
    area = normal[..., 2].sum(axis=1)
    exists = np.abs(area) > 1e-9
    return normal / np.where(exists, area, 1)[:, None, None], exists


def _inside(
    low: NDArray[np.intp], high: NDArray[np.intp], inverse: FloatArray, size: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pixels with centres in triangles of at most ``size`` pixels a side: (k,) triangle, and (k, 2) x and y."""
    steps = np.arange(size)
    x, y = low[:, :1] + steps, low[:, 1:] + steps
    inside = (x < high[:, :1])[:, None, :] & (y < high[:, 1:])[:, :, None]
    for corner in range(3):
        a, b, c = inverse[:, corner].T[..., None]
        inside &= (a * (x + 0.5))[:, None, :] + (b * (y + 0.5) + c)[:, :, None] >= -1e-9
    triangle, row, column = np.nonzero(inside)
    return triangle, np.stack([x[triangle, column], y[triangle, row]], axis=1)


def _sample(texture: NDArray[np.uint8], where: FloatArray) -> NDArray[np.uint8]:
    """(n, 4) colours at (n, 2) places x, y in texels, straight alpha."""
    height, width = texture.shape[:2]
    x, y = np.clip(where - 0.5, 0, (width - 1, height - 1)).astype(np.float32).T
    left, top = x.astype(np.intp), y.astype(np.intp)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    fx, fy = x - left, y - top
    flat = texture.reshape(-1, 4)
    total = np.zeros((len(x), 4), np.float32)
    for row, column, weight in (
        (top, left, (1 - fy) * (1 - fx)),
        (top, right, (1 - fy) * fx),
        (bottom, left, fy * (1 - fx)),
        (bottom, right, fy * fx),
    ):
        texel = flat[row * width + column].astype(np.float32)
        share = weight * texel[:, 3]
        total[:, :3] += texel[:, :3] * share[:, None]
        total[:, 3] += share
    total[:, :3] /= np.maximum(total[:, 3:], 1e-6)
    return np.rint(total).astype(np.uint8)
