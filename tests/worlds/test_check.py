"""The checks pass what is right, and catch each kind of wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from maquette.labels import BY_NAME
from maquette.worlds.assets.solids import shaded
from maquette.worlds.check import Report, check_record, check_world
from maquette.worlds.options import TruthOptions
from maquette.worlds.record import SceneRecord
from maquette.worlds.truth import make_record
from maquette.worlds.types import Asset, Material, Object, View, World
from tests.worlds.cast import cast, small_world

pytest.importorskip("igl")
pytest.importorskip("manifold3d")


@pytest.fixture(scope="module")
def world() -> World:
    return small_world()


@pytest.fixture(scope="module")
def record(world: World) -> SceneRecord:
    return make_record(world, cast(world), TruthOptions(volume="quarter"))


def moved(world: World, key: int, offset: tuple[float, float, float]) -> World:
    """The same world with one object somewhere else."""
    objects = tuple(
        replace(thing, place=tuple(np.add(thing.place, offset))) if thing.id == key else thing
        for thing in world.objects
    )
    return replace(world, objects=objects)


def test_what_is_right_passes(world: World, record: SceneRecord) -> None:
    report = check_world(world) + check_record(world, record)
    assert report.failures == ()
    assert set(report.tested) == {
        "solid",
        "apart",
        "stands",
        "boxes fit",
        "poses place the mesh",
        "seen is part of the whole",
        "2D boxes are tight",
        "labels are the objects'",
        "depth is where objects are",
        "normals have length 1",
        "depth is in the boxes",
        "depth is in occupied cells",
        "normals are the slope of depth",
        "views agree",
        "classes are occupied",
        "volume fits depth",
    }
    assert all(report.tested.values())


def test_reports_add_up() -> None:
    total = Report({"a": 2}, ("a: w: x",)) + Report({"a": 1, "b": 1}, ("b: w: y",))
    assert total.tested == {"a": 3, "b": 1}
    assert (total.failed("a"), total.failed("b"), total.failed("c")) == (1, 1, 0)


def test_closed_parts_that_are_not_are_found(world: World) -> None:
    chair = world.objects[1]
    (part,) = chair.asset.parts
    for faces in (part.faces[1:], part.faces[:, ::-1]):
        asset = replace(chair.asset, parts=(replace(part, faces=faces),))
        report = check_world(replace(world, objects=(world.objects[0], replace(chair, asset=asset))))
        assert report.failed("solid") == 1


def test_things_that_intersect_are_found(world: World) -> None:
    table, bag = (next(o for o in world.objects if o.id == key) for key in (5, 9))
    sunk = check_world(moved(world, 9, (0.0, -0.02, 0.0)))
    assert sunk.failed("apart") == 1 and "bag 9" in sunk.failures[0] and "table 5" in sunk.failures[0]
    swallowed = replace(bag, place=(table.place[0], 0.2, table.place[2]))
    inner = replace(world, objects=(*(o for o in world.objects if o.id != 9), swallowed))
    assert check_world(inner).failed("apart") == 1


def test_leaves_inside_a_solid_are_found(world: World) -> None:
    points = np.array([[-0.1, 0.0, -0.1], [0.1, 0.0, -0.1], [0.0, 0.3, 0.1]])
    leaf = Asset("plant", "leaf", (shaded(points, [[0, 1, 2]], Material(), closed=False),))
    for height, wrong in ((0.3, 1), (0.7201, 0)):
        plant = Object(7, "plant", leaf, 0.0, (*np.add(world.objects[3].place, (0.0, height, 0.0)),))
        report = check_world(replace(world, objects=(*world.objects, plant)))
        assert report.failed("apart") == wrong


def test_what_floats_is_found(world: World) -> None:
    assert check_world(moved(world, 9, (0.0, 0.02, 0.0))).failed("stands") == 1
    assert check_world(moved(world, 2, (0.0, 0.3, 0.0))).failed("stands") == 1
    assert check_world(moved(world, 2, (50.0, 0.0, 0.0))).failed("stands") == 1


def edit(view: View, **layers: Callable[[np.ndarray], None]) -> View:
    """A view with some of its layers altered in place, on copies."""
    copies = {}
    for name, change in layers.items():
        copies[name] = getattr(view, name).copy()
        change(copies[name])
    return replace(view, **copies)


def erase(value: float) -> Callable[[np.ndarray], None]:
    def change(layer: np.ndarray) -> None:
        layer[..., 20:30, 20:30] = value

    return change


def scale(factor: float) -> Callable[[np.ndarray], None]:
    def change(layer: np.ndarray) -> None:
        layer *= factor

    return change


def tilt(layer: np.ndarray) -> None:
    layer[..., [0, 2]] = layer[..., [2, 0]]


@pytest.mark.parametrize(
    ("check", "layers"),
    [
        ("seen is part of the whole", {"amodal": erase(0)}),
        ("2D boxes are tight", {"instance": erase(0)}),
        ("labels are the objects'", {"semantic": erase(BY_NAME["tv"].id)}),
        ("depth is where objects are", {"depth_m": erase(0)}),
        ("normals have length 1", {"normals_cam": scale(0.9)}),
        ("depth is in the boxes", {"depth_m": scale(1.05)}),
        ("depth is in occupied cells", {"depth_m": scale(0.9)}),
        ("normals are the slope of depth", {"normals_cam": tilt}),
        ("views agree", {"depth_m": scale(0.8)}),
        ("volume fits depth", {"depth_m": scale(0.9)}),
    ],
)
def test_wrong_pictures_are_found(
    world: World, record: SceneRecord, check: str, layers: dict[str, Callable[[np.ndarray], None]]
) -> None:
    wrong = replace(record, views=(edit(record.views[0], **layers), *record.views[1:]))
    assert check_record(world, wrong).failed(check)


def test_wrong_poses_boxes_and_cells_are_found(world: World, record: SceneRecord) -> None:
    first = record.objects[1]
    aside = first.T_world_canonical.copy()
    aside[0, 3] += 0.01
    for check, stored in (
        ("boxes fit", replace(first, box=replace(first.box, size=(0.51, 0.9, 0.45)))),
        ("poses place the mesh", replace(first, T_world_canonical=aside)),
    ):
        wrong = replace(record, objects=(record.objects[0], stored, *record.objects[2:]))
        assert check_record(world, wrong).failed(check) == 1
    assert record.occupancy is not None
    empty = replace(record, occupancy=np.zeros_like(record.occupancy))
    assert check_record(world, empty).failed("classes are occupied") == 1
