"""A room of cells as files, and back: ``docs/voxels.md`` says what is in them."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maquette.errors import ExportError, MaquetteError
from maquette.export.atomic import failure, shown, whole
from maquette.export.glb import encode_glb, generator
from maquette.export.png import encode_png
from maquette.export.vox import VoxModel, encode_vox
from maquette.scene import Scene
from maquette.voxels.instances import describe
from maquette.voxels.preview import preview
from maquette.voxels.surface import blocky_bodies, names, world_box
from maquette.voxels.types import CLASSES, COLORS, Grid, VoxelGrid
from maquette.worlds.encode import npz

FORMAT = "maquette-voxels"
FORMAT_VERSION = 1

_DESCRIPTION = "voxels.json"
_ARRAYS = ("label", "instance", "probability", "confidence", "classes", "cell_m", "T_world_grid")

_ENCODERS: Mapping[str, Callable[[VoxelGrid, Scene], bytes]] = {
    ".npz": lambda voxels, scene: encode_npz(voxels),
    ".glb": lambda voxels, scene: encode_glb(scene),
    ".vox": lambda voxels, scene: _encode_vox(voxels),
    ".png": lambda voxels, scene: encode_png(preview(voxels.label)),
}
_CONTENTS: Mapping[str, Callable[[VoxelGrid, Scene], bytes]] = {
    "voxels.npz": _ENCODERS[".npz"],
    "scene.glb": _ENCODERS[".glb"],
    "blocks.glb": lambda voxels, scene: encode_glb(replace(scene, bodies=blocky_bodies(voxels))),
    "scene.vox": _ENCODERS[".vox"],
    "preview.png": _ENCODERS[".png"],
}


def write(
    voxels: VoxelGrid, scene: Scene, target: Path, settings: Mapping[str, Any], *, overwrite: bool = False
) -> None:
    """Write a room as a folder of ``voxels.npz``, ``scene.glb`` (smooth meshes), ``blocks.glb`` (the cells themselves),
    ``scene.vox``, ``preview.png`` and ``voxels.json``; or as one file of those kinds.

    Args:
        voxels: The cells.
        scene: The same as smooth meshes.
        target: A name that ends in ``.npz``, ``.glb``, ``.vox`` or ``.png``, or in nothing: that of a folder.
        settings: JSON-ready record of what they were made from and how; the same gives the same bytes.
        overwrite: Replace a file, or a folder that an earlier run made.

    Raises:
        ExportError: As ``check_target``, or it cannot be written. Nothing half-written stays.
    """
    check_target(target, overwrite=overwrite)
    with whole(target) as fresh:
        if target.suffix:
            fresh.write_bytes(_ENCODERS[target.suffix.lower()](voxels, scene))
            return
        fresh.mkdir()
        for name, encode in _CONTENTS.items():
            (fresh / name).write_bytes(encode(voxels, scene))
        text = json.dumps(_description(voxels, scene, settings), indent=2, ensure_ascii=False, allow_nan=False)
        (fresh / _DESCRIPTION).write_text(text + "\n", encoding="utf-8")


def check_target(target: Path, *, overwrite: bool) -> None:
    """Check, before any work, that ``write`` may write there.

    Raises:
        ExportError: The ending is unknown, it is there already, or it is a folder that holds what maquette did not
            make.
    """
    if target.suffix and target.suffix.lower() not in _ENCODERS:
        known = ", ".join(_ENCODERS)
        raise ExportError(f"{shown(target)}: unknown format {target.suffix!r}; use {known}, or no ending for a folder")
    try:
        inside = sorted(entry.name for entry in target.iterdir()) if target.is_dir() else []
        if not target.exists() or (target.is_dir() and not inside):
            return
    except OSError as error:
        raise failure(target, error) from error
    if target.is_dir() == bool(target.suffix):
        kind = "folder" if target.is_dir() else "file"
        raise ExportError(f"{shown(target)}: a {kind} stands there; choose another name")
    if not overwrite:
        raise ExportError(f"{shown(target)}: already there; choose another name, or ask to overwrite it (--overwrite)")
    foreign = [name for name in inside if name not in (*_CONTENTS, _DESCRIPTION)]
    if foreign:
        raise ExportError(f"{shown(target)}: holds {foreign[0]}, which maquette did not make; choose another name")
    if inside and _DESCRIPTION not in inside:
        raise ExportError(
            f"{shown(target)}: holds files but no {_DESCRIPTION}, so it is left alone; choose another name"
        )


def _description(voxels: VoxelGrid, scene: Scene, settings: Mapping[str, Any]) -> dict[str, Any]:
    objects = []
    for thing, name in zip(voxels.objects, names(voxels.objects), strict=True):
        low, high = world_box(thing, voxels.grid)
        objects.append(
            {
                "id": thing.id,
                "name": name,
                "class": thing.label,
                "box": {"center": ((low + high) / 2).tolist(), "size": (high - low).tolist()},
                "cells": thing.cells,
                "confidence": thing.confidence,
            }
        )
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "generator": generator(),
        "name": scene.name,
        "grid": {
            "shape": list(voxels.grid.shape),
            "cell_m": voxels.grid.cell_m,
            "T_world_grid": voxels.grid.T_world_grid.tolist(),
        },
        "classes": list(CLASSES),
        "objects": objects,
        "settings": dict(settings),
        "notes": list(scene.notes),
    }


def _encode_vox(voxels: VoxelGrid) -> bytes:
    """A model an object, its axes those of the grid; the middle of the grid's floor is the middle of the scene."""
    shift = np.array([voxels.grid.shape[0] // 2, voxels.grid.shape[1] // 2, 0])
    models = []
    for thing, name in zip(voxels.objects, names(voxels.objects), strict=True):
        box = tuple(slice(first, last) for first, last in zip(thing.low, thing.high, strict=True))
        x, y, z = (thing.low - shift).tolist()
        models.append(VoxModel(name, np.where(voxels.instance[box] == thing.id, voxels.label[box], 0), (x, y, z)))
    return encode_vox(models, [COLORS[name] for name in CLASSES])


def encode_npz(voxels: VoxelGrid) -> bytes:
    """Encode a room as NumPy's npz: the arrays of ``VoxelGrid`` by their names, ``confidence`` of the objects by id,
    ``classes`` in their order, ``cell_m`` (1,) and ``T_world_grid``."""
    return npz(
        {
            "label": voxels.label,
            "instance": voxels.instance,
            "probability": voxels.probability,
            "confidence": np.array([thing.confidence for thing in voxels.objects], dtype=np.float64),
            "classes": np.array(CLASSES),
            "cell_m": np.array([voxels.grid.cell_m]),
            "T_world_grid": voxels.grid.T_world_grid,
        }
    )


def read_npz(path: Path) -> VoxelGrid:
    """Read a room from ``voxels.npz``.

    Raises:
        MaquetteError: There is no such file, it is damaged, or it holds something else.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            return _decoded({name: file[name] for name in _ARRAYS})
    except OSError as error:
        raise MaquetteError(f"{shown(path)}: cannot be read ({error.strerror or error}); name a voxels.npz") from error
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise MaquetteError(
            f"{shown(path)}: damaged, or no voxels of maquette ({reason}); name a voxels.npz"
        ) from error


def _decoded(arrays: Mapping[str, NDArray[Any]]) -> VoxelGrid:
    """Raises ValueError where the arrays do not belong together."""
    label, instance, probability, confidence = (arrays[name] for name in _ARRAYS[:4])
    if tuple(arrays["classes"].tolist()) != CLASSES:
        raise ValueError(f"its classes are {', '.join(map(str, arrays['classes'].tolist()))}")
    for name, dtype in (("label", np.uint8), ("instance", np.uint16), ("probability", np.float32)):
        if arrays[name].dtype != dtype or arrays[name].ndim != 3 or arrays[name].shape != label.shape:
            raise ValueError(f"{name} is {arrays[name].dtype} {arrays[name].shape}")
    if arrays["T_world_grid"].shape != (4, 4) or not arrays["cell_m"].item() > 0:
        raise ValueError("it has no grid")
    owners = np.unique(np.stack([instance.ravel(), label.ravel()]), axis=1)
    ids, kinds = owners[:, owners.any(axis=0)]
    if ids.tolist() != list(range(1, 1 + len(confidence))) or not ((kinds > 0) & (kinds <= len(CLASSES))).all():
        raise ValueError("its objects and labels do not agree")
    i, j, k = label.shape
    grid = Grid((i, j, k), float(arrays["cell_m"].item()), arrays["T_world_grid"])
    return VoxelGrid(grid, label, instance, probability, describe(label, instance, confidence))
