"""Networks in 8 bits against their originals, by what rounding can do at most."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from PIL import Image

from maquette.models.catalogue import EMBEDDED, resolve, verified_path
from maquette.perception.network import to_input
from maquette.train import quantise
from maquette.train.evaluate import Network
from tests.perception import tiny

pytestmark = pytest.mark.train


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Two pictures of random colours."""
    paths = [tmp_path / f"{seed}.png" for seed in range(2)]
    for seed, path in enumerate(paths):
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (12, 16, 3), np.uint8)).save(path)
    return paths


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """Two pointwise convolutions, ``/first/Conv`` and ``/second/Conv``, weights stored as float16."""
    random = np.random.default_rng(5)
    weights = {
        "a": random.normal(size=(24, 3, 1, 1)).astype(np.float16),
        "b": random.normal(size=(6, 24, 1, 1)).astype(np.float16),
    }
    nodes = [
        helper.make_node("Cast", ["a"], ["a32"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["b"], ["b32"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["image", "a32"], ["hidden"], name="/first/Conv"),
        helper.make_node("Conv", ["hidden", "b32"], ["out"], name="/second/Conv"),
    ]
    return tiny.write(tmp_path / "net.onnx", nodes, weights, {"out": (TensorProto.FLOAT, [1, 6, "h", "w"])}, {})


def run(path: Path, image: np.ndarray) -> np.ndarray:
    result: np.ndarray = onnxruntime.InferenceSession(str(path)).run(None, {"image": image})[0]
    return result


def kinds(path: Path) -> list[str]:
    return [node.op_type for node in onnx.load(path).graph.node]


def test_a_flat_copy_has_no_casts_and_computes_the_same(network: Path) -> None:
    image = np.random.default_rng(0).random((1, 3, 8, 8), np.float32)
    with quantise.flat(network) as path:
        assert "Cast" not in kinds(path)
        assert np.array_equal(run(path, image), run(network, image))
    assert not path.exists()


def test_what_is_lost_is_what_rounding_can_lose(pictures: list[Path], tmp_path: Path) -> None:
    weight = np.random.default_rng(5).normal(size=(6, 3, 1, 1)).astype(np.float32)
    nodes = [helper.make_node("Conv", ["image", "weight"], ["out"], name="/Conv")]
    exact = tiny.write(
        tmp_path / "net.onnx", nodes, {"weight": weight}, {"out": (TensorProto.FLOAT, [1, 6, "h", "w"])}, {}
    )
    quantise.static_int8(exact, tmp_path / "int8.onnx", pictures)
    image = to_input(np.asarray(Image.open(pictures[0])), resolve(EMBEDDED).input)[0]
    off = np.abs(run(tmp_path / "int8.onnx", image) - run(exact, image))[0].reshape(6, -1)
    size = np.abs(weight[..., 0, 0])
    in_image, in_weight = 2 / 255 / 2, size.max(1) / 127 / 2
    in_out = 2 * size.sum(1).max() / 255 / 2
    assert off.max() > 0
    assert np.all(off.max(1) <= size.sum(1) * in_image + 3 * in_weight * (1 + in_image) + in_out + 1e-6)


def test_only_what_is_named_is_quantised(network: Path, pictures: list[Path], tmp_path: Path) -> None:
    quantise.static_int8(network, tmp_path / "int8.onnx", pictures, ("/second/",))
    graph = onnx.load(tmp_path / "int8.onnx").graph
    stored = {t.name for t in graph.initializer if t.data_type == TensorProto.INT8}
    assert any(name.startswith("b") for name in stored) and not any(name.startswith("a") for name in stored)


def test_dynamic_quantisation_needs_no_pictures(network: Path, tmp_path: Path) -> None:
    quantise.dynamic_int8(network, tmp_path / "int8.onnx")
    assert "ConvInteger" in kinds(tmp_path / "int8.onnx")
    image = np.random.default_rng(1).random((1, 3, 32, 32), np.float32) * 2 - 1
    found, exact = run(tmp_path / "int8.onnx", image), run(network, image)
    assert np.corrcoef(found.ravel(), exact.ravel())[0, 1] > 0.999


def test_worse_is_more_of_an_error_and_less_of_a_quality() -> None:
    assert quantise.worse({"abs_rel": 0.1, "pq": 0.5}, {"abs_rel": 0.11, "pq": 0.45}) == pytest.approx(
        {"abs_rel": 0.1, "pq": 0.1}
    )
    assert quantise.worse({"delta1": 0.8}, {"delta1": 0.9})["delta1"] < 0


def test_a_network_loses_nothing_against_itself(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for index in range(5):  # every fifth is held out
        low = random.integers(0, 256, (6, 8, 3), np.uint8)
        Image.fromarray(low).resize((320, 240)).save(tmp_path / f"learn{index}.jpg")
        depth = np.linspace(800, 2000, 240).astype(np.uint16)[:, None].repeat(320, 1)
        Image.fromarray(depth).save(tmp_path / f"learn{index}.depth.png")
        ids = np.zeros((240, 320), np.uint8)
        ids[40:] = 1
        ids[90:150, 100:180] = 40
        Image.fromarray(ids).save(tmp_path / f"learn{index}.instances.png")
    network = Network(verified_path(resolve(EMBEDDED)))
    photo = tmp_path / "learn0.jpg"
    labels = network(np.asarray(Image.open(photo)))[0].argmax(0)
    found = quantise.metrics(network, {photo: labels}, tmp_path)
    assert set(found) == {*quantise.ERRORS, *quantise.QUALITIES}
    assert found["labels kept"] == 1
    ((wall, cpu),) = quantise.milliseconds([network], rounds=1)
    assert wall > 0 and cpu > 0
