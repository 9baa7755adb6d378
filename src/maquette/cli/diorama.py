"""``maquette diorama``: a folder with a layered 3D scene for each photo."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import shtab

import maquette
from maquette.api import perceive_and_build, perception_record
from maquette.cli.batch import at_once
from maquette.cli.finished import check_replaceable, finished_scene, same_request
from maquette.cli.flags import add_flags, from_flags
from maquette.cli.inputs import expand, photo_sha256, scene_folders
from maquette.cli.report import BAD_INPUT, BUG, DONE, Clock, Report, terms
from maquette.diorama.options import DioramaOptions
from maquette.errors import ExportError, MaquetteError, PhotoError
from maquette.examples import FILES, example
from maquette.models.catalogue import EMBEDDED, choose, describe, resolve
from maquette.perception.options import PerceptionOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``maquette diorama`` takes."""
    photos = parser.add_argument(
        "photos",
        metavar="PHOTO",
        nargs="*",
        help="a picture, a folder of pictures, or a pattern: 'photos/*.jpg'",
    )
    photos.complete = shtab.FILE  # type: ignore[attr-defined]
    parser.add_argument(
        "--example", choices=sorted(FILES), action="append", default=[], help="a photo that comes with scikit-image"
    )
    parser.add_argument(
        "-o", "--out", metavar="OUT", type=Path, help="folder of the scene, or of one folder a photo [NAME_diorama]"
    )
    parser.add_argument("--overwrite", action="store_true", help="make scenes anew that are there already")
    parser.add_argument("--threads", metavar="N", type=int, default=0, help="threads of the networks; 0 chooses [0]")
    parser.add_argument(
        "--jobs", metavar="N", type=int, default=2, help="photos at a time; each needs memory of its own [2]"
    )
    add_flags(parser, DioramaOptions)
    add_flags(parser, PerceptionOptions)


def run(arguments: argparse.Namespace, report: Report) -> int:
    """Make a scene of each photo; return 0 when all are there, else the gravest status of those that failed."""
    if arguments.threads < 0:
        raise MaquetteError("--threads must be 0 or more")
    if arguments.jobs < 1:
        raise MaquetteError("--jobs must be 1 or more")
    photos, single = _photos(arguments)
    if len(photos) > 1 and (arguments.depth or arguments.segments):
        raise MaquetteError("--depth and --segments belong to one photo; name that one alone")
    networks = _networks(arguments.models)
    folders = scene_folders(photos, arguments.out, several=not single)
    places = list(zip(photos, folders, strict=True))
    statuses, records = {0}, []
    with at_once(partial(_make, arguments, networks), places, min(arguments.jobs, len(photos))) as results:
        for number, ((photo, folder), result) in enumerate(zip(places, results, strict=True), start=1):
            record: dict[str, Any] = {"input": str(photo), "output": str(folder)}
            try:
                with report.progress(photo.name if single else f"{number}/{len(photos)} {photo.name}") as tell:
                    record |= result(tell)
            except Exception as error:
                status, message = report.error(error)
                statuses.add(status)
                record |= {"status": "failed", "error": message}
            else:
                report.line("\n  ".join([_line(record), *record["notes"]]))
            records.append(record)
    for network in networks:
        if any(network in record.get("networks", []) for record in records):
            report.line(terms(network))
    if not single:
        counts = Counter(record["status"] for record in records)
        report.line(", ".join(f"{count} {status}" for status, count in counts.items()))
    report.document({"maquette": maquette.__version__, "scenes": records})
    return next(status for status in (BUG, BAD_INPUT, DONE) if status in statuses)


def _photos(arguments: argparse.Namespace) -> tuple[list[Path], bool]:
    """The pictures to treat, each once, and whether there is one that was named itself."""
    named = [photo for argument in arguments.photos for photo in expand(argument)]
    photos = list(
        {os.path.realpath(photo): photo for photo in named + [example(name) for name in arguments.example]}.values()
    )
    if not photos:
        raise PhotoError("no photo is named; name some, or try --example coffee")
    single = len(arguments.photos) + len(arguments.example) == 1 and (not named or named == [Path(arguments.photos[0])])
    return photos, single


def _make(
    arguments: argparse.Namespace,
    networks: Sequence[Mapping[str, str]],
    place: tuple[Path, Path],
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Make the scene of a photo in a folder, or find it made, and return what there is to say of it."""
    photo, folder = place
    options, perception_options = from_flags(DioramaOptions, arguments), from_flags(PerceptionOptions, arguments)
    request = {
        "maquette": maquette.__version__,
        "photo": {"sha256": photo_sha256(photo)},
        "diorama": dataclasses.asdict(options),
        "perception": perception_record(perception_options),
    }
    done = finished_scene(folder)
    if done is not None and arguments.overwrite:
        check_replaceable(folder)
    elif done is not None:
        if not same_request(done["settings"], request, networks):
            raise ExportError(f"{folder}: holds a scene of another photo or other options; --overwrite makes it anew")
        return {"status": "skipped", **_facts(done["nodes"], done["notes"], done["settings"]["networks"])}

    from maquette.export.folder import write_bundle
    from maquette.photo import load_photo

    clock = Clock(tell)
    clock("photo")
    loaded = load_photo(photo)
    scene, perception = perceive_and_build(
        loaded, options, perception_options, threads=arguments.threads, progress=clock
    )
    scene = dataclasses.replace(scene, settings={**scene.settings, **request})
    clock("files")
    write_bundle(scene, perception, folder, overwrite=arguments.overwrite)
    facts = _facts(scene.nodes, scene.notes, scene.settings["networks"])
    return {"status": "made", **facts, "seconds": clock.seconds()}


def _networks(names: Sequence[str]) -> list[dict[str, str]]:
    """The networks that may take part, as they are recorded: checked before any work is done."""
    chosen = choose(names)
    return [dataclasses.asdict(describe(model)) for model in {"perception": resolve(EMBEDDED), **chosen}.values()]


def _facts(nodes: Sequence[Any], notes: Sequence[str], networks: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    return {"layers": len(nodes), "notes": list(notes), "networks": list(networks)}


def _line(record: Mapping[str, Any]) -> str:
    if record["status"] == "skipped":
        return f"{record['input']} -> {record['output']}: there already, {record['layers']} layers"
    return f"{record['input']} -> {record['output']}: {record['layers']} layers, {record['seconds']['total']:.1f} s"
