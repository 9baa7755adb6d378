"""Outdoor assets, skies, streets and landscapes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from maquette.errors import MaquetteError
from maquette.labels import BY_NAME
from maquette.worlds.assets import Family, families, sample
from maquette.worlds.assets.road import Line
from maquette.worlds.assets.terrain import LABELS
from maquette.worlds.landscape import make_landscape
from maquette.worlds.library import Library
from maquette.worlds.noise import fractal
from maquette.worlds.options import WorldOptions
from maquette.worlds.site import Land
from maquette.worlds.sky import directions, sample_sky
from maquette.worlds.street import make_street
from maquette.worlds.types import Object, Part, World

trimesh = pytest.importorskip("trimesh")
pytest.importorskip("numba")

OUTDOORS = ("terrain", "road", "sidewalk", "building", "tree", "car", "fence", "pole", "mountain", "water")
GROUND = ("terrain", "road", "sidewalk", "water", "mountain")
STYLES = [(name, style) for name in OUTDOORS for style in families()[name].styles]
OPTIONS = WorldOptions(kind="street", width=64, height=48)


def _merged(part: Part) -> trimesh.Trimesh:
    mesh = trimesh.Trimesh(np.round(part.vertices, 5), part.faces, process=False)
    mesh.merge_vertices(merge_tex=True, merge_norm=True)
    return mesh


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    library = Library(OPTIONS)
    makers = (make_street, make_landscape)
    return [make(OPTIONS, np.random.default_rng(seed), library) for make in makers for seed in (3, 11, 40)]


@pytest.mark.parametrize(("name", "style"), STYLES)
def test_solid_parts_are_closed_and_turn_outward(name: str, style: str) -> None:
    family = families()[name]
    asset = family.build(family.styles[style](np.random.default_rng(1)))
    assert (asset.family, asset.style) == (name, style)
    for part in asset.parts:
        assert np.allclose(np.linalg.norm(part.normals, axis=1), 1, atol=1e-3)
        if part.closed:
            mesh = _merged(part)
            assert mesh.is_watertight
            assert mesh.is_winding_consistent
            assert mesh.volume > 0
        else:
            assert name in ("tree", "fence")
    assert asset.bounds[0, 1] == pytest.approx(0, abs=1e-4)
    assert sum(len(part.faces) for part in asset.parts) <= 5000


@pytest.mark.parametrize("name", OUTDOORS)
def test_some_styles_of_each_family_are_held_out(name: str) -> None:
    family: Family = families()[name]
    assert len(family.styles) >= 3
    assert family.unseen
    assert set(family.unseen) < set(family.styles)
    assert family.label in BY_NAME
    styles = {sample(family, np.random.default_rng(seed), "unseen").style for seed in range(8)}
    assert styles <= set(family.unseen)


def test_every_cover_of_land_has_a_category() -> None:
    assert set(LABELS) == set(families()["terrain"].styles)
    assert set(LABELS.values()) <= set(BY_NAME)


@pytest.mark.parametrize("curvature", [0.0, 0.01, -0.004])
def test_a_line_keeps_distances_and_turns_towards_its_heading(curvature: float) -> None:
    line = Line(curvature)
    s = np.linspace(-80, 120, 4001)
    points = line.points(s, 0.0)
    steps = np.diff(points, axis=0)
    assert np.allclose(np.linalg.norm(steps, axis=1), s[1] - s[0], rtol=1e-5)
    yaw = line.heading((s[1:] + s[:-1]) / 2)
    assert np.allclose(np.arctan2(steps[:, 0], steps[:, 2]), yaw, atol=1e-6)
    right = line.points(s, 3.0) - points
    assert np.allclose(np.cross(steps, right[1:])[:, 1], -3.0 * np.linalg.norm(steps, axis=1), rtol=1e-3)


def test_heights_of_land_are_those_of_its_mesh() -> None:
    rng = np.random.default_rng(0)
    s, d = np.sort(rng.uniform(-20, 20, 9)), np.sort(rng.uniform(-20, 20, 7))[::-1]
    land = Land(Line(), s, d, rng.normal(size=(9, 7)))
    grid = land.terrain("grass", sample(families()["terrain"], rng).parts[0].material)
    part = families()["terrain"].build(grid).parts[0]
    mesh = trimesh.Trimesh(part.vertices, part.faces, process=False)
    along, aside = rng.uniform(s[0] + 0.1, s[-1] - 0.1, 60), rng.uniform(d[-1] + 0.1, d[0] - 0.1, 60)
    hits, rays, _ = mesh.ray.intersects_location(
        np.column_stack([-aside, np.full(60, 50.0), along]), np.tile([0.0, -1.0, 0.0], (60, 1))
    )
    highest = np.full(60, -np.inf)
    np.maximum.at(highest, rays, hits[:, 1])
    bottom = land.y.min() - 1.0
    assert np.allclose(land.height(along, aside), highest + bottom, atol=1e-5)


def _surface_under(ground: list[Object], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Heights of the highest upward surface at each point's x and z."""
    best = np.full(len(points), -np.inf)
    for thing in ground:
        vertices, faces = thing.mesh_world()
        corners = vertices[faces]
        a, ab, ac = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        area = ab[:, 2] * ac[:, 0] - ab[:, 0] * ac[:, 2]
        up = area > 1e-9
        a, ab, ac, area = a[up], ab[up], ac[up], area[up]
        for n, point in enumerate(points):
            to = point - a
            u = (to[:, 2] * ac[:, 0] - to[:, 0] * ac[:, 2]) / area
            v = (ab[:, 2] * to[:, 0] - ab[:, 0] * to[:, 2]) / area
            over = (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9)
            if over.any():
                best[n] = max(best[n], (a[:, 1] + u * ab[:, 1] + v * ac[:, 1])[over].max())
    return best


def test_everything_stands_on_the_ground(worlds: list[World]) -> None:
    for world in worlds:
        ground = [thing for thing in world.objects if thing.asset.family in ("terrain", "road", "sidewalk")]
        for thing in world.objects:
            if thing.asset.family in GROUND:
                continue
            vertices, _ = thing.mesh_world()
            base = vertices[vertices[:, 1] < vertices[:, 1].min() + 0.005]
            base = base[:: max(1, len(base) // 8)]
            gap = base[:, 1] - _surface_under(ground, base)
            assert gap.min() < 0.01, f"{world.kind}: {thing.asset.family} {thing.asset.style} floats"
            assert gap.min() > -1.5, f"{world.kind}: {thing.asset.family} {thing.asset.style} is buried"


def test_nothing_is_inside_another(worlds: list[World]) -> None:
    igl = pytest.importorskip("igl")
    for world in worlds:
        things = [thing for thing in world.objects if thing.asset.family not in GROUND]
        meshes = [thing.mesh_world() for thing in things]
        lows = np.array([vertices.min(axis=0) for vertices, _ in meshes])
        highs = np.array([vertices.max(axis=0) for vertices, _ in meshes])
        for i, thing in enumerate(things):
            near = (lows < highs[i]).all(axis=1) & (highs > lows[i]).all(axis=1)
            near[i] = False
            start = 0
            for part in thing.asset.parts:
                points = meshes[i][0][start : start + len(part.vertices)]
                start += len(part.vertices)
                for other in np.flatnonzero(near) if part.closed else ():
                    inside = meshes[other][0]
                    inside = inside[(inside > points.min(axis=0)).all(1) & (inside < points.max(axis=0)).all(1)]
                    if len(inside):
                        winding = igl.fast_winding_number(points, part.faces.astype(np.int64), inside)
                        assert winding.max() < 0.5, f"{thing.asset.family} contains {things[other].asset.family}"


def test_cameras_stand_free_and_see_far(worlds: list[World]) -> None:
    for world in worlds:
        assert world.room is None
        assert [thing.id for thing in world.objects] == list(range(1, len(world.objects) + 1))
        (camera,) = world.cameras
        eye = camera.T_world_camera[:3, 3]
        ground = [thing for thing in world.objects if thing.asset.family in ("terrain", "road", "sidewalk")]
        height = eye[1] - _surface_under(ground, eye[None])[0]
        assert 1.45 < height < 1.85
        assert 54 < camera.fov_deg < 76
        assert camera.T_world_camera[1, 0] == pytest.approx(0, abs=1e-9)
        away = 0.0
        for thing in world.objects:
            points = camera.from_world(thing.mesh_world()[0])
            away = max(away, points[:, 2].max())
            if thing.asset.family not in GROUND:
                close = np.linalg.norm(points, axis=1).min()
                assert close > 0.3
        assert away > 150


def test_cars_drive_on_the_right() -> None:
    library = Library(OPTIONS)
    seen = 0
    for seed in range(4):
        world = make_street(OPTIONS, np.random.default_rng(seed), library)
        middle = next(thing for thing in world.objects if thing.asset.family == "road")
        low, high = middle.asset.bounds
        if abs(low[0] + high[0]) > 1e-3:
            continue
        for thing in world.objects:
            if thing.asset.family == "car":
                right = -math.cos(thing.yaw_rad)
                assert thing.place[0] * right > 0
                seen += 1
    assert seen


@pytest.mark.parametrize("make", [make_street, make_landscape])
def test_worlds_repeat_and_honour_options(make) -> None:
    options = WorldOptions(
        counts="tree=2,car=1,building=2,mountain=1", styles="unseen", views="path", width=64, height=48
    )
    library = Library(options)
    one, two = (make(options, np.random.default_rng(5), library) for _ in range(2))
    assert len(one.cameras) == 8
    for a, b in zip(one.objects, two.objects, strict=True):
        assert a.place == b.place
        assert a.yaw_rad == b.yaw_rad
        assert all(np.array_equal(p.vertices, q.vertices) for p, q in zip(a.asset.parts, b.asset.parts, strict=True))
    for name, most in (("tree", 2), ("car", 1), ("building", 2), ("mountain", 1), ("person", 0), ("fence", 0)):
        found = [thing.asset for thing in one.objects if thing.asset.family == name]
        assert len(found) <= most
        assert all(asset.style in families()[name].unseen for asset in found)


def test_a_street_that_is_full_says_so() -> None:
    options = WorldOptions(counts="unicorn=3")
    with pytest.raises(MaquetteError, match="unicorn"):
        make_street(options, np.random.default_rng(0), Library(options))


def test_the_sky_is_brightest_at_the_sun() -> None:
    rays = directions(128)
    assert np.allclose(rays[0, :, 1], 1, atol=1e-3)
    assert np.allclose(rays[64, [127, 128]].mean(axis=0), (0, 0, -1), atol=0.02)
    assert rays[64, 192, 0] > 0.99
    suns = 0
    for seed in range(24):
        lighting = sample_sky(np.random.default_rng(seed))
        assert lighting.sky.shape == (128, 256, 3)
        assert lighting.sky.dtype == np.float32
        assert np.isfinite(lighting.sky).all()
        assert lighting.sky.min() >= 0
        if lighting.sun is not None:
            suns += 1
            brightest = rays.reshape(-1, 3)[lighting.sky.sum(axis=2).argmax()]
            assert brightest @ lighting.sun.direction > math.cos(math.radians(3))
            assert np.linalg.norm(lighting.sun.direction) == pytest.approx(1)
    assert 12 < suns < 24


def test_noise_is_smooth_and_spans_its_range() -> None:
    x, z = np.meshgrid(np.linspace(0, 20, 400), np.linspace(0, 20, 400))
    noise = fractal(x, z, 3)
    assert np.array_equal(noise, fractal(x, z, 3))
    assert not np.array_equal(noise, fractal(x, z, 4))
    assert 0.6 < np.abs(noise).max() < 1.4
    assert abs(noise.mean()) < 0.1
    assert np.abs(np.diff(fractal(x, z, 3, octaves=1), axis=1)).max() < 0.2
