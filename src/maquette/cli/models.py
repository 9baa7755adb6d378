"""``maquette models``: the networks that maquette knows, and their files on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from maquette.cli import export
from maquette.cli.report import DONE, Report
from maquette.errors import ModelError
from maquette.models.catalogue import Model, local_path, models, resolve
from maquette.models.download import pull, recorded_sha256, remedy, verify


def add_arguments(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    """Add the verbs of ``maquette models`` and what they take."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|pull|verify|export")
    listing = verbs.add_parser("list", parents=[common], help="the catalogue, and what of it is on this machine")
    listing.set_defaults(run=list_models)
    pulling = verbs.add_parser("pull", parents=[common], help="fetch networks into the cache")
    pulling.add_argument("names", metavar="NAME", nargs="+", help="name of a network in the catalogue")
    pulling.set_defaults(run=pull_models)
    verifying = verbs.add_parser("verify", parents=[common], help="compare every file with its recorded sha256")
    verifying.add_argument("names", metavar="NAME", nargs="*", help="name of a network [all]")
    verifying.set_defaults(run=verify_models)
    exporting = verbs.add_parser("export", parents=[common], help="a network of transformers as an ONNX file")
    export.add_arguments(exporting)
    exporting.set_defaults(run=export.run)


def list_models(arguments: argparse.Namespace, report: Report) -> int:
    """Print the catalogue."""
    width = max(len(model.name) for model in models())
    for model in models():
        size = "size unknown" if model.bytes is None else _megabytes(model.bytes)
        state = "on this machine" if local_path(model) else "not pulled"
        known = "verified" if recorded_sha256(model) else "unverified"
        report.line(
            f"{model.name:<{width}}  {model.task:<10}  {size:>12}  {state:<15}  {known:<10}  {model.licence_weights}"
        )
    report.document({"models": [_record(model) for model in models()]})
    return DONE


def pull_models(arguments: argparse.Namespace, report: Report) -> int:
    """Fetch networks, one after the other."""
    chosen = [resolve(name) for name in arguments.names]
    for model in chosen:
        report.line(f"{model.name}: licence of the code {model.licence_code}, of the weights {model.licence_weights}")
        report.line(f"{model.name}: learned from {model.training_data}")
        report.line(f"{model.name}: {_pull(model, report)}")
    report.document({"models": [_record(model) for model in chosen]})
    return DONE


def verify_models(arguments: argparse.Namespace, report: Report) -> int:
    """Check files, and return 2 where one is not what was recorded."""
    chosen = [resolve(name) for name in arguments.names] or [model for model in models() if local_path(model)]
    checks = verify(chosen)
    for check in checks:
        report.line(
            f"{check.model.name}: {check.status}{f'  {check.path}  sha256 {check.sha256}' if check.path else ''}"
        )
    report.document({"models": [{**_record(c.model), "status": c.status, "found_sha256": c.sha256} for c in checks]})
    status = DONE
    for check in checks:
        if check.status == "altered":
            status, _ = report.error(
                ModelError(f"{check.path}: altered, it is not what was recorded; {remedy(check.model)}")
            )
        elif check.status == "unreadable":
            status, _ = report.error(ModelError(f"{check.path}: cannot be read as a file; {remedy(check.model)}"))
        elif check.status == "absent" and arguments.names:
            status, _ = report.error(ModelError(f"{check.model.name}: not on this machine; {remedy(check.model)}"))
    return status


def _pull(model: Model, report: Report) -> Path:
    with report.progress(model.name) as tell:
        return pull(model, progress=lambda done, total: tell(_share(done, total)))


def _record(model: Model) -> dict[str, Any]:
    path = local_path(model)
    return {
        "name": model.name,
        "tag": model.tag,
        "task": model.task,
        "bytes": model.bytes,
        "sha256": recorded_sha256(model),
        "verified": recorded_sha256(model) is not None,
        "licence_code": model.licence_code,
        "licence_weights": model.licence_weights,
        "training_data": model.training_data,
        "path": None if path is None else str(path),
    }


def _share(done: int, total: int | None) -> str:
    return _megabytes(done) if total is None else f"{_megabytes(done)} of {_megabytes(total)}"


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
