"""Which photos the arguments mean, and where the scene of each goes."""

from __future__ import annotations

import glob
import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from maquette.errors import PhotoError

PICTURES = frozenset(
    ".avif .bmp .gif .heic .heif .jfif .jp2 .jpe .jpeg .jpg .pbm .pgm .png .pnm .ppm .qoi .tga .tif .tiff .webp".split()
)
"""Endings of the files that are taken from a folder; a file that is named itself may have any."""


def expand(argument: str) -> list[Path]:
    """Return the files that one argument means.

    Args:
        argument: A file, a folder (the pictures directly in it), or a pattern such as ``photos/*.jpg`` or
            ``photos/**/*.jpg`` that the shell left alone.

    Returns:
        Paths in the order of their names. What means no file is returned as it is, never an empty list: it is told with
        the other photos that failed, and does not keep the rest from being made.
    """
    path = Path(argument)
    found = [path]
    if os.path.isdir(path):  # unlike Path.is_dir, no error where a name is too long or a link turns in a circle
        found = _pictures(path)
    elif glob.has_magic(argument) and not os.path.exists(path):
        matches = [Path(match) for match in sorted(glob.glob(argument, recursive=True))]
        found = [photo for match in matches for photo in (_pictures(match) if match.is_dir() else [match])]
    return found or [path]


def _pictures(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURES and not p.name.startswith("."))
    except OSError:
        return []


def photo_sha256(photo: Path) -> str:
    """Return the hexadecimal sha256 of a photo's file.

    Raises:
        PhotoError: It is no file, or cannot be read.
    """
    try:
        if os.path.isdir(photo):
            raise PhotoError(f"{photo}: a folder in which no pictures can be seen; name one that holds some")
        if not os.path.isfile(photo):
            raise PhotoError(f"{photo}: no such file; name a picture, a folder of pictures, or a pattern")
        with photo.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise PhotoError(f"{photo}: cannot be read ({error.strerror}); check the file and its permissions") from error


def scene_folders(photos: Sequence[Path], out: Path | None, *, several: bool) -> list[Path]:
    """Return the folder of each photo's scene, all different.

    Args:
        photos: Paths of the pictures.
        out: What the user named, or None.
        several: Whether each photo gets a folder of its own inside ``out``, rather than ``out`` itself.

    Returns:
        ``out`` for a single photo; ``out/<name>`` for several; ``<name>_diorama`` in the current folder where the
        user named nothing. The name is the photo's without its ending. Photos that would share a name keep their
        ending in it (``a_jpg``, ``a_png``), and what still collides is numbered.
    """
    if out is not None and not several:
        return [out]
    shared = Counter(photo.stem.casefold() for photo in photos)
    names: list[str] = []
    taken: set[str] = set()
    for photo in photos:
        stem = photo.stem if shared[photo.stem.casefold()] == 1 else photo.name.replace(".", "_")
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}_{number}"
        taken.add(name.casefold())
        names.append(name)
    return [Path(f"{name}_diorama") if out is None else out / name for name in names]
