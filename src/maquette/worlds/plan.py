"""What a data set is to hold, written down before its first scene: ``index.json``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from maquette.errors import MaquetteError
from maquette.export.atomic import shown, whole
from maquette.export.glb import generator
from maquette.worlds.options import Layout, TruthOptions, WorldOptions

FORMAT = "maquette-worlds"
VERSION = 1
INDEX = "index.json"


@dataclass(frozen=True)
class Plan:
    """Everything that the bytes of a data set follow from.

    Attributes:
        options: What the worlds look like.
        truth: What is written of each.
        seed: Scene ``n`` is a function of the seed and ``n`` alone.
        scenes: How many.
        layout: ``shards`` are tar files; ``folders`` is the layout of the Everted U-Net paper.
        shard: Scenes in a shard.
        beside: With ``folders``: all other truth too, in a folder ``truth`` beside the paper's files.
    """

    options: WorldOptions
    truth: TruthOptions
    seed: int
    scenes: int
    layout: Layout
    shard: int
    beside: bool

    def check(self) -> None:
        """Refuse numbers that mean nothing.

        Raises:
            MaquetteError: Says which.
        """
        self.options.check()
        for name, value, least in (
            ("scenes", self.scenes, 1),
            ("shard", self.shard, 1),
            ("seed", self.seed, 0),
            ("samples", self.truth.samples, 1),
        ):
            if value < least:
                raise MaquetteError(f"--{name} must be {least} or more, not {value}")


def scene_name(number: int) -> str:
    """The name of a scene in its data set."""
    return f"{number:06d}"


def index_of(plan: Plan) -> dict[str, Any]:
    """What ``index.json`` says from the start."""
    sources = {
        name: _fingerprint(Path(folder))
        for name, folder in (
            ("assets", plan.options.assets),
            ("classes", plan.options.classes),
            ("textures", plan.options.textures),
        )
        if folder is not None
    }
    return {
        "format": FORMAT,
        "version": VERSION,
        "generator": generator(),
        "plan": asdict(plan),
        "sources": sources,
    }


def read_index(folder: Path) -> dict[str, Any]:
    """What ``index.json`` of a data set says.

    Raises:
        MaquetteError: There is none, or it is not one of ours.
    """
    path = folder / INDEX
    try:
        index = json.loads(path.read_bytes())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise MaquetteError(f"{shown(path)}: cannot be read ({reason}); name the folder of a data set") from error
    except ValueError as error:
        raise MaquetteError(f"{shown(path)}: damaged; make the data set again, in another folder") from error
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        raise MaquetteError(f"{shown(path)}: not of maquette's worlds; name another folder")
    if index.get("version") != VERSION:
        raise MaquetteError(f"{shown(path)}: written by {index.get('generator', 'another version')}; update maquette")
    return index


def write_index(folder: Path, index: Mapping[str, Any]) -> None:
    """Write ``index.json``, whole or not at all."""
    with whole(folder / INDEX) as fresh:
        fresh.write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def plan_of(index: Mapping[str, Any]) -> Plan:
    """The plan in an ``index.json``.

    Raises:
        MaquetteError: It has options that this version does not know.
    """
    try:
        entry = index["plan"]
        return Plan(**{**entry, "options": WorldOptions(**entry["options"]), "truth": TruthOptions(**entry["truth"])})
    except (KeyError, TypeError) as error:
        written = index.get("generator", "another version")
        raise MaquetteError(f"{INDEX}: written by {written}, with other options ({error}); update maquette") from error


def check_same(found: Mapping[str, Any], wanted: Mapping[str, Any], folder: Path) -> None:
    """Refuse to go on with a data set that was begun otherwise.

    Raises:
        MaquetteError: Says what differs first.
    """
    before, after = _flat(found), _flat(json.loads(json.dumps(wanted)))
    for name, value in after.items():
        if before.get(name) != value:
            raise MaquetteError(
                f"{shown(folder)}: begun with {name} {before.get(name)!r}, not {value!r}; "
                "give it the same options, or name another folder"
            )


def _flat(index: Mapping[str, Any]) -> dict[str, Any]:
    plan = index["plan"]
    numbers = {name: value for name, value in plan.items() if name not in ("options", "truth")}
    return {"generator": index["generator"], **plan["options"], **plan["truth"], **numbers, **_contents(index)}


def _contents(index: Mapping[str, Any]) -> dict[str, Any]:
    return {f"contents of --{name}": digest for name, digest in index["sources"].items()}


def _fingerprint(path: Path) -> str:
    """The sha256 of a file, or of the names and contents of all files in a folder.

    Raises:
        MaquetteError: It cannot be read.
    """
    try:
        files = sorted(entry for entry in path.rglob("*") if entry.is_file()) if path.is_dir() else [path]
        digest = hashlib.sha256()
        for file in files:
            with file.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            digest.update(f"{file.relative_to(path).as_posix()}\0{content}\n".encode())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise MaquetteError(f"{shown(path)}: cannot be read ({reason}); check the path") from error
    return digest.hexdigest()
