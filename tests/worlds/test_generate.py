"""One world from options, a seed and a number."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("numba")

from maquette import __version__
from maquette.errors import MaquetteError
from maquette.worlds.assets import families
from maquette.worlds.enclose import sample_finish
from maquette.worlds.generate import make_world
from maquette.worlds.options import WorldOptions


def places(world):
    return [(thing.asset.family, thing.asset.style, thing.place) for thing in world.objects]


@pytest.mark.parametrize("kind", ["studio", "room", "street", "landscape"])
def test_a_world_depends_on_its_seed_and_number_alone(kind):
    options = WorldOptions(kind=kind, width=64, height=48)
    world = make_world(options, 3, 5)
    assert world.kind == kind
    assert (world.room is None) == (kind in ("street", "landscape"))
    assert places(world) == places(make_world(options, 3, 5))
    assert places(world) != places(make_world(options, 3, 6))
    assert all((camera.width, camera.height) == (64, 48) for camera in world.cameras)


def test_mixed_worlds_take_turns():
    options = WorldOptions(kind="mixed")
    assert [make_world(options, 0, index).kind for index in range(3)] == ["room", "street", "landscape"]


def test_a_world_remembers_where_it_came_from():
    settings = make_world(WorldOptions(counts="table=1"), 1, 2).settings
    assert json.loads(json.dumps(settings)) == settings
    assert (settings["seed"], settings["index"], settings["version"]) == (1, 2, __version__)
    assert settings["options"]["counts"] == "table=1"


@pytest.mark.parametrize("kind", ["studio", "room", "street", "landscape"])
def test_unknown_families_are_refused_in_one_line(kind):
    with pytest.raises(MaquetteError, match="unicorn"):
        make_world(WorldOptions(kind=kind, counts="unicorn=1"), 0, 0)


@pytest.mark.parametrize("kind", ["studio", "room"])
def test_held_out_styles_appear_only_when_they_are_asked_for(kind):
    for which in ("seen", "unseen"):
        for index in range(2):
            for thing in make_world(WorldOptions(kind=kind, styles=which), 0, index).objects:
                family = families().get(thing.asset.family)
                if family is not None:
                    assert thing.asset.style in family.names(which)


def test_names_differ_by_seed_and_number():
    options = WorldOptions(counts="table=0")
    assert len({make_world(options, seed, index).name for seed, index in ((3, 5), (3, 6), (4, 5))}) == 3


def test_walls_and_floors_show_the_pictures_of_a_folder():
    rng = np.random.default_rng(0)
    finishes = [sample_finish(rng, "living", 4, ("photo:/a.png",)) for _ in range(30)]
    assert 0 < sum(finish.floor.texture == "photo:/a.png" for finish in finishes) < 30
    assert 0 < sum(finish.walls[0].texture == "photo:/a.png" for finish in finishes) < 30
