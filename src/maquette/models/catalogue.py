"""The catalogue of networks: which there are, where their files lie, and whether those are the true ones.

``models.json`` beside this file lists the networks that maquette knows. Any other ONNX file takes part by its path,
with a JSON file of the same name beside it that holds the fields of one entry (``docs/models.md``).
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from maquette.errors import ModelError
from maquette.models import lock
from maquette.models.entry import read_entry
from maquette.models.types import DepthContract, InputContract, Model, Network, PanopticContract, Source, Task

__all__ = [
    "EMBEDDED",
    "DepthContract",
    "InputContract",
    "Model",
    "Network",
    "PanopticContract",
    "Source",
    "cache_dir",
    "cached_file",
    "choose",
    "describe",
    "local_path",
    "models",
    "resolve",
    "sha256",
    "verified_path",
]

_HERE = Path(__file__).parent

EMBEDDED = "maquette-small"
"""Name of the network that ships in the package."""


@functools.cache
def models() -> tuple[Model, ...]:
    """Return every network of the catalogue, in its order."""
    path = _HERE / "models.json"
    return tuple(read_entry(entry, path, _HERE) for entry in json.loads(path.read_text(encoding="utf-8"))["models"])


def resolve(name_or_path: str) -> Model:
    """Return a network by its name in the catalogue, or by the path of its ONNX file.

    Args:
        name_or_path: As a user writes it. What ends in ``.onnx`` is a path; a JSON file of the same name lies beside
            it.

    Raises:
        ModelError: There is no such network, or its JSON lacks fields.
    """
    return _from_path(Path(name_or_path)) if name_or_path.endswith(".onnx") else _from_catalogue(name_or_path)


def choose(names_or_paths: Iterable[str]) -> dict[Task, Model]:
    """Return the networks for a photo that a user names, each by its task.

    Raises:
        ModelError: One cannot be resolved, is not for photos one by one, or two of them do the same.
    """
    chosen: dict[Task, Model] = {}
    for name in names_or_paths:
        model = resolve(name)
        if model.task == "voxels":
            raise ModelError(f"{name}: makes voxels of the photos of a rig; give it to `maquette voxels --network`")
        if model.task in chosen:
            raise ModelError(f"{name}: does {model.task}, as {chosen[model.task].name} does; name one network a task")
        chosen[model.task] = model
    return chosen


def describe(model: Model) -> Network:
    """Return what to keep of a network with every result that it takes part in.

    Raises:
        ModelError: Its file is missing, cannot be read, or is not the one that was recorded.
    """
    terms = (model.licence_code, model.licence_weights, model.training_data)
    return Network(model.name, model.tag, sha256(verified_path(model)), *terms)


def cache_dir() -> Path:
    """Return the folder of downloaded networks: ``$MAQUETTE_CACHE``, else the user's cache folder of the platform."""
    if chosen := os.environ.get("MAQUETTE_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "maquette" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "maquette"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "maquette"


def cached_file(model: Model) -> Path:
    """Return where ``pull`` puts the file of a network that has a source, named by its name and tag."""
    return cache_dir() / f"{model.name}-{model.tag}.onnx"


def local_path(model: Model) -> Path | None:
    """Return what lies on this machine in the place of the network's file, or None where it has not been pulled."""
    path = model.file if model.file is not None else cached_file(model)
    return path if path.exists() else None


def verified_path(model: Model) -> Path:
    """Return the network's file on this machine after its sha256 has been compared with the recorded one.

    Raises:
        ModelError: The file is missing or cannot be read, or it is not the one that was recorded.
    """
    path = local_path(model)
    if path is None:
        if model.source is None:
            raise ModelError(f"{model.file}: the file of network {model.name} is missing; install maquette again")
        raise ModelError(f"{model.name}: not on this machine yet; run `maquette models pull {model.name}` once")
    recorded = model.sha256 or (lock.recorded(path) if model.source else None)
    if recorded is not None and (found := sha256(path)) != recorded:
        raise ModelError(
            f"{path}: not the file of network {model.name} (sha256 {found[:12]}..., recorded {recorded[:12]}...); "
            + ("pull it again" if model.source else "install maquette again")
        )
    return path


def sha256(path: Path) -> str:
    """Return the hexadecimal sha256 of a file; computed once for each size and time of change.

    Raises:
        ModelError: The file cannot be read.
    """
    try:
        stat = path.stat()
        return _sha256(path, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); check the file and its permissions") from error


@functools.lru_cache(maxsize=64)
def _sha256(path: Path, size: int, changed_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _from_catalogue(name: str) -> Model:
    for model in models():
        if model.name == name:
            return model
    known = ", ".join(model.name for model in models())
    raise ModelError(f"{name}: no such network; the catalogue has {known}; for a file, give a path that ends in .onnx")


def _from_path(path: Path) -> Model:
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no such file"
        raise ModelError(f"{path}: {what}; give the path of an ONNX file or a name of the catalogue")
    card = path.with_suffix(".json")
    if not card.is_file():
        raise ModelError(f"{path}: its contract {card.name} is missing beside it (fields: task, input, output)")
    try:
        entry = json.loads(card.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{card}: not a readable JSON file ({error}); see docs/models.md") from error
    if not isinstance(entry, dict):
        raise ModelError(f"{card}: must hold one JSON object with the fields task, input, output")
    return read_entry({"name": path.stem, **entry, "file": path.name, "source": None}, card, path.parent)
