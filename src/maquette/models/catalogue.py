"""The catalogue of networks: where each comes from, what it may be used for, what goes in and what comes out.

``models.json`` beside this file lists the networks that maquette knows. Any other ONNX file takes part by its path,
with a JSON file of the same name beside it that holds the fields of one entry (``docs/models.md``).
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from maquette.errors import ModelError
from maquette.models import lock

Task = Literal["perception", "depth", "panoptic"]
DepthKind = Literal["metric", "relative", "inverse"]
MaskKind = Literal["query_masks", "label_map"]
Fit = Literal["stretch", "pad"]
Layout = Literal["nchw", "nhwc"]

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Source:
    """A file on the Hugging Face Hub.

    Attributes:
        repo: Owner and name of the repository.
        revision: 40 hexadecimal digits of a commit, or the name of a branch where none is pinned yet.
        file: Path inside the repository.
    """

    repo: str
    revision: str
    file: str


@dataclass(frozen=True)
class InputContract:
    """How a photo becomes a network's input: ``(rgb * scale - mean) / std``, rgb from 0 to 255.

    Attributes:
        name: Name of the input in the ONNX file.
        layout: Order of its four axes.
        fit: ``stretch`` resizes the photo to the size; ``pad`` keeps its shape and fills the right and bottom with the
            mean.
        size: (height, width), or None for a network that takes any.
        pixels: About how many pixels a network of any size shall see.
        multiple: What height and width must be multiples of, where ``size`` is None.
        scale: Factor to the values 0 to 255.
        mean: Of red, green and blue, after the scale.
        std: Of red, green and blue, after the scale.
        ones: Name and shape of further inputs, fed with ones (DETR's mask of valid pixels).
    """

    name: str
    layout: Layout
    fit: Fit
    size: tuple[int, int] | None
    pixels: int
    multiple: int
    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    ones: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class DepthContract:
    """What a depth network gives.

    Attributes:
        name: Name of the output: (1, h, w) or (1, 1, h, w).
        kind: ``metric`` is z in metres, ``relative`` depth up to scale and shift of its inverse, ``inverse`` the same
            as one over depth (near is large).
        focal_px: Focal length, in pixels of the network's input, of the camera for which ``metric`` depth holds; depth
            is multiplied by the photo's own focal length at that size over this. None where depth needs no such change.
    """

    name: str
    kind: DepthKind
    focal_px: float | None = None


@dataclass(frozen=True)
class PanopticContract:
    """What a segmentation network gives.

    Attributes:
        kind: ``query_masks``: class logits (1, q, c + 1), the last for "no object", and mask logits (1, q, h, w).
            ``label_map``: class logits (1, c, h, w), or the class index of each pixel (1, h, w) or (1, 1, h, w).
        classes: Name of the output of class logits, or of the label map.
        masks: Name of the output of mask logits; empty for a label map.
        categories: Name of each class by its index; ``void`` for what is no category.
        vocabulary: Whose names they are; None tries every vocabulary that maquette knows.
    """

    kind: MaskKind
    classes: str
    masks: str
    categories: tuple[str, ...]
    vocabulary: str | None


@dataclass(frozen=True)
class Model:
    """One network.

    Attributes:
        name: Unique in the catalogue.
        tag: Its version.
        task: ``perception`` gives segments and depth (maquette's own), the others one of the two.
        file: Path of the ONNX file: relative to the package for an embedded network, else as given by the user; None
            where the file comes from ``source``.
        source: Where ``pull`` gets it from, or None.
        bytes: Size of the file, or None where it is not recorded.
        sha256: Of the file, or None where it is not recorded (the network is unverified).
        licence_code: Licence of the network's code.
        licence_weights: Licence of its weights.
        training_data: What it learned from, and under which terms.
        input: How a photo goes in.
        output: What comes out; None for maquette's own.
    """

    name: str
    tag: str
    task: Task
    file: Path | None
    source: Source | None
    bytes: int | None
    sha256: str | None
    licence_code: str
    licence_weights: str
    training_data: str
    input: InputContract
    output: DepthContract | PanopticContract | None


EMBEDDED = "maquette-small"
"""Name of the network that ships in the package."""


@functools.cache
def models() -> tuple[Model, ...]:
    """Return every network of the catalogue, in its order."""
    path = _HERE / "models.json"
    return tuple(_model(entry, path, _HERE) for entry in json.loads(path.read_text(encoding="utf-8"))["models"])


def resolve(name_or_path: str, task: Task | None = None) -> Model:
    """Return a network by its name in the catalogue, or by the path of its ONNX file.

    Args:
        name_or_path: As a user writes it. What ends in ``.onnx`` is a path; a JSON file of the same name lies beside
            it.
        task: What the network must be able to do, or None for anything.

    Raises:
        ModelError: There is no such network, its JSON lacks fields, or it does another task.
    """
    model = _from_path(Path(name_or_path)) if name_or_path.endswith(".onnx") else _from_catalogue(name_or_path)
    if task is not None and model.task not in (task, "perception"):
        raise ModelError(f"{name_or_path}: a network for {model.task}, not for {task}; name one for {task}")
    return model


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
    """Return where ``pull`` puts the file of a network that has a source: one folder a name and tag."""
    return cache_dir() / f"{model.name}-{model.tag}.onnx"


def local_path(model: Model) -> Path | None:
    """Return the network's file on this machine, or None where it has not been pulled."""
    path = model.file if model.file is not None else cached_file(model)
    return path if path.is_file() else None


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
        raise ModelError(f"{path}: no such file; give the path of an ONNX file or a name of the catalogue")
    card = path.with_suffix(".json")
    if not card.is_file():
        raise ModelError(f"{path}: its contract {card.name} is missing beside it (fields: task, input, output)")
    try:
        entry = json.loads(card.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{card}: not a readable JSON file ({error}); see docs/models.md") from error
    if not isinstance(entry, dict):
        raise ModelError(f"{card}: must hold one JSON object with the fields task, input, output")
    return _model({"name": path.stem, **entry, "file": path.name, "source": None}, card, path.parent)


class _Fields:
    """Fields of one JSON object, checked as they are taken."""

    def __init__(self, entry: Any, where: str) -> None:
        if not isinstance(entry, dict):
            raise ModelError(f"{where}: must be a JSON object")
        self.entry: dict[str, Any] = entry
        self.where = where

    def require(self, *names: str) -> None:
        missing = [name for name in names if name not in self.entry]
        if missing:
            raise ModelError(f"{self.where}: lacks {', '.join(missing)}; see docs/models.md")

    def text(self, name: str, default: str) -> str:
        value = self.entry.get(name, default)
        if not isinstance(value, str):
            raise ModelError(f"{self.where}: {name} must be text")
        return value

    def one_of(self, name: str, choices: tuple[str, ...]) -> Any:
        value = self.entry[name]
        if value not in choices:
            raise ModelError(f"{self.where}: {name} is {value!r}; it must be one of {', '.join(choices)}")
        return value

    def number(self, name: str, default: float) -> float:
        value = self.entry.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise ModelError(f"{self.where}: {name} must be a number above 0")
        return float(value)

    def numbers(self, name: str, count: int, default: tuple[float, ...]) -> tuple[float, ...]:
        value = self.entry.get(name, default)
        if (
            not isinstance(value, list | tuple)
            or len(value) != count
            or not all(isinstance(v, int | float) for v in value)
        ):
            raise ModelError(f"{self.where}: {name} must be a list of {count} numbers")
        return tuple(float(v) for v in value)


def _model(entry: dict[str, Any], path: Path, folder: Path) -> Model:
    fields = _Fields(entry, f"{path} ({entry.get('name', '?')})")
    fields.require("name", "task", "input")
    task: Task = fields.one_of("task", get_args(Task))
    if task != "perception":
        fields.require("output")
    source = entry.get("source")
    digest = entry.get("sha256")
    return Model(
        name=fields.text("name", ""),
        tag=fields.text("tag", "local"),
        task=task,
        file=folder / fields.text("file", "") if source is None else None,
        source=None if source is None else Source(source["repo"], source["revision"], source["file"]),
        bytes=entry.get("bytes"),
        sha256=None if digest is None else str(digest).lower(),
        licence_code=fields.text("licence_code", "unknown"),
        licence_weights=fields.text("licence_weights", "unknown"),
        training_data=fields.text("training_data", "unknown"),
        input=_input(_Fields(entry["input"], f"{fields.where} input")),
        output=None if task == "perception" else _output(task, _Fields(entry["output"], f"{fields.where} output")),
    )


def _input(fields: _Fields) -> InputContract:
    fields.require("name")
    size = fields.entry.get("size")
    checked = None if size is None else tuple(int(v) for v in fields.numbers("size", 2, ()))
    if checked is not None and min(checked) < 1:
        raise ModelError(f"{fields.where}: size must be [height, width] in pixels")
    std = fields.numbers("std", 3, (1.0, 1.0, 1.0))
    if 0 in std:
        raise ModelError(f"{fields.where}: std must not be 0")
    return InputContract(
        name=fields.text("name", ""),
        layout=fields.one_of("layout", get_args(Layout)) if "layout" in fields.entry else "nchw",
        fit=fields.one_of("fit", get_args(Fit)) if "fit" in fields.entry else "stretch",
        size=cast("tuple[int, int] | None", checked),
        pixels=int(fields.number("pixels", 512 * 512)),
        multiple=int(fields.number("multiple", 32)),
        scale=fields.number("scale", 1 / 255),
        mean=cast("tuple[float, float, float]", fields.numbers("mean", 3, (0.0, 0.0, 0.0))),
        std=cast("tuple[float, float, float]", std),
        ones=tuple((name, tuple(shape)) for name, shape in fields.entry.get("ones", {}).items()),
    )


def _output(task: Task, fields: _Fields) -> DepthContract | PanopticContract:
    fields.require("kind")
    if task == "depth":
        fields.require("name")
        kind: DepthKind = fields.one_of("kind", get_args(DepthKind))
        focal_px = fields.number("focal_px", 1.0) if fields.entry.get("focal_px") is not None else None
        return DepthContract(fields.text("name", ""), kind, focal_px)
    masks: MaskKind = fields.one_of("kind", get_args(MaskKind))
    fields.require("classes", "categories", *(["masks"] if masks == "query_masks" else []))
    categories = fields.entry["categories"]
    if not isinstance(categories, list) or not categories or not all(isinstance(name, str) for name in categories):
        raise ModelError(f"{fields.where}: categories must be a list of names, one a class")
    vocabulary = fields.entry.get("vocabulary")
    return PanopticContract(masks, fields.text("classes", ""), fields.text("masks", ""), tuple(categories), vocabulary)
