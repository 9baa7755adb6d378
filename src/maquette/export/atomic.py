"""Outputs that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from maquette.errors import ExportError

if sys.platform != "win32":
    import fcntl

_CLAIMING = threading.Lock()
_HINTS = {
    errno.ENOSPC: "free some space or write elsewhere",
    errno.EDQUOT: "free some space or write elsewhere",
    errno.EFBIG: "write to a place that takes larger files",
    errno.EACCES: "choose a place where you may write",
    errno.EPERM: "choose a place where you may write",
    errno.EROFS: "choose a place where you may write",
}


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Let the caller write a file or a folder aside, and move it to its place when all of it is written.

    It is written inside a hidden sibling, ``.NAME.XXXX.part``, which goes away whatever happens; what a killed run
    leaves of it is removed by the next run for the same target (not on Windows, which lacks the lock that tells a
    killed run from a running one). An existing file or folder is replaced only at the end.

    Args:
        target: Where the output belongs. Folders above it are made.

    Yields:
        The path to write to.

    Raises:
        ExportError: The output cannot be written. Nothing of it stays, and what was there before is still there.
    """
    try:
        target = target.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        with _CLAIMING:  # no other thread takes a folder that is not locked yet for a leftover
            _remove_leftovers(target)
            aside = Path(tempfile.mkdtemp(prefix=_prefix(target), suffix=".part", dir=target.parent))
            lock = _locked(aside)
    except (OSError, ValueError) as error:
        raise failure(target, error) from error
    try:
        fresh = aside / "new"
        yield fresh
        _replace(target, fresh, aside / "old")
    except OSError as error:
        raise failure(target, error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _replace(target: Path, fresh: Path, old: Path) -> None:
    if not target.is_dir():
        fresh.replace(target)
        return
    if not fresh.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        old.rename(target)
        raise


def _prefix(target: Path) -> str:
    return f".{target.name[:40]}."


def _remove_leftovers(target: Path) -> None:
    for entry in list(os.scandir(target.parent)):
        if not (entry.name.startswith(_prefix(target)) and entry.name.endswith(".part")):
            continue
        lock = _locked(Path(entry.path))
        if lock is not None:
            shutil.rmtree(entry.path, ignore_errors=True)
            os.close(lock)


def _locked(folder: Path) -> int | None:
    """Lock a folder while the returned descriptor is open; None where another process has it, or locks do not work."""
    if sys.platform == "win32":
        return None
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def failure(target: Path, error: OSError | ValueError) -> ExportError:
    """The error to raise where the system does not let a target be written."""
    reason = (getattr(error, "strerror", None) or str(error)).lower()
    hint = _HINTS.get(getattr(error, "errno", None) or 0)
    return ExportError(f"{shown(target)}: cannot be written ({reason}){f'; {hint}' if hint else ''}")


def shown(path: Path) -> str:
    """A path as error messages show it, on one line."""
    text = str(path)
    return text if text.isprintable() else ascii(text)
