import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import binary_dilation
from scipy.spatial.transform import Rotation

from maquette.camera import Camera
from maquette.errors import MaquetteError, ModelError
from maquette.metrics.voxels import THRESHOLDS
from maquette.train.voxels import card, evaluate
from maquette.train.voxels.evaluate import Thresholds, measure, report, views_of
from maquette.voxels.rig import TARGET, studio_cameras, studio_grid
from maquette.voxels.types import CLASSES, Prediction
from maquette.worlds.record import ObjectRecord, SceneRecord
from maquette.worlds.rigs import look_at
from maquette.worlds.types import OrientedBox, View

GRID = studio_grid()
HALF = Thresholds(0.5, 0.5)
SIZES = {"chair": (0.5, 0.9, 0.5), "table": (1.2, 0.7, 0.8), "person": (0.5, 1.7, 0.4)}


def middles(grid):
    places = np.stack(np.meshgrid(*((np.arange(n) + 0.5) * grid.cell_m for n in grid.shape), indexing="ij"), axis=-1)
    return places @ grid.T_world_grid[:3, :3].T + grid.T_world_grid[:3, 3]


MIDDLES = middles(GRID)


def inside(box):
    pose = box.T_world_box
    return (np.abs((MIDDLES - pose[:3, 3]) @ pose[:3, :3]) <= np.array(box.size) / 2).all(axis=-1)


def scene(*things, name="test"):
    """A studio of solid boxes: (family, x, z, yaw)."""
    objects, classes = [], np.zeros((*GRID.shape, len(CLASSES)), bool)
    for number, (family, x, z, yaw) in enumerate(things, start=7):
        size = SIZES[family]
        box = OrientedBox((x, size[1] / 2, z), size, yaw)
        classes[..., CLASSES.index(family)] |= inside(box)
        objects.append(ObjectRecord(number, family, family, "plain", True, 0, box, np.eye(4)))
    views = tuple(view(camera, shade) for shade, camera in enumerate(studio_cameras(224, 224)))
    return SceneRecord(
        name,
        "studio",
        views,
        np.stack([one.rgb for one in views]),
        tuple(objects),
        grid=GRID,
        occupancy=classes.any(axis=-1),
        classes=classes,
    )


def view(camera: Camera, shade: int) -> View:
    """A picture whose every pixel is the number of its camera."""
    zeros = np.zeros((224, 224))
    return View(
        camera,
        np.full((224, 224, 3), shade, np.uint8),
        zeros.astype(np.float32),
        np.zeros((224, 224, 3), np.float16),
        zeros.astype(np.uint8),
        zeros.astype(np.uint16),
        None,
    )


def truth(record, views):
    """What a network without a fault would say."""
    classes = np.moveaxis(record.classes, -1, 0)
    return Prediction(record.grid, record.occupancy.astype(np.float32), np.ascontiguousarray(classes, np.float32))


ROOMS = (
    scene(("chair", -1.0, 1.0, 0.3), ("chair", 1.0, -1.0, 2.0), ("person", 0.0, 0.0, 0.5)),
    scene(("table", 0.5, 0.5, 1.0)),
)


def test_every_camera_counts_as_often_as_the_others():
    for count in (1, 2, 3):
        chosen = [views_of(number, count, 3) for number in range(30)]
        assert all(len(set(views)) == count and list(views) == sorted(views) for views in chosen)
        assert np.bincount(np.ravel(chosen)).tolist() == [10 * count] * 3


def test_the_truth_gets_full_marks():
    for one in report(measure(truth, ROOMS, HALF), HALF)["views"].values():
        assert {one[way][name] for way in ("pooled", "per_sample") for name in ("occupancy", "miou", "overall")} == {1}
        assert one["pooled"]["classes"] == {"chair": 1, "table": 1, "person": 1} | dict.fromkeys(
            ("nightstand", "laptop", "bag")
        )
        assert (one["objects"]["pq"], one["objects"]["sq"], one["objects"]["rq"]) == (1, 1, 1)
        assert one["objects"]["classes"]["bag"] is None


def test_the_network_gets_the_views_that_are_counted():
    asked = []

    def note(record, views):
        asked.append((record.name, tuple(views)))
        return truth(record, views)

    measure(note, [replace(ROOMS[0], name=str(n)) for n in range(3)], HALF, views=(1, 2))
    assert asked == [(str(n), views_of(n, count, 3)) for n in range(3) for count in (1, 2)]


def test_numbers_are_those_of_the_cells():
    def half(record, views):
        """Finds the lower half of the room, and every table for a chair."""
        found = truth(record, views)
        low = (np.arange(GRID.shape[2]) < 8).astype(np.float32)
        classes = found.classes * low
        classes[[0, 1]] = classes[[1, 0]]
        return Prediction(record.grid, found.occupancy * low, classes)

    one = report(measure(half, ROOMS, HALF, views=(3,)), HALF)["views"]["3"]
    taken = [record.occupancy for record in ROOMS]
    shares = [cells[..., :8].sum() / cells.sum() for cells in taken]
    pooled = sum(cells[..., :8].sum() for cells in taken) / sum(cells.sum() for cells in taken)
    assert one["pooled"]["occupancy"] == pytest.approx(pooled)
    assert one["per_sample"]["occupancy"] == pytest.approx(np.mean(shares))
    people = ROOMS[0].classes[..., CLASSES.index("person")]
    share = people[..., :8].sum() / people.sum()
    assert one["pooled"]["classes"] == {
        "chair": 0,
        "table": 0,
        "person": pytest.approx(share),
        "nightstand": None,
        "laptop": None,
        "bag": None,
    }
    assert one["per_sample"]["miou"] == pytest.approx(share / 3)


def test_thresholds_are_those_with_the_best_pooled_iou():
    def sure(record, views):
        """0.62 where something is, 0.3 in a layer around it; of classes 0.81 and 0.4."""
        found = truth(record, views)
        around = np.roll(found.classes, 1, axis=1)
        return Prediction(
            record.grid,
            np.maximum(np.float32(0.62) * found.occupancy, np.float32(0.3) * around.max(axis=0)),
            np.maximum(np.float32(0.81) * found.classes, np.float32(0.4) * around),
        )

    chosen = evaluate.choose_thresholds(sure, ROOMS)
    assert chosen == Thresholds(0.31, 0.41)
    for threshold, right in ((0.3, False), (chosen.occupancy, True), (0.63, False)):
        iou = measure(sure, ROOMS[1:], Thresholds(threshold, threshold), (3,))[3].occupancy.pooled
        assert (iou == 1).all() == right
    assert {chosen.occupancy, chosen.classes} <= set(THRESHOLDS)


def test_cells_belong_to_the_object_in_whose_box_they_are():
    record = scene(("chair", -0.3, 0.0, 0.0), ("chair", 0.25, 0.0, 0.0), ("table", 0.0, 1.2, 0.7))
    ids = evaluate.true_objects(record)
    for thing in record.objects:
        cells = ids[CLASSES.index(thing.family)] == thing.id
        assert np.array_equal(cells, inside(thing.box)), thing.id
    assert set(np.unique(ids)) == {0, 7, 8, 9}


def test_objects_that_are_one_are_missed():
    def merged(record, views):
        found = truth(record, views)
        found.occupancy[:], found.classes[:] = 0, 0
        found.occupancy[30:50, 40:50, :18] = found.classes[0, 30:50, 40:50, :18] = 1
        return found

    record = scene(("chair", -0.25, 0.15, 0.0), ("chair", 0.25, 0.15, 0.0))
    counts = measure(merged, [record], HALF, views=(3,))[3].objects[0]
    assert (counts.matched, counts.missed, counts.spurious) in {(0, 2, 1), (2, 0, 0)}  # two, where they come apart


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (replace(ROOMS[0], grid=None), "has no grid"),
        (replace(ROOMS[0], views=()), "fewer than 3 cameras"),
        (replace(ROOMS[0], views=ROOMS[0].views[:2]), "fewer than 3 cameras"),
    ],
)
def test_scenes_that_cannot_be_measured_on(record, said):
    with pytest.raises(MaquetteError, match=said):
        measure(truth, [record], HALF)


def test_no_scene_at_all():
    for look in (lambda: measure(truth, [], HALF), lambda: evaluate.choose_thresholds(truth, [])):
        with pytest.raises(MaquetteError, match="no scene"):
            look()


def test_a_report_is_json():
    one = report(measure(truth, ROOMS, HALF), HALF)
    assert json.loads(json.dumps(one, allow_nan=False)) == one
    assert (one["scenes"], list(one["views"])) == (2, ["1", "2", "3"])


@pytest.fixture
def network(tmp_path, request):
    """A network of the kind ``request.param``: every cell is as likely as the greatest camera number over 4."""
    onnx = pytest.importorskip("onnx")
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    kind, path = request.param, tmp_path / "network.onnx"
    axes = [helper.make_tensor_value_info(axis, floats, [axis]) for axis in "xyz"]
    extra = {
        "lifting": [helper.make_tensor_value_info("projection", floats, ["v", 3, 4]), *axes],
        "fixed": [helper.make_tensor_value_info("view", onnx.TensorProto.INT64, ["v"])],
    }
    if kind == "lifting":  # the camera's number is the shade of its picture
        nodes = [
            helper.make_node("ReduceMax", ["images"], ["shade"], keepdims=0),
            helper.make_node("Add", ["shade", "one"], ["above"]),
            helper.make_node("Mul", ["above", "shades"], ["number"]),
        ]
    else:
        nodes = [
            helper.make_node("ReduceMax", ["view"], ["greatest"], keepdims=0),
            helper.make_node("Cast", ["greatest"], ["number"], to=floats),
        ]
    nodes += [
        helper.make_node("Mul", ["number", "quarter"], ["share"]),
        helper.make_node("Expand", ["share", "cells"], ["occupancy"]),
        helper.make_node("Expand", ["share", "masks"], ["classes"]),
    ]
    constants = {
        "one": np.float32(1),
        "shades": np.float32(127.5),
        "quarter": np.float32(0.25),
        "cells": np.array(GRID.shape),
        "masks": np.array([6, *GRID.shape]),
    }
    graph = helper.make_graph(
        nodes,
        kind,
        [helper.make_tensor_value_info("images", floats, ["v", 3, 224, 224]), *extra[kind]],
        [helper.make_tensor_value_info(name, floats, None) for name in ("occupancy", "classes")],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return evaluate.exported(path, kind)


@pytest.mark.train
@pytest.mark.parametrize("network", ["lifting", "fixed"], indirect=True)
def test_a_file_is_run_on_the_views_that_are_named(network):
    run = evaluate.predictor(network)
    for views in ((0,), (1,), (2,), (0, 2), (0, 1), (0, 1, 2)):
        prediction = run(ROOMS[0], views)
        assert prediction.occupancy.shape == GRID.shape
        np.testing.assert_allclose(prediction.occupancy, max(views) / 4, atol=1e-6)
        np.testing.assert_allclose(prediction.classes, max(views) / 4, atol=1e-6)
    seen = measure(run, [ROOMS[1]] * 3, Thresholds(0.4, 0.4), views=(1,))[1]
    share = ROOMS[1].occupancy.mean()
    assert seen.occupancy.by_scene[:, 0, 0] == pytest.approx([0, 0, share])  # camera 2 alone is above 0.4


def test_a_file_that_is_no_network(tmp_path):
    (tmp_path / "text.onnx").write_text("text")
    for name, said in (("none.onnx", "none.onnx"), ("text.onnx", "not a usable ONNX network")):
        with pytest.raises(ModelError, match=said):
            measure(evaluate.predictor(evaluate.exported(tmp_path / name, "lifting")), ROOMS, HALF)


NUMBERS = {
    "name": "maquette-voxels",
    "kind": "lifting",
    "file": {"bytes": 1234567, "sha256": "5" * 64, "parameters": 7654321, "opset": 17, "parity": 1.5e-6},
    "data": [
        {"name": "train", "scenes": 4500, "seed": 5, "styles": "seen", "use": "learned from"},
        {"name": "unseen", "scenes": 250, "seed": 7, "styles": "unseen", "use": "measured on"},
    ],
    "training": {
        "seconds": 5400,
        "samples": 20000,
        "stages": [{"name": "one to three views", "batch": 16, "epochs": 9, "loss": 0.0123456}],
        "options": {"rate": 0.001, "scale": (), "widths": (32, 64, 96, 128)},
    },
    "measured": {},
}


@pytest.mark.parametrize("kind", ["lifting", "fixed"])
def test_a_card_tells_what_was_measured(kind):
    def poor(record, views):
        found = truth(record, views)
        found.classes[CLASSES.index("chair"), :, :, 4:] = 0
        return found

    one = report(measure(poor, ROOMS, HALF), HALF)
    text = card.render({**NUMBERS, "kind": kind, "measured": {"unseen": one}})
    pooled = one["views"]["3"]["pooled"]
    assert f"{pooled['classes']['chair']:.3f} / {one['views']['3']['per_sample']['classes']['chair']:.3f}" in text
    assert "| unseen (2) | 3 | 1.000 / 1.000 |" in text
    assert "5" * 64 in text
    assert "1.5 hours of processor time for 20,000 samples" in text
    assert "| one to three views | 16 | 9 | 0.0123456 |" in text
    assert "rate 0.001, scale -, widths 32 x 64 x 96 x 128." in text
    assert f"these have an IoU below {card.WEAK}: chair" in text
    assert "--styles unseen --scenes 250 --seed 7" in text
    assert ("projection" in text) == (kind == "lifting")
    assert text == card.render(json.loads(json.dumps({**NUMBERS, "kind": kind, "measured": {"unseen": one}})))


def test_tables_have_as_many_cells_in_each_row():
    one = report(measure(truth, ROOMS, HALF), HALF)
    for columns, first in (("scenes", "unseen"), ("scenes | network", "unseen | ours")):
        for lines in (card.view_table({first: one}, columns), card.class_table({first: one}, columns)):
            rows = [line for line in lines if line.startswith("|")]
            assert len({row.count("|") for row in rows}) == 1, rows


def test_another_rig_differs_in_what_it_says():
    pytest.importorskip("moderngl")
    from benchmarks import voxels as benchmark

    rng = np.random.default_rng(0)
    cameras = {name: benchmark.cameras_of(rig, rng) for name, rig in benchmark.RIGS.items()}
    for camera, same in zip(cameras["the studio's"], studio_cameras(224, 224), strict=True):
        np.testing.assert_allclose(camera.T_world_camera, same.T_world_camera, atol=1e-12)
        assert camera.focal_px == same.focal_px
    for camera, still in zip(cameras["moved by 0.25 m, turned by 4 degrees"], cameras["the studio's"], strict=True):
        eye, before = (one.T_world_camera[:3, 3] for one in (camera, still))
        assert 0 < np.abs(eye - before).max() <= 0.25 and (np.abs(eye) < (1.901, 3.101, 2.301)).all()
        aimed = look_at(eye, TARGET, 224, 224, 70.0).T_world_camera[:3, :3]
        turn = Rotation.from_matrix(aimed.T @ camera.T_world_camera[:3, :3])
        assert 0 < np.abs(turn.as_euler("xyz", degrees=True)).max() <= 4
    wide = cameras["4 : 3, as high as the studio's"][0]
    assert (wide.width, wide.height, wide.yfov_rad) == (224, 168, pytest.approx(np.radians(70), abs=1e-3))
    assert len(cameras["in all four corners"]) == 4


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["moved by 0.25 m, turned by 4 degrees", "4 : 3, as high as the studio's", "cells of 10 cm"]
)
def test_what_another_rig_sees_is_where_its_cells_are(name):
    pytest.importorskip("moderngl")
    from benchmarks import voxels as benchmark

    from maquette.worlds.render import make_renderer

    rig = benchmark.RIGS[name]
    try:
        with make_renderer("gl", samples=0) as renderer:
            record = next(benchmark.scenes_with(rig, 1, renderer))
    except MaquetteError as error:
        pytest.skip(str(error))
    to_grid = np.linalg.inv(record.grid.T_world_grid)
    things = [thing.id for thing in record.objects if thing.isthing]
    around = binary_dilation(record.occupancy, np.ones((3, 3, 3)))
    for seen in record.views:
        mask = np.isin(seen.instance, things)
        assert mask.sum() > 100
        pixels = np.argwhere(mask)[:, ::-1] + 0.5
        points = seen.camera.to_world(seen.camera.unproject(pixels, seen.depth_m[mask]))
        cells = ((points @ to_grid[:3, :3].T + to_grid[:3, 3]) / rig.cell_m).astype(int)
        assert around[tuple(np.clip(cells, 0, np.array(record.grid.shape) - 1).T)].mean() > 0.99
