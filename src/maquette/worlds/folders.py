"""Data sets in the layout of the Everted U-Net paper (section 4): a folder a scene.

It holds the pictures ``0.png``, ``1.png``, ``2.png``, ``occupancy.npy`` and ``classes.npy``. All other truth lies
beside them in ``truth``, where it was asked for.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maquette.errors import MaquetteError
from maquette.export.atomic import failure, shown
from maquette.worlds.encode import Files, decode, encode, npy, read_picture
from maquette.worlds.plan import Plan, scene_name
from maquette.worlds.record import SceneRecord
from maquette.worlds.types import Kind

TRUTH = "truth"


def paper_files(record: SceneRecord, *, beside: bool) -> dict[str, bytes]:
    """The files of a scene, by their place in its folder.

    Args:
        record: One scene.
        beside: Add the other truth, in ``truth``.
    """
    encoded = encode(record)
    files = {f"{index}.png": encoded.pop(f"view{index}.png") for index in range(len(record.pictures))}
    encoded.pop("grid.npz", None)
    if record.occupancy is not None:
        files["occupancy.npy"] = npy(record.occupancy)
    if record.classes is not None:
        files["classes.npy"] = npy(record.classes)
    if beside:
        files[f"{TRUTH}/scene.json"] = encoded.pop("json")
        files |= {f"{TRUTH}/{name}": content for name, content in encoded.items()}
    return files


class FolderWriter:
    """Writes one folder a scene, each whole or not at all."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        """Write to the folder of a data set what its plan says."""
        self._folder = folder
        self._plan = plan
        self._part = folder / ".scene.part"

    def missing(self) -> Iterator[int]:
        """Numbers of the scenes that are still to be made."""
        return (number for number in range(self._plan.scenes) if not (self._folder / scene_name(number)).exists())

    def add(self, number: int, files: Files) -> None:
        """Write a scene.

        Raises:
            ExportError: The system does not let it be written.
        """
        target = self._folder / scene_name(number)
        try:
            self.close()
            for name, content in files.items():
                path = self._part / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            self._part.rename(target)
        except OSError as error:
            raise failure(target, error) from error

    def close(self) -> None:
        """Drop the scene that is not finished."""
        shutil.rmtree(self._part, ignore_errors=True)

    def finish(self) -> dict[str, Any]:
        """What ``index.json`` says of the finished scenes."""
        return {}


class FolderReader:
    """The scenes of a data set in folders, one after the other or by number; what is not there is left out."""

    def __init__(self, folder: Path) -> None:
        """Look for scenes in a folder; the paper's own data will do."""
        found = (entry for entry in folder.iterdir() if not entry.name.startswith("."))  # those are being written
        self._scenes = sorted(entry for entry in found if (entry / "0.png").exists())

    @property
    def names(self) -> tuple[str, ...]:
        """The folder of each scene."""
        return tuple(scene.name for scene in self._scenes)

    @property
    def kinds(self) -> tuple[Kind | None, ...]:
        """The kind of each scene, which is read for it."""
        return tuple(record.kind for record in self)

    def __len__(self) -> int:
        """Number of scenes."""
        return len(self._scenes)

    def __iter__(self) -> Iterator[SceneRecord]:
        """Every scene, in the order of their names."""
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> SceneRecord:
        """One scene.

        Raises:
            IndexError: There is no such scene.
            MaquetteError: It is damaged.
        """
        if not 0 <= number < len(self):
            raise IndexError(number)
        folder = self._scenes[number]
        pictures = [path.read_bytes() for path in _pictures(folder)]
        truth = folder / TRUTH
        if truth.is_dir():
            files = {path.name: path.read_bytes() for path in truth.iterdir()}
            files["json"] = files.pop("scene.json", b"")
            files |= {f"view{index}.png": picture for index, picture in enumerate(pictures)}
            record = decode(files, shown(folder))
        else:
            try:
                record = SceneRecord(folder.name, None, (), np.array([read_picture(picture) for picture in pictures]))
            except (OSError, ValueError, SyntaxError) as error:
                raise MaquetteError(f"{shown(folder)}: a picture is damaged ({error}); make it again") from error
        return replace(record, occupancy=_mask(folder / "occupancy.npy"), classes=_mask(folder / "classes.npy"))


def _pictures(folder: Path) -> list[Path]:
    return sorted((path for path in folder.glob("*.png") if path.stem.isdecimal()), key=lambda path: int(path.stem))


def _mask(path: Path) -> NDArray[np.bool_] | None:
    if not path.exists():
        return None
    try:
        mask: NDArray[np.bool_] = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False).astype(np.bool_)
        return mask
    except (OSError, ValueError, EOFError) as error:
        raise MaquetteError(f"{shown(path)}: damaged ({error}); make it again") from error
