"""Every family of assets keeps the contract of ``maquette.worlds.types``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import trimesh
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import ConvexHull

import maquette.worlds
from maquette.labels import BY_NAME
from maquette.worlds.assets import Family, families
from maquette.worlds.types import Asset, Part, Surface

SEEDS = range(5)

SIZES: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "table": ((0.6, 2.2), (0.35, 0.8), (0.5, 1.2)),
    "chair": ((0.3, 0.75), (0.42, 1.15), (0.3, 0.8)),
    "nightstand": ((0.3, 0.65), (0.4, 0.8), (0.3, 0.6)),
    "laptop": ((0.25, 0.45), (0.015, 0.35), (0.18, 0.6)),
    "bag": ((0.2, 0.7), (0.18, 1.2), (0.06, 0.4)),
    "person": ((0.25, 2.2), (0.5, 2.5), (0.18, 1.8)),
    "bed": ((0.7, 2.3), (0.3, 2.4), (1.4, 2.5)),
    "sofa": ((1.2, 3.4), (0.5, 1.2), (0.6, 2.4)),
    "armchair": ((0.5, 1.3), (0.6, 1.4), (0.5, 1.4)),
    "bookcase": ((0.3, 2.2), (0.6, 2.6), (0.2, 0.6)),
    "desk": ((0.8, 2.2), (0.65, 1.6), (0.45, 1.8)),
    "cabinet": ((0.4, 3.6), (0.4, 2.6), (0.25, 0.8)),
    "dresser": ((0.6, 2.0), (0.5, 1.8), (0.3, 0.7)),
    "lamp": ((0.1, 1.6), (0.2, 2.2), (0.1, 1.6)),
    "plant": ((0.1, 1.6), (0.1, 2.6), (0.1, 1.6)),
    "picture": ((0.15, 2.0), (0.15, 1.6), (0.005, 0.1)),
    "rug": ((0.5, 4.0), (0.002, 0.06), (0.4, 4.0)),
    "curtain": ((0.3, 4.0), (0.4, 3.2), (0.02, 0.4)),
    "door": ((0.6, 2.2), (1.8, 2.7), (0.02, 0.4)),
    "window": ((0.3, 4.0), (0.3, 3.0), (0.01, 0.5)),
    "tv": ((0.4, 2.4), (0.3, 1.8), (0.01, 0.7)),
    "building": ((4.0, 60.0), (3.0, 80.0), (4.0, 60.0)),
    "tree": ((0.4, 16.0), (0.6, 26.0), (0.4, 16.0)),
    "car": ((1.3, 2.9), (1.0, 4.0), (2.4, 13.0)),
    "fence": ((0.4, 40.0), (0.3, 3.0), (0.01, 1.2)),
    "pole": ((0.03, 6.0), (0.5, 14.0), (0.03, 6.0)),
}
"""Extents along x, y and z that one would believe, metres."""

INDOORS = ("floor", "surface", "wall", "ceiling")
MOST_TRIANGLES = 5000
"""Of what stands indoors."""


@cache
def every(name: str) -> tuple[tuple[str, Asset], ...]:
    """The first asset of each style of a family."""
    return tuple((style, made(families()[name], style, 0)) for style in families()[name].styles)


def made(family: Family, style: str, seed: int) -> Asset:
    return family.build(family.styles[style](np.random.default_rng(seed)))


def corners(asset: Asset) -> np.ndarray:
    """(m, 3, 3) the corners of all its triangles."""
    return np.concatenate([part.vertices[part.faces] for part in asset.parts]).astype(np.float64)


def welded(part: Part) -> tuple[np.ndarray, np.ndarray]:
    """Its places and faces when vertices at the same place are one; faces that vanish by that are left out."""
    places, index = np.unique(part.vertices + np.float32(0), axis=0, return_inverse=True)
    faces = index.reshape(-1)[part.faces]
    whole = (faces != np.roll(faces, 1, axis=1)).all(axis=1)
    return places.astype(np.float64), faces[whole]


def open_edges(faces: np.ndarray) -> int:
    """Number of directed edges that are not matched by their reverse."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    size = int(faces.max()) + 1
    forth, back = edges @ (size, 1), edges[:, ::-1] @ (size, 1)
    keys, counts = np.unique(np.concatenate([forth, back]), return_counts=True)
    ways, times = np.unique(forth, return_counts=True)
    return int((2 * times[np.searchsorted(ways, forth)] != counts[np.searchsorted(keys, forth)]).sum())


def volumes(places: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """The signed volume of each connected piece."""
    links = coo_matrix((np.ones(2 * len(faces)), (faces[:, [0, 1]].T.ravel(), faces[:, [1, 2]].T.ravel())))
    links.resize((len(places), len(places)))
    pieces = connected_components(links, directed=False)[1][faces[:, 0]]
    a, b, c = np.moveaxis(places[faces] - places.mean(axis=0), 1, 0)
    volume = np.bincount(pieces, np.einsum("ij,ij->i", a, np.cross(b, c)) / 6)
    return volume[np.bincount(pieces) > 0]


def heights(triangles: np.ndarray, x: float, z: float) -> np.ndarray:
    """Heights at which a vertical line meets triangles."""
    a, b, c = np.moveaxis(triangles[..., [0, 2]], 1, 0)
    point = np.array([x, z])

    def turn(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> np.ndarray:
        return (q[:, 0] - p[:, 0]) * (r[..., 1] - p[:, 1]) - (q[:, 1] - p[:, 1]) * (r[..., 0] - p[:, 0])

    whole = turn(a, b, c)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.stack([turn(b, c, point), turn(c, a, point), turn(a, b, point)], axis=1) / whole[:, None]
    hit = (np.abs(whole) > 1e-14) & (weights >= -1e-9).all(axis=1)
    return (weights[hit] * triangles[hit][..., 1]).sum(axis=1)


@pytest.mark.parametrize("name", families())
def test_a_family_has_styles_to_train_on_and_styles_held_out(name: str) -> None:
    family = families()[name]
    assert family.name == name
    assert family.label in BY_NAME
    assert set(family.unseen) < set(family.styles)
    assert family.unseen
    assert set(family.names("seen")) | set(family.names("unseen")) == set(family.names("all")) == set(family.styles)
    assert not set(family.names("seen")) & set(family.names("unseen"))


@pytest.mark.parametrize("name", families())
def test_the_same_generator_gives_the_same_bytes(name: str) -> None:
    for style, asset in every(name):
        assert (asset.family, asset.style) == (name, style)
        assert contents(asset) == contents(made(families()[name], style, 0)), style


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", families())
def test_every_style_builds(name: str, seed: int) -> None:
    for style in families()[name].styles:
        asset = made(families()[name], style, seed)
        check_closed(style, asset)
        check_size(name, asset)


def contents(asset: Asset) -> list[object]:
    """All of an asset as values that compare."""
    arrays = [(p.vertices, p.faces, p.normals, p.uv) for p in asset.parts]
    return [
        asset.surfaces,
        *(part.material for part in asset.parts),
        *(array.tobytes() for some in arrays for array in some),
    ]


@pytest.mark.parametrize("name", families())
def test_parts_are_well_formed(name: str) -> None:
    for style, asset in every(name):
        for part in asset.parts:
            count = len(part.vertices)
            assert part.vertices.shape == part.normals.shape == (count, 3), style
            assert part.uv.shape == (count, 2), style
            assert part.vertices.dtype == part.normals.dtype == part.uv.dtype == np.float32, style
            assert part.faces.dtype == np.int32 and part.faces.min() >= 0 and part.faces.max() < count, style
            assert np.isfinite(part.vertices).all() and np.isfinite(part.uv).all(), style
            assert np.allclose(np.linalg.norm(part.normals, axis=1), 1, atol=1e-3), style


@pytest.mark.parametrize("name", families())
def test_closed_parts_are_closed_and_turn_outward(name: str) -> None:
    for style, asset in every(name):
        check_closed(style, asset)


def check_closed(style: str, asset: Asset) -> None:
    for at, part in enumerate(asset.parts):
        if part.closed:
            places, faces = welded(part)
            assert open_edges(faces) == 0, f"{style}: part {at} of {part.material.texture} is open"
            assert (volumes(places, faces) > 0).all(), f"{style}: part {at} is inside out"


@pytest.mark.parametrize("name", families())
def test_trimesh_finds_the_same_volumes(name: str) -> None:
    _, asset = every(name)[0]
    for part in asset.parts[:8]:
        if part.closed:
            mesh = trimesh.Trimesh(part.vertices.astype(np.float64), part.faces, process=False)
            mesh.merge_vertices(merge_tex=True, merge_norm=True)
            mesh.update_faces(mesh.nondegenerate_faces())
            assert mesh.is_winding_consistent
            assert mesh.volume == pytest.approx(volumes(*welded(part)).sum(), rel=1e-3)


@pytest.mark.parametrize("name", families())
def test_normals_for_shading_look_out_of_the_faces(name: str) -> None:
    for style, asset in every(name):
        for part in asset.parts:
            a, b, c = np.moveaxis(part.vertices[part.faces].astype(np.float64), 1, 0)
            across = np.cross(b - a, c - a)
            area = np.linalg.norm(across, axis=1)
            shading = part.normals[part.faces].mean(axis=1)
            agrees = (across * shading).sum(axis=1) > 0
            if part.closed:
                assert area[~agrees].sum() <= 0.01 * area.sum(), style


@pytest.mark.parametrize("name", families())
def test_origin_and_ground(name: str) -> None:
    stands = families()[name].stands
    for style, asset in every(name):
        low, high = asset.bounds
        middle, size = (low + high) / 2, high - low
        if stands in ("floor", "surface", "ground"):
            assert abs(low[1]) < 1e-4, style
        if stands in ("floor", "surface"):
            assert (np.abs(middle[[0, 2]]) < 0.02 + 0.1 * size[[0, 2]]).all(), style
        if stands == "wall":
            assert low[2] < 0 < high[2] if name in ("door", "window") else abs(low[2]) < 1e-4, style
            assert abs(middle[0]) < 0.02 + 0.1 * size[0], style
        if stands == "ceiling":
            assert abs(high[1]) < 1e-4, style


@pytest.mark.parametrize("name", families())
def test_sizes_are_believable(name: str) -> None:
    for _, asset in every(name):
        check_size(name, asset)


def check_size(name: str, asset: Asset) -> None:
    low, high = asset.bounds
    limits = SIZES.get(name, ((0.01, 1000.0),) * 3)
    for extent, (least, most) in zip(high - low, limits, strict=True):
        assert least <= extent <= most, (asset.style, high - low)


@pytest.mark.parametrize("name", [name for name, family in families().items() if family.stands in INDOORS])
def test_triangles_stay_within_the_budget(name: str) -> None:
    for style, asset in every(name):
        assert sum(len(part.faces) for part in asset.parts) <= MOST_TRIANGLES, style


@pytest.mark.parametrize("name", families())
def test_surfaces_lie_on_the_mesh_and_are_free(name: str) -> None:
    for style, asset in every(name):
        triangles = corners(asset) if asset.surfaces else np.zeros((0, 3, 3))
        for surface in asset.surfaces:
            for x, z in inside(surface):
                met = heights(triangles, x, z) - surface.center[1]
                assert np.abs(met).min(initial=1.0) < 0.004, f"{style}: nothing carries ({x:.2f}, {z:.2f})"
                assert not ((met > 0.004) & (met < surface.clearance_m)).any(), (
                    f"{style}: not free at ({x:.2f}, {z:.2f})"
                )


def inside(surface: Surface) -> Iterator[tuple[float, float]]:
    """Places all over a surface and near its corners."""
    (x, _, z), (width, depth) = surface.center, surface.size
    for u in (-0.49, -0.23, 0.01, 0.26, 0.49):
        for v in (-0.49, -0.24, 0.02, 0.23, 0.49):
            yield x + u * width, z + v * depth


@pytest.mark.parametrize("name", ["table", "chair", "nightstand", "laptop", "bag", "person"])
def test_things_stand_without_falling_over(name: str) -> None:
    """The centre of mass is over the hull of what touches the ground."""
    for style, asset in every(name):
        mass, moment = 0.0, np.zeros(3)
        for part in asset.parts:
            a, b, c = np.moveaxis(part.vertices[part.faces].astype(np.float64), 1, 0)
            volume = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6
            mass, moment = mass + volume.sum(), moment + volume @ (a + b + c) / 4
        vertices = np.concatenate([part.vertices for part in asset.parts])
        support = ConvexHull(vertices[vertices[:, 1] < 0.025][:, [0, 2]])
        x, _, z = moment / mass
        assert (support.equations @ (x, z, 1) < 0.01).all(), (style, x, z, support.min_bound, support.max_bound)


def test_nothing_draws_on_global_chance_or_time() -> None:
    found = []
    for path in sorted(Path(maquette.worlds.__file__).parent.rglob("*.py")):
        found += [f"{path.name}:{line}: {what}" for line, what in impurities(ast.parse(path.read_text("utf-8")))]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "import random",
        "from random import choice",
        "import time",
        "from uuid import uuid4",
        "import secrets as s",
        "np.random.rand(3)",
        "numpy.random.seed(1)",
        "np.random.default_rng()",
        "default_rng(None)",
        "datetime.now()",
        "datetime.datetime.utcnow()",
        "os.urandom(4)",
        "from os import urandom",
        "np.random.SeedSequence()",
        "from numpy.random import normal",
    ],
)
def test_the_search_for_chance_finds_it(source: str) -> None:
    assert list(impurities(ast.parse(source)))


@pytest.mark.parametrize(
    "source", ["np.random.default_rng(seed)", "rng.random()", "rng: np.random.Generator", "a.time"]
)
def test_the_search_for_chance_lets_generators_pass(source: str) -> None:
    assert not list(impurities(ast.parse(source)))


FORBIDDEN = {"random", "time", "uuid", "secrets"}
ALLOWED = {"default_rng", "Generator", "SeedSequence", "BitGenerator", "PCG64", "Philox"}


def impurities(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Lines that draw on global randomness, the clock or the system's entropy."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".")[0] for alias in node.names]
            yield from ((node.lineno, f"import {name}") for name in names if name in FORBIDDEN)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names = [alias.name for alias in node.names]
            if module.split(".")[0] in FORBIDDEN or (module == "os" and "urandom" in names):
                yield node.lineno, f"from {module}"
            if module == "numpy.random" and set(names) - ALLOWED:
                yield node.lineno, f"from {module}"
        elif isinstance(node, ast.Attribute):
            text = ast.unparse(node)
            if text.startswith(("np.random.", "numpy.random.")) and text.split(".")[2] not in ALLOWED:
                yield node.lineno, text
            if text.endswith(("os.urandom", "datetime.now", "datetime.utcnow", "datetime.today", "date.today")):
                yield node.lineno, text
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func).split(".")[-1]
            seeds = [*node.args, *(keyword.value for keyword in node.keywords)]
            unseeded = not seeds or (isinstance(seeds[0], ast.Constant) and seeds[0].value is None)
            if name in ("default_rng", "SeedSequence", "PCG64", "Philox") and unseeded:
                yield node.lineno, f"{name} without a seed"
