"""The voxel networks: train, search, export, measure, write the card.

All of it for one of the embedded networks, on a laptop:

    python -m maquette.train voxels all --network lifting --work DIR

The paper's own training, on any data set of studio worlds:

    python -m maquette.train voxels train --network everted --preset paper --widths 512,128,32,8 \\
        --data DIR --validation DIR --work DIR
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from maquette.cli.flags import add_flags, from_flags
from maquette.errors import MaquetteError
from maquette.export.atomic import whole
from maquette.models.catalogue import sha256
from maquette.models.types import VoxelKind
from maquette.train.export import OPSET
from maquette.train.nets.extractor import Extractor, MobileNet, ResNet
from maquette.train.voxels import card, evaluate, files
from maquette.train.voxels.data import Rooms, prepare
from maquette.train.voxels.loop import Trainer, make_network
from maquette.train.voxels.options import LAPTOP, Kind, Part, TrainOptions
from maquette.voxels.types import CLASSES
from maquette.worlds.options import TruthOptions, WorldOptions
from maquette.worlds.run import generate, read

log = logging.getLogger(__name__)

MODELS = Path(__file__).parents[2] / "models"
NAMES: dict[Kind, str] = {"lifting": "maquette-voxels", "everted": "maquette-voxels-paper"}
CONTRACTS: dict[Kind, VoxelKind] = {"lifting": "lifting", "everted": "fixed"}
PARITY = 1e-4
"""Greatest difference between the probabilities of a network and of its ONNX file."""


@dataclasses.dataclass(frozen=True)
class Scenes:
    """A data set of studio worlds.

    Attributes:
        name: Of its folder.
        scenes: How many; the paper's search has 4,500, 500 and 250.
        seed: Theirs.
        styles: Which varieties of things.
        use: What it is for, on the card.
    """

    name: str
    scenes: int
    seed: int
    styles: Literal["seen", "unseen"]
    use: str


SETS = (
    Scenes("train", 4500, 5, "seen", "learned from"),
    Scenes("valid", 500, 6, "seen", "chose when to stop, and the thresholds (its first 100)"),
    Scenes("seen", 250, 8, "seen", "measured on"),
    Scenes("unseen", 250, 7, "unseen", "measured on"),
)
TRAINING_DATA = (
    "4,500 rendered studio scenes of our own (Apache-2.0), over frozen features of maquette-small, which learned from "
    "what its card says"
)
THRESHOLD_SCENES = 100
"""Scenes of the validation set on which thresholds are chosen."""

SEARCHED: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("rate", (0.0001, 0.001, 0.01)),
    ("dropout", (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)),
    ("dropout_segment", (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)),
    ("batch", (2, 4, 8, 16)),
    ("batch_segment", (2, 4, 8, 16)),
)
"""What the paper's search tries, one after the other (Everted U-Net, section 4)."""


def make_worlds(folder: Path) -> None:
    """Render what is missing of ``SETS``, each into its own folder."""
    for one in SETS:
        options = WorldOptions("studio", styles=one.styles)
        made = generate(options, TruthOptions(), folder / one.name, scenes=one.scenes, seed=one.seed)
        log.info("%s: %d scenes, %d of them new", one.name, made.scenes, made.made)


def rooms(learn: Path, validation: Path, work: Path, extractor: Extractor) -> tuple[Rooms, Rooms]:
    """Return the rooms of two data sets; their features are kept in ``work``."""
    kept = work / "rooms"
    return prepare(learn, kept / "train", extractor), prepare(validation, kept / "valid", extractor)


def fit(learn: Rooms, validation: Rooms, options: TrainOptions, folder: Path, until: int | None = None) -> Trainer:
    """Train from the last checkpoint in ``folder``, or from the start."""
    trainer = Trainer(learn, validation, options)
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        trainer.load(checkpoint)
        log.info("going on after %d epochs", len(trainer.history))
    trainer.run(folder, until)
    return trainer


def search(learn: Rooms, validation: Rooms, options: TrainOptions, folder: Path) -> TrainOptions:
    """Improve options one at a time, as the paper does: what lowers the validation error becomes the new baseline.

    Every training begins with the same weights. The options of reconstruction are judged by its own error, those of
    segmentation by its own. Each trial is kept in a folder of its own, so that a stopped search goes on, and in
    ``search.json``. (The paper compares by the error on its test sample; this does not.)
    """
    trials: list[dict[str, Any]] = []

    def errors(tried: TrainOptions) -> dict[Part, float]:
        """The least validation loss of the last stage in which each part learns."""
        name = "-".join(f"{getattr(tried, field):g}" for field, _ in SEARCHED)
        history = fit(learn, validation, tried, folder / name).history
        last = {stage.part: stage.name for stage in tried.stages()}
        found = {part: min(r["loss"] for r in history if r["stage"] == stage) for part, stage in last.items()}
        trials.append({**{field: getattr(tried, field) for field, _ in SEARCHED}, "loss": found})
        with whole(folder / "search.json") as fresh:
            fresh.write_text(json.dumps(trials, indent=1) + "\n", encoding="utf-8")
        return found

    best, least = options, errors(options)
    for field, values in SEARCHED:
        part: Part = "both"
        if options.network == "everted":
            part = "segment" if field.endswith("segment") else "reconstruct"
        elif field not in ("rate", "batch"):
            continue
        for value in values:
            if value == getattr(options, field):
                continue
            tried = dataclasses.replace(best, **{field: value})  # type: ignore[arg-type]
            found = errors(tried)
            if found[part] < least[part]:
                best, least = tried, found
    return best


def export(work: Path, out: Path, extractor: Extractor) -> dict[str, Any]:
    """Write the network of the checkpoint in ``work`` as ONNX, once both are seen to compute the same.

    Returns:
        What the card says of the file and of its training.

    Raises:
        MaquetteError: There is no finished training, or the two differ.
    """
    path = work / "checkpoint.pt"
    if not path.is_file():
        raise MaquetteError(f"{work}: has no checkpoint.pt; train there first")
    state = torch.load(path, map_location="cpu", weights_only=True)
    plan: dict[str, Any] = state["plan"]
    options = TrainOptions(**{field.name: plan[field.name] for field in dataclasses.fields(TrainOptions)})
    if state["progress"][0] < len(options.stages()):
        raise MaquetteError(f"{work}: its training has not ended; run train again, it goes on")
    if plan["extractor"] != extractor.name:
        raise MaquetteError(f"{work}: was trained on features of {plan['extractor']}, not of {extractor.name}")
    net = make_network(options, extractor.channels)
    net.load_state_dict(state["best_weights"])
    parameters = sum(value.numel() for value in (*net.parameters(), *extractor.parameters()))
    made = files.complete(extractor, net)
    with whole(out) as fresh:
        files.write(made, fresh)
        parity = files.difference(made, fresh)
        if parity > PARITY:
            raise MaquetteError(f"{out}: differs from its network by {parity:.2g}; none was written")
    stages = [
        {"stage": stage.name, "batch": stage.batch, "epochs": sum(r["stage"] == stage.name for r in state["history"])}
        | {"samples": seen}
        for stage, seen in zip(options.stages(), state["rooms_seen"], strict=True)
    ]
    return {
        "file": {
            "bytes": out.stat().st_size,
            "sha256": sha256(out),
            "parameters": parameters,
            "opset": OPSET,
            "parity": parity,
        },
        "training": {
            "seconds": round(state["seconds"]),
            "samples": sum(state["rooms_seen"]),
            "stages": stages,
            "options": dataclasses.asdict(options),
        },
    }


def choose(network: Path, kind: Kind, validation: Path) -> evaluate.Thresholds:
    """Choose a network's thresholds on the first scenes of a validation set."""
    reader = read(validation)
    scenes = (reader[number] for number in range(min(THRESHOLD_SCENES, len(reader))))
    thresholds = evaluate.choose_thresholds(evaluate.predictor(evaluate.exported(network, CONTRACTS[kind])), scenes)
    log.info("thresholds: %s", thresholds)
    return thresholds


def measure(
    network: Path, kind: Kind, thresholds: evaluate.Thresholds, data: Path, sets: Sequence[str]
) -> dict[str, Any]:
    """Measure a network on sets in ``data``; by the name of each."""
    run = evaluate.predictor(evaluate.exported(network, CONTRACTS[kind]))
    return {
        name: evaluate.report(evaluate.measure(run, iter(read(data / name)), thresholds), thresholds) for name in sets
    }


def contract(network: Path, kind: Kind, thresholds: evaluate.Thresholds, data: str, licence: str) -> dict[str, Any]:
    """Return what makes an ONNX file a network of ``maquette voxels``: see docs/voxels.md."""
    return {
        "task": "voxels",
        "sha256": sha256(network),
        "bytes": network.stat().st_size,
        "licence_code": "Apache-2.0",
        "licence_weights": licence,
        "training_data": data,
        "output": {"kind": CONTRACTS[kind], "thresholds": dataclasses.asdict(thresholds), "classes": list(CLASSES)},
    }


def publish(kind: Kind, work: Path, data: Path, models: Path) -> None:
    """Export a trained network into ``models``, measure it there, and write its numbers, its contract and its card."""
    name = NAMES[kind]
    network = models / f"{name}.onnx"
    made = export(work / kind, network, MobileNet())
    thresholds = choose(network, kind, data / "valid")
    numbers = {
        "name": name,
        "kind": CONTRACTS[kind],
        **contract(network, kind, thresholds, TRAINING_DATA, "Apache-2.0"),
        **made,
        "data": [dataclasses.asdict(one) for one in SETS],
        "measured": measure(network, kind, thresholds, data, ("seen", "unseen")),
    }
    with whole(models / f"{name}.json") as fresh:
        fresh.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    with whole(models / "cards" / f"{name}.md") as fresh:
        fresh.write_text(card.render(numbers), encoding="utf-8")


def _extractor(given: argparse.Namespace) -> Extractor:
    return MobileNet() if given.resnet is None else ResNet(given.resnet)


def _sets(given: argparse.Namespace) -> tuple[Rooms, Rooms]:
    return rooms(given.data, given.validation, given.work, _extractor(given))


def _train(given: argparse.Namespace) -> None:
    fit(*_sets(given), from_flags(TrainOptions, given), given.work / given.network, given.until)


def _search(given: argparse.Namespace) -> None:
    options = from_flags(TrainOptions, given)
    best = search(*_sets(given), dataclasses.replace(options, patience=5), given.work / f"search_{given.network}")
    print(json.dumps({field: getattr(best, field) for field, _ in SEARCHED}))


def _export(given: argparse.Namespace) -> None:
    export(given.work / given.network, given.out, _extractor(given))
    thresholds = choose(given.out, given.network, given.validation)
    told = contract(given.out, given.network, thresholds, given.training_data, given.licence)
    with whole(given.out.with_suffix(".json")) as fresh:
        fresh.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def _all(given: argparse.Namespace) -> None:
    data = given.work / "worlds"
    make_worlds(data)
    learn, validation = rooms(data / "train", data / "valid", given.work, MobileNet())
    fit(learn, validation, from_flags(TrainOptions, given), given.work / given.network)
    publish(given.network, given.work, data, given.models)


def _start(arguments: list[str]) -> TrainOptions:
    """The options that the others are changed from: those of a preset and a network."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--network", default="lifting")
    parser.add_argument("--preset", default="laptop")
    given, _ = parser.parse_known_args(arguments)
    if given.preset == "laptop" and given.network in LAPTOP:
        return LAPTOP[given.network]
    return TrainOptions(network=given.network)


def _parser(start: TrainOptions) -> argparse.ArgumentParser:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m maquette.train voxels", description=__doc__, formatter_class=formatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, run, told in (
        ("all", _all, "make the data, train, export, measure and write the card of an embedded network"),
        ("train", _train, "train on data sets of your own"),
        ("search", _search, "the paper's search for a rate, dropout and batch sizes"),
        ("export", _export, "write a trained network as ONNX, and its contract with the best thresholds"),
    ):
        verb = verbs.add_parser(name, help=told)
        verb.set_defaults(run=run)
        verb.add_argument("--work", type=Path, required=True, help="folder of features, checkpoints and trials")
        if name in ("train", "search"):
            verb.add_argument("--data", type=Path, required=True, help="folder of studio worlds to learn from")
        if name != "all":
            verb.add_argument("--validation", type=Path, required=True, help="folder of others, to choose on")
        if name == "train":
            verb.add_argument("--until", type=int, help="stop after this many epochs; a later run goes on exactly")
        if name == "export":
            verb.add_argument("--out", type=Path, required=True, help="the ONNX file; its contract goes beside it")
            verb.add_argument("--training-data", default="unknown", help="what it learned from, for the record")
            verb.add_argument("--licence", default="unknown", help="of its weights, likewise")
            verb.add_argument("--network", choices=get_args(Kind), default="lifting")
        else:
            verb.add_argument(
                "--preset", choices=("laptop", "paper"), default="laptop", help="where the other options start [laptop]"
            )
            add_flags(verb, TrainOptions)
            verb.set_defaults(**dataclasses.asdict(start))
        if name == "all":
            verb.add_argument(
                "--models", type=Path, default=MODELS, help="where network, numbers and card go [the package]"
            )
        else:
            verb.add_argument(
                "--resnet", type=Path, help="folder of a ResNet-50 of transformers, to take features from"
            )
    return parser


def main(arguments: list[str]) -> int:
    """Run one verb; return the exit status."""
    given = _parser(_start(arguments)).parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        given.run(given)
    except MaquetteError as error:
        print(error, file=sys.stderr)
        return 2
    return 0
