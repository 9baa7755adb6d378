"""Objects from probabilities: rooms whose objects are known, and the truth of rendered ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maquette.metrics.segmentation import panoptic_qualities
from maquette.voxels.instances import separate
from maquette.voxels.types import CLASSES, Prediction, VoxelGrid
from tests.voxels.rooms import ROOM, Box, make_grid, predict


def found(boxes: list[Box], **grid: float) -> list[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    voxels = separate(predict(boxes, make_grid(**grid) if grid else None), 0.5)  # type: ignore[arg-type]
    return [(thing.label, tuple(thing.low.tolist()), tuple(thing.high.tolist())) for thing in voxels.objects]


def check(voxels: VoxelGrid) -> None:
    """What holds of any room."""
    assert np.array_equal(voxels.label > 0, voxels.instance > 0)
    assert [thing.id for thing in voxels.objects] == list(range(1, len(voxels.objects) + 1))
    order = [(CLASSES.index(thing.label), thing.low.tolist()) for thing in voxels.objects]
    assert order == sorted(order)
    for thing in voxels.objects:
        cells = np.argwhere(voxels.instance == thing.id)
        assert (voxels.label[tuple(cells.T)] == 1 + CLASSES.index(thing.label)).all()
        assert thing.cells == len(cells)
        assert np.array_equal(thing.low, cells.min(axis=0)) and np.array_equal(thing.high, cells.max(axis=0) + 1)


def test_one_of_each() -> None:
    voxels = separate(predict(ROOM), 0.5)
    check(voxels)
    assert [thing.label for thing in voxels.objects] == list(CLASSES)
    table = voxels.objects[1]
    assert table.cells == 20 * 16 * 3 + 2 * 2 * 2 * 12
    assert [thing.confidence for thing in voxels.objects] == pytest.approx([0.8] * 6)
    assert voxels.probability.min() == np.float32(0.1)


def test_threshold_includes() -> None:
    assert len(separate(predict(ROOM), 0.9).objects) == 6
    assert not separate(predict(ROOM), 0.91).objects


def test_nothing() -> None:
    voxels = separate(predict([]), 0.5)
    check(voxels)
    assert not voxels.objects and not voxels.label.any()


def test_a_table_that_lost_its_legs_is_one() -> None:
    top: Box = ("table", (4, 4, 12), (28, 20, 14))
    legs: list[Box] = [("table", (x, y, 0), (x + 3, y + 3, 10)) for x in (4, 25) for y in (4, 17)]
    assert found([top, *legs]) == [("table", (4, 4, 0), (28, 20, 14))]


def test_what_stands_beside_is_another() -> None:
    pair: list[Box] = [("nightstand", (4, 4, 0), (13, 13, 10)), ("nightstand", (14, 4, 0), (23, 13, 10))]
    assert found(pair) == pair


@pytest.mark.parametrize("gap", [-1, 0])
def test_chairs_that_touch_come_apart(gap: int) -> None:
    """The second stands a cell farther back, and against the first or a cell within its side."""
    voxels = separate(
        predict([("chair", (4, 4, 0), (14, 14, 16)), ("chair", (14 + gap, 5, 0), (24 + gap, 15, 16))]), 0.5
    )
    check(voxels)
    assert len(voxels.objects) == 2
    assert np.mean(voxels.instance[4:14, 4:14, :16] == 1) > 0.89
    assert np.mean(voxels.instance[14 + gap : 24 + gap, 5:15, :16] == 2) > 0.89


def test_three_by_the_hand() -> None:
    bags: list[Box] = [("bag", (4 + 9 * at, 4, 0), (12 + 9 * at, 10, 12)) for at in range(3)]
    straps: list[Box] = [("bag", (12 + 9 * at, 6, 9), (13 + 9 * at, 8, 10)) for at in range(2)]
    voxels = separate(predict([*bags, *straps]), 0.5)
    assert len(voxels.objects) == 3
    for number, (_, low, high) in enumerate(bags, start=1):
        assert (voxels.instance[tuple(slice(*ends) for ends in zip(low, high, strict=True))] == number).all()


def person(x: int) -> list[Box]:
    """Three cells of arm on each side of a trunk of six."""
    return [("person", (x, 20, 0), (x + 6, 25, 34)), ("person", (x - 7, 21, 24), (x + 13, 23, 26))]


def test_stretched_arms_stay() -> None:
    assert found(person(16)) == [("person", (9, 20, 0), (29, 25, 34))]


def test_people_who_touch_hands_come_apart() -> None:
    ((_, low, high), (_, other, end)) = found([*person(9), *person(26)])
    assert (low, end) == ((2, 20, 0), (39, 25, 34))
    assert 15 <= high[0] <= 26 and 15 <= other[0] <= 26


def test_a_fragment_goes_to_whom_it_touches_most() -> None:
    chair: Box = ("chair", (4, 4, 0), (14, 14, 16))
    bag: Box = ("bag", (16, 4, 0), (22, 10, 9))
    between: Box = ("laptop", (14, 6, 0), (16, 7, 4))
    wide: Box = ("laptop", (14, 8, 3), (15, 12, 6))
    lone: Box = ("person", (30, 40, 20), (33, 43, 23))
    voxels = separate(predict([chair, bag, between, wide, lone]), 0.5)
    check(voxels)
    assert [thing.label for thing in voxels.objects] == ["chair", "bag"]
    assert voxels.objects[0].cells >= 10 * 10 * 16 + 12
    assert sum(thing.cells for thing in voxels.objects) == 10 * 10 * 16 + 6 * 6 * 9 + 8 + 12


def test_smaller_cells_make_no_difference() -> None:
    def fine(ends: tuple[int, int, int]) -> tuple[int, int, int]:
        return ends[0] * 2, ends[1] * 2, ends[2] * 2

    boxes = [(label, fine(low), fine(high)) for label, low, high in ROOM]
    voxels = separate(predict(boxes, make_grid((80, 96, 80), 0.025)), 0.5)
    coarse = separate(predict(ROOM), 0.5)
    assert [thing.cells for thing in voxels.objects] == [8 * thing.cells for thing in coarse.objects]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.02, 0.6))
def test_whatever_a_network_says(seed: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    grid = make_grid((10, 8, 8), 0.1)
    occupancy = (rng.random(grid.shape) < density).astype(np.float32)
    prediction = Prediction(grid, occupancy, rng.random((len(CLASSES), *grid.shape), dtype=np.float32))
    voxels = separate(prediction, 0.5)
    check(voxels)
    assert (occupancy[voxels.label > 0] == 1).all()
    again = separate(prediction, 0.5)
    assert np.array_equal(voxels.instance, again.instance)


@pytest.mark.slow
def test_true_rooms_come_back() -> None:
    """Cells of studio scenes, without what says whose they are."""
    from maquette.shapes.voxelize import voxelize
    from maquette.worlds.generate import make_world
    from maquette.worlds.options import WorldOptions
    from maquette.worlds.truth import world_grid

    matched = missed = spurious = 0
    for number in range(4):
        world = make_world(WorldOptions(kind="studio"), 5, number)
        grid = world_grid(world)
        truth = np.zeros(grid.shape, np.int64)
        classes = np.zeros((len(CLASSES), *grid.shape), np.float32)
        for thing in world.objects:
            if thing.asset.family in CLASSES:
                cells = voxelize(*thing.mesh_world(), grid) & (truth == 0)
                truth[cells] = thing.id
                classes[CLASSES.index(thing.asset.family)][cells] = 1
        voxels = separate(Prediction(grid, classes.max(axis=0), classes), 0.5)
        check(voxels)
        family = {thing.id: CLASSES.index(thing.asset.family) for thing in world.objects if (truth == thing.id).any()}
        theirs = {thing.id: CLASSES.index(thing.label) for thing in voxels.objects}
        background = {0: len(CLASSES)}
        qualities = panoptic_qualities(
            truth, voxels.instance.astype(np.int64), background | family, background | theirs
        )
        del qualities[len(CLASSES)]
        matched += sum(quality.matched for quality in qualities.values())
        missed += sum(quality.missed for quality in qualities.values())
        spurious += sum(quality.spurious for quality in qualities.values())
    assert matched > 15
    assert missed + spurious <= 0.06 * matched
