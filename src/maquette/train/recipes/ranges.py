"""The diorama paper's experiment (sections 3.2.1 and 4.1): does a depth network that knows rooms up to 10 m gain from
fine-tuning with outdoor scenes up to 150 m?

Pre-train indoors, fine-tune the same weights indoors and outdoors with the greater range, and measure both on scenes
that neither has seen, once, at the end.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from accelerate import PartialState
from numpy.typing import NDArray
from PIL import Image

import maquette
from maquette.cli.flags import add_flags, from_flags
from maquette.datasets import DepthSet, open_depth_set
from maquette.export.atomic import whole
from maquette.train.depth.evaluate import compare, score, summary, table, verdicts
from maquette.train.depth.frames import cached, divided
from maquette.train.depth.loop import fit
from maquette.train.depth.options import AugmentOptions, TrainOptions, from_arguments
from maquette.train.depth.pictures import sheet
from maquette.train.depth.predict import predict
from maquette.train.nets.glpn import Glpn, GlpnConfig, load_folder
from maquette.train.nets.mit import SIZES
from maquette.train.targets import worlds

LEARN = tuple(one for one in worlds.LEARN if not one.photos)
"""The photos of rooms' textures are not at hand everywhere."""

PRETRAINED, FINETUNED = "pre-trained", "fine-tuned"
SHOWN = 6
"""Test pictures of each place on the sheet."""


@dataclass(frozen=True)
class ExperimentOptions:
    """The experiment.

    Attributes:
        size: Of the encoder.
        near: Range of the pre-trained network, metres; rooms beyond it count as unknown.
        far: Range of the fine-tuned one and of the test, metres.
        pretrain_epochs: Times that every indoor picture is seen in pre-training; ``epochs`` is that of fine-tuning.
        pretrain_rate: Peak learning rate of pre-training; ``rate`` is that of fine-tuning.
        hold_out: Share of the pictures to validate with.
        scenes: Rooms to learn from, where worlds are made; half as many streets and landscapes each, and a sixth of all
            these numbers in unseen styles.
    """

    size: Literal["b0", "b1", "b2", "b3", "b4", "b5"] = "b4"
    near: float = 10.0
    far: float = 150.0
    pretrain_epochs: int = 25
    pretrain_rate: float = 1e-4
    hold_out: float = 0.05
    scenes: int = 1200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the experiment."""
    parser.add_argument("--work", type=Path, required=True, help="folder of everything that is made")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--worlds", type=Path, help="folder of worlds that an earlier run made; else they are made")
    source.add_argument("--diode", type=Path, help="folder of DIODE with train and val, instead of worlds")
    parser.add_argument("--start", type=Path, help="folder of a pre-trained GLPN, as transformers saves it")
    add_flags(parser, ExperimentOptions)
    add_flags(parser, TrainOptions)
    add_flags(parser, AugmentOptions)


def main(given: argparse.Namespace) -> None:
    """Run the experiment and print its table."""
    chosen = from_flags(ExperimentOptions, given)
    options, augmentation = from_arguments(given)
    if given.diode is not None:
        learn, test = [open_depth_set(given.diode / "train", "diode")], [open_depth_set(given.diode / "val", "diode")]
    else:
        with PartialState().main_process_first():  # the others find them made
            folder = given.worlds or make_worlds(given.work / "worlds", chosen.scenes)
        learn, test = ([open_depth_set(folder / one.name, "worlds") for one in sets] for sets in (LEARN, worlds.TEST))
    print(experiment(learn, test, given.work, chosen, options, augmentation, given.start))


def make_worlds(folder: Path, rooms: int) -> Path:
    """Make the worlds of the experiment, or what is missing of them, and return their folder."""
    share = rooms / LEARN[0].scenes
    sets = LEARN + worlds.TEST
    worlds.make(folder, tuple(replace(one, scenes=max(1, round(one.scenes * share))) for one in sets))
    return folder


def experiment(
    learn: Sequence[DepthSet],
    test: Sequence[DepthSet],
    work: Path,
    chosen: ExperimentOptions,
    options: TrainOptions,
    augmentation: AugmentOptions,
    start: Path | None,
) -> str:
    """Pre-train, fine-tune, and measure both.

    Writes ``report.md``, ``report.json`` and ``sheet.png`` (picture, truth, pre-trained, fine-tuned) to ``work``.

    Args:
        learn: What to learn from, indoors and outdoors.
        test: What to measure on.
        work: Folder of everything that is made; a run that was stopped goes on there.
        chosen: What the experiment is.
        options: How to fine-tune, and, but for epochs and rate, to pre-train.
        augmentation: What is done to pictures in both.
        start: Folder of a pre-trained network; None pre-trains one.

    Returns:
        The table and the tests, in Markdown; of several processes, the first alone measures.
    """
    size = (options.height, options.width)
    with PartialState().main_process_first():  # the others find the cache
        frames = [cached(source, size, work / "cache") for source in learn]
    if start is None:
        before = replace(options, epochs=chosen.pretrain_epochs, rate=chosen.pretrain_rate)
        torch.manual_seed(options.seed)
        net = Glpn(GlpnConfig(SIZES[chosen.size], max_depth=chosen.near))
        start = work / PRETRAINED / "network"
        fit(net, divided(frames, chosen.hold_out, ("indoor",)), before, augmentation, work / PRETRAINED)
    everything = divided(frames, chosen.hold_out)
    tuned = fit(load_folder(start).with_range(chosen.far), everything, options, augmentation, work / FINETUNED)
    if not PartialState().is_main_process:
        return ""
    nets = {PRETRAINED: load_folder(start), FINETUNED: tuned}
    scores, digest = score(nets, test, size, chosen.far)
    summed, tests = summary(scores), compare(scores, PRETRAINED, FINETUNED)
    text = f"{table(summed)}\n{verdicts(tests, FINETUNED)}"
    record: dict[str, Any] = {
        "maquette": maquette.__version__,
        "metrics": summed,
        "wilcoxon_silog_1": {subset: asdict(test) for subset, test in tests.items()},
        "experiment": asdict(chosen),
        "training": asdict(options),
        "augmentation": asdict(augmentation),
        "start": str(start),
        "learned_from": {source.name: {"frames": len(source), "sha256": source.sha256} for source in frames},
        "tested_on": {"frames": len(scores), "sha256": digest},
        "pictures": [
            {"name": row.name, "place": row.place, **{net: found[""].metrics() for net, found in row.errors.items()}}
            for row in scores
        ],
    }
    with whole(work / "report.json") as fresh:
        fresh.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    with whole(work / "report.md") as fresh:
        fresh.write_text(text, encoding="utf-8")
    with whole(work / "sheet.png") as fresh:
        Image.fromarray(_sheet(nets, test, size, chosen.far)).save(fresh, "PNG")
    return text


def _sheet(
    nets: dict[str, Glpn], test: Sequence[DepthSet], size: tuple[int, int], farthest_m: float
) -> NDArray[np.uint8]:
    rows = []
    for source in test:
        for number in np.linspace(0, len(source) - 1, min(SHOWN, len(source))).astype(int):
            frame = source[int(number)]
            truth = np.where(frame.depth_m <= farthest_m, frame.depth_m, np.float32(0))
            maps = [truth, *(predict(net, frame.rgb, size) for net in nets.values())]
            rows.append((frame.rgb[::2, ::2], [depth_m[::2, ::2] for depth_m in maps]))
    return sheet(rows)
