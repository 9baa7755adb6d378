"""The lock file of the cache: the sha256 of each downloaded network, from its first pull on."""

from __future__ import annotations

import json
from pathlib import Path

from maquette.errors import ModelError

NAME = "lock.json"


def recorded(file: Path) -> str | None:
    """Return the sha256 that the lock file in the same folder holds for a file, or None where it holds none.

    Raises:
        ModelError: The lock file is damaged.
    """
    return _read(file.parent).get(file.name)


def record(file: Path, sha256: str) -> None:
    """Hold a file to its sha256 from now on.

    Raises:
        ModelError: The lock file is damaged.
    """
    from huggingface_hub.utils import WeakFileLock

    part = file.parent / f"{NAME}.part"
    with WeakFileLock(file.parent / f"{NAME}.lock"):  # pulls of other networks may run at the same time
        entries = _read(file.parent) | {file.name: sha256}
        part.write_text(json.dumps(entries, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        part.replace(file.parent / NAME)


def _read(folder: Path) -> dict[str, str]:
    path = folder / NAME
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); delete it and pull the networks again") from error
    if not isinstance(entries, dict) or not all(isinstance(value, str) for value in entries.values()):
        raise ModelError(f"{path}: not a lock file of maquette; delete it and pull the networks again")
    return entries
