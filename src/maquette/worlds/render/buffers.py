"""What the OpenGL renderer keeps in the driver: worlds, tiles, and the pictures that its passes write."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maquette.camera import Camera
from maquette.labels import BY_NAME
from maquette.worlds.render.flat import Flat
from maquette.worlds.render.light import Shadow
from maquette.worlds.textures import tile
from maquette.worlds.types import Floats, Lighting, World

NEAR_M = 0.05
"""Nothing closer to the camera is seen."""

_PAIRS = 1024
"""Pairs of texels in a row of a table; see ``shaders/common.glsl``."""

_LAYERS = 192
"""Tiles that are kept from world to world."""

_SKY = BY_NAME["sky"].id


class Scene:
    """One world in the driver.

    Attributes:
        triangles: Its triangles, for the program that tells them apart.
        masks: The same for masks.
        casters: Those that cast shadows.
        caster_starts: (objects + 1,) int64: object i casts with the triangles ``caster_starts[i]`` to
            ``caster_starts[i + 1]``.
        vertex_table: All that is known of each vertex, as a texture.
        triangle_table: Likewise of each triangle.
        materials: Likewise of each material.
        sky: Its sky.
        ids: (objects + 1,) uint16 id of each object; the last is for the sky.
        labels: (objects + 1,) uint8 id of each object's label; the last is the sky's.
    """

    def __init__(
        self, gl: Any, tiles: Tiles, world: World, flat: Flat, stack: ExitStack, programs: dict[str, Any]
    ) -> None:
        """Upload it; ``stack`` frees it."""

        def kept(resource: Any) -> Any:
            stack.callback(resource.release)
            return resource

        self._gl, self._kept = gl, kept
        corners = _corners(flat)
        positions = kept(gl.buffer(corners))
        faces = kept(gl.buffer(flat.faces))
        opaque = np.array([material.casts_shadow for material in flat.materials])[flat.face_material]
        shadows = kept(gl.buffer(flat.faces[opaque])) if opaque.any() else faces
        self.caster_starts = np.concatenate([[0], np.cumsum(opaque)])[flat.face_starts]
        self.triangles, self.masks, self.casters = (
            kept(gl.vertex_array(programs[name], [(positions, "3f 20x", "position")], index_buffer=order))
            for name, order in (("triangle", faces), ("mask", faces), ("depth", shadows))
        )
        self.vertex_table = kept(_table(gl, corners))
        self.triangle_table = kept(_table(gl, _triangles(flat, corners)))
        rows = np.array(
            [
                [*m.color, layer, m.tile_m, m.roughness, m.metallic, m.bump_m, m.emission, 0, 0, 0]
                for m, layer in zip(flat.materials, tiles.layers([m.texture for m in flat.materials]), strict=True)
            ],
            dtype=np.float32,
        )
        self.materials = kept(gl.texture((3 * len(rows), 1), 4, rows, dtype="f4"))
        self.sky = kept(_sky(gl, world.lighting))
        self.ids = np.array([*(item.id for item in world.objects), 0], dtype=np.uint16)
        self.labels = np.array([*(BY_NAME[item.label].id for item in world.objects), _SKY], dtype=np.uint8)
        starts = flat.vertex_starts[:-1]
        low, high = np.minimum.reduceat(flat.vertices, starts), np.maximum.reduceat(flat.vertices, starts)
        pick = np.array(np.meshgrid([0, 1], [0, 1], [0, 1])).reshape(3, 8).T[None]
        self._boxes: Floats = np.where(pick == 0, low[:, None], high[:, None])

    def far_m(self, camera: Camera) -> float:
        """A depth behind everything."""
        return max(float(camera.from_world(self._boxes)[..., 2].max()) * 1.01, 1.0)

    def in_frame(self, camera: Camera) -> NDArray[np.bool_]:
        """(objects,) whether the object's upright box may be in the picture."""
        points = camera.from_world(self._boxes)
        z = points[..., 2]
        x = points[..., 0] * camera.focal_px + camera.center_px[0] * z
        y = points[..., 1] * camera.focal_px + camera.center_px[1] * z
        outside = [x < 0, x > camera.width * z, y < 0, y > camera.height * z, z < NEAR_M]
        hidden: NDArray[np.bool_] = np.any([np.all(side, axis=1) for side in outside], axis=0)
        return ~hidden

    def in_shadow(self, shadow: Shadow) -> NDArray[np.bool_]:
        """(objects,) whether the object may cast a shadow on what a parallel light's camera sees; True for lamps."""
        if not shadow.width_m:
            return np.ones(len(self._boxes), dtype=np.bool_)
        clip = self._boxes @ shadow.clip_world[:2, :3].T + shadow.clip_world[:2, 3]
        meets: NDArray[np.bool_] = np.all((clip.min(axis=1) < 1) & (clip.max(axis=1) > -1), axis=1)
        return meets

    def atlas(self, size: tuple[int, int]) -> Any:
        """A target of one byte a pixel."""
        return self._kept(self._gl.framebuffer([self._kept(self._gl.texture(size, 1))]))


def runs(chosen: NDArray[np.bool_], starts: NDArray[np.int64]) -> list[tuple[int, int]]:
    """The triangles of the chosen objects, as ranges."""
    ends = np.flatnonzero(np.diff(chosen.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    return [(int(starts[first]), int(starts[last])) for first, last in ends if starts[first] < starts[last]]


class Targets:
    """Pictures that the passes write, for one size."""

    def __init__(self, gl: Any, width: int, height: int) -> None:
        """Make them."""
        lattice, half = (2 * width + 1, 2 * height + 1), ((width + 1) // 2, (height + 1) // 2)
        self.size = (width, height)
        self.sample = gl.texture(lattice, 1, dtype="f4")
        self.surface = gl.texture(self.size, 4, dtype="f4")
        self.occlusion = gl.texture(half, 4, dtype="f2")
        self.smoothed = gl.texture(half, 4, dtype="f2")
        self.color = gl.texture(self.size, 4, dtype="f2")
        self._depth = gl.depth_renderbuffer(lattice)
        self._final = gl.texture(self.size, 4)
        self.samples = gl.framebuffer([self.sample], self._depth)
        self.passes = {
            name: gl.framebuffer([texture])
            for name, texture in {
                "surface": self.surface,
                "occlusion": self.occlusion,
                "smooth": self.smoothed,
                "shade": self.color,
                "resolve": self._final,
            }.items()
        }

    def read(self, name: str, components: int, dtype: str) -> NDArray[Any]:
        """What a pass has written, (h, w, components)."""
        target = self.samples if name == "samples" else self.passes[name]
        out = np.empty((target.height, target.width, components), dtype={"f1": np.uint8, "f4": np.float32}[dtype])
        target.read_into(out, components=components, dtype=dtype, alignment=1)
        return out

    def release(self) -> None:
        """Free them."""
        for target in (self.samples, *self.passes.values()):
            target.release()
        for texture in (self.sample, self.surface, self.occlusion, self.smoothed, self.color, self._final, self._depth):
            texture.release()


class Tiles:
    """The tiles in use, as layers of one texture, which grows with them."""

    def __init__(self, gl: Any) -> None:
        """Start without any."""
        self._gl = gl
        self._names: dict[str, int] = {}
        self.texture: Any = None

    def layers(self, names: list[str]) -> list[int]:
        """The layer of each name."""
        known = len(self._names)
        if known > _LAYERS:
            self._names, known = {}, 0
        for name in names:
            self._names.setdefault(name, len(self._names))
        if len(self._names) > known:
            self._load()
        return [self._names[name] for name in names]

    def _load(self) -> None:
        if self.texture is not None:
            self.texture.release()
        layers = np.stack([_square_rooted(name)[::-1] for name in self._names])
        self.texture = self._gl.texture_array((layers.shape[2], layers.shape[1], len(layers)), 4, layers)
        self.texture.build_mipmaps()
        self.texture.filter = self._gl.LINEAR_MIPMAP_LINEAR, self._gl.LINEAR


@cache
def _square_rooted(name: str) -> NDArray[np.uint8]:
    """A tile whose colours are square roots of linear ones, which eight bits hold well and a shader squares."""
    levels = np.arange(256) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    table = np.rint(np.sqrt(linear) * 255).astype(np.uint8)
    rgba = tile(name).copy()
    rgba[..., :3] = table[rgba[..., :3]]
    return rgba


def _corners(flat: Flat) -> NDArray[np.float32]:
    """(n, 8): place, u, normal, v of each vertex."""
    rows = np.empty((len(flat.vertices), 8), dtype=np.float32)
    rows[:, :3], rows[:, 3] = flat.vertices, flat.uv[:, 0]
    rows[:, 4:7], rows[:, 7] = flat.normals, flat.uv[:, 1]
    return rows


def _triangles(flat: Flat, corners: NDArray[np.float32]) -> NDArray[np.float32]:
    """(m, 8): indices of the vertices, of the material; normal of the face, number of the object and material."""
    rows = np.empty((len(flat.faces), 8), dtype=np.float32)
    rows[:, :3], rows[:, 3] = flat.faces, flat.face_material
    rows[:, 7] = flat.face_object * len(flat.materials) + flat.face_material
    a, b, c = (np.take(corners, flat.faces[:, corner], axis=0)[:, :3] for corner in range(3))
    (x, y, z), (i, j, k) = (b - a).T, (c - a).T
    rows[:, 4], rows[:, 5], rows[:, 6] = y * k - z * j, z * i - x * k, x * j - y * i
    rows[:, 4:7] /= np.maximum(np.sqrt(np.einsum("nk,nk->n", rows[:, 4:7], rows[:, 4:7])), 1e-30)[:, None]
    return rows


def _table(gl: Any, rows: NDArray[np.float32]) -> Any:
    """A texture with two texels for each row, as ``entry`` in ``shaders/common.glsl`` reads it."""
    lines = -(-len(rows) // _PAIRS)
    texture = gl.texture((2 * _PAIRS, lines), 4, dtype="f4")
    whole = len(rows) // _PAIRS
    if whole:
        texture.write(rows[: whole * _PAIRS], (0, 0, 2 * _PAIRS, whole))
    if lines > whole:
        texture.write(np.ascontiguousarray(rows[whole * _PAIRS :]), (0, whole, 2 * (len(rows) - whole * _PAIRS), 1))
    return texture


def _sky(gl: Any, lighting: Lighting) -> Any:
    texture = gl.texture(lighting.sky.shape[1::-1], 3, np.ascontiguousarray(lighting.sky), dtype="f4")
    texture.build_mipmaps()
    texture.filter = gl.LINEAR_MIPMAP_LINEAR, gl.LINEAR
    texture.repeat_y = False
    return texture
