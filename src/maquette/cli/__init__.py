"""The command line: ``maquette diorama``, ``maquette models`` and ``maquette view``."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import maquette
from maquette.cli import diorama, models, view
from maquette.cli.report import Report
from maquette.errors import MaquetteError

DONE, BUG, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    Args:
        argv: Arguments after the program's name; None takes them from ``sys.argv``.

    Returns:
        0 when all went well, 2 for whatever a user can mend, 130 after Ctrl-C, 1 for a bug of maquette's own.
    """
    debug = "--debug" in (sys.argv[1:] if argv is None else argv)
    try:
        arguments = parser().parse_args(argv)
        status: int = arguments.run(arguments, Report(quiet=arguments.quiet, json=arguments.json, debug=arguments.debug))
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print("maquette: interrupted; nothing half-written is left", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone, as in `maquette models list | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        return fail(error, debug=debug)
