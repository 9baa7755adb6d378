"""Progress of what takes long, on terminals only."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")


def tracked(items: Sequence[Item], title: str) -> Iterable[Item]:
    """Go through items under a progress bar."""
    return track(items, title, console=Console(stderr=True), disable=not sys.stderr.isatty())
