"""``maquette worlds``: data sets of synthetic scenes with every kind of ground truth."""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import shtab

from maquette.cli.flags import add_flags, from_flags
from maquette.cli.report import DONE, Report
from maquette.errors import MaquetteError
from maquette.worlds.options import Engine, Layout, TruthOptions, WorldOptions

if TYPE_CHECKING:
    from maquette.worlds.record import SceneRecord


def add_arguments(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    """Add the verbs of ``maquette worlds`` and what they take."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="generate|preview|inspect|render")

    verb = verbs.add_parser("generate", parents=[common], allow_abbrev=False, help="make a data set, or go on with one")
    _add_folder(verb, "-o", "--out", required=True, help="folder of the data set")
    verb.add_argument("--scenes", metavar="N", type=int, default=100, help="how many [100]")
    _add_seed(verb)
    verb.add_argument("--workers", metavar="N", type=int, help="processes [one a core]")
    verb.add_argument(
        "--layout",
        choices=get_args(Layout),
        default="shards",
        help="shards are tar files (WebDataset), folders the layout of the Everted U-Net paper [shards]",
    )
    verb.add_argument("--shard", metavar="N", type=int, default=250, help="scenes in a shard [250]")
    verb.add_argument("--truth", action="store_true", help="with folders: all other truth beside the paper's files")
    verb.add_argument(
        "--engine",
        choices=get_args(Engine),
        default="local",
        help="processes of this machine, or a Ray cluster: that at RAY_ADDRESS, else one of this machine [local]",
    )
    _add_options(verb)
    verb.set_defaults(run=run_generate)

    verb = verbs.add_parser("preview", parents=[common], allow_abbrev=False, help="a contact sheet of all passes")
    _add_folder(verb, "dataset", nargs="?", help="folder of a data set; none makes scenes from the options")
    verb.add_argument("-o", "--out", metavar="PNG", type=Path, default=Path("sheet.png"), help="[sheet.png]")
    verb.add_argument("--scenes", metavar="N", type=int, default=4, help="how many [4]")
    verb.add_argument("--first", metavar="N", type=int, default=0, help="number of the first [0]")
    _add_seed(verb)
    _add_options(verb)
    verb.set_defaults(run=run_preview)

    verb = verbs.add_parser("inspect", parents=[common], allow_abbrev=False, help="count what a data set holds")
    _add_folder(verb, "dataset", help="folder of a data set")
    verb.set_defaults(run=run_inspect)

    verb = verbs.add_parser("render", parents=[common], allow_abbrev=False, help="one world as pictures, maps and GLB")
    _add_folder(verb, "dataset", nargs="?", help="folder of the data set that it is from; none takes the options")
    _add_folder(verb, "-o", "--out", required=True, help="new folder")
    verb.add_argument("--number", metavar="N", type=int, default=0, help="of the scene [0]")
    verb.add_argument(
        "--scale", metavar="X", type=int, default=1, help="times the width and height of its pictures [1]"
    )
    _add_seed(verb)
    _add_options(verb)
    verb.set_defaults(run=run_render)


def _add_folder(parser: argparse.ArgumentParser, *names: str, **how: object) -> None:
    action = parser.add_argument(*names, metavar="DIR", type=Path, **how)  # type: ignore[arg-type]
    action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]


def _add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="another one gives other worlds [0]")


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_flags(parser, WorldOptions)
    add_flags(parser, TruthOptions)


def run_generate(arguments: argparse.Namespace, report: Report) -> int:
    """Make a data set."""
    from maquette.worlds.run import generate

    start = time.perf_counter()
    with report.progress(str(arguments.out)) as tell:
        done = generate(
            from_flags(WorldOptions, arguments),
            from_flags(TruthOptions, arguments),
            arguments.out,
            scenes=arguments.scenes,
            seed=arguments.seed,
            workers=arguments.workers,
            layout=arguments.layout,
            engine=arguments.engine,
            shard=arguments.shard,
            beside=arguments.truth,
            progress=_rate(tell),
        )
    seconds = time.perf_counter() - start
    made = f"{done.made} made now, {done.made / seconds:.1f} a second" if done.made else "there already"
    report.line(f"{arguments.out}: {done.scenes} scenes, {made}")
    report.document(
        {"output": str(arguments.out), "scenes": done.scenes, "made": done.made, "seconds": round(seconds, 3)}
    )
    return DONE


def run_preview(arguments: argparse.Namespace, report: Report) -> int:
    """Draw a contact sheet."""
    from maquette.worlds.preview import write_sheet

    if arguments.scenes < 1 or arguments.first < 0:
        raise MaquetteError("--scenes must be 1 or more, and --first 0 or more")
    with report.progress(str(arguments.out)) as tell:
        records = _made(arguments) if arguments.dataset in (None, Path("-")) else _read(arguments)
        write_sheet(_told(records, tell), arguments.out)
    report.line(str(arguments.out))
    report.document({"sheet": str(arguments.out)})
    return DONE


def run_inspect(arguments: argparse.Namespace, report: Report) -> int:
    """Count what a data set holds."""
    from maquette.worlds.inspect import summarize, tables
    from maquette.worlds.run import read

    with report.progress(str(arguments.dataset)) as tell:
        summary = summarize(_told(iter(read(arguments.dataset)), tell))
    report.line(tables(summary))
    report.document({"dataset": str(arguments.dataset), **summary})
    return DONE


def run_render(arguments: argparse.Namespace, report: Report) -> int:
    """Render one world into a folder."""
    from maquette.worlds.plan import plan_of, read_index
    from maquette.worlds.still import render_still

    options, truth, seed = from_flags(WorldOptions, arguments), from_flags(TruthOptions, arguments), arguments.seed
    if arguments.dataset is not None:
        _no_options(arguments)
        plan = plan_of(read_index(arguments.dataset))
        options, truth, seed = plan.options, plan.truth, plan.seed
    if arguments.scale < 1 or arguments.number < 0:
        raise MaquetteError("--scale must be 1 or more, and --number 0 or more")
    options = dataclasses.replace(
        options, width=options.width * arguments.scale, height=options.height * arguments.scale
    )
    with report.progress(str(arguments.out)):
        done = render_still(options, truth, seed, arguments.number, arguments.out)
    report.line(f"{arguments.out}: a {done['kind']} of {done['objects']} objects, {done['pictures']} pictures")
    report.document({"output": str(arguments.out), **done})
    return DONE


def _made(arguments: argparse.Namespace) -> Iterator[SceneRecord]:
    """Scenes from the options, without a data set."""
    from maquette.worlds.render import make_renderer
    from maquette.worlds.run import produce

    options, truth = from_flags(WorldOptions, arguments), from_flags(TruthOptions, arguments)
    with make_renderer(truth.renderer, truth.samples) as renderer:
        for number in range(arguments.first, arguments.first + arguments.scenes):
            yield produce(options, truth, arguments.seed, number, renderer)


def _read(arguments: argparse.Namespace) -> Iterator[SceneRecord]:
    """Scenes of a data set."""
    from maquette.worlds.run import read

    _no_options(arguments)
    found = read(arguments.dataset)
    if arguments.first >= len(found):
        raise MaquetteError(f"{arguments.dataset}: holds {len(found)} scenes, so --first must be less")
    return islice((found[number] for number in range(arguments.first, len(found))), arguments.scenes)


def _no_options(arguments: argparse.Namespace) -> None:
    """Refuse options beside a data set, which has its own.

    Raises:
        MaquetteError: There are some.
    """
    for options in (WorldOptions, TruthOptions):
        given, own = from_flags(options, arguments), options()
        for field in dataclasses.fields(options):
            if getattr(given, field.name) != getattr(own, field.name):
                flag = "--" + field.name.replace("_", "-")
                raise MaquetteError(f"{arguments.dataset}: has options of its own; leave out {flag}, or the folder")


def _told(records: Iterator[SceneRecord], tell: Callable[[str], None]) -> Iterator[SceneRecord]:
    for number, record in enumerate(records, start=1):
        yield record
        tell(f"{number} scenes")


def _rate(tell: Callable[[str], None]) -> Callable[[int, int], None]:
    """Tell how far a data set is, how fast it goes, and how long the rest takes."""
    begun: list[tuple[float, int]] = []

    def progress(done: int, total: int) -> None:
        begun.append((time.perf_counter(), done)) if not begun else None
        (start, found), now = begun[0], time.perf_counter()
        text = f"{done} of {total} scenes"
        if done > found:
            rate = (done - found) / (now - start)
            text += f", {rate:.1f} a second, {(total - done) / rate / 60:.0f} min left"
        tell(text)

    return progress
