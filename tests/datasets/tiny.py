"""Tiny data sets in the real files of the public ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maquette.worlds.encode import encode
from maquette.worlds.options import TruthOptions, WorldOptions
from maquette.worlds.plan import Plan, index_of, write_index
from maquette.worlds.record import SceneRecord
from maquette.worlds.shards import ShardWriter

Truth = dict[str, tuple[NDArray[np.uint8], NDArray[np.float32]]]


def picture(rng: np.random.Generator, height: int = 12, width: int = 16) -> NDArray[np.uint8]:
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def depth(rng: np.random.Generator, height: int = 12, width: int = 16, farthest: float = 20) -> NDArray[np.float32]:
    """Depth in whole millimetres, a quarter of it unknown."""
    metres = np.rint(rng.uniform(0.3, farthest, (height, width)) * 1000).astype(np.float32) / np.float32(1000)
    return np.where(rng.random((height, width)) < 0.25, np.float32(0), metres)


def save_millimetres(path: Path, metres: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.rint(metres * 1000).astype(np.uint16)).save(path)


def save_rgb(path: Path, rgb: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(path)


def save_jpeg(path: Path, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Save a picture, and return what a JPEG keeps of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(path, quality=95)
    with Image.open(path) as image:
        return np.array(image)


def make_diode(folder: Path, seed: int = 0) -> Truth:
    """Two scenes of the validation split, as its archive unpacks."""
    rng = np.random.default_rng(seed)
    truth = {}
    for place, scene, scan in (("indoors", 19, 183), ("indoors", 19, 184), ("outdoor", 22, 193)):
        name = f"{scene:05d}_{scan:05d}_{place}_000_010"
        stem = folder / "val" / place / f"scene_{scene:05d}" / f"scan_{scan:05d}" / name
        rgb, metres, valid = picture(rng), depth(rng, farthest=200), rng.random((12, 16)) < 0.7
        save_rgb(stem.with_suffix(".png"), rgb)
        np.save(stem.with_name(f"{name}_depth.npy"), metres[..., None])
        np.save(stem.with_name(f"{name}_depth_mask.npy"), valid.astype(np.float32))
        truth[stem.relative_to(folder).as_posix()] = rgb, np.where(valid, metres, np.float32(0))
    return truth


def make_labelled_nyu(path: Path, count: int = 2) -> Truth:
    """The labelled set: MATLAB 7.3 is HDF5 after 512 bytes that say so, with columns before rows."""
    import h5py

    rng = np.random.default_rng(1)
    rgb = [picture(rng, 480, 640) for _ in range(count)]
    metres = [depth(rng, 480, 640, 10) for _ in range(count)]
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in (
            ("images", np.array(rgb).transpose(0, 3, 2, 1)),
            ("depths", np.transpose(metres, (0, 2, 1))),
        ):
            file.create_dataset(
                name, data=values, chunks=(1, *values.shape[1:]), compression="gzip", compression_opts=1
            )
            file[name].attrs["MATLAB_class"] = np.bytes_(values.dtype.name.replace("float32", "single"))
    header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Sat Nov 21 12:00:00 2026 HDF5 schema 1.00 ."
    with path.open("r+b") as stream:
        stream.write(header.ljust(124) + b"\x00\x02IM")
    return {f"{number:04d}": pair for number, pair in enumerate(zip(rgb, metres, strict=True))}


def make_synced_nyu(folder: Path) -> Truth:
    rng = np.random.default_rng(2)
    truth = {}
    for scene, number in (("basement_0001a", 0), ("basement_0001a", 1), ("kitchen_0028b", 45)):
        metres = depth(rng, farthest=10)
        rgb = save_jpeg(folder / scene / f"rgb_{number:05d}.jpg", picture(rng))
        save_millimetres(folder / scene / f"sync_depth_{number:05d}.png", metres)
        truth[f"{scene}/rgb_{number:05d}"] = rgb, metres
    return truth


def make_worlds(folder: Path, records: list[SceneRecord], kind: Any, shard: int = 2) -> None:
    """A data set in shards, of records that were never rendered."""
    plan = Plan(WorldOptions(kind=kind), TruthOptions(), 0, len(records), "shards", shard, False)
    folder.mkdir()
    write_index(folder, index_of(plan))
    writer = ShardWriter(folder, plan)
    for number, record in enumerate(records):
        writer.add(number, encode(record))
    writer.close()
