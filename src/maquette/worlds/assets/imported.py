"""Families of a user's own meshes: a folder of GLB, OBJ or PLY files, and a JSON file that says what they are."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maquette.errors import MaquetteError
from maquette.export.atomic import shown
from maquette.shapes.union import manifold
from maquette.worlds.assets import Family, families
from maquette.worlds.assets.solids import scaled, shaded
from maquette.worlds.materials import linear
from maquette.worlds.types import Asset, Color, Floats, Material, Part, Stands, Surface, yaw_pose

Measure = Literal["height_m", "longest_m"]
Ints = NDArray[np.int64]

SUFFIXES = (".glb", ".obj", ".ply")

SIZES: Mapping[str, tuple[Measure, float, float]] = {
    "table": ("height_m", 0.7, 0.78),
    "chair": ("height_m", 0.8, 1.0),
    "nightstand": ("height_m", 0.45, 0.65),
    "laptop": ("longest_m", 0.3, 0.38),
    "bag": ("height_m", 0.35, 0.5),
    "person": ("height_m", 1.55, 1.9),
    "bed": ("longest_m", 1.95, 2.15),
    "sofa": ("longest_m", 1.6, 2.4),
    "armchair": ("height_m", 0.8, 1.0),
    "bookcase": ("height_m", 1.5, 2.1),
    "desk": ("height_m", 0.72, 0.76),
    "cabinet": ("height_m", 1.7, 2.1),
    "dresser": ("height_m", 0.75, 1.1),
    "lamp": ("height_m", 1.3, 1.7),
    "table_lamp": ("height_m", 0.35, 0.6),
    "ceiling_lamp": ("height_m", 0.3, 0.7),
    "plant": ("height_m", 0.4, 1.4),
    "small_plant": ("height_m", 0.15, 0.35),
    "decor": ("longest_m", 0.1, 0.3),
    "picture": ("longest_m", 0.5, 1.1),
    "rug": ("longest_m", 1.5, 2.6),
    "curtain": ("height_m", 2.0, 2.4),
    "tv": ("longest_m", 0.8, 1.3),
    "wall_tv": ("longest_m", 0.8, 1.4),
    "building": ("height_m", 6.0, 15.0),
    "tree": ("height_m", 4.0, 9.0),
    "car": ("longest_m", 3.6, 4.9),
    "fence": ("longest_m", 1.5, 2.5),
    "pole": ("height_m", 5.0, 8.0),
}
"""Families that meshes can belong to, and how large the real things are: what is measured, least and most."""

_COLORS = 8
"""Most materials of a geometry."""
_NEEDLE = 1e-5
"""Triangles that are lower than this share of their mesh's size are lines."""
_LEVEL = 0.01
"""A top is level where it is within this share of the mesh's size below its highest point."""
_MARGIN_M = 0.01
"""Nothing stands nearer to the edge of a top."""
_LEAST_SURFACE_M = 0.12
"""Nothing stands on a top that is narrower."""


@dataclass(frozen=True, eq=False)
class Imported:
    """A user's mesh at a size.

    Attributes:
        asset: The mesh, standing as assets do, with 1 for its height or its longest side.
        surface: Its top where things can stand on it, in the same unit.
        size_m: Its real height or longest side.
    """

    asset: Asset
    surface: Surface | None
    size_m: float


def build(imported: Imported) -> Asset:
    """Bring a mesh to its size."""
    by = imported.size_m
    surfaces: tuple[Surface, ...] = ()
    if imported.surface is not None:
        x, y, z = imported.surface.center
        width, depth = (side * by - 2 * _MARGIN_M for side in imported.surface.size)
        if min(width, depth) >= _LEAST_SURFACE_M:
            surfaces = (Surface((x * by, y * by, z * by), (width, depth)),)
    parts = tuple(scaled(part, (by, by, by)) for part in imported.asset.parts)
    return replace(imported.asset, parts=parts, surfaces=surfaces)


def load_families(folder: str | Path, classes: str | Path | None = None) -> Mapping[str, Family]:
    """Read a folder of meshes as families, each file a style.

    The class map is a JSON object with a family's name for every key. Its value is a list of patterns of file names,
    as ``["chair*.glb"]``, or an object with these keys:

    - ``files``: the patterns;
    - ``height_m`` or ``longest_m``: least and greatest height, or longest side, of the real thing; by default the
      family's own, see ``SIZES``;
    - ``turn_deg``: how far to turn the meshes about +Y, counter-clockwise seen from above, so that their fronts look
      along +Z; 0 by default.

    A file belongs to one family; every third file of a family, by name, is held out as unseen.

    Args:
        folder: Where the meshes are; +Y is up in them, and only their proportions count.
        classes: The class map; by default ``classes.json`` in the folder.

    Returns:
        Families by name, in the order of the map.

    Raises:
        MaquetteError: The map or one of the meshes cannot be used.
    """
    root = Path(folder)
    if not root.is_dir():
        raise MaquetteError(f"{shown(root)}: there is no such folder; name one with GLB, OBJ or PLY files")
    path = root / "classes.json" if classes is None else Path(classes)
    found: dict[str, Family] = {}
    owners: dict[Path, str] = {}
    for name, entry in _read_map(path).items():
        if name not in SIZES or name not in families():
            known = ", ".join(sorted(SIZES))
            raise MaquetteError(f"{shown(path)}: there is no family {name!r} for meshes; the families are {known}")
        files, measure, sizes, turn_deg = _read_entry(root, path, name, entry)
        for file in files:
            if file in owners:
                raise MaquetteError(
                    f"{shown(path)}: {file.name} belongs to {owners[file]} and to {name}; narrow one of their patterns"
                )
            owners[file] = name
        base = families()[name]
        meshes = {str(file.relative_to(root)): file for file in files}
        styles = {
            style: partial(_draw, *_load(file, name, style, base.stands, measure, math.radians(turn_deg)), sizes)
            for style, file in meshes.items()
        }
        found[name] = replace(base, styles=styles, unseen=tuple(styles)[2::3], build=build)
    return found


def _draw(asset: Asset, surface: Surface | None, sizes: tuple[float, float], rng: np.random.Generator) -> Imported:
    return Imported(asset, surface, float(rng.uniform(*sizes)))


def _read_map(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MaquetteError(
            f'{shown(path)}: cannot be read; it should say which meshes are what, as {{"chair": ["chair*.glb"]}}'
        ) from error
    except ValueError as error:
        raise MaquetteError(f"{shown(path)}: is not JSON ({error}); correct it") from error
    if not isinstance(read, dict) or not read:
        raise MaquetteError(f'{shown(path)}: should be an object of families, as {{"chair": ["chair*.glb"]}}')
    return read


def _read_entry(
    root: Path, path: Path, name: str, entry: Any
) -> tuple[list[Path], Measure, tuple[float, float], float]:
    """Files, what is measured of them, its bounds, and their turn."""
    fields = entry if isinstance(entry, dict) else {"files": entry}
    unknown = sorted(set(fields) - {"files", "height_m", "longest_m", "turn_deg"})
    if unknown:
        raise MaquetteError(f"{shown(path)}: {name} has {unknown[0]!r}; use files, height_m or longest_m, and turn_deg")
    patterns = fields.get("files")
    if not isinstance(patterns, list) or not patterns or not all(isinstance(p, str) and p for p in patterns):
        raise MaquetteError(f'{shown(path)}: {name} needs a list of file names, as ["{name}*.glb"]')
    files: set[Path] = set()
    for pattern in patterns:
        try:
            matches = {file for file in root.glob(pattern) if file.suffix.lower() in SUFFIXES and file.is_file()}
        except (ValueError, NotImplementedError) as error:
            raise MaquetteError(f"{shown(path)}: {name} has a pattern {pattern!r} outside of the folder") from error
        if not matches:
            raise MaquetteError(f"{shown(path)}: no GLB, OBJ or PLY file in {shown(root)} matches {name}'s {pattern!r}")
        files |= matches
    given: list[Measure] = [key for key in ("height_m", "longest_m") if key in fields]
    if len(given) > 1:
        raise MaquetteError(f"{shown(path)}: {name} has height_m and longest_m; keep one")
    measure, least, most = SIZES[name]
    if given:
        measure = given[0]
        bounds = fields[measure]
        if not (isinstance(bounds, list) and len(bounds) == 2 and all(map(_is_number, bounds)) and bounds[0] > 0):
            raise MaquetteError(f"{shown(path)}: {name} needs two lengths for {measure}, as [0.8, 1.0]")
        least, most = sorted(map(float, bounds))
    turn_deg = fields.get("turn_deg", 0.0)
    if not _is_number(turn_deg):
        raise MaquetteError(f"{shown(path)}: {name} needs a number of degrees for turn_deg")
    return sorted(files), measure, (least, most), float(turn_deg)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _load(
    file: Path, family: str, style: str, stands: Stands, measure: Measure, turn_rad: float
) -> tuple[Asset, Surface | None]:
    """Read a mesh and make it stand as assets do, with 1 for what is measured, and find its top."""
    pieces = _read_mesh(file)
    if not pieces:
        raise MaquetteError(f"{shown(file)}: has no triangles; export it again, with its surface")
    turn = yaw_pose(turn_rad, (0.0, 0.0, 0.0))[:3, :3]
    pieces = [replace(piece, vertices=piece.vertices @ turn.T) for piece in pieces]
    points = np.concatenate([piece.vertices[piece.faces].reshape(-1, 3) for piece in pieces])
    low, high = points.min(axis=0), points.max(axis=0)
    extent = float(high[1] - low[1] if measure == "height_m" else (high - low).max())
    if not extent > 1e-9 * max(1.0, float(np.abs(points).max())):
        what = "height" if measure == "height_m" else "size"
        raise MaquetteError(f"{shown(file)}: has no {what} to scale by; correct it, or leave it out of {family}")
    origin = (low + high) / 2
    if stands == "wall":
        origin[2] = low[2]
    else:
        origin[1] = high[1] if stands == "ceiling" else low[1]
    parts: list[Part] = []
    for piece in pieces:
        placed = (piece.vertices - origin) / extent
        parts += _parts(replace(piece, vertices=placed))
    return Asset(family, style, tuple(parts)), _top(parts) if stands in ("floor", "ground", "surface") else None


@dataclass(frozen=True, eq=False)
class _Piece:
    """A geometry of a file.

    Attributes:
        vertices: (n, 3) float64.
        faces: (m, 3).
        colors: (m, 3) uint8 sRGB.
        roughness: As ``Material`` has it.
        metallic: Likewise.
    """

    vertices: Floats
    faces: Ints
    colors: NDArray[np.uint8]
    roughness: float
    metallic: float


def _read_mesh(file: Path) -> list[_Piece]:
    import trimesh

    try:
        scene = trimesh.load_scene(file, process=False)
        pieces = [_piece(mesh) for mesh in scene.dump() if isinstance(mesh, trimesh.Trimesh) and mesh.area > 0]
    except MemoryError:
        raise
    except Exception as error:  # its readers let through whatever a broken file makes happen
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise MaquetteError(f"{shown(file)}: is not a mesh that can be read ({reason}); export it again") from error
    if not all(np.isfinite(piece.vertices).all() for piece in pieces):
        raise MaquetteError(f"{shown(file)}: has points that are not numbers; export it again")
    return pieces


def _piece(mesh: Any) -> _Piece:
    """A geometry with one colour for each face: its material's, its vertices', or its texture's around the middle."""
    faces = np.asarray(mesh.faces, np.int64)
    material = getattr(mesh.visual, "material", None)
    if material is None:
        colors = np.asarray(mesh.visual.face_colors, np.float64)[:, :3]
        return _Piece(np.asarray(mesh.vertices, np.float64), faces, colors.round().astype(np.uint8), 0.8, 0.0)
    pbr = material if hasattr(material, "baseColorFactor") else material.to_pbr()
    tint = np.ones(3) if pbr.baseColorFactor is None else np.asarray(pbr.baseColorFactor, np.float64)[:3] / 255
    picture = pbr.baseColorTexture
    uv = mesh.visual.uv
    colors = np.tile(255 * _encoded(tint), (len(faces), 1))
    if picture is not None and uv is not None:
        pixels = np.asarray(picture.convert("RGB"), np.float64)
        height, width = pixels.shape[:2]
        corners = np.asarray(uv, np.float64)[faces]
        spots = np.concatenate(
            [corners * 0.5 + corners.mean(axis=1, keepdims=True) * 0.5, corners.mean(axis=1, keepdims=True)], axis=1
        )
        x = np.floor(spots[..., 0] * width).astype(int) % width
        y = np.floor((1 - spots[..., 1]) * height).astype(int) % height
        colors = pixels[y, x].mean(axis=1) * _encoded(tint)
    return _Piece(
        np.asarray(mesh.vertices, np.float64),
        faces,
        colors.round().astype(np.uint8),
        0.8 if pbr.roughnessFactor is None else float(pbr.roughnessFactor),
        0.0 if pbr.metallicFactor is None else float(pbr.metallicFactor >= 0.5),
    )


def _encoded(values: Floats) -> Floats:
    """Linear values as sRGB, 0 to 1."""
    encoded: Floats = np.where(values <= 0.0031308, values * 12.92, 1.055 * np.maximum(values, 0) ** (1 / 2.4) - 0.055)
    return encoded


def _parts(piece: _Piece) -> list[Part]:
    """A part for each colour, 8 at most."""
    colors, which = np.unique(piece.colors, axis=0, return_inverse=True)
    if len(colors) > _COLORS:
        image = Image.fromarray(piece.colors[None]).quantize(_COLORS)
        which = np.asarray(image).ravel()
        colors = np.array(image.getpalette(), np.uint8).reshape(-1, 3)
    parts = []
    for index in np.unique(which):
        color: Color = linear(*(colors[index] / 255))
        material = Material("plain", color, roughness=piece.roughness, metallic=piece.metallic)
        parts.append(_part(piece.vertices[piece.faces[which.ravel() == index]], material))
    return parts


def _part(triangles: Floats, material: Material) -> Part:
    """A part of (m, 3, 3) triangles, turned right side out where they are closed, and without needles, which renderers
    draw at random."""
    solid = manifold(triangles)
    closed = abs(solid.volume()) > _NEEDLE  # a sheet with two sides bounds nothing
    if closed:
        mesh = solid.simplify(_NEEDLE).to_mesh()
        points, faces = mesh.vert_properties[:, :3].astype(np.float64), mesh.tri_verts.astype(np.int64)
        return shaded(points, faces if solid.volume() > 0 else faces[:, ::-1], material, smooth=True)
    edges = np.linalg.norm(triangles - np.roll(triangles, 1, axis=1), axis=2)
    area = np.linalg.norm(np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]), axis=1)
    kept = triangles[area > _NEEDLE * edges.max(axis=1)]
    points, where = np.unique(np.round(kept.reshape(-1, 3), 6), axis=0, return_inverse=True)
    return shaded(points, where.reshape(-1, 3), material, smooth=True, closed=False)


def _top(parts: list[Part]) -> Surface | None:
    """The rectangle on top, if the top is level and fills at least a disc: all of it, or a disc's inner square."""
    triangles = np.concatenate([part.vertices[part.faces] for part in parts]).astype(np.float64)
    cross = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    highest = triangles[..., 1].max()
    level = (cross[:, 1] > 0.99 * np.linalg.norm(cross, axis=1)) & (triangles[..., 1].min(axis=1) > highest - _LEVEL)
    if not level.any():
        return None
    plane = triangles[level][..., [0, 2]].reshape(-1, 2)
    low, high = plane.min(axis=0), plane.max(axis=0)
    filled = cross[level, 1].sum() / 2 / np.prod(high - low)
    share = 1.0 if filled > 0.97 else 0.65 if filled > 0.7 else 0.0
    if share == 0:
        return None
    (x, z), (width, depth) = (low + high) / 2, (high - low) * share
    return Surface((float(x), float(highest), float(z)), (float(width), float(depth)))
