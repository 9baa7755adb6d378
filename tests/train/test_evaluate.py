import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

import onnxruntime  # noqa: E402

from maquette.camera import Camera  # noqa: E402
from maquette.examples import example  # noqa: E402
from maquette.labels import BY_NAME, LABELS  # noqa: E402
from maquette.metrics.segmentation import PanopticQuality  # noqa: E402
from maquette.train import card, data, evaluate, evaluate_worlds  # noqa: E402
from maquette.train.evaluate_worlds import count, look, quality, summary, true_segments  # noqa: E402
from maquette.train.targets.semantic import Teachers  # noqa: E402
from maquette.worlds.record import SceneRecord  # noqa: E402
from maquette.worlds.types import View  # noqa: E402

pytestmark = pytest.mark.train

COLOURS = {"sky": (90, 160, 240), "floor": (120, 80, 40), "person": (220, 30, 30), "table": (30, 200, 60)}
DEPTH_M, SCALE = 2.0, 0.25
NUMBERS = Path(str(evaluate.__file__)).parents[1] / "models" / "maquette-small.json"


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A network of the kind that ships: the label by colour, every depth 2 m, centres nowhere."""
    weight, bias = np.zeros((50, 3, 4, 4), np.float32), np.zeros(50, np.float32)
    bias[:45] = -1e3
    for name, colour in COLOURS.items():
        centre = np.array(colour, np.float32) / 127.5 - 1
        weight[BY_NAME[name].id - 1] = 2 * centre[:, None, None] * 100 / 16
        bias[BY_NAME[name].id - 1] = -100 * (centre**2).sum()
    bias[45:47] = np.log(DEPTH_M), np.log(SCALE)
    names = ("semantic", "depth", "instance")
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Conv", ["image", "weight", "bias"], ["all"], strides=[4, 4]),
            onnx.helper.make_node("Split", ["all", "sizes"], list(names), axis=1),
        ],
        "tiny",
        [onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 3, "h", "w"])],
        [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, None, "a", "b"]) for name in names],
        [
            onnx.numpy_helper.from_array(array, name)
            for name, array in (("weight", weight), ("bias", bias), ("sizes", np.array([45, 2, 3])))
        ],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path_factory.mktemp("network") / "tiny.onnx"
    path.write_bytes(model.SerializeToString())
    return evaluate.Network(path)


def paint(labels):
    colours = np.zeros((len(LABELS) + 1, 3), np.uint8)
    for name, colour in COLOURS.items():
        colours[BY_NAME[name].id] = colour
    return colours[labels]


def scene(people):
    """A sky over a floor with people, each (left, right) in pixels of a picture of 96 x 64."""
    semantic = np.full((64, 96), BY_NAME["sky"].id, np.uint8)
    semantic[24:] = BY_NAME["floor"].id
    instance = np.where(semantic == BY_NAME["floor"].id, 1, 0).astype(np.uint16)
    depth = np.where(instance > 0, np.float32(DEPTH_M), np.float32(0))
    for number, (left, right) in enumerate(people, start=2):
        semantic[12:56, left:right] = BY_NAME["person"].id
        instance[12:56, left:right] = number
        depth[12:56, left:right] = DEPTH_M
    camera = Camera(96, 64, 96.0, (48.0, 32.0), np.eye(4))
    view = View(camera, paint(semantic), depth, semantic, instance, np.zeros((64, 96, 3), np.float32))
    return SceneRecord("tiny", "street", (view,), view.rgb[None])


def test_a_network_sees_what_its_users_show_it(network):
    rgb = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(str(network.model.file), providers=["CPUExecutionProvider"])
    resized = np.asarray(Image.fromarray(rgb).resize((576, 448), Image.Resampling.BILINEAR), np.float32)
    wanted = session.run(None, {"image": resized.transpose(2, 0, 1)[None] / 127.5 - 1})
    for ours, theirs in zip(network(rgb), wanted, strict=True):
        assert np.allclose(ours, theirs[0], atol=1e-3)
    assert np.allclose(network.depth_m(rgb, 800.0), DEPTH_M * 800 / 400)


def test_cells_are_sampled_at_their_middle():
    pixels = np.arange(6 * 8).reshape(6, 8)
    assert evaluate.at_cells(pixels, (3, 2)).tolist() == [[10, 14], [26, 30], [42, 46]]
    assert np.array_equal(evaluate.at_cells(pixels, (6, 8)), pixels)


def test_stuff_is_one_segment_and_things_are_objects():
    view = scene([(10, 20), (20, 30), (50, 60)]).views[0]
    view.instance[60:, :40] = 9  # another part of the floor
    ids = true_segments(view)
    parts = {tuple(map(tuple, np.argwhere(ids == number))) for number in np.unique(ids)}
    floor, sky, person = (view.semantic == BY_NAME[name].id for name in ("floor", "sky", "person"))
    masks = [floor, sky, *(person & (view.instance == number) for number in (2, 3, 4))]
    assert parts == {tuple(map(tuple, np.argwhere(mask))) for mask in masks}


def test_the_truth_is_found_in_itself():
    view = scene([(10, 20), (20, 30)]).views[0]
    ids = true_segments(view)
    kinds = {int(i): LABELS[view.semantic[ids == i][0] - 1] for i in np.unique(ids)}
    segments = [evaluate_worlds.Segment(i, label, 1.0) for i, label in kinds.items()]
    assert set(quality(count(ids, view.semantic, ids, segments)).values()) == {1.0}


def test_a_network_that_is_right_gets_full_marks(network):
    seen = look(network, scene([(10, 22), (50, 66)]))
    for counts in (seen.segments, seen.segments_grid):
        assert {LABELS[label - 1].name for label in counts} == {"sky", "floor", "person"}
        person = counts[BY_NAME["person"].id]
        assert (person.matched, person.missed, person.spurious) == (2, 0, 0)
        assert quality(counts)["sq"] > 0.95
    assert seen.labels.sum() == 104 * 160  # cells of the grid: 416 x 640 pixels, a quarter of each side
    assert np.trace(seen.labels) > 0.98 * seen.labels.sum()
    assert seen.depth["abs_rel"] == pytest.approx(0, abs=1e-4)
    assert seen.depth["silog_1"] == pytest.approx(0, abs=1e-6)


def test_people_who_touch_are_one_that_was_not_there(network):
    seen = look(network, scene([(30, 42), (42, 54), (54, 66)]))
    person = seen.segments_grid[BY_NAME["person"].id]
    assert (person.matched, person.missed, person.spurious) == (0, 3, 1)
    assert seen.pq == pytest.approx(np.mean([q.pq for q in seen.segments.values()]))


def test_depth_that_is_too_far_does_not_count(network):
    record = scene([])
    record.views[0].depth_m[40:50] = evaluate_worlds.FARTHEST_M + 1
    assert look(network, record).depth["abs_rel"] == pytest.approx(0, abs=1e-4)


def test_a_summary_adds_counts_and_means_pictures(network):
    one, two = look(network, scene([(10, 22)])), look(network, scene([(30, 42), (42, 54), (54, 66)]))
    both = summary([one, two])
    assert both["scenes"] == 2
    person = both["categories"]["person"]
    assert person["segments"] == 4
    assert person["rq"] == pytest.approx(1 / (1 + 0.5 * (3 + 1)))
    assert both["depth"]["abs_rel"] == pytest.approx((one.depth["abs_rel"] + two.depth["abs_rel"]) / 2)
    matrix = one.labels + two.labels
    ious = [matrix[i, i] / (matrix[i].sum() + matrix[:, i].sum() - matrix[i, i]) for i in np.flatnonzero(matrix.sum(1))]
    assert both["miou"] == pytest.approx(np.mean(ious))


def test_what_is_nowhere_in_truth_has_no_quality_of_its_own():
    person, sky, wall = (BY_NAME[name].id for name in ("person", "sky", "wall"))
    counts = {
        person: PanopticQuality(0.8, 1, 1, 0),
        sky: PanopticQuality(0.9, 1, 0, 0),
        wall: PanopticQuality(0, 0, 0, 5),
    }
    means = quality(counts)
    assert means["pq_things"] == pytest.approx(0.8 / 1.5)
    assert means["pq_stuff"] == pytest.approx(0.9)
    assert means["pq"] == pytest.approx((0.8 / 1.5 + 0.9) / 2)


@pytest.fixture
def osd(tmp_path):
    """Five scenes to learn from in OSD's format, the fifth for validation, and a test scene that nobody can read."""
    labels = np.full((120, 160), BY_NAME["floor"].id)
    labels[40:] = BY_NAME["table"].id
    labels[50:70, 20:50] = labels[50:70, 90:130] = BY_NAME["person"].id
    ids = np.where(labels == BY_NAME["table"].id, 1, 0).astype(np.uint8)
    ids[50:70, 20:50], ids[50:60, 90:130], ids[60:70, 90:130] = 10, 20, 21
    depth = np.where(labels == BY_NAME["floor"].id, 0, 1000 * DEPTH_M * data.OSD_FOCAL_PX / 160).astype(np.uint16)
    for number in range(5):
        Image.fromarray(paint(labels)).save(tmp_path / f"learn{number}.jpg", quality=100, subsampling=0)
        Image.fromarray(ids).save(tmp_path / f"learn{number}.instances.png")
        Image.fromarray(depth).save(tmp_path / f"learn{number}.depth.png")
    (tmp_path / "test0.jpg").write_bytes(b"nobody looks at this")
    return tmp_path


def test_things_are_counted_whatever_they_are(network, osd):
    row = evaluate.instance_row(network, osd / "learn0.jpg")
    # Perception keeps table and objects apart by label; without centres the plain grouping has all things as one.
    assert (row["shipped"].matched, row["shipped"].missed, row["shipped"].spurious) == (3, 0, 0)
    assert (row["regions"].matched, row["regions"].missed, row["regions"].spurious) == (3, 0, 0)
    assert (row["plain"].missed, row["plain"].spurious + row["plain"].matched) == (3 - row["plain"].matched, 1)
    assert row["given_objects"].matched + row["given_objects"].missed == 2


def test_test_scenes_are_not_looked_at_unless_asked_for(network, osd):
    depth, things = evaluate.depth_report(network, osd), evaluate.instance_report(network, osd)
    assert list(depth) == list(things) == ["validation"]
    assert depth["validation"]["abs_rel"] == pytest.approx(0, abs=1e-3)
    assert things["validation"]["rq_shipped"] == 1
    for report in (evaluate.depth_report, evaluate.instance_report):
        with pytest.raises(OSError, match="test0"):
            report(network, osd, test=True)


@pytest.mark.slow
def test_before_training_the_network_is_one_merged_pass_of_its_teachers(teachers, tmp_path):
    from maquette.train.export import export
    from maquette.train.nets.perception import MaquetteSmall

    net = MaquetteSmall()
    net.ade.load_onnx(teachers / "ade20k31_deeplabv3_mobilenetv2.onnx")
    net.voc.load_onnx(teachers / "voc21_deeplabv3_mobilenetv2.onnx")
    export(net, tmp_path / "untrained.onnx")
    row = evaluate.agreement_row(
        evaluate.Network(tmp_path / "untrained.onnx"), Teachers(teachers, tmp_path), example("coffee")
    )
    assert row["student_ensemble"] == pytest.approx(row["initial_ensemble"], abs=0.02)
    assert row["student_ade"] > row["self_ade"]


def test_a_card_tells_what_was_measured_and_no_more(network):
    numbers = json.loads(NUMBERS.read_text())
    lean = {key: value for key, value in numbers.items() if key not in ("worlds", "predecessor")}
    lean["depth"] = {"validation": numbers["depth"]["validation"]}
    lean["instances"] = {"validation": {"pq_shipped": 0.125, **numbers["instances"]["validation"]}}
    text = card.render(lean)
    assert numbers["file"]["sha256"] in text
    assert "predecessor" not in text
    assert "ramp" not in text

    before = {**lean, "file": {**lean["file"], "sha256": "5" * 64}}
    before["worlds"] = {"all": summary([look(network, scene([(30, 42), (42, 54), (54, 66)]))])}
    sets = [
        {
            "name": "alley",
            "kind": "street",
            "scenes": 40,
            "held_out": 40,
            "seed": 7,
            "styles": "unseen",
            "photos": False,
        }
    ]
    after = {**lean, "predecessor": before, "worlds": {"all": summary([look(network, scene([(10, 22)]))])}}
    after["data"] = {**lean["data"], "worlds": sets, "worlds_test": sets, "worlds_size": [96, 64]}
    text = card.render(after)
    assert "5" * 64 in text
    old, new = (report["worlds"]["all"]["segments"]["pq"] for report in (before, after))
    assert f"| worlds, PQ | {old:.4f} | {new:.4f} |" in text
    assert "| alley | street | unseen |" in text
    assert "OSD test" not in text
