"""``maquette datasets``: what public data sets hold, and how good predictions on them are."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args

import shtab

from maquette.cli.flags import add_flags, from_flags
from maquette.cli.report import DONE, Report
from maquette.datasets.types import DepthOptions, Layout
from maquette.errors import MaquetteError

Frame = TypeVar("Frame")
_METRICS = ("abs_rel", "rmse_m", "rmse_log", "silog_1", "silog_half", "delta1", "delta2", "delta3")
_ALIGNMENTS = {
    "": "as predicted",
    "_median_scaled": "median scaled",
    "_affine_depth": "affine in depth",
    "_affine_disparity": "affine in disparity",
}


def add_arguments(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    """Add the verbs of ``maquette datasets`` and what they take."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="inspect|evaluate|panoptic")

    verb = verbs.add_parser("inspect", parents=[common], allow_abbrev=False, help="how far away things are, and where")
    _add_path(verb, "dataset", metavar="DIR", help="folder of a data set, or the .mat file of NYU Depth v2")
    _add_layout(verb)
    verb.set_defaults(run=run_inspect)

    verb = verbs.add_parser("evaluate", parents=[common], allow_abbrev=False, help="errors of depth maps or segments")
    _add_path(verb, "truth", metavar="TRUTH", help="a data set with depth, or a COCO panoptic JSON file")
    _add_path(verb, "prediction", metavar="PREDICTION", help="a folder of depth maps, or a COCO panoptic JSON file")
    _add_path(verb, "--against", metavar="DIR", help="depth maps of another network, to tell which is better")
    _add_layout(verb)
    add_flags(verb, DepthOptions)
    verb.set_defaults(run=run_evaluate)

    verb = verbs.add_parser("panoptic", parents=[common], allow_abbrev=False, help="worlds in COCO's panoptic format")
    _add_path(verb, "worlds", metavar="DIR", help="what `maquette worlds generate` made")
    _add_path(verb, "-o", "--out", metavar="DIR", required=True, help="new folder")
    verb.set_defaults(run=run_panoptic)


def _add_path(parser: argparse.ArgumentParser, *names: str, **how: Any) -> None:
    action = parser.add_argument(*names, type=Path, **how)
    action.complete = shtab.FILE  # type: ignore[attr-defined]


def _add_layout(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--layout", choices=get_args(Layout), help="how the data set is kept [what it looks like]")


def run_inspect(arguments: argparse.Namespace, report: Report) -> int:
    """Print the table of depths."""
    from maquette.datasets import open_depth_set
    from maquette.datasets.inspect import summarize, table

    with report.progress(str(arguments.dataset)) as tell:
        found = open_depth_set(arguments.dataset, arguments.layout)
        summary = summarize(_told(found, len(found), tell))
    report.line(f"{arguments.dataset}: {found.layout}")
    report.line(table(summary))
    report.document({"dataset": str(arguments.dataset), "layout": found.layout, "depth_m": summary})
    return DONE


def run_evaluate(arguments: argparse.Namespace, report: Report) -> int:
    """Compare predictions with the truth."""
    if arguments.truth.suffix.lower() == ".json":
        return _evaluate_panoptic(arguments, report)
    return _evaluate_depth(arguments, report)


def run_panoptic(arguments: argparse.Namespace, report: Report) -> int:
    """Write worlds as COCO panoptic."""
    from maquette.datasets.coco import write_panoptic
    from maquette.datasets.worlds import CATEGORIES, panoptic_frames

    with report.progress(str(arguments.out)) as tell:
        total, frames = panoptic_frames(arguments.worlds)
        count = write_panoptic(arguments.out, _told(frames, total, tell), CATEGORIES)
    report.line(f"{arguments.out}: {count} pictures")
    report.document({"output": str(arguments.out), "pictures": count})
    return DONE


def _evaluate_depth(arguments: argparse.Namespace, report: Report) -> int:
    from maquette.datasets import open_depth_set
    from maquette.datasets.evaluate import compare_depth, depth_summary, measure_depth

    truth, options = open_depth_set(arguments.truth, arguments.layout), from_flags(DepthOptions, arguments)
    folders = [folder for folder in (arguments.prediction, arguments.against) if folder]
    measured = []
    for folder in folders:
        with report.progress(str(folder)) as tell:
            measured.append(measure_depth(truth, folder, options, _counted(tell)))
    summaries = [depth_summary(rows) for rows in measured]
    for folder, summary in zip(folders, summaries, strict=True):
        for place, found in summary.items():
            report.line(
                f"{folder}: {place}, {found['pictures']} pictures, {found['unknown']:.2%} of pixels not predicted"
            )
            report.line(_depth_table(found["metrics"]))
    tests = compare_depth(*measured) if arguments.against else {}
    for place, test in tests.items():
        report.line(
            f"{place}: silog_1 of {arguments.against} is lower in {test['lower']} of {test['pairs']} pictures, higher "
            f"in {test['higher']}; Wilcoxon p {test['p_two_sided']:.3g}, that it is not lower {test['p_lower']:.3g}"
        )
    report.document(
        {
            "truth": str(arguments.truth),
            "layout": truth.layout,
            "options": dataclasses.asdict(options),
            "predictions": {str(folder): summary for folder, summary in zip(folders, summaries, strict=True)},
            "wilcoxon": tests,
        }
    )
    return DONE


def _depth_table(metrics: dict[str, float]) -> str:
    lines = [f"{'':<34}" + "".join(f"{name:>11}" for name in _METRICS)]
    for alignment, title in _ALIGNMENTS.items():
        for ending, way in (("", "per picture"), ("_pooled", "pooled")):
            row = "".join(f"{metrics[f'{name}{alignment}{ending}']:>11.4f}" for name in _METRICS)
            lines.append(f"{f'{title}, {way}':<34}{row}")
    return "\n".join(lines)


def _evaluate_panoptic(arguments: argparse.Namespace, report: Report) -> int:
    from maquette.datasets.coco import open_panoptic
    from maquette.datasets.evaluate import measure_panoptic

    if arguments.against:
        raise MaquetteError("--against compares depth; evaluate each COCO panoptic file on its own")
    truth, predicted = open_panoptic(arguments.truth), open_panoptic(arguments.prediction)
    with report.progress(str(arguments.prediction)) as tell:
        found = measure_panoptic(truth, predicted, _counted(tell))
    report.line(f"{arguments.prediction}: {found['pictures']} pictures")
    report.line(f"{'':<24}{'PQ':>8}{'SQ':>8}{'RQ':>8}")
    rows = [(f"{group} ({found[group]['categories']})", found[group]) for group in ("all", "things", "stuff")]
    for name, row in rows + [(entry["name"], entry) for entry in found["categories"]]:
        report.line(f"{name:<24}" + "".join(f"{row[key]:>8.1%}" for key in ("pq", "sq", "rq")))
    report.document({"truth": str(arguments.truth), "prediction": str(arguments.prediction), **found})
    return DONE


def _told(frames: Iterable[Frame], total: int, tell: Callable[[str], None]) -> Iterator[Frame]:
    for number, frame in enumerate(frames, start=1):
        yield frame
        tell(f"{number} of {total} pictures")


def _counted(tell: Callable[[str], None]) -> Callable[[int, int], None]:
    return lambda done, total: tell(f"{done} of {total} pictures")
