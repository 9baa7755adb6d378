import json
import re
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

import maquette.models
from maquette.errors import ModelError
from maquette.labels import from_name
from maquette.models.catalogue import (
    EMBEDDED,
    cache_dir,
    cached_file,
    choose,
    local_path,
    models,
    resolve,
    sha256,
    verified_path,
)
from maquette.models.session import run
from maquette.models.types import PanopticContract, VoxelContract
from tests.perception import tiny

HERE = Path(maquette.models.__file__).parent


def test_every_entry_is_complete():
    names = [model.name for model in models()]
    assert names[0] == EMBEDDED and len(set(names)) == len(names) > 1
    for model in models():
        assert model.licence_code != "unknown" and model.licence_weights != "unknown"
        assert model.training_data != "unknown"
        assert (model.file is None) != (model.source is None)
        assert model.sha256 is None or re.fullmatch("[0-9a-f]{64}", model.sha256)
        assert (model.output is None) == (model.task == "perception")
        if model.source:
            assert re.fullmatch("[0-9a-f]{40}|main", model.source.revision)


def test_categories_of_the_catalogue_are_known_to_us():
    for model in models():
        if isinstance(model.output, PanopticContract):
            named = [name for name in model.output.categories if name != "void"]
            unknown = [name for name in named if from_name(name, model.output.vocabulary) is None]
            assert not unknown and len(named) > 50


def test_the_embedded_network_is_here_small_enough_and_runs():
    model = resolve(EMBEDDED)
    path = verified_path(model)
    assert path.parent == HERE and path.stat().st_size <= 12 * 2**20
    assert model.bytes in (None, path.stat().st_size)
    outputs = (("semantic", (4,)), ("depth", (4,)), ("instance", (4,)))
    semantic, depth, instance = run(model, np.zeros((1, 3, 96, 64), np.float32), outputs)
    assert (semantic.shape, depth.shape, instance.shape) == ((1, 45, 24, 16), (1, 2, 24, 16), (1, 3, 24, 16))


def test_the_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("MAQUETTE_CACHE", str(tmp_path / "nets"))
    assert cache_dir() == tmp_path / "nets"
    remote = next(model for model in models() if model.source)
    assert local_path(remote) is None
    cached_file(remote).parent.mkdir(parents=True)
    cached_file(remote).write_bytes(b"x")
    assert local_path(remote) == cached_file(remote)
    assert len({cached_file(model) for model in models()}) == len(models())


def test_a_network_not_pulled_says_how_to_pull_it(monkeypatch, tmp_path):
    monkeypatch.setenv("MAQUETTE_CACHE", str(tmp_path))
    remote = next(model for model in models() if model.source)
    with pytest.raises(ModelError, match=f"models pull {remote.name}"):
        verified_path(remote)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ModelError, match=EMBEDDED):
        resolve("midas")


def test_a_path_takes_its_contract_from_the_json_beside_it(tmp_path):
    model = resolve(str(tiny.depth(tmp_path / "net.onnx", "inverse")))
    assert (model.name, model.task, model.tag) == ("net", "depth", "local")
    assert local_path(model) == tmp_path / "net.onnx"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"task": None}, "lacks task"),
        ({"input": None, "output": None}, "lacks input"),
        ({"output": None}, "lacks output"),
        ({"task": "dance"}, "perception, depth, panoptic"),
        ({"output": {"kind": "metric"}}, "lacks name"),
        ({"output": {"kind": "furlongs", "name": "depth"}}, "metric, relative, inverse, points"),
        ({"output": {"kind": "points", "points": "depth"}}, "lacks mask, scale"),
        ({"input": {"name": "image", "constants": {"tokens": 3}}}, "constants tokens: must be a JSON object"),
        ({"input": {"name": "image", "constants": {"tokens": {}}}}, "constants tokens: lacks value"),
        ({"input": {"name": "image", "constants": {"tokens": {"value": "3"}}}}, "value must be a number"),
        ({"input": {"name": "image", "constants": {"tokens": {"value": float("nan")}}}}, "value must be a number"),
        ({"input": {"name": "image", "constants": {"tokens": {"value": 3, "shape": [0]}}}}, "shape"),
        ({"input": {"name": "image", "constants": []}}, "JSON object"),
        (
            {
                "task": "panoptic",
                "output": {"kind": "label_map", "classes": "c", "categories": ["a"], "vocabulary": "x"},
            },
            "coco",
        ),
        ({"input": {}}, "lacks name"),
        ({"input": {"name": "image", "size": [3]}}, "size"),
        ({"input": {"name": "image", "size": [0, 3]}}, "size"),
        ({"input": {"name": "image", "std": [1, 0, 1]}}, "std"),
        ({"input": {"name": "image", "scale": "big"}}, "scale"),
        ({"input": {"name": "image", "layout": "hwcn"}}, "nchw, nhwc"),
        ({"input": 3}, "JSON object"),
        ({"task": "panoptic", "output": {"kind": "query_masks", "classes": "c"}}, "lacks categories, masks"),
        ({"task": "panoptic", "output": {"kind": "label_map", "classes": "c", "categories": []}}, "categories"),
    ],
)
def test_a_contract_that_lacks_something_says_what(tmp_path, change, says):
    path = tiny.depth(tmp_path / "net.onnx", "metric")
    card = path.with_suffix(".json")
    entry = json.loads(card.read_text()) | change
    card.write_text(json.dumps({name: value for name, value in entry.items() if value is not None}))
    with pytest.raises(ModelError, match=re.escape(says)) as raised:
        resolve(str(path))
    assert str(card) in str(raised.value)


VOXELS = {
    "task": "voxels",
    "output": {"kind": "lifting", "thresholds": {"occupancy": 0.4, "classes": 0.3}, "classes": ["chair", "bag"]},
}


def test_a_voxel_network_needs_no_input_in_its_contract_and_no_photo_takes_it(tmp_path):
    path = tiny.depth(tmp_path / "net.onnx", "metric")
    path.with_suffix(".json").write_text(json.dumps(VOXELS))
    model = resolve(str(path))
    assert model.output == VoxelContract("lifting", 0.4, 0.3, ("chair", "bag"))
    assert (model.input.name, model.input.size) == ("images", (224, 224))
    with pytest.raises(ModelError, match="maquette voxels --network"):
        choose([str(path)])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "guessing"}, "lifting, fixed"),
        ({"thresholds": None}, "thresholds: must be a JSON object"),
        ({"thresholds": {"occupancy": 0.4}}, "lacks classes"),
        ({"thresholds": {"occupancy": 1.0, "classes": 0.3}}, "below 1"),
        ({"thresholds": {"occupancy": 0, "classes": 0.3}}, "above 0"),
        ({"classes": "chair"}, "list of names"),
    ],
)
def test_a_voxel_contract_that_is_wrong_says_what(tmp_path, change, says):
    path = tiny.depth(tmp_path / "net.onnx", "metric")
    path.with_suffix(".json").write_text(json.dumps({**VOXELS, "output": {**VOXELS["output"], **change}}))
    with pytest.raises(ModelError, match=re.escape(says)):
        resolve(str(path))


@pytest.mark.parametrize("text", [None, "{", "[]", "\x00"])
def test_a_contract_that_is_no_json(tmp_path, text):
    path = tiny.depth(tmp_path / "net.onnx", "metric")
    card = path.with_suffix(".json")
    card.unlink() if text is None else card.write_text(text)
    with pytest.raises(ModelError, match=r"net\.json"):
        resolve(str(path))


def test_a_path_that_is_none():
    with pytest.raises(ModelError, match="no such file"):
        resolve("nowhere/net.onnx")


def test_a_tampered_file_is_refused_and_the_true_one_runs(tmp_path):
    path = tiny.depth(tmp_path / "net.onnx", "metric")
    card = path.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | {"sha256": sha256(path).upper()}))
    image = np.ones((1, 3, 8, 8), np.float32)
    (depth,) = run(resolve(str(path)), image, [("depth", (4,))])
    np.testing.assert_allclose(depth, 11)
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="not the file of network net"):
        run(resolve(str(path)), image, [("depth", (4,))])


@pytest.mark.parametrize("content", [b"", b"not onnx", b"\x08\x08\x12\x00"])
def test_a_corrupt_file_is_a_model_error(tmp_path, content):
    path = tiny.depth(tmp_path / "net.onnx", "metric")
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"net\.onnx") as raised:
        run(resolve(str(path)), np.ones((1, 3, 8, 8), np.float32), [("depth", (4,))])
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"input": {"name": "pixels"}}, "has no input pixels; it has image"),
        ({"input": {"name": "image", "constants": {"mask": {"value": 1}}}}, "has no input mask"),
        ({"output": {"kind": "metric", "name": "disparity"}}, "has no output disparity; it has depth"),
    ],
)
def test_names_that_the_file_does_not_have(tmp_path, change, says):
    path = tiny.depth(tmp_path / "net.onnx", "metric")
    card = path.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | change))
    model = resolve(str(path))
    with pytest.raises(ModelError, match=says):
        run(model, np.ones((1, 3, 8, 8), np.float32), [(model.output.name, (4,))])


def test_constants_reach_the_network_in_the_type_of_their_input(tmp_path):
    path = tiny.write(
        tmp_path / "net.onnx",
        [
            helper.make_node("ReduceSum", ["mask"], ["sum"], keepdims=0),
            helper.make_node("Cast", ["sum"], ["count"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["image", "count"], ["product"]),
            helper.make_node("Mul", ["product", "factor"], ["depth"]),
        ],
        {},
        {"depth": (TensorProto.FLOAT, [1, 3, "h", "w"])},
        {
            "task": "depth",
            "input": {
                "name": "image",
                "constants": {"mask": {"value": 1, "shape": [1, 4, 5]}, "factor": {"value": 0.25}},
            },
            "output": {"kind": "metric", "name": "depth"},
        },
        (
            helper.make_tensor_value_info("mask", TensorProto.INT64, [1, 4, 5]),
            helper.make_tensor_value_info("factor", TensorProto.FLOAT, []),
        ),
    )
    (depth,) = run(resolve(str(path)), np.ones((1, 3, 2, 2), np.float32), [("depth", (4,))])
    np.testing.assert_array_equal(depth, 20 * 0.25)


def test_an_output_of_the_wrong_rank_and_a_wrong_shape_of_input(tmp_path):
    model = resolve(str(tiny.depth(tmp_path / "net.onnx", "metric")))
    with pytest.raises(ModelError, match="shape"):
        run(model, np.ones((1, 3, 8, 8), np.float32), [("depth", (2,))])
    with pytest.raises(ModelError, match="failed on a picture"):
        run(model, np.ones((1, 2, 8, 8), np.float32), [("depth", (4,))])
