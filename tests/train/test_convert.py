import functools
import json
import math
import sys

import numpy as np
import pytest

pytest.importorskip("transformers", reason="the extra `train` is not installed")
pytest.importorskip("onnxscript", reason="the extra `train` is not installed")

import onnxruntime
import torch
import transformers
from benchmarks import architectures
from onnx import numpy_helper

from maquette.camera import Camera
from maquette.cli import main
from maquette.errors import ModelError
from maquette.labels import LABELS, from_name
from maquette.models.catalogue import resolve, verified_path
from maquette.models.options import ExportOptions
from maquette.perception.network import run_depth, run_panoptic
from maquette.train.convert import run
from maquette.train.convert.check import LIMITS
from maquette.train.convert.run import convert

pytestmark = pytest.mark.train

SIZES = {
    "glpn-b0": (64, 96),
    "depth-anything-small": (70, 98),
    "dpt-large": (64, 64),
    "eomt-base": (96, 96),
    "detr-resnet-50": (64, 96),
    "mask2former-swin-t": (64, 96),
    "oneformer-swin-t": (64, 96),
    "zoedepth": (64, 96),
}
SLOW = ("mask2former-swin-t", "oneformer-swin-t", "zoedepth")
DEPTH = ("glpn-b0", "depth-anything-small", "dpt-large", "zoedepth")


def each(names):
    return pytest.mark.parametrize(
        "name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in names]
    )


@pytest.fixture(scope="session")
def sources(tmp_path_factory):
    @functools.cache
    def source(name):
        folder = tmp_path_factory.mktemp("sources") / name
        architectures.save(name, "tiny", folder)
        return folder

    return source


@pytest.fixture(scope="session")
def exports(sources, tmp_path_factory):
    @functools.cache
    def export(name):
        height, width = SIZES[name]
        return convert(
            str(sources(name)), tmp_path_factory.mktemp("exports"), ExportOptions(height=height, width=width)
        )

    return export


def photo(height=90, width=120):
    ramp = np.linspace(0, 255, width)[None, :, None] * np.ones((height, 1, 3))
    ramp[20:60, 30:70] = (220, 30, 30)
    return ramp.astype(np.uint8)


@each(SIZES)
def test_the_file_computes_what_the_network_does(name, sources, exports):
    """Against the class of transformers itself, called as its documentation says."""
    kind = type(architectures.build(name, "tiny"))
    network = kind.from_pretrained(sources(name)).eval()
    rng = np.random.default_rng(1)
    image = rng.standard_normal((1, 3, *SIZES[name])).astype(np.float32)
    further = {}
    if kind.__name__.startswith("OneFormer"):
        tokenizer = transformers.CLIPTokenizer.from_pretrained(sources(name))
        words = tokenizer("the task is panoptic")["input_ids"]
        further["task_inputs"] = torch.tensor([words + [0] * (77 - len(words))])
    if kind.__name__.startswith("Detr"):
        image[..., 70:] = 0
        further["pixel_mask"] = torch.ones(1, *SIZES[name])
        further["pixel_mask"][..., 70:] = 0
    with torch.no_grad():
        truth = network(pixel_values=torch.from_numpy(image), **further)
    session = onnxruntime.InferenceSession(exports(name).path)
    assert [value.name for value in session.get_inputs()] == ["image"]
    for output, found in zip(session.get_outputs(), session.run(None, {"image": image}), strict=True):
        expected = truth[output.name].numpy()
        assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


@each(DEPTH)
def test_a_depth_network_runs_at_once(name, exports):
    model = resolve(str(exports(name).path))
    depth, _ = run_depth(photo(), model, Camera.from_fov(120, 90, 55))
    assert depth.shape == SIZES[name]
    assert (depth[np.isfinite(depth)] >= 0).all()
    assert model.output.kind == ("metric" if name in ("glpn-b0", "zoedepth") else "inverse")


@each([name for name in SIZES if name not in DEPTH])
def test_a_panoptic_network_runs_at_once(name, exports):
    model = resolve(str(exports(name).path))
    assert model.output.categories == architectures.TINY_CATEGORIES
    assert model.output.vocabulary == "coco"
    assert model.input.fit == "pad"
    found = run_panoptic(photo(), model)
    seen = 90 / 120 * SIZES[name][1] / SIZES[name][0]  # the photo is wide: part of the height is padding
    assert found.ids.shape[0] == pytest.approx(min(1, seen) * SIZES[name][0] / 4, abs=1)
    known = {from_name(category, "coco") for category in architectures.TINY_CATEGORIES}
    assert {segment.label for segment in found.segments} <= known <= set(LABELS)


@each(SIZES)
def test_the_card_says_what_is_true(name, sources, exports):
    made = exports(name)
    entry = json.loads(made.path.with_suffix(".json").read_text())
    network = architectures.build(name, "tiny")
    assert verified_path(resolve(str(made.path))) == made.path
    assert entry["bytes"] == made.path.stat().st_size
    assert entry["input"]["size"] == list(SIZES[name])
    assert entry["export"]["parameters"] == sum(weight.numel() for weight in network.parameters())
    assert entry["export"]["architecture"] == type(network).__name__
    assert max(entry["export"]["agreement"]["errors"].values()) < 1e-4
    card = made.path.with_suffix(".md").read_text()
    assert made.sha256 in card
    assert f"maquette models export {sources(name)} --height {SIZES[name][0]} --width {SIZES[name][1]}" in card
    assert str(torch.__file__).encode() not in made.path.read_bytes()  # no path of the machine that exported it


@pytest.mark.parametrize(("precision", "smaller"), [("fp16", 0.62), ("int8", 0.85)])
def test_smaller_weights_cost_what_the_card_says(precision, smaller, sources, exports, tmp_path):
    made = convert(
        str(sources("glpn-b0")), tmp_path, ExportOptions(precision=precision, height=64, width=96, name="small")
    )
    (error,) = made.agreement.errors.values()
    assert 1e-5 < error < LIMITS[precision][0]
    assert made.bytes < smaller * exports("glpn-b0").bytes
    assert made.path == tmp_path / "small.onnx"


def test_what_computes_something_else_is_refused(sources, tmp_path, monkeypatch):
    whole = run.to_graph

    def broken(*arguments):
        graph = whole(*arguments)
        weight = max(graph.graph.initializer, key=lambda tensor: math.prod(tensor.dims))
        weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight)[::-1].copy(), weight.name))
        return graph

    monkeypatch.setattr(run, "to_graph", broken)
    with pytest.raises(ModelError, match=r"predicted_depth is off by .* nothing was written"):
        convert(str(sources("glpn-b0")), tmp_path / "out", ExportOptions(height=64, width=96))
    assert list((tmp_path / "out").iterdir()) == []


def test_the_command_line(sources, tmp_path, capsys):
    words = ["models", "export", str(sources("glpn-b0")), "-o", str(tmp_path), "--height", "64", "--width", "96"]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["network"]
    assert told["path"] == str(tmp_path / "glpn-b0.onnx")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(before) == ["glpn-b0.json", "glpn-b0.md", "glpn-b0.onnx"]
    assert main(words) == 2
    assert "is there already; replace it with --overwrite" in capsys.readouterr().err
    assert main([*words, "--overwrite", "--quiet"]) == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before  # the same inputs, the same bytes


def test_without_the_extra_the_command_says_what_is_missing(monkeypatch, capsys):
    for name in [name for name in sys.modules if name.startswith("maquette.train.convert")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["models", "export", "someone/network"]) == 2
    assert 'exporting needs torch: pip install "maquette[export]"' in capsys.readouterr().err


def test_a_size_that_the_network_cannot_take(sources, tmp_path, capsys):
    words = ["models", "export", str(sources("dpt-large")), "-o", str(tmp_path), "--height", "64", "--width", "96"]
    assert main(words) == 2
    assert "takes no picture of 64 x 96" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
