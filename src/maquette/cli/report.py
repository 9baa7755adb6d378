"""What a command says: results on stdout, progress and errors on stderr, or one JSON document."""

from __future__ import annotations

import json
import sys
import textwrap
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from maquette.errors import MaquetteError

DONE, BUG, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
"""Exit statuses: all is well; a bug of maquette's own; something that the user can mend; Ctrl-C."""


@dataclass(frozen=True)
class Report:
    """How much a command says, and in which form.

    Attributes:
        quiet: Only errors.
        json: One JSON document on stdout instead of lines.
        debug: A traceback with each error.
    """

    quiet: bool = False
    json: bool = False
    debug: bool = False

    def line(self, text: str) -> None:
        """Print a line of the result."""
        if not self.quiet and not self.json:
            print(text, flush=True)

    def document(self, content: dict[str, Any]) -> None:
        """Print the result as JSON, where that was asked for."""
        if self.json:
            print(json.dumps(content, ensure_ascii=False, indent=1), flush=True)

    def error(self, error: Exception) -> tuple[int, str]:
        """Print an error as one line, and return the exit status that it stands for with its message.

        Raises:
            KeyboardInterrupt: The error comes from Ctrl-C, which extension modules turn into errors of their own.
        """
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, KeyboardInterrupt):
                raise KeyboardInterrupt from error
            cause = cause.__cause__ or cause.__context__
        status, message = _explain(error)
        if self.debug:
            traceback.print_exception(error)
        print(f"maquette: error: {message}", file=sys.stderr, flush=True)
        return status, message

    @contextmanager
    def progress(self, title: str) -> Iterator[Callable[[str], None]]:
        """Show on a terminal what is being done; yields a function that changes the text."""
        if self.quiet or not sys.stderr.isatty():
            yield lambda text: None
            return
        from rich.console import Console
        from rich.text import Text

        with Console(stderr=True).status(Text(title)) as status:
            yield lambda text: status.update(Text(f"{title}: {text}"))


class Clock:
    """Tells which step begins, and how long each took."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        """Pass the name of each step on to ``tell``."""
        self._tell = tell
        self._marks: list[tuple[str, float]] = []

    def __call__(self, step: str) -> None:
        """Begin a step."""
        self._marks.append((step, time.perf_counter()))
        self._tell(step)

    def seconds(self) -> dict[str, float]:
        """Seconds by step, and in total, until now."""
        ends = [start for _, start in self._marks[1:]] + [time.perf_counter()]
        spent: dict[str, float] = {}
        for (step, start), end in zip(self._marks, ends, strict=True):
            spent[step] = spent.get(step, 0) + end - start
        return {step: round(value, 3) for step, value in {**spent, "total": sum(spent.values())}.items()}


def terms(network: Mapping[str, str]) -> str:
    """Return the line that says which network took part, under which licences."""
    licences = f"code {network['licence_code']}, weights {network['licence_weights']}"
    learned = textwrap.shorten(network["training_data"], 80, placeholder=" ...")
    return f"{network['name']} {network['tag']} ({network['sha256'][:12]}): {licences}, learned from {learned}"


def _explain(error: Exception) -> tuple[int, str]:
    if isinstance(error, MaquetteError):
        return BAD_INPUT, _one_line(str(error))
    if isinstance(error, MemoryError):
        return BAD_INPUT, "not enough memory; close other programs or make the photo smaller"
    if isinstance(error, OSError):
        what = error.strerror or str(error) or type(error).__name__
        return BAD_INPUT, _one_line(f"{error.filename}: {what}" if error.filename else what)
    text = f"internal error, {type(error).__name__}: {error}; please report it with what --debug prints"
    return BUG, _one_line(text)


def _one_line(text: str) -> str:
    return " ".join(text.split())
