"""Make every sample of the recipe once and keep it on disk."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maquette.labels import BY_NAME, LABELS
from maquette.train import data
from maquette.train.data import Sample
from maquette.train.targets.geometry import is_outdoor, weak_depth
from maquette.train.targets.instances import pseudo_instances
from maquette.train.targets.nanodet import NanoDet
from maquette.train.targets.semantic import Teachers, soft_target

log = logging.getLogger(__name__)

_PHOTO_FOCAL = 1.0
"""Assumed focal length of a photo, in longer sides."""
_OUTDOOR_NOISE, _INDOOR_NOISE, _LOOSE_NOISE = 0.5, 0.35, 0.7
"""Standard deviation of the log scale of weak depth."""
_ANNOTATED_SHARE = 0.9
"""Share of the target that an annotation takes; the teachers keep the rest."""


def build(photos: list[Path], osd: list[Path], aims: list[Path], weights: Path, cache: Path) -> None:
    """Write one ``.npz`` a picture to ``cache``; those that exist are kept.

    Args:
        photos: Unlabelled pictures.
        osd: Pictures of the Object Segmentation Database.
        aims: Pictures of ``aims``.
        weights: Folder of the teachers' files.
        cache: Folder to fill.
    """
    cache.mkdir(parents=True, exist_ok=True)
    teachers, detector = Teachers(weights, cache), NanoDet(weights)
    for group, paths in (("photo", photos), ("osd", osd), ("aims", aims)):
        for path in paths:
            target = sample_path(cache, group, path)
            if not target.exists():
                sample = _photo(path, teachers, detector) if group == "photo" else _rgbd(path, group, teachers)
                save(sample, target)
                log.info("cached %s", target.name)


def sample_path(cache: Path, group: str, path: Path) -> Path:
    """Return where the sample of a picture lies."""
    return cache / f"{group}-{path.stem}.npz"


def save(sample: Sample, path: Path) -> None:
    """Write a sample as ``.npz``."""
    aside = path.with_suffix(".part.npz")
    np.savez_compressed(aside, **vars(sample))
    aside.rename(path)


def load(path: Path) -> Sample:
    """Read a sample that ``save`` wrote."""
    with np.load(path) as file:
        plain = {name: file[name].item() for name in ("name", "group", "depth_noise", "focal_px")}
        return Sample(**plain, **{name: file[name] for name in file.files if name not in plain})


def _photo(path: Path, teachers: Teachers, detector: NanoDet) -> Sample:
    original = data.read_rgb(path)
    size = data.working_size(original.shape[1], original.shape[0])
    image = np.asarray(Image.fromarray(original).resize(size, Image.Resampling.LANCZOS))
    semantic = soft_target(teachers.ensemble(image)[0], image)
    ids = semantic.argmax(0) + 1
    instances = pseudo_instances(ids, detector(image), ids.shape[0] / image.shape[0])
    focal_px = _PHOTO_FOCAL * max(size)
    depth, grounded = weak_depth(ids, instances, focal_px / 2)
    noise = _LOOSE_NOISE if not grounded else _OUTDOOR_NOISE if is_outdoor(ids) else _INDOOR_NOISE
    depth = depth.repeat(2, 0).repeat(2, 1)
    return Sample(path.stem, "photo", image, semantic, instances, depth, noise, focal_px)


def _rgbd(path: Path, group: str, teachers: Teachers) -> Sample:
    image = data.read_rgb(path)
    semantic = soft_target(teachers.ensemble(image)[0], image)
    if group == "osd":
        instances = data.osd_instances(path)[::2, ::2]
        semantic = _table_top(semantic, instances)
        depth, focal_px = data.depth_of(path), data.OSD_FOCAL_PX
    else:
        ids = semantic.argmax(0)
        things = np.array([label.isthing for label in LABELS])
        instances = np.where(things[ids], -1, 0).astype(np.int16)
        depth, focal_px = data.depth_of(path, data.AIMS_RANGE_M), data.AIMS_FOCAL_PX
    return Sample(path.stem, group, image, semantic, instances, depth, 0.0, focal_px)


def _table_top(semantic: NDArray[np.uint8], instances: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Return the target of an annotated table top: ``table``, and ``object`` or what the teachers hold to be a bottle.

    Pixels without annotation get no target (zeros), because part of them is the same table out of the sensor's reach.
    """
    bottle = semantic[BY_NAME["bottle"].id - 1].astype(np.float64) / 255
    out = semantic.astype(np.float64)
    for name, where in (("table", instances == 1), ("object", instances > 1)):
        share = _ANNOTATED_SHARE * where * (1 - bottle)
        out *= 1 - share
        out[BY_NAME[name].id - 1] += share * 255
    return np.rint(out * (instances > 0)).astype(np.uint8)
