"""The voxel networks that ship: they are the files that their cards describe, and they do what the cards say."""

import hashlib
import itertools
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import maquette
from maquette.errors import MaquetteError
from maquette.examples import studio_example
from maquette.models.catalogue import resolve
from maquette.train.voxels import card, evaluate

PACKAGE = Path(str(files("maquette") / "models"))
BENCHMARKS = Path(__file__).parents[2] / "benchmarks" / "networks"
OURS, PAPERS = PACKAGE / "maquette-voxels.onnx", BENCHMARKS / "maquette-voxels-paper.onnx"
SCENES = 8


def numbers(path):
    return json.loads(path.with_suffix(".json").read_text())


def model_of(path):
    return resolve(path.stem if path == OURS else str(path))


@pytest.mark.parametrize("path", [OURS, PAPERS], ids=["ours", "papers"])
def test_file_contract_and_card_speak_of_the_same_network(path):
    content = path.read_bytes()
    told, model = numbers(path), model_of(path)
    digest = hashlib.sha256(content).hexdigest()
    assert len(content) < 12e6
    assert (model.sha256, model.bytes) == (digest, len(content))
    assert (told["file"]["sha256"], told["file"]["bytes"]) == (digest, len(content))
    assert told["file"]["parity"] < 1e-4
    chosen = told["measured"]["unseen"]["thresholds"]
    assert (model.output.occupied, model.output.present) == (chosen["occupancy"], chosen["classes"])
    assert (path.parent / "cards" / f"{path.stem}.md").read_text() == card.render(told)


def test_ours_is_better_than_the_papers_in_every_styles_and_number_of_views():
    ours, theirs = (numbers(path)["measured"] for path in (OURS, PAPERS))
    for styles, views in itertools.product(("seen", "unseen"), "123"):
        for measure in ("occupancy", "miou"):
            assert ours[styles]["views"][views]["pooled"][measure] > theirs[styles]["views"][views]["pooled"][measure]


@pytest.mark.slow
@pytest.mark.parametrize("path", [OURS, PAPERS], ids=["ours", "papers"])
def test_unseen_rooms_come_out_as_the_card_says(path, tmp_path):
    pytest.importorskip("moderngl")
    from maquette.worlds.options import TruthOptions, WorldOptions
    from maquette.worlds.run import generate, read

    told = numbers(path)
    (unseen,) = (one for one in told["data"] if one["name"] == "unseen")
    worlds = WorldOptions("studio", styles=unseen["styles"])
    try:
        generate(worlds, TruthOptions(), tmp_path / "worlds", scenes=SCENES, seed=unseen["seed"], workers=1)
    except MaquetteError as error:
        pytest.skip(str(error))
    model, chosen = model_of(path), told["measured"]["unseen"]["thresholds"]
    thresholds = evaluate.Thresholds(chosen["occupancy"], chosen["classes"])
    found = evaluate.measure(evaluate.predictor(model), read(tmp_path / "worlds"), thresholds, views=(3,))[3]
    card_says = told["measured"]["unseen"]["views"]["3"]["per_sample"]["occupancy"]
    assert found.occupancy.per_sample[0, 0] == pytest.approx(card_says, abs=0.08)


def test_the_example_has_its_objects():
    room = maquette.voxels(list(studio_example()))
    counts = {
        label: sum(thing.label == label for thing in room.voxels.objects) for label in ("person", "table", "chair")
    }
    assert all(counts.values()), counts
    assert (np.unique(room.voxels.instance)[1:] == [thing.id for thing in room.voxels.objects]).all()
