"""The scene that every method makes and every exporter reads: plain frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maquette.camera import Camera


@dataclass(frozen=True, eq=False)
class Relief:
    """How far a surface departs from its plane, on a square lattice in the scene's camera.

    Attributes:
        x: Column of the first vertex, in pixels.
        y: Row of the first vertex, in pixels.
        step: Distance between vertices, in pixels.
        inverse_depth: (m, n) float32 in 1/m: what is added to the plane's inverse depth at the pixel
            ``(x + column * step, y + row * step)``; bilinear between vertices, and beyond the lattice as at its edge.
    """

    x: float
    y: float
    step: float
    inverse_depth: NDArray[np.float32]

    def at(self, pixels: ArrayLike) -> NDArray[np.float64]:
        """What is added to inverse depth, in 1/m, at (..., 2) pixels (x, y)."""
        rows, columns = self.inverse_depth.shape
        place = (np.asarray(pixels, dtype=np.float64) - (self.x, self.y)) / self.step
        column, row = np.moveaxis(np.clip(place, 0, (columns - 1, rows - 1)), -1, 0)
        left, top = column.astype(np.intp), row.astype(np.intp)
        right, bottom = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
        value = self.inverse_depth.astype(np.float64)
        upper = value[top, left] + (column - left) * (value[top, right] - value[top, left])
        lower = value[bottom, left] + (column - left) * (value[bottom, right] - value[bottom, left])
        between: NDArray[np.float64] = upper + (row - top) * (lower - upper)
        return between


@dataclass(frozen=True, eq=False)
class Plane:
    """A piece of the photo on a plane, or near one, in front of the scene's camera.

    A plane's inverse depth is affine in the pixel coordinates of the camera that sees it, so that three numbers place
    it exactly, and its texture stays a plain crop of the photo's own pixels.

    Attributes:
        x: Left edge of the texture in pixels of the scene's camera; may be negative.
        y: Top edge of the texture in pixels of the scene's camera; may be negative.
        texture: (h, w, 4) uint8, sRGB with straight alpha; texel (row, column) covers the camera's pixel
            ``(x + column, y + row)``.
        inverse_depth: (a, b, c): 1 / depth_m = a * x + b * y + c at the camera pixel (x, y), in 1/m. Positive over the
            whole rectangle, with the relief and without.
        relief: How the surface departs from the plane; None where it is the plane.
    """

    x: int
    y: int
    texture: NDArray[np.uint8]
    inverse_depth: tuple[float, float, float]
    relief: Relief | None = None

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) in pixels of the scene's camera."""
        height, width = self.texture.shape[:2]
        return self.x, self.y, self.x + width, self.y + height

    @property
    def facing(self) -> bool:
        """Whether the surface is a plane that faces the camera, so that all of it has one depth."""
        return self.relief is None and self.inverse_depth[0] == 0 and self.inverse_depth[1] == 0

    def inverse_depth_at(self, pixels: ArrayLike) -> NDArray[np.float64]:
        """Inverse depth of the surface in 1/m at (..., 2) pixels (x, y) of the scene's camera."""
        xy = np.asarray(pixels, dtype=np.float64)
        a, b, c = self.inverse_depth
        plane: NDArray[np.float64] = a * xy[..., 0] + b * xy[..., 1] + c
        return plane if self.relief is None else plane + self.relief.at(xy)

    def depth_m(self, pixels: ArrayLike) -> NDArray[np.float64]:
        """Depth z in metres at (..., 2) pixels (x, y) of the scene's camera."""
        return 1.0 / self.inverse_depth_at(pixels)


@dataclass(frozen=True)
class Node:
    """One layer of a scene.

    Attributes:
        name: Unique in the scene and readable in an outliner, as in ``person 1``.
        label: Name of the category (see ``maquette.labels``).
        segment_ids: Ids of the panoptic segments that it was made from.
        order: Position from back to front; 0 is the farthest.
        depth_range_m: Nearest and farthest depth of its visible part, in metres.
        plane: Its geometry and texture.
    """

    name: str
    label: str
    segment_ids: tuple[int, ...]
    order: int
    depth_range_m: tuple[float, float]
    plane: Plane


@dataclass(frozen=True, eq=False)
class Material:
    """How a mesh looks, in glTF's terms (metallic and rough).

    Attributes:
        name: Readable in an outliner; need not be unique.
        color: Linear RGB that multiplies the texture's; glTF cuts it at 1.
        texture: (h, w, 3) uint8 sRGB, its first row at v = 0, repeated beyond 0 to 1; None is white. Meshes that share
            the array share the texture in a file.
        roughness: 0 is a mirror, 1 is chalk.
        metallic: 0 or 1.
        emissive: Linear RGB that it shines with, which multiplies the texture's; above 1 is brighter than white.
    """

    name: str
    color: tuple[float, float, float] = (1.0, 1.0, 1.0)
    texture: NDArray[np.uint8] | None = None
    roughness: float = 1.0
    metallic: float = 0.0
    emissive: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Mesh:
    """A piece of surface with one material.

    Attributes:
        vertices: (n, 3) float32, metres, in the frame of its body.
        faces: (m, 3) int32, counter-clockwise seen from outside.
        normals: (n, 3) float32 unit normals for shading.
        uv: (n, 2) float32; the texture spans 0 to 1.
        material: How it looks.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    normals: NDArray[np.float32]
    uv: NDArray[np.float32]
    material: Material


@dataclass(frozen=True, eq=False)
class Body:
    """An object that is known from all sides.

    Attributes:
        name: Unique in the scene and readable in an outliner, as in ``chair 1``.
        label: Name of the category (see ``maquette.labels``).
        meshes: Its surface, at least one piece.
        T_world_body: (4, 4) float64 pose of its frame: a rotation and a translation in metres.
        extras: JSON-ready record of what else is known of it.
    """

    name: str
    label: str
    meshes: tuple[Mesh, ...]
    T_world_body: NDArray[np.float64]
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def vertices_world(self) -> NDArray[np.float64]:
        """(n, 3) float64: the vertices of all its meshes in the world, metres."""
        vertices = np.concatenate([mesh.vertices for mesh in self.meshes]).astype(np.float64)
        moved: NDArray[np.float64] = vertices @ self.T_world_body[:3, :3].T + self.T_world_body[:3, 3]
        return moved


@dataclass(frozen=True)
class Scene:
    """What a method makes of a picture: layers, bodies, or both.

    Attributes:
        nodes: Layers from back to front (by ``order``).
        camera: The camera that took the picture; seen from it, the nodes painted in their order give the picture back.
        name: Name of the picture, for titles and file names.
        settings: JSON-ready record of the options, the seed and the networks (name and sha256) behind the scene.
        notes: What was assumed on the way, one sentence each.
        bodies: Objects of meshes; only ``.glb`` holds them.
    """

    nodes: tuple[Node, ...]
    camera: Camera
    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    bodies: tuple[Body, ...] = ()

    def render(self, camera: Camera | None = None) -> NDArray[np.uint8]:
        """Paint the nodes from back to front as ``camera`` sees them, by default from the scene's own.

        Returns:
            (H, W, 4) uint8, sRGB with straight alpha; alpha 0 where the camera sees past every node.

        Raises:
            ExportError: The scene has bodies, which cannot be painted.
        """
        from maquette.export.render import render

        return render(self, camera or self.camera)

    def export(self, path: str | Path) -> Path:
        """Write the scene to a file whose ending names the format.

        Args:
            path: ``.glb`` (binary glTF), ``.html`` (self-contained viewer), ``.png`` (render from its own camera),
                ``.gif`` or ``.webp`` (parallax loop), or a name without an ending (a folder with ``layers/`` and
                ``scene.json``).

        Returns:
            The path written.

        Raises:
            ExportError: The ending is unknown, the format cannot hold bodies, or the file cannot be written; nothing
                half-written stays.
        """
        from maquette.export import export

        return export(self, Path(path))
