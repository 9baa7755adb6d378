"""``maquette-small``: cache targets, train, export, evaluate, write the card.

The whole of it, on two CPU cores without a GPU:

    python -m maquette.train perception all --photos DIR --rgbd DIR --teachers DIR --work DIR

``--start FILE`` begins where worlds join, with the weights of an earlier network of the same kind, and compares the new
one with it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from maquette.train import card, data, evaluate
from maquette.train.augment import cutouts
from maquette.train.data import Sample
from maquette.train.evaluate_worlds import worlds_report
from maquette.train.export import OPSET, difference, export, round_weights
from maquette.train.loop import WORLDS, Options, Trainer
from maquette.train.nets.perception import CAUTION, SURE, MaquetteSmall
from maquette.train.targets import build, worlds
from maquette.train.targets.semantic import Teachers
from maquette.worlds.run import read

log = logging.getLogger(__name__)

MODELS = Path(__file__).parents[2] / "models"
PARITY_SIZES = ((512, 512), (448, 576), (640, 416), (256, 960), (96, 128))


@dataclass(frozen=True)
class Places:
    """Where everything lies.

    Attributes:
        photos: Unlabelled photos (``*.jpg``).
        rgbd: Holds ``osd`` and ``aims``.
        teachers: Holds the teachers' files.
        work: Cache, worlds, checkpoints and times.
        models: Where the network and its card go.
    """

    photos: Path
    rgbd: Path
    teachers: Path
    work: Path
    models: Path

    @property
    def worlds(self) -> Path:
        """Rendered data sets."""
        return self.work / "worlds"

    @property
    def network(self) -> Path:
        """The ONNX file."""
        return self.models / "maquette-small.onnx"

    @property
    def numbers(self) -> Path:
        """What the evaluation measured."""
        return self.models / "maquette-small.json"

    def pictures(self) -> dict[str, list[Path]]:
        """Every picture by its part: to learn from (``photo``, ``osd``, ``aims``) or held out."""
        photos, held_photos = data.photo_paths(self.photos)
        osd, held_osd, test_osd = data.osd_paths(self.rgbd / "osd")
        aims = data.numbered(self.rgbd / "aims", "*.jpg")
        return {
            "photo": photos,
            "osd": osd,
            "aims": aims,
            "held_photos": held_photos,
            "held_osd": held_osd,
            "test_osd": test_osd,
        }


def samples(places: Places) -> list[Sample]:
    """Return the samples to learn from, in a fixed order."""
    pictures, cache = places.pictures(), places.work / "cache"
    cached = [
        build.load(build.sample_path(cache, group, path))
        for group in ("photo", "osd", "aims")
        for path in pictures[group]
    ]
    return cached + [sample for one in worlds.LEARN for sample in worlds.samples(places.worlds, one)]


def start(places: Places, seed: int) -> MaquetteSmall:
    """Return the network before training: the teachers' trunks, and heads drawn from ``seed``."""
    torch.manual_seed(seed)
    net = MaquetteSmall()
    net.ade.load_onnx(places.teachers / "ade20k31_deeplabv3_mobilenetv2.onnx")
    net.voc.load_onnx(places.teachers / "voc21_deeplabv3_mobilenetv2.onnx")
    return net


def make_targets(places: Places) -> None:
    """Run the teachers once over everything to learn from."""
    pictures = places.pictures()
    build.build(pictures["photo"], pictures["osd"], pictures["aims"], places.teachers, places.work / "cache")


def make_worlds(places: Places) -> None:
    """Render the worlds, to learn from and to test on."""
    textures = places.work / "textures"
    textures.mkdir(parents=True, exist_ok=True)
    for photo in places.pictures()["photo"]:
        if not (link := textures / photo.name).exists():
            link.symlink_to(photo.resolve())
    worlds.make(places.worlds, worlds.LEARN + worlds.TEST, textures)


def train(places: Places, options: Options, begin: Path | None, until: int | None) -> None:
    """Train from the last checkpoint in ``work``; without one, from ``begin``, or from the teachers."""
    everything = samples(places)
    trainer = Trainer(start(places, options.seed), everything, cutouts(everything), options)
    checkpoint = places.work / "checkpoint.pt"
    if checkpoint.exists():
        trainer.load(checkpoint)
        log.info("going on from step %d", trainer.step)
    elif begin is not None:
        trainer.begin_worlds(begin)
    trainer.run(places.work, until)


def trained(places: Places) -> MaquetteSmall:
    """Return the network with the last checkpoint's averaged weights, rounded as they are stored."""
    state = torch.load(places.work / "checkpoint.pt", weights_only=True)
    net = MaquetteSmall()
    net.load_state_dict(state["average"])
    round_weights(net)
    return net


def write_network(places: Places) -> None:
    """Export the averaged weights of the last checkpoint."""
    export(trained(places), places.network)


def measure(places: Places, predecessor: Path | None) -> None:
    """Measure the exported network, and the one before it, and write the numbers of its card."""
    pictures = places.pictures()
    teachers = Teachers(places.teachers, places.work / "cache")
    net = trained(places)
    state = torch.load(places.work / "checkpoint.pt", weights_only=True)
    options = state["options"]
    times = _read_json(places.work / "times.json")
    numbers: dict[str, Any] = {
        "file": _file(places.network)
        | {
            "parameters": sum(parameter.numel() for parameter in net.parameters()),
            "opset": OPSET,
            "parity_sizes": [list(size) for size in PARITY_SIZES],
            "parity": difference(net, places.network, PARITY_SIZES),
        },
        "data": {
            "photos": len(pictures["photo"]),
            "held_photos": len(pictures["held_photos"]),
            "osd": len(pictures["osd"]),
            "held_osd": len(pictures["held_osd"]),
            "test_osd": len(pictures["test_osd"]),
            "aims": len(pictures["aims"]),
            "sha256_of_pictures_in_order": data.digest([path for part in pictures.values() for path in part]),
            "worlds_size": [worlds.WIDTH, worlds.HEIGHT],
            "worlds": [asdict(one) | {"held_out": one.held_out} for one in worlds.LEARN],
            "worlds_test": [asdict(one) | {"held_out": one.scenes} for one in worlds.TEST],
        },
        "training": {
            "start": state["start"],
            "start_step": options["rounds"][WORLDS]["start"],
            "steps": state["step"],
            "trunk_until": options["trunk_until"],
            "trunk_share": options["trunk_share"],
            "correction": CAUTION,
            "sure": SURE,
            "frozen_steps": options["frozen_steps"],
            "seed": options["seed"],
            "machine": "two shared CPU cores, no GPU",
            "minutes": ", ".join(f"{stage} {seconds / 60:.0f} min" for stage, seconds in times.items()),
        },
        **_reports(places, places.network, teachers),
    }
    if predecessor is not None:
        numbers["predecessor"] = {"file": _file(predecessor), **_reports(places, predecessor, teachers)}
    _write(places.numbers, json.dumps(numbers, indent=2) + "\n")


def _file(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _reports(places: Places, path: Path, teachers: Teachers) -> dict[str, Any]:
    pictures, osd = places.pictures(), places.rgbd / "osd"
    network = evaluate.Network(path)
    return {
        "depth": evaluate.depth_report(network, osd, test=True),
        "confidence": evaluate.confidence_report(network, pictures["held_photos"], osd),
        "agreement": {
            "held out": evaluate.agreement_report(network, teachers, pictures["held_photos"]),
            "trained on": evaluate.agreement_report(network, teachers, pictures["photo"]),
        },
        "instances": evaluate.instance_report(network, osd, test=True),
        "worlds": worlds_report(network, {one.kind: read(places.worlds / one.name) for one in worlds.TEST}),
    }


def write_card(places: Places) -> None:
    """Generate the card from the numbers."""
    _write(places.models / "cards" / "maquette-small.md", card.render(_read_json(places.numbers)))


def _timed(places: Places, name: str, work: Callable[[], None]) -> None:
    begun = time.monotonic()
    work()
    path = places.work / "times.json"
    times = _read_json(path)
    times[name] = times.get(name, 0.0) + time.monotonic() - begun
    _write(path, json.dumps(times, indent=2) + "\n")


def _read_json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return content


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".part")
    aside.write_text(text)
    os.replace(aside, path)


def main(arguments: list[str]) -> int:
    """Parse the command line and run its stages; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m maquette.train perception", description=__doc__)
    parser.add_argument("stage", choices=("targets", "worlds", "train", "export", "evaluate", "card", "all"))
    for name in ("photos", "rgbd", "teachers", "work"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=MODELS)
    parser.add_argument("--steps", type=int, default=Options.steps)
    parser.add_argument("--start", type=Path, help="earlier network, to begin with where worlds join")
    parser.add_argument("--until", type=int, help="stop there; a later run goes on exactly")
    parser.add_argument("--seed", type=int, default=Options.seed)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(given.threads)
    places = Places(given.photos, given.rgbd, given.teachers, given.work, given.models)
    options = Options(steps=given.steps, seed=given.seed)
    stages: dict[str, Callable[[], None]] = {
        "targets": partial(make_targets, places),
        "worlds": partial(make_worlds, places),
        "train": partial(train, places, options, given.start, given.until),
        "export": partial(write_network, places),
        "evaluate": partial(measure, places, given.start),
        "card": partial(write_card, places),
    }
    for name, work in stages.items():
        if given.stage in (name, "all"):
            _timed(places, name, work)
    return 0
