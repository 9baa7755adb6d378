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

MODELS = Path(str(files("maquette") / "models"))
NAMES = ("maquette-voxels", "maquette-voxels-paper")
SCENES = 8


def numbers(name):
    return json.loads((MODELS / f"{name}.json").read_text())


@pytest.mark.parametrize("name", NAMES)
def test_file_catalogue_and_card_speak_of_the_same_network(name):
    content = (MODELS / f"{name}.onnx").read_bytes()
    told, model = numbers(name), resolve(name)
    digest = hashlib.sha256(content).hexdigest()
    assert len(content) < 12e6
    assert (model.sha256, model.bytes) == (digest, len(content))
    assert (told["file"]["sha256"], told["file"]["bytes"]) == (digest, len(content))
    assert told["file"]["parity"] < 1e-4
    chosen = told["measured"]["unseen"]["thresholds"]
    assert (model.output.occupied, model.output.present) == (chosen["occupancy"], chosen["classes"])
    assert (MODELS / "cards" / f"{name}.md").read_text() == card.render(told)


def test_ours_is_better_than_the_papers_in_every_styles_and_number_of_views():
    ours, theirs = (numbers(name)["measured"] for name in NAMES)
    for styles, views in itertools.product(("seen", "unseen"), "123"):
        for measure in ("occupancy", "miou"):
            assert ours[styles]["views"][views]["pooled"][measure] > theirs[styles]["views"][views]["pooled"][measure]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_unseen_rooms_come_out_as_the_card_says(name, tmp_path):
    pytest.importorskip("moderngl")
    from maquette.worlds.options import TruthOptions, WorldOptions
    from maquette.worlds.run import generate, read

    told = numbers(name)
    (unseen,) = (one for one in told["data"] if one["name"] == "unseen")
    worlds = WorldOptions("studio", styles=unseen["styles"])
    try:
        generate(worlds, TruthOptions(), tmp_path / "worlds", scenes=SCENES, seed=unseen["seed"], workers=1)
    except MaquetteError as error:
        pytest.skip(str(error))
    model, chosen = resolve(name), told["measured"]["unseen"]["thresholds"]
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
