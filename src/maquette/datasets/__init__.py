"""Readers of public data sets: one file each, the same frames out."""

from __future__ import annotations

from pathlib import Path

from maquette.datasets.types import DepthFrame, DepthSet, Layout, Place
from maquette.errors import MaquetteError
from maquette.export.atomic import shown

__all__ = ["DepthFrame", "DepthSet", "Layout", "Place", "open_depth_set"]


def open_depth_set(path: Path, layout: Layout | None = None) -> DepthSet:
    """Open a data set of pictures with depth; ``docs/datasets.md`` says what files each layout has.

    Args:
        path: Its folder, or the ``.mat`` file of NYU Depth v2.
        layout: How it is kept; None finds out.

    Returns:
        Its frames, each read when it is asked for.

    Raises:
        MaquetteError: It is not there, holds no frame, or a picture lacks its depth.
    """
    from maquette.datasets.diode import open_diode
    from maquette.datasets.folder import open_folder
    from maquette.datasets.nyu import open_nyu
    from maquette.datasets.worlds import open_worlds

    if not path.exists():
        raise MaquetteError(f"{shown(path)}: no such folder; name that of a data set")
    readers = {"diode": open_diode, "nyu": open_nyu, "worlds": open_worlds, "folder": open_folder}
    return readers[layout or _layout(path)](path)


def _layout(path: Path) -> Layout:
    from maquette.datasets.nyu import SYNCED
    from maquette.worlds.folders import TRUTH
    from maquette.worlds.plan import INDEX

    if path.is_file():
        if path.suffix.lower() != ".mat":
            raise MaquetteError(f"{shown(path)}: a file; name the folder of a data set")
        return "nyu"
    if (path / INDEX).exists() or any(path.glob(f"*/{TRUTH}/scene.json")):
        return "worlds"
    if any(path.glob("*.mat")) or any(path.rglob(SYNCED)):
        return "nyu"
    if any(path.rglob("*_depth_mask.npy")):
        return "diode"
    return "folder"
