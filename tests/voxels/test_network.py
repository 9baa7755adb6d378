"""Views into networks and probabilities out, with networks whose answers are known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from maquette.camera import Camera
from maquette.errors import ModelError
from maquette.models.catalogue import Model, resolve
from maquette.shapes.voxelize import middles
from maquette.voxels.network import View, predict
from maquette.voxels.rig import Rig, fit, on_photo, studio_rig
from maquette.voxels.types import CLASSES, Grid, Prediction
from tests.perception import tiny as tiny_depth
from tests.voxels import tiny


@pytest.fixture(scope="module")
def hull(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return resolve(str(tiny.hull(tmp_path_factory.mktemp("hull") / "hull.onnx")))


@pytest.fixture(scope="module")
def by_heart(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return resolve(str(tiny.by_heart(tmp_path_factory.mktemp("heart") / "heart.onnx")))


def seen(rig: Rig, numbers: Sequence[int] = (0, 1, 2), size: tuple[int, int] = (224, 224)) -> list[View]:
    """Drawn photos of a rig's cameras, of any size."""
    pictures = [tiny.draw(on_photo(rig.cameras[number], *size)) for number in numbers]
    return [
        View(*fit(picture, rig.cameras[number], rig.grid), number)
        for picture, number in zip(pictures, numbers, strict=True)
    ]


def boxes(grid: Grid) -> NDArray[np.bool_]:
    """The cells whose middle is in one of the drawn boxes."""
    at = middles(grid)
    sides = [(np.array(low), np.array(high)) for low, high in tiny.BOXES.values()]
    return np.any([((at > low) & (at < high)).all(axis=-1) for low, high in sides], axis=0)


def iou(one: NDArray[np.bool_], two: NDArray[np.bool_]) -> float:
    return float((one & two).sum() / (one | two).sum())


def assert_alike(one: Prediction, two: Prediction, tolerance: float) -> None:
    assert np.abs(one.occupancy - two.occupancy).max() <= tolerance
    assert np.abs(one.classes - two.classes).max() <= tolerance


@pytest.mark.parametrize("size", [(224, 224), (640, 360), (300, 480)])
def test_a_cell_gets_what_the_photo_shows_at_its_middle(hull: Model, size: tuple[int, int]) -> None:
    """One view of a ramp of brightness: half a pixel of shift, or a swapped axis, would be seen."""
    rig = studio_rig()
    camera = on_photo(rig.cameras[0], *size)
    slopes = np.array([0.6, 0.35]) / size
    x, y = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5)
    grey = np.rint(255 * (slopes[0] * x + slopes[1] * y)).astype(np.uint8)
    view = View(*fit(np.repeat(grey[..., None], 3, axis=2), rig.cameras[0], rig.grid), 0)
    got = predict([view], rig.grid, hull).occupancy
    points = camera.from_world(middles(rig.grid))
    with np.errstate(invalid="ignore"):
        pixels = camera.project(points)
    margin = 0.02 * max(size)
    clear = (points[..., 2] > 0) & ((pixels > margin) & (pixels < np.array(size) - margin)).all(axis=-1)
    error = got[clear] - pixels[clear] @ slopes
    assert clear.mean() > 0.3
    assert np.abs(error).max() < 0.01
    assert abs(error.mean()) < 2e-4  # half a pixel of the network's would be 1.3e-3 and more


def test_three_views_carve_the_boxes_out(hull: Model) -> None:
    rig = studio_rig()
    truth = boxes(rig.grid)
    found = predict(seen(rig), rig.grid, hull)
    assert found.occupancy.dtype == found.classes.dtype == np.float32
    assert found.occupancy.shape == rig.grid.shape
    assert found.classes.shape == (6, *rig.grid.shape)
    taken = found.occupancy > 0.6
    assert (taken & truth).sum() > 0.97 * truth.sum()  # a hull holds what it is the hull of, but for its edge
    assert iou(taken, truth) > 0.4
    one = predict(seen(rig)[:1], rig.grid, hull).occupancy > 0.6
    assert one.sum() > 2 * taken.sum()
    low, high = tiny.BOXES["chair"]
    chair = ((middles(rig.grid) > low) & (middles(rig.grid) < high)).all(axis=-1)
    assert (found.classes[:, chair].argmax(axis=0) == CLASSES.index("chair")).mean() > 0.9


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 0, 2), (2, 0, 1)])
def test_the_order_of_the_views_changes_no_bit(hull: Model, order: tuple[int, ...]) -> None:
    rig = studio_rig()
    views = seen(rig)
    first, second = predict(views, rig.grid, hull), predict([views[at] for at in order], rig.grid, hull)
    assert np.array_equal(first.occupancy, second.occupancy)
    assert np.array_equal(first.classes, second.classes)


def test_the_number_of_threads_changes_no_bit(hull: Model) -> None:
    rig = studio_rig()
    one, two = (predict(seen(rig), rig.grid, hull, threads) for threads in (1, 2))
    assert np.array_equal(one.occupancy, two.occupancy)
    assert np.array_equal(one.classes, two.classes)


def test_moving_rig_and_grid_together_changes_nothing(hull: Model) -> None:
    rig = studio_rig()
    angle = 0.7
    motion = np.array([[np.cos(angle), 0, np.sin(angle), 4], [0, 1, 0, -2], [-np.sin(angle), 0, np.cos(angle), 9]])
    motion = np.vstack([motion, [0, 0, 0, 1]])
    moved = Rig(
        tuple(
            Camera(camera.width, camera.height, camera.focal_px, camera.center_px, motion @ camera.T_world_camera)
            for camera in rig.cameras
        ),
        Grid(rig.grid.shape, rig.grid.cell_m, motion @ rig.grid.T_world_grid),
    )
    there = [
        View(view.image, fit(np.zeros((224, 224, 3), np.uint8), camera, moved.grid)[1], view.camera)
        for view, camera in zip(seen(rig), moved.cameras, strict=True)
    ]
    assert_alike(predict(seen(rig), rig.grid, hull), predict(there, moved.grid, hull), 0.005)


def test_larger_photos_and_wider_ones_show_the_same_room(hull: Model) -> None:
    rig = studio_rig()
    usual = predict(seen(rig), rig.grid, hull).occupancy > 0.6
    for size in ((448, 448), (560, 560)):
        assert iou(predict(seen(rig, size=size), rig.grid, hull).occupancy > 0.6, usual) > 0.9
    cut = predict(seen(rig, size=(400, 300)), rig.grid, hull).occupancy  # grey, 0.5, where the photo does not reach
    assert iou(cut > 0.6, usual & (cut != 0.5)) > 0.85


def test_a_grid_of_any_size_is_padded_and_cropped(hull: Model) -> None:
    rig = studio_rig()
    whole = predict(seen(rig), rig.grid, hull)
    part = Grid((33, 50, 7), rig.grid.cell_m, rig.grid.T_world_grid)
    cut = predict(seen(rig), part, hull)
    assert cut.occupancy.shape == (33, 50, 7)
    assert cut.classes.shape == (6, 33, 50, 7)
    assert np.array_equal(cut.occupancy, whole.occupancy[:33, :50, :7])
    assert cut.occupancy.flags.c_contiguous and cut.classes.flags.c_contiguous


@pytest.mark.parametrize("parts", [2, 3])
def test_larger_cells_are_made_of_those_that_were_learned_from(hull: Model, parts: int) -> None:
    rig = studio_rig()
    small = Grid((42, 48, 30), rig.grid.cell_m, rig.grid.T_world_grid)
    i, j, k = (count // parts for count in small.shape)
    large = Grid((i, j, k), parts * small.cell_m, small.T_world_grid)
    fine, coarse = predict(seen(rig), small, hull), predict(seen(rig), large, hull)
    expected = np.array(
        [[[fine.occupancy[tuple(slice(parts * n, parts * n + parts) for n in at)].max() for at in row] for row in plane]
         for plane in np.moveaxis(np.indices(large.shape), 0, -1)]
    )  # fmt: skip
    np.testing.assert_allclose(coarse.occupancy, expected, atol=1e-5)


def test_classes_come_in_our_order_whatever_the_networks(tmp_path: Path, hull: Model) -> None:
    names = CLASSES[3:] + CLASSES[:3]
    other = replace(hull, output=replace(hull.output, classes=names))
    rig = studio_rig()
    ours, theirs = predict(seen(rig), rig.grid, hull), predict(seen(rig), rig.grid, other)
    assert np.array_equal(theirs.classes, np.roll(ours.classes, 3, axis=0))


def test_a_network_for_the_studio_is_told_who_took_the_photos(by_heart: Model) -> None:
    rig = studio_rig()
    bright = np.full((224, 224, 3), 255, np.uint8)
    views = [View(*fit(bright, rig.cameras[number], rig.grid), number) for number in (2, 0)]
    found = predict(views, rig.grid, by_heart)
    assert np.allclose(found.classes.mean(axis=(1, 2, 3)), [0.5, 0, 0.5, 0, 0, 0])
    assert np.allclose(found.occupancy, 1)


def test_a_network_for_the_studio_takes_its_photos_in_any_shape_but_no_other_rig(by_heart: Model) -> None:
    rig = studio_rig()
    for width, height in ((640, 480), (333, 500), (1081, 777)):
        blank = np.zeros((height, width, 3), np.uint8)
        predict([View(*fit(blank, rig.cameras[1], rig.grid), 1)], rig.grid, by_heart)
    shifted = [replace(view, projection=view.projection + np.float32(0.1)) for view in seen(rig)]
    swapped = [replace(view, camera=(view.camera + 1) % 3) for view in seen(rig)]
    fourth = [replace(view, camera=3) for view in seen(rig)]
    for views in (shifted, swapped, fourth):
        with pytest.raises(ModelError, match="the studio's cameras and cells alone"):
            predict(views, rig.grid, by_heart)
    for grid in (replace(rig.grid, shape=(80, 96, 48)), replace(rig.grid, cell_m=0.1)):
        with pytest.raises(ModelError, match="the studio's cameras and cells alone"):
            predict(seen(rig), grid, by_heart)


def test_a_network_for_something_else_is_refused(tmp_path: Path) -> None:
    other = resolve(str(tiny_depth.depth(tmp_path / "depth.onnx", "metric")))
    rig = studio_rig()
    with pytest.raises(ModelError, match="a network for depth"):
        predict(seen(rig), rig.grid, other)


def test_a_network_that_does_not_keep_its_contract_is_told_so(tmp_path: Path, hull: Model, by_heart: Model) -> None:
    rig = studio_rig()
    views = seen(rig)
    assert hull.file is not None and by_heart.file is not None
    wrong = replace(hull, output=replace(hull.output, classes=("chair", "sofa")))
    with pytest.raises(ModelError, match="its classes must be chair, table"):
        predict(views, rig.grid, wrong)
    with pytest.raises(ModelError, match="has no input view"):
        predict(views, rig.grid, replace(hull, output=by_heart.output))
    with pytest.raises(ModelError, match="has no input projection"):
        predict(views, rig.grid, replace(by_heart, output=hull.output))
    photo_network = tiny_depth.depth(tmp_path / "depth.onnx", "metric")
    photo_network.with_suffix(".json").write_text(json.dumps(tiny.CARD))
    with pytest.raises(ModelError, match="has no input images"):
        predict(views, rig.grid, resolve(str(photo_network)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            "Concat nz ny nx > turned axis=0; Reshape least turned > occupancy",
            r"shape \(64, 96, 80\), not \(80, 96, 64\)",
        ),
        ("Add least one > more; Reshape more shape > occupancy", "occupancy runs from 1 to"),
        ("Sub least one > less; Sqrt less > root; Reshape root shape > occupancy", "occupancy runs from nan"),
    ],
)
def test_outputs_that_are_no_probabilities_of_the_cells(tmp_path: Path, change: str, says: str) -> None:
    path = tiny.hull(tmp_path / "wrong.onnx", occupancy=change)
    rig = studio_rig()
    with pytest.raises(ModelError, match=says) as raised:
        predict(seen(rig), rig.grid, resolve(str(path)))
    assert "\n" not in str(raised.value)
