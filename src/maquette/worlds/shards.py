"""Data sets in tar shards: one file holds many scenes, in WebDataset's order and naming.

``worlds-000000.tar`` holds the files of its scenes one after the other, as ``000012.json``, ``000012.view0.png`` and
so on. ``worlds-000000.json`` beside it says where each scene lies, so that any of them is read alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from maquette.errors import MaquetteError
from maquette.export.atomic import failure, shown, whole
from maquette.worlds.encode import Files, decode
from maquette.worlds.plan import Plan, scene_name
from maquette.worlds.record import SceneRecord
from maquette.worlds.types import Kind

_END = bytes(1024)


class ShardWriter:
    """Writes shards, each whole or not at all. Scenes come in order; finished shards are left out of them."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        """Write to the folder of a data set what its plan says."""
        self._folder = folder
        self._plan = plan
        self._part = folder / ".shard.part"
        self._file: BinaryIO | None = None

    def missing(self) -> Iterator[int]:
        """Numbers of the scenes that are still to be made."""
        for shard in range(_count(self._plan)):
            if not _finished(self._folder, shard):
                yield from _numbers(self._plan, shard)

    def add(self, number: int, files: Files) -> None:
        """Take the next scene.

        Raises:
            ExportError: The system does not let it be written.
        """
        shard = number // self._plan.shard
        numbers = _numbers(self._plan, shard)
        try:
            if number == numbers[0]:
                self._file = self._part.open("wb")
                self._sha256 = hashlib.sha256()
                self._scenes: list[list[Any]] = []
            assert self._file is not None
            block = _block(scene_name(number), files)
            self._scenes.append([scene_name(number), self._file.tell(), len(block)])
            self._write(block)
            if number == numbers[-1]:
                self._finish(shard)
        except OSError as error:
            raise failure(_tar(self._folder, shard), error) from error

    def close(self) -> None:
        """Drop the shard that is not finished."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # there is still no room for what it has not written
                self._file.close()
            self._file = None
        self._part.unlink(missing_ok=True)

    def finish(self) -> dict[str, Any]:
        """What ``index.json`` says of the finished shards."""
        return {
            "shards": [
                {key: entry for key, entry in _contents(self._folder, shard).items() if key != "scenes"}
                for shard in range(_count(self._plan))
            ]
        }

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        self._file.write(data)
        self._sha256.update(data)

    def _finish(self, shard: int) -> None:
        assert self._file is not None
        self._write(_END)
        size = self._file.tell()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._file = None
        tar = _tar(self._folder, shard)
        contents = {"file": tar.name, "bytes": size, "sha256": self._sha256.hexdigest(), "scenes": self._scenes}
        with whole(tar.with_suffix(".json")) as fresh:
            fresh.write_text(json.dumps(contents, separators=(",", ":")) + "\n", encoding="utf-8")
        self._part.replace(tar)


class ShardReader:
    """The scenes of a data set in shards, one after the other or by index; unfinished shards are left out."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        """Look for the shards that are in the folder of a data set."""
        self._folder = folder
        self._plan = plan
        shards = (shard for shard in range(_count(plan)) if _tar(folder, shard).exists())
        self._numbers = [number for shard in shards for number in _numbers(plan, shard)]
        self._open: tuple[int, dict[str, Any]] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What the files of each scene begin with."""
        return tuple(scene_name(number) for number in self._numbers)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kind of each scene; no scene is read for it."""
        return tuple(self._plan.options.kind_of(number) for number in self._numbers)

    def __len__(self) -> int:
        """Number of scenes."""
        return len(self._numbers)

    def __iter__(self) -> Iterator[SceneRecord]:
        """Every scene, in order."""
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> SceneRecord:
        """One scene.

        Raises:
            IndexError: There is no such scene.
            MaquetteError: Its shard is damaged.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        shard, place = divmod(self._numbers[index], self._plan.shard)
        if self._open is None or self._open[0] != shard:
            self._open = shard, self._checked(shard)
        name, offset, size = self._open[1]["scenes"][place]
        path = _tar(self._folder, shard)
        with path.open("rb") as file:
            file.seek(offset)
            block = file.read(size)
        return decode(_unpacked(block, name, path), f"{shown(path)}: scene {name}")

    def _checked(self, shard: int) -> dict[str, Any]:
        contents, path = _contents(self._folder, shard), _tar(self._folder, shard)
        if path.stat().st_size != contents["bytes"]:
            raise MaquetteError(
                f"{shown(path)}: {path.stat().st_size} bytes instead of {contents['bytes']}, cut off or altered; "
                "generate the data set again: only that shard is made anew"
            )
        return contents


def _tar(folder: Path, shard: int) -> Path:
    return folder / f"worlds-{shard:06d}.tar"


def _count(plan: Plan) -> int:
    return -(-plan.scenes // plan.shard)


def _numbers(plan: Plan, shard: int) -> range:
    return range(shard * plan.shard, min((shard + 1) * plan.shard, plan.scenes))


def _finished(folder: Path, shard: int) -> bool:
    try:
        size: int = _contents(folder, shard)["bytes"]
        return _tar(folder, shard).stat().st_size == size
    except (MaquetteError, FileNotFoundError):
        return False


def _contents(folder: Path, shard: int) -> dict[str, Any]:
    """What lies where in a shard.

    Raises:
        MaquetteError: Its list is missing or damaged.
    """
    path = _tar(folder, shard).with_suffix(".json")
    try:
        contents: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise MaquetteError(
            f"{shown(path)}: missing or damaged; generate the data set again: only that shard is made anew"
        ) from error
    return contents


def _block(name: str, files: Files) -> bytes:
    """A scene's files as members of a tar (POSIX ustar), without times and owners."""
    pieces = []
    for ending, content in files.items():
        member = tarfile.TarInfo(f"{name}.{ending}")
        member.size = len(content)
        pieces += [member.tobuf(tarfile.USTAR_FORMAT), content, bytes(-len(content) % tarfile.BLOCKSIZE)]
    return b"".join(pieces)


def _unpacked(block: bytes, name: str, path: Path) -> dict[str, bytes]:
    files = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(block)) as tar:
            for member in tar:
                content = tar.extractfile(member)
                if content is not None:
                    files[member.name.removeprefix(f"{name}.")] = content.read()
    except tarfile.TarError as error:
        raise MaquetteError(f"{shown(path)}: scene {name} is damaged ({error}); make the data set again") from error
    return files
