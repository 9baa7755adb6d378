"""NYU Depth v2 (Silberman et al. 2012), in both forms that depth networks are trained and evaluated on.

The labelled set is one MATLAB 7.3 file, ``nyu_depth_v2_labeled.mat``: an HDF5 file whose ``images`` are
(N, 3, 640, 480) uint8 and ``depths`` (N, 640, 480) float32 metres, with holes filled, both with columns before rows.
The larger set is folders of ``rgb_00045.jpg`` with ``sync_depth_00045.png``, 16-bit millimetres, as BTS and GLPN take
them.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maquette.datasets.files import below, read_pair
from maquette.datasets.types import DepthSet, Source
from maquette.errors import MaquetteError
from maquette.export.atomic import shown

SYNCED = "sync_depth_*.png"
"""Names of the depth maps in folders."""


def open_nyu(path: Path) -> DepthSet:
    """Open NYU Depth v2: its ``.mat`` file, a folder with that, or a folder of synchronised pictures.

    Raises:
        MaquetteError: It is none of these, or a picture lacks its depth map.
    """
    labelled = [path] if path.is_file() else sorted(path.glob("*.mat"))
    if labelled:
        return _open_labelled(labelled[0])
    pictures = below(path, "rgb_*.jpg")
    if not pictures:
        raise MaquetteError(
            f"{shown(path)}: holds neither a .mat file nor rgb_*.jpg; name nyu_depth_v2_labeled.mat, or the folder of "
            "the synchronised pictures"
        )
    sources = []
    for picture in pictures:
        depth = picture.with_name(f"sync_depth_{picture.stem.removeprefix('rgb_')}.png")
        if not depth.is_file():
            raise MaquetteError(f"{shown(depth)}: missing, beside {picture.name}; unpack the data set again")
        name = picture.relative_to(path).with_suffix("").as_posix()
        sources.append(Source(name, "indoor", partial(read_pair, picture, depth)))
    return DepthSet(path, "nyu", tuple(sources))


def _open_labelled(path: Path) -> DepthSet:
    try:
        import h5py
    except ImportError as error:
        raise MaquetteError(f'{shown(path)}: MATLAB files need h5py: pip install "maquette[datasets]"') from error
    try:
        with h5py.File(path) as file:
            images, depths = file["images"], file["depths"]
            count, columns, rows = depths.shape
            if images.shape != (count, 3, columns, rows) or images.dtype != np.uint8 or depths.dtype.kind != "f":
                raise ValueError(f"images are {images.dtype} {images.shape}, depths {depths.dtype} {depths.shape}")
    except (OSError, KeyError, AttributeError, ValueError) as error:
        raise _not_labelled(path, error) from error
    sources = (Source(f"{number:04d}", "indoor", partial(_read_labelled, path, number)) for number in range(count))
    return DepthSet(path, "nyu", tuple(sources))


def _read_labelled(path: Path, number: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    import h5py

    try:
        with h5py.File(path) as file:
            image, depth = file["images"][number], file["depths"][number]
    except (OSError, KeyError) as error:
        raise _not_labelled(path, error) from error
    depth_m = np.ascontiguousarray(depth.T, np.float32)
    return np.ascontiguousarray(image.transpose(2, 1, 0)), np.where(
        np.isfinite(depth_m) & (depth_m > 0), depth_m, np.float32(0)
    )


def _not_labelled(path: Path, error: Exception) -> MaquetteError:
    reason = " ".join(str(error).split())
    return MaquetteError(f"{shown(path)}: damaged, or not the labelled NYU Depth v2 ({reason}); download it again")
