"""``maquette voxels``: the photos of a calibrated rig to labelled voxels."""

from __future__ import annotations

import argparse
import dataclasses
from collections import Counter
from pathlib import Path

import shtab

import maquette
from maquette.cli.flags import add_flags, from_flags
from maquette.cli.inputs import expand, photo_sha256
from maquette.cli.report import DONE, Clock, Report, terms
from maquette.errors import MaquetteError, PhotoError
from maquette.examples import studio_example
from maquette.voxels.options import VoxelOptions

_RIG = "transforms.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``maquette voxels`` takes."""
    photos = parser.add_argument(
        "photos",
        metavar="PHOTO",
        nargs="*",
        type=Path,
        help=f"a picture of each camera of the rig, or a folder with them (and with {_RIG})",
    )
    photos.complete = shtab.FILE  # type: ignore[attr-defined]
    parser.add_argument("--example", action="store_true", help="three pictures of the studio that come with maquette")
    parser.add_argument(
        "-o",
        "--out",
        metavar="OUT",
        type=Path,
        required=True,
        help="new folder with all files, or one file: .glb, .npz, .vox or .png",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace what an earlier run made")
    parser.add_argument("--threads", metavar="N", type=int, default=0, help="threads of the network; 0 chooses [0]")
    add_flags(parser, VoxelOptions)


def run(arguments: argparse.Namespace, report: Report) -> int:
    """Make voxels of the photos of one rig."""
    if arguments.threads < 0:
        raise MaquetteError("--threads must be 0 or more")
    options = from_flags(VoxelOptions, arguments)
    options.check()
    photos, rig = _photos(arguments.photos, example=arguments.example, rig=options.rig)
    options = dataclasses.replace(options, rig=rig)
    twice = [photo for photo, count in Counter(path.resolve() for path in photos).items() if count > 1]
    if twice:
        raise PhotoError(f"{twice[0].name}: named twice; name one photo of each camera")
    digests = [photo_sha256(photo) for photo in photos]
    with report.progress(str(arguments.out)) as tell:
        from maquette.photo import load_photo
        from maquette.voxels.build import build
        from maquette.voxels.files import check_target

        check_target(arguments.out, overwrite=arguments.overwrite)
        clock = Clock(tell)
        clock("photos")
        made = build([load_photo(photo) for photo in photos], options, threads=arguments.threads, progress=clock)
        settings = dict(made.scene.settings)
        settings["photos"] = [
            {**entry, "sha256": digest} for entry, digest in zip(settings["photos"], digests, strict=True)
        ]
        scene = dataclasses.replace(made.scene, settings={"maquette": maquette.__version__, **settings})
        clock("files")
        dataclasses.replace(made, scene=scene).export(arguments.out, overwrite=arguments.overwrite)
    counts = Counter(found.label for found in made.voxels.objects)
    seconds = clock.seconds()
    found = ", ".join(f"{count} x {label}" for label, count in counts.items()) or "nothing found"
    names = " ".join(photo.name for photo in photos)
    report.line("\n  ".join([f"{names} -> {arguments.out}: {found}; {seconds['total']:.1f} s", *scene.notes]))
    for network in settings["networks"]:
        report.line(terms(network))
    report.document(
        {
            "maquette": maquette.__version__,
            "inputs": [str(photo) for photo in photos],
            "output": str(arguments.out),
            "objects": dict(counts),
            "seconds": seconds,
            "notes": list(scene.notes),
            "networks": settings["networks"],
        }
    )
    return DONE


def _photos(named: list[Path], *, example: bool, rig: Path | None) -> tuple[list[Path], Path | None]:
    """The pictures, and the file of their rig, if there is one."""
    if example and named:
        raise PhotoError("--example brings its own photos; leave out either")
    if example:
        return list(studio_example()), rig
    if not named:
        raise PhotoError("no photo is named; name one a camera, or try --example")
    if len(named) > 1 or not named[0].is_dir():
        return named, rig
    folder = named[0]
    if rig is None and (folder / _RIG).is_file():
        rig = folder / _RIG
    pictures = _of_rig(folder, rig) or _in_folder(folder)
    if not pictures:
        raise PhotoError(f"{folder}: a folder without pictures; name those of the rig")
    return pictures, rig


def _of_rig(folder: Path, rig: Path | None) -> list[Path]:
    """The pictures in a folder that the file of a rig names."""
    if rig is None:
        return []
    from maquette.voxels.rig import read_rig

    return [path for path in (folder / name for name in read_rig(rig).names) if path.is_file()]


def _in_folder(folder: Path) -> list[Path]:
    """The pictures in a folder; of a rendered world only the cameras' own, ``0.png`` and so on."""
    pictures = [path for path in expand(str(folder)) if path != folder]
    numbered = [path for path in pictures if path.stem.isdecimal()]
    return sorted(numbered, key=lambda path: int(path.stem)) or pictures
