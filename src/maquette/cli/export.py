"""``maquette models export``: a network of ``transformers`` as an ONNX file."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import shtab

from maquette.cli.flags import add_flags, from_flags
from maquette.cli.report import DONE, Report
from maquette.errors import MaquetteError
from maquette.models.options import ExportOptions

NEEDED = ("torch", "transformers", "onnx", "onnxscript")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``maquette models export`` takes."""
    source = parser.add_argument("source", metavar="SOURCE", help="folder, or owner/name on the Hugging Face Hub")
    source.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    out = parser.add_argument("-o", "--out", metavar="DIR", type=Path, default=Path(), help="folder to write to [.]")
    out.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    add_flags(parser, ExportOptions)


def run(arguments: argparse.Namespace, report: Report) -> int:
    """Export one network and say how well it went."""
    try:
        from maquette.train.convert.run import convert

        with report.progress(f"{arguments.source}: exporting, some minutes for a large network"):
            made = convert(arguments.source, arguments.out, from_flags(ExportOptions, arguments))
    except ImportError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in NEEDED:
            raise
        raise MaquetteError(f'exporting needs {missing}: pip install "maquette[export]"') from error
    report.line(f"{made.path}: {made.architecture}, {made.parameters:,} parameters, {made.bytes / 1e6:.1f} MB")
    for output, off in made.agreement.errors.items():
        report.line(f"{made.path}: {output} is off by {off:.1e} of its spread from PyTorch")
    if made.agreement.moved is not None:
        report.line(f"{made.path}: {made.agreement.moved:.3%} of the pixels are in another segment than in PyTorch")
    report.line(f"{made.path}: {made.path.with_suffix('.md').name} beside it is its card")
    report.document({"network": {**dataclasses.asdict(made), "path": str(made.path)}})
    return DONE
