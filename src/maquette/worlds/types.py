"""What a world is made of: plain frozen data, in metres, in the world's frame (right-handed, +Y up, as glTF)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from maquette.camera import Camera

Floats = NDArray[np.float64]
Color = tuple[float, float, float]
"""Linear RGB; 1 reflects everything."""

Kind = Literal["studio", "room", "street", "landscape"]
Stands = Literal["floor", "surface", "wall", "ceiling", "ground", "fixed"]


@dataclass(frozen=True)
class Material:
    """How a surface looks.

    Attributes:
        texture: Name of a tile (see ``maquette.worlds.textures``); ``plain`` is white.
        color: Linear RGB that multiplies the tile's.
        tile_m: Edge of the tile in metres: a part's ``uv`` is in metres and the tile repeats.
        roughness: 0 is a mirror, 1 is chalk (glTF's meaning).
        metallic: 0 or 1 (glTF's meaning).
        bump_m: How deep the tile's relief is, in metres; it bends the shading and nothing else.
        emission: Radiance emitted, as a multiple of the surface's own colour.
        casts_shadow: Whether it stops light; panes of windows do not.
    """

    texture: str = "plain"
    color: Color = (0.8, 0.8, 0.8)
    tile_m: float = 1.0
    roughness: float = 0.8
    metallic: float = 0.0
    bump_m: float = 0.0
    emission: float = 0.0
    casts_shadow: bool = True


@dataclass(frozen=True, eq=False)
class Part:
    """A piece of an asset with one material.

    A part of something solid is closed: when vertices at the same place are merged, every edge has two faces, which
    turn counter-clockwise seen from outside. Parts of an asset may touch and overlap each other.

    Attributes:
        vertices: (n, 3) float32, metres, in the asset's frame; a vertex is repeated where its normal or uv differs.
        faces: (m, 3) int32.
        normals: (n, 3) float32 unit normals for shading.
        uv: (n, 2) float32, metres along the surface.
        material: How it looks.
        closed: Whether it bounds a volume; leaves and the like do not.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    normals: NDArray[np.float32]
    uv: NDArray[np.float32]
    material: Material
    closed: bool = True


@dataclass(frozen=True)
class Surface:
    """A free horizontal rectangle on an asset where smaller things can stand.

    Attributes:
        center: Its middle (x, y, z) in the asset's frame, metres.
        size: Extent along the asset's x and z, metres.
        clearance_m: Free height above it.
    """

    center: tuple[float, float, float]
    size: tuple[float, float]
    clearance_m: float = 10.0


@dataclass(frozen=True, eq=False)
class Asset:
    """A thing in a frame of its own: +Y up, its front looks along +Z, metres.

    The origin is the middle of its footprint on the floor (``stands`` on floor, ground or surface), the middle of its
    back (wall: the back lies in z = 0), or the middle of its top (ceiling: the top lies in y = 0). What stands has its
    lowest point at y = 0.

    Attributes:
        family: As in ``table``; see ``maquette.worlds.assets``.
        style: The variety within the family.
        parts: Its surface.
        surfaces: Where smaller things can stand on it.
    """

    family: str
    style: str
    parts: tuple[Part, ...]
    surfaces: tuple[Surface, ...] = ()

    @cached_property
    def bounds(self) -> Floats:
        """(2, 3) float64: least and greatest corner of its box, metres."""
        low = np.min([part.vertices.min(axis=0) for part in self.parts], axis=0)
        high = np.max([part.vertices.max(axis=0) for part in self.parts], axis=0)
        return np.stack([low, high]).astype(np.float64)


@dataclass(frozen=True)
class OrientedBox:
    """A box that stands upright.

    Attributes:
        center: Its middle in the world, metres.
        size: Extents along its own x, y and z, metres.
        yaw_rad: Turn about +Y; the box's +Z looks along (sin yaw, 0, cos yaw).
    """

    center: tuple[float, float, float]
    size: tuple[float, float, float]
    yaw_rad: float

    @property
    def T_world_box(self) -> Floats:
        """(4, 4) float64 rigid pose: the box's frame, its origin in its middle, to the world."""
        return yaw_pose(self.yaw_rad, self.center)

    @property
    def corners(self) -> Floats:
        """(8, 3) float64 corners in the world, metres."""
        signs = np.array(np.meshgrid([-0.5, 0.5], [-0.5, 0.5], [-0.5, 0.5], indexing="ij")).reshape(3, 8).T
        pose = self.T_world_box
        return (signs * self.size) @ pose[:3, :3].T + pose[:3, 3]


def yaw_pose(yaw_rad: float, place: tuple[float, float, float] | Floats) -> Floats:
    """(4, 4) float64 pose of something turned by ``yaw_rad`` about +Y whose origin is at ``place``."""
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    pose = np.eye(4)
    pose[:3, :3] = [[c, 0, s], [0, 1, 0], [-s, 0, c]]
    pose[:3, 3] = place
    return pose


@dataclass(frozen=True, eq=False)
class Object:
    """One thing (or piece of the surroundings) in a world.

    Attributes:
        id: Instance id: unique in the world, from 1.
        label: Name of its category in ``maquette.labels``.
        asset: Its shape.
        yaw_rad: Turn about +Y.
        place: Where the asset's origin is in the world, metres.
        parent: Id of what it stands on or hangs from; 0 for the world itself.
    """

    id: int
    label: str
    asset: Asset
    yaw_rad: float
    place: tuple[float, float, float]
    parent: int = 0

    @property
    def T_world_object(self) -> Floats:
        """(4, 4) float64 rigid pose of the asset's frame."""
        return yaw_pose(self.yaw_rad, self.place)

    def mesh_world(self) -> tuple[Floats, NDArray[np.int64]]:
        """All its parts in the world: (n, 3) float64 vertices in metres and (m, 3) int64 faces."""
        vertices = np.concatenate([part.vertices for part in self.asset.parts]).astype(np.float64)
        starts = np.cumsum([0, *(len(part.vertices) for part in self.asset.parts)])
        faces = [part.faces.astype(np.int64) + at for part, at in zip(self.asset.parts, starts, strict=False)]
        pose = self.T_world_object
        return vertices @ pose[:3, :3].T + pose[:3, 3], np.concatenate(faces)

    @property
    def box(self) -> OrientedBox:
        """The asset's own box, brought to the world."""
        low, high = self.asset.bounds
        pose = self.T_world_object
        x, y, z = pose[:3, :3] @ ((low + high) / 2) + pose[:3, 3]
        width, height, depth = high - low
        return OrientedBox((float(x), float(y), float(z)), (float(width), float(height), float(depth)), self.yaw_rad)


@dataclass(frozen=True)
class Sun:
    """Light from far away.

    Attributes:
        direction: Unit vector from the scene towards it.
        irradiance: Linear RGB that falls on a surface that faces it; with pi, a white surface looks 1.
    """

    direction: tuple[float, float, float]
    irradiance: Color


@dataclass(frozen=True)
class Lamp:
    """A small ball that shines all around.

    Attributes:
        place: Its middle in the world, metres.
        intensity: Linear RGB irradiance at 1 m.
        radius_m: Its radius; shadows blur with it.
    """

    place: tuple[float, float, float]
    intensity: Color
    radius_m: float = 0.1


@dataclass(frozen=True, eq=False)
class Lighting:
    """All light of a world.

    Attributes:
        sky: (h, 2 h, 3) float32 linear radiance from every direction, equirectangular: the middle column looks along
            the world's -Z, columns go on to the right (+X next), the first row is straight up. What a camera sees past
            all objects, and the ambient light outdoors.
        ambient: Linear RGB radiance that reaches a surface from everywhere, before occlusion: what has bounced around
            a room. Outdoors it adds to the sky's.
        sun: None at night, or where no sun gets in.
        lamps: At most 4; the first casts shadows.
        exposure: What radiance is multiplied by before tone mapping.
    """

    sky: NDArray[np.float32]
    ambient: Color
    sun: Sun | None = None
    lamps: tuple[Lamp, ...] = ()
    exposure: float = 1.0


@dataclass(frozen=True, eq=False)
class World:
    """A scene with everything that is known of it.

    Attributes:
        name: For titles and file names.
        kind: Which generator made it.
        objects: Everything that can be seen but the sky.
        lighting: Its light.
        cameras: What to render.
        room: The inside of its walls; None outdoors.
        settings: JSON-ready record of the options and the seed behind it.
    """

    name: str
    kind: Kind
    objects: tuple[Object, ...]
    lighting: Lighting
    cameras: tuple[Camera, ...]
    room: OrientedBox | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class View:
    """What a renderer gives for one camera; every pixel's ids and depth are those at its centre.

    Attributes:
        camera: Where it was seen from.
        rgb: (h, w, 3) uint8 sRGB, anti-aliased.
        depth_m: (h, w) float32, z in metres; 0 where nothing is (the sky).
        semantic: (h, w) uint8 ids of ``maquette.labels``; what is past all objects is sky.
        instance: (h, w) uint16 ``Object.id``; 0 where nothing is.
        normals_cam: (h, w, 3) float32 unit normals of the faces in the camera's frame (OpenCV axes), towards the
            camera; 0 where nothing is.
        amodal: (n, h, w) bool, one mask for each of the world's objects in their order: where it would be seen if it
            stood alone; None when it was not asked for.
    """

    camera: Camera
    rgb: NDArray[np.uint8]
    depth_m: NDArray[np.float32]
    semantic: NDArray[np.uint8]
    instance: NDArray[np.uint16]
    normals_cam: NDArray[np.float32]
    amodal: NDArray[np.bool_] | None = None
