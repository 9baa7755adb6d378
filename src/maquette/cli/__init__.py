"""The command line: ``maquette diorama``, ``voxels``, ``view``, ``models``, ``worlds`` and ``datasets``."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from maquette.cli.report import DONE, INTERRUPTED, Report


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments after the program's name; None takes them from ``sys.argv``.

    Returns:
        Exit status: 0 when all went well, 2 for what a user can mend, 130 after Ctrl-C, 1 for a bug of maquette's own.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for names of files that the terminal's encoding lacks
    report = Report(quiet="--quiet" in words, json="--json" in words, debug="--debug" in words)
    try:
        try:
            return _run(words, report)
        except Exception as error:
            status, message = report.error(error)
            report.document({"error": message})
            return status
    except KeyboardInterrupt:
        print("maquette: interrupted; nothing half-written is left", file=sys.stderr)
        return INTERRUPTED


def _run(words: list[str], report: Report) -> int:
    if words[:1] == ["--version"]:
        from maquette.cli.version import version  # before the parser, whose options bring in numpy

        print(version())
        return DONE
    from maquette.cli.parser import make_parser

    try:
        arguments = make_parser().parse_args(words)
        status: int = arguments.run(arguments, report)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output has left, as in `maquette models list | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return status
