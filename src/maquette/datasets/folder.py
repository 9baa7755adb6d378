"""Plain folders: pictures, and for each a depth map of a name that can be told from the picture's.

Depth maps are 16-bit PNGs in millimetres or ``.npy`` in metres, 0 where unknown: ``NAME.depth.png`` or
``NAME_depth.png`` beside the picture ``NAME.jpg`` (or of another ending), or ``depth/NAME.png`` where the picture is
``rgb/NAME.jpg``. Folders may be nested; one that is called ``indoor`` or ``outdoor`` gives the place of what is in it.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from maquette.datasets.files import below, place_of, read_pair
from maquette.datasets.types import DepthSet, Source
from maquette.errors import MaquetteError
from maquette.export.atomic import shown

_PICTURES = frozenset((".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"))
_MAPS = frozenset((".npy", ".png"))
_BESIDE = (".depth", "_depth")
_DEPTH, _RGB = ("depth", "depths"), ("rgb", "image", "images", "color")
_NAMES = "a pair is NAME.jpg and NAME.depth.png, or rgb/NAME.jpg and depth/NAME.png (or .npy)"


def open_folder(path: Path) -> DepthSet:
    """Open a plain folder.

    Pictures that are named after another one (``NAME.mask.png``) are left out, and so are folders in which no picture
    has a depth map.

    Raises:
        MaquetteError: It holds no depth map, a depth map without a picture, a picture without a depth map, or two depth
            maps for one picture.
    """
    files = below(path, "*")
    stems = {file: found for file in files if (found := _stems(file))}
    pictures = {file.with_suffix(""): file for file in files if file.suffix.lower() in _PICTURES and file not in stems}
    depths: dict[Path, Path] = {}
    for depth, candidates in stems.items():
        stem = next((stem for stem in candidates if stem in pictures), None)
        if stem is None:
            raise MaquetteError(f"{shown(depth)}: a depth map without a picture; {_NAMES}")
        if stem in depths:
            raise MaquetteError(f"{shown(depth)}: a second depth map, beside {depths[stem].name}; keep one of them")
        depths[stem] = depth
    if not depths:
        raise MaquetteError(f"{shown(path)}: holds no depth map; {_NAMES}")
    folders = {stem.parent for stem in depths}
    for stem, picture in pictures.items():
        if stem not in depths and stem.parent in folders and stem.with_suffix("") not in depths:
            raise MaquetteError(f"{shown(picture)}: has no depth map; {_NAMES}")
    named = Path(path.resolve().name)
    return DepthSet(
        path,
        "folder",
        tuple(
            Source(
                stem.relative_to(path).as_posix(),
                place_of(named / stem.relative_to(path)),
                partial(read_pair, pictures[stem], depths[stem]),
            )
            for stem in sorted(depths)
        ),
    )


def _stems(file: Path) -> list[Path]:
    """Where the picture of a depth map can be, without its ending; nothing where the file is no depth map."""
    if file.suffix.lower() not in _MAPS:
        return []
    for ending in _BESIDE:
        if file.stem.endswith(ending):
            return [file.with_name(file.stem.removesuffix(ending))]
    if file.parent.name.lower() in _DEPTH:
        return [file.parent.parent / folder / file.stem for folder in _RGB]
    return []
