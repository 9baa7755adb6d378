"""``maquette view``: look at a finished scene."""

from __future__ import annotations

import argparse
from pathlib import Path

import shtab

from maquette.cli.report import Report
from maquette.errors import MaquetteError

PREVIEW = "preview.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``maquette view`` takes."""
    folder = parser.add_argument("folder", metavar="OUT", type=Path, help="folder that maquette diorama made")
    folder.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    parser.add_argument("--print", dest="print_path", action="store_true", help="only print the path of the preview")


def run(arguments: argparse.Namespace, report: Report) -> int:
    """Open the preview of a scene in the browser, or print where it is."""
    page: Path = arguments.folder / PREVIEW
    if not page.is_file():
        raise MaquetteError(f"{arguments.folder}: holds no {PREVIEW}; name a folder that `maquette diorama` made")
    page = page.resolve()
    if not arguments.print_path:
        import webbrowser

        if not webbrowser.open(page.as_uri()):
            raise MaquetteError(f"{page}: no browser was found; open this file in one yourself")
    report.line(str(page))
    report.document({"preview": str(page)})
    return 0
