"""Placement: nothing runs into anything, nothing floats, and the same generator gives the same places."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba")

from maquette.errors import MaquetteError
from maquette.worlds.assets import families
from maquette.worlds.assets.solids import box
from maquette.worlds.collision import Body, Shape, meshes_touch
from maquette.worlds.library import Library, parse_counts
from maquette.worlds.options import WorldOptions
from maquette.worlds.placement import Placer
from maquette.worlds.types import Asset, Material, OrientedBox, Surface

PAINT = Material()
BRICK = Asset("brick", "brick", (box((0, 0.05, 0), (0.2, 0.1, 0.1), PAINT),))
DESK = Asset(
    "desk",
    "legs",
    (
        box((0, 0.72, 0), (1.2, 0.04, 0.6), PAINT),
        *(box((x, 0.35, z), (0.05, 0.7, 0.05), PAINT) for x in (-0.55, 0.55) for z in (-0.25, 0.25)),
    ),
    (Surface((0.0, 0.74, 0.0), (1.2, 0.6)),),
)
BOX = Asset("box", "box", (box((0, 0.2, 0), (0.5, 0.4, 0.5), PAINT),))


def anywhere(rng):
    return rng.uniform(-math.pi, math.pi), (rng.uniform(-1.2, 1.2), 0.0, rng.uniform(-1.2, 1.2))


def scattered(seed, collisions, things=10):
    placer = Placer(np.random.default_rng(seed), attempts=30, collisions=collisions)
    for number in range(things):
        placer.try_place("object", (BOX, DESK)[number % 2], anywhere)
    return placer


def span(thing):
    points = thing.mesh_world()[0]
    return points.min(axis=0), points.max(axis=0)


@pytest.mark.parametrize("seed", range(3))
def test_mesh_mode_leaves_no_two_things_in_touch(seed):
    placed = scattered(seed, "mesh").objects
    assert len(placed) > 4
    bodies = [Body(Shape.of(thing.asset), thing.yaw_rad, thing.place) for thing in placed]
    assert not any(meshes_touch(a, b) for i, a in enumerate(bodies) for b in bodies[:i])


def test_mesh_mode_fits_more_than_boxes_mode():
    assert len(scattered(0, "mesh", 30).objects) > len(scattered(0, "boxes", 30).objects)


@pytest.mark.parametrize("seed", range(3))
def test_boxes_mode_leaves_no_two_axis_aligned_boxes_in_overlap(seed):
    spans = [span(thing) for thing in scattered(seed, "boxes").objects]
    for i, (low, high) in enumerate(spans):
        for other_low, other_high in spans[:i]:
            assert (low >= other_high).any() or (other_low >= high).any()


def test_the_same_generator_gives_the_same_places():
    one, two = (scattered(5, "mesh").objects for _ in range(2))
    assert [(a.place, a.yaw_rad) for a in one] == [(b.place, b.yaw_rad) for b in two]


def test_a_thing_that_fits_nowhere_is_left_out():
    placer = Placer(np.random.default_rng(0), attempts=5)
    placer.add("object", BOX, 0.0, (0, 0, 0))
    assert placer.try_place("object", BOX, lambda rng: (0.0, (0.1, 0.0, 0.0))) is None
    assert len(placer.objects) == 1


def test_what_is_not_solid_or_ignored_does_not_hinder():
    placer = Placer(np.random.default_rng(0))
    ground = Asset("ground", "flat", (box((0, 0, 0), (9, 1, 9), PAINT),))
    placer.add("grass", ground, 0.0, (0, 0, 0), solid=False)
    crate = placer.add("object", BOX, 0.0, (0, 0, 0))
    assert placer.fits(BOX, 0.0, (1, 0, 0))
    assert not placer.fits(BOX, 0.0, (0.2, 0, 0))
    assert placer.fits(BOX, 0.0, (0.2, 0, 0), ignore=(crate.id,))


def test_a_reserved_box_stays_free():
    placer = Placer(np.random.default_rng(0))
    placer.reserve(OrientedBox((0, 1, 0), (1, 2, 1), 0.3))
    assert not placer.fits(BOX, 0.0, (0, 0, 0))
    assert placer.fits(BOX, 0.0, (1.2, 0, 0))


@pytest.mark.parametrize("collisions", ["mesh", "boxes"])
def test_small_things_stand_on_a_surface_and_within_it(collisions):
    placer = Placer(np.random.default_rng(3), collisions=collisions)
    desk = placer.add("table", DESK, 0.8, (2.0, 0.3, -1.0))
    made = [placer.try_on("object", BRICK, desk) for _ in range(6)]
    placed = [thing for thing in made if thing is not None]
    assert len(placed) >= 4
    to_desk = np.linalg.inv(desk.T_world_object)
    for thing in placed:
        assert thing.parent == desk.id
        points = thing.mesh_world()[0] @ to_desk[:3, :3].T + to_desk[:3, 3]
        assert points[:, 1].min() == pytest.approx(0.74, abs=1e-6)
        assert (np.abs(points[:, [0, 2]]) <= np.array([0.6, 0.3]) + 1e-6).all()


def test_what_is_too_large_or_too_tall_for_a_surface_does_not_stand_there():
    shelf = Asset("shelf", "low", (box((0, 0.5, 0), (1, 1, 1), PAINT),), (Surface((0, 1.0, 0), (1, 1), 0.09),))
    placer = Placer(np.random.default_rng(0))
    assert placer.try_on("object", BRICK, placer.add("shelf", shelf, 0.0, (0, 0, 0))) is None
    narrow = Asset("shelf", "narrow", (box((0, 0.5, 0), (1, 1, 1), PAINT),), (Surface((0, 1.0, 0), (0.15, 0.09)),))
    assert placer.try_on("object", BRICK, placer.add("shelf", narrow, 0.0, (5, 0, 0))) is None


def test_counts_are_read_or_refused_in_one_line():
    known = ("table", "chair")
    assert parse_counts("", {"table": 2}, known) == {"table": 2}
    assert parse_counts(" table = 1 , chair=0", {"table": 2}, known) == {"table": 1, "chair": 0}
    for bad in ("sofa=1", "table", "table=", "table=-1", "table=1.5", "table=201", "table=1,table=2", "table=²"):
        with pytest.raises(MaquetteError, match=r"^counts: [^\n]*$"):
            parse_counts(bad, {}, known)


def test_a_library_draws_only_the_styles_that_are_asked_for():
    rng = np.random.default_rng(0)
    for which in ("unseen", "seen", "all"):
        library = Library(WorldOptions(styles=which))
        drawn = {library.sample("table", rng)[1].style for _ in range(60)}
        assert drawn == set(families()["table"].names(which))


def test_a_library_prefers_styles_and_adapts_parameters():
    rng = np.random.default_rng(0)
    library = Library(WorldOptions())
    assert {library.sample("table", rng, ("coffee",))[1].style for _ in range(10)} == {"coffee"}
    assert library.sample("table", rng, ("of gold",))[1].family == "table"
    _, tall = library.sample("table", rng, adapt=lambda drawn: replace(drawn, height_m=1.1))
    assert tall.bounds[1, 1] == pytest.approx(1.1, abs=1e-5)


def test_meshes_of_the_users_join_a_family_or_take_its_place(tmp_path):
    trimesh = pytest.importorskip("trimesh")
    for name in ("a", "b"):
        trimesh.creation.box((0.5, 0.9, 0.5)).export(tmp_path / f"chair_{name}.obj")
    (tmp_path / "classes.json").write_text('{"chair": ["chair_*.obj"]}')
    rng = np.random.default_rng(0)
    ours = set(families()["chair"].styles)
    joined = Library(WorldOptions(assets=str(tmp_path), styles="all"))
    drawn = {joined.sample("chair", rng)[1].style for _ in range(150)}
    assert ours < drawn
    alone = Library(WorldOptions(assets=str(tmp_path), styles="all", only_assets=True))
    theirs = {alone.sample("chair", rng)[1].style for _ in range(10)}
    assert theirs == drawn - ours
    assert alone.sample("table", rng)[1].family == "table"
    with pytest.raises(MaquetteError, match="only_assets"):
        Library(WorldOptions(only_assets=True))


def test_a_folder_of_textures_must_have_pictures(tmp_path):
    with pytest.raises(MaquetteError, match="no pictures"):
        Library(WorldOptions(textures=str(tmp_path)))
    (tmp_path / "wall.jpg").touch()
    assert Library(WorldOptions(textures=str(tmp_path))).photos == (f"photo:{tmp_path.resolve() / 'wall.jpg'}",)
    with pytest.raises(MaquetteError, match="cannot be read"):
        Library(WorldOptions(textures=str(tmp_path / "none")))
