"""Metric depth with GLPN: train or fine-tune it, measure it, export it, and repeat the diorama paper's experiment.

python -m maquette.train depth train --data DIR --work DIR [--start FOLDER --max-depth 150]
python -m maquette.train depth evaluate --data DIR --network FOLDER [--network FOLDER]
python -m maquette.train depth export --network FOLDER --out FILE.onnx
python -m maquette.train depth experiment --work DIR [--worlds DIR | --diode DIR]
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import get_args

import torch
from accelerate import PartialState

from maquette.cli.flags import add_flags
from maquette.datasets import Layout, open_depth_set
from maquette.errors import MaquetteError
from maquette.export.atomic import shown, whole
from maquette.models.catalogue import sha256
from maquette.train.depth.evaluate import compare, score, summary, table, verdicts
from maquette.train.depth.frames import cached, divided
from maquette.train.depth.loop import fit
from maquette.train.depth.options import AugmentOptions, TrainOptions, check_size, from_arguments
from maquette.train.export import difference, export
from maquette.train.nets.glpn import STRIDE, Glpn, GlpnConfig, load_folder
from maquette.train.nets.mit import SIZES
from maquette.train.recipes import ranges

PARITY = 1e-4
"""Greatest difference between a network and its ONNX file, as a share of ``max_depth``."""


def train(given: argparse.Namespace) -> None:
    """Train on data sets of any layout."""
    options, augmentation = from_arguments(given)
    torch.manual_seed(options.seed)
    if given.start is None:
        net = Glpn(GlpnConfig(SIZES[given.size], max_depth=given.max_depth))
    else:
        net = load_folder(given.start).with_range(given.max_depth)
    size = (options.height, options.width)
    with PartialState().main_process_first():  # the others find the cache
        sets = [cached(open_depth_set(path, given.layout), size, given.work / "cache") for path in given.data]
    fit(net, divided(sets, given.hold_out), options, augmentation, given.work, given.until)


def evaluate(given: argparse.Namespace) -> None:
    """Print the table of one or two networks, and with two the p-values of their difference."""
    check_size(given.height, given.width)
    nets = {f"{number} {path.name}": load_folder(path) for number, path in enumerate(given.network, start=1)}
    sets = [open_depth_set(path, given.layout) for path in given.data]
    scores, _ = score(nets, sets, (given.height, given.width), given.farthest)
    print(table(summary(scores)))
    if len(nets) == 2:
        print(verdicts(compare(scores, *nets), list(nets)[1]))


def write_onnx(given: argparse.Namespace) -> None:
    """Write a network as ONNX with its contract, once both are seen to compute the same."""
    check_size(given.height, given.width)
    net = load_folder(given.network)
    height, width = given.height, given.width
    with whole(given.out) as fresh:
        export(net, fresh, ("depth",), half=False, stride=1)
        error = difference(net, fresh, ((height, width), (width, height), (8 * STRIDE, 9 * STRIDE)))
        if error > PARITY * net.config.max_depth:
            raise MaquetteError(f"{shown(given.network)}: its ONNX file differs by {error:.2g} m; none was written")
    contract = {
        "name": given.out.stem,
        "task": "depth",
        "sha256": sha256(given.out),
        "bytes": given.out.stat().st_size,
        "training_data": given.training_data,
        "licence_weights": given.licence,
        "input": {"name": "image", "pixels": height * width, "multiple": STRIDE},
        "output": {"name": "depth", "kind": "metric"},
    }
    with whole(given.out.with_suffix(".json")) as fresh:
        fresh.write_text(json.dumps(contract, indent=2) + "\n", encoding="utf-8")


def _data_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, action="append", required=True, help="folder of a data set; may be repeated"
    )
    parser.add_argument("--layout", choices=get_args(Layout), help="how it is kept; found out where it is not given")


def _size_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--height", type=int, default=TrainOptions.height, help="rows that the network sees")
    parser.add_argument("--width", type=int, default=TrainOptions.width, help="columns that it sees")


def _parser() -> argparse.ArgumentParser:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m maquette.train depth", description=__doc__, formatter_class=formatter)
    verbs = parser.add_subparsers(dest="verb", required=True)

    learn = verbs.add_parser("train", help=train.__doc__)
    learn.set_defaults(run=train)
    _data_flags(learn)
    learn.add_argument("--work", type=Path, required=True, help="folder of the cache, the checkpoint and the network")
    learn.add_argument("--start", type=Path, help="folder of a GLPN to start from, as transformers saves it")
    learn.add_argument("--size", choices=SIZES, default="b4", help="size of a network that starts from nothing [b4]")
    learn.add_argument("--max-depth", type=float, default=150.0, help="greatest depth, metres [150]")
    learn.add_argument("--hold-out", type=float, default=0.05, help="share of the pictures to validate with [0.05]")
    learn.add_argument("--until", type=int, help="stop at this step; a later run goes on exactly")
    add_flags(learn, TrainOptions)
    add_flags(learn, AugmentOptions)

    measure = verbs.add_parser("evaluate", help=evaluate.__doc__)
    measure.set_defaults(run=evaluate)
    _data_flags(measure)
    measure.add_argument("--network", type=Path, action="append", required=True, help="folder of a GLPN; one or two")
    measure.add_argument(
        "--farthest", type=float, default=150.0, help="true depth beyond it does not count, metres [150]"
    )
    _size_flags(measure)

    write = verbs.add_parser("export", help=write_onnx.__doc__)
    write.set_defaults(run=write_onnx)
    write.add_argument("--network", type=Path, required=True, help="folder of a GLPN")
    write.add_argument("--out", type=Path, required=True, help="the ONNX file; its contract goes beside it")
    write.add_argument("--training-data", default="unknown", help="what it learned from, for the record of its outputs")
    write.add_argument("--licence", default="unknown", help="of its weights, likewise")
    _size_flags(write)

    repeat = verbs.add_parser("experiment", help="Repeat the diorama paper's experiment.")
    repeat.set_defaults(run=ranges.main)
    ranges.add_arguments(repeat)
    return parser


def main(arguments: list[str]) -> int:
    """Run one verb; return the exit status."""
    given = _parser().parse_args(arguments)
    level = logging.WARNING if sys.stderr.isatty() else logging.INFO
    logging.basicConfig(level=level, format="%(asctime)s %(message)s")
    try:
        given.run(given)
    except MaquetteError as error:
        print(error, file=sys.stderr)
        return 2
    return 0
