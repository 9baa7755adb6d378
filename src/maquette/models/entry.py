"""One entry of the catalogue, or the JSON file beside a network of the user's, read and checked."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, cast, get_args

from maquette.errors import ModelError
from maquette.labels import Vocabulary
from maquette.models.types import (
    Constant,
    DepthContract,
    DepthKind,
    Fit,
    InputContract,
    Layout,
    MaskKind,
    Model,
    PanopticContract,
    PointsContract,
    Source,
    Task,
    VoxelContract,
    VoxelKind,
)

_VOXEL_INPUT = {"name": "images", "fit": "pad", "size": [224, 224], "scale": 2 / 255, "mean": [1, 1, 1]}
"""Of every voxel network."""


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

    def names(self, name: str) -> tuple[str, ...]:
        value = self.entry[name]
        if not isinstance(value, list) or not value or not all(isinstance(text, str) for text in value):
            raise ModelError(f"{self.where}: {name} must be a list of names, one a class")
        return tuple(value)


def read_entry(entry: dict[str, Any], path: Path, folder: Path) -> Model:
    """Make a network's description from a JSON object.

    Args:
        entry: The fields of ``docs/models.md``.
        path: The JSON file, for messages.
        folder: Where the ONNX file lies, for an entry without a source.

    Raises:
        ModelError: A field is missing or has a value that it cannot have.
    """
    fields = _Fields(entry, f"{path} ({entry.get('name', '?')})")
    fields.require("name", "task")
    task: Task = fields.one_of("task", get_args(Task))
    fields.require(*(["input"] if task != "voxels" else []), *(["output"] if task != "perception" else []))
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
        input=_input(_Fields(_VOXEL_INPUT if task == "voxels" else entry["input"], f"{fields.where} input")),
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
        constants=tuple(
            _constant(name, _Fields(constant, f"{fields.where} constants {name}"))
            for name, constant in _Fields(fields.entry.get("constants", {}), f"{fields.where} constants").entry.items()
        ),
    )


def _constant(name: str, fields: _Fields) -> Constant:
    fields.require("value")
    shape = fields.entry.get("shape", [])
    if not isinstance(shape, list) or not all(type(side) is int and side > 0 for side in shape):
        raise ModelError(f"{fields.where}: shape must be a list of whole numbers above 0")
    value = fields.entry["value"]
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ModelError(f"{fields.where}: value must be a number")
    return Constant(name, value, tuple(shape))


def _output(task: Task, fields: _Fields) -> DepthContract | PointsContract | PanopticContract | VoxelContract:
    fields.require("kind")
    if task == "voxels":
        return _voxels(fields)
    if task == "depth":
        kind = fields.one_of("kind", (*get_args(DepthKind), "points"))
        if kind == "points":
            fields.require("points", "mask", "scale")
            return PointsContract(fields.text("points", ""), fields.text("mask", ""), fields.text("scale", ""))
        fields.require("name")
        focal_px = fields.number("focal_px", 1.0) if fields.entry.get("focal_px") is not None else None
        return DepthContract(fields.text("name", ""), kind, focal_px)
    masks: MaskKind = fields.one_of("kind", get_args(MaskKind))
    fields.require("classes", "categories", *(["masks"] if masks == "query_masks" else []))
    categories = fields.names("categories")
    vocabulary = None
    if fields.entry.get("vocabulary") is not None:
        vocabulary = fields.one_of("vocabulary", get_args(Vocabulary))
    return PanopticContract(masks, fields.text("classes", ""), fields.text("masks", ""), categories, vocabulary)


def _voxels(fields: _Fields) -> VoxelContract:
    kind: VoxelKind = fields.one_of("kind", get_args(VoxelKind))
    fields.require("thresholds", "classes")
    thresholds = _Fields(fields.entry["thresholds"], f"{fields.where} thresholds")
    thresholds.require("occupancy", "classes")
    occupied, present = thresholds.number("occupancy", 0), thresholds.number("classes", 0)
    if max(occupied, present) >= 1:
        raise ModelError(f"{thresholds.where}: must be below 1")
    return VoxelContract(kind, occupied, present, fields.names("classes"))
