"""``maquette-small``: cache targets, train, export, evaluate, write the card.

The whole of it, on two CPU cores without a GPU:

    python -m maquette.train perception all --photos DIR --rgbd DIR --teachers DIR --work DIR
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import dataclass
from pathlib import Path

import torch

from maquette.train import data
from maquette.train.augment import cutouts
from maquette.train.data import Sample
from maquette.train.export import export, round_weights
from maquette.train.loop import Options, Trainer
from maquette.train.nets.perception import MaquetteSmall
from maquette.train.targets import build

log = logging.getLogger(__name__)

MODELS = Path(__file__).parents[2] / "models"


@dataclass(frozen=True)
class Places:
    """Where everything lies.

    Attributes:
        photos: Unlabelled photos (``*.jpg``).
        rgbd: Holds ``osd`` and ``aims``.
        teachers: Holds the teachers' files.
        work: Cache, checkpoints and logs.
        models: Where the network and its card go.
    """

    photos: Path
    rgbd: Path
    teachers: Path
    work: Path
    models: Path


def samples(places: Places) -> list[Sample]:
    """Return the cached samples to learn from, in a fixed order."""
    photos, _ = data.photo_paths(places.photos)
    osd, _, _ = data.osd_paths(places.rgbd / "osd")
    aims = data.numbered(places.rgbd / "aims", "*.jpg")
    cache = places.work / "cache"
    groups = (("photo", photos), ("osd", osd), ("aims", aims))
    return [build.load(build.sample_path(cache, group, path)) for group, paths in groups for path in paths]


def start(places: Places, seed: int) -> MaquetteSmall:
    """Return the network before training: the teachers' trunks, and heads drawn from ``seed``."""
    torch.manual_seed(seed)
    net = MaquetteSmall()
    net.ade.load_onnx(places.teachers / "ade20k31_deeplabv3_mobilenetv2.onnx")
    net.voc.load_onnx(places.teachers / "voc21_deeplabv3_mobilenetv2.onnx")
    return net


def make_targets(places: Places) -> None:
    """Run the teachers once over everything."""
    train, held = data.photo_paths(places.photos)
    osd, osd_held, _ = data.osd_paths(places.rgbd / "osd")
    aims = data.numbered(places.rgbd / "aims", "*.jpg")
    build.build(train + held, osd + osd_held, aims, places.teachers, places.work / "cache")


def train(places: Places, options: Options, until: int | None) -> None:
    """Train from the last checkpoint in ``work``, or from the start."""
    everything = samples(places)
    trainer = Trainer(start(places, options.seed), everything, cutouts(everything), options)
    checkpoint = places.work / "checkpoint.pt"
    if checkpoint.exists():
        trainer.load(checkpoint)
        log.info("going on from step %d", trainer.step)
    trainer.run(places.work, until)


def write_network(places: Places) -> None:
    """Export the averaged weights of the last checkpoint."""
    net = trained(places)
    export(net, places.models / "maquette-small.onnx")


def trained(places: Places) -> MaquetteSmall:
    """Return the network with the last checkpoint's averaged weights, rounded as they are stored."""
    state = torch.load(places.work / "checkpoint.pt", weights_only=True)
    net = MaquetteSmall()
    net.load_state_dict(state["average"])
    round_weights(net)
    return net


def main(arguments: list[str]) -> int:
    """Parse the command line and run its stages; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m maquette.train perception", description=__doc__)
    parser.add_argument("stage", choices=("targets", "train", "export", "all"))
    for name in ("photos", "rgbd", "teachers", "work"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=MODELS)
    parser.add_argument("--steps", type=int, default=Options.steps)
    parser.add_argument("--until", type=int, help="stop there; a later run goes on exactly")
    parser.add_argument("--seed", type=int, default=Options.seed)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(given.threads)
    places = Places(given.photos, given.rgbd, given.teachers, given.work, given.models)
    places.work.mkdir(parents=True, exist_ok=True)
    options = Options(steps=given.steps, seed=given.seed)
    if given.stage in ("targets", "all"):
        make_targets(places)
    if given.stage in ("train", "all"):
        train(places, options, given.until)
    if given.stage in ("export", "all"):
        write_network(places)
    return 0
