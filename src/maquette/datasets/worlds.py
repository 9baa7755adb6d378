"""Worlds as frames, one for each view of each scene: with their depth, or with their segments."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maquette.datasets.coco import Category, PanopticFrame, PanopticSegment
from maquette.datasets.types import DepthSet, Place, Source
from maquette.errors import MaquetteError
from maquette.export.atomic import shown
from maquette.labels import LABELS
from maquette.worlds.folders import FolderReader
from maquette.worlds.record import SceneRecord
from maquette.worlds.run import read
from maquette.worlds.shards import ShardReader
from maquette.worlds.still import perception_of
from maquette.worlds.types import Kind

CATEGORIES = tuple(Category(label.id, label.name, label.isthing) for label in LABELS)
"""Those of ``panoptic_frames``: maquette's labels."""

_PLACES: dict[Kind, Place] = {"studio": "indoor", "room": "indoor", "street": "outdoor", "landscape": "outdoor"}


def open_worlds(path: Path) -> DepthSet:
    """Open what ``maquette worlds generate`` made; sky has no depth.

    Raises:
        MaquetteError: It is no such data set, or has pictures without depth.
    """
    reader, views = _opened(path)
    scenes = _Scenes(reader)
    return DepthSet(
        path,
        "worlds",
        tuple(
            Source(f"{name}.view{view}", _PLACES[kind] if kind else None, partial(scenes.frame, scene, view))
            for scene, (name, kind) in enumerate(zip(reader.names, reader.kinds, strict=True))
            for view in range(views)
        ),
    )


def panoptic_frames(path: Path) -> tuple[int, Iterator[PanopticFrame]]:
    """Open what ``maquette worlds generate`` made: things one by one, stuff by its label, with the pictures.

    Returns:
        The number of frames, and the frames, with ``CATEGORIES``.

    Raises:
        MaquetteError: As ``open_worlds``.
    """
    reader, views = _opened(path)

    def frames() -> Iterator[PanopticFrame]:
        for name, record in zip(reader.names, reader, strict=True):
            for index, view in enumerate(record.views):
                perfect = perception_of(record, view)
                segments = tuple(PanopticSegment(segment.id, segment.label.id) for segment in perfect.segments)
                picture = f"{name}.view{index}"
                yield PanopticFrame(picture, f"{picture}.png", perfect.segment_ids, segments, view.rgb)

    return len(reader) * views, frames()


def _opened(path: Path) -> tuple[ShardReader | FolderReader, int]:
    """A reader of scenes, and the number of views that each of them has."""
    reader = read(path)
    if not len(reader):
        raise MaquetteError(f"{shown(path)}: no shard is finished; generate the rest of it first")
    views = len(reader[0].views)
    if not views:
        raise MaquetteError(f"{shown(path)}: has pictures without truth; generate it with --truth, or in shards")
    return reader, views


class _Scenes:
    """Keeps the scene that was read last, as its views are mostly asked for one after the other."""

    def __init__(self, reader: ShardReader | FolderReader) -> None:
        self._reader = reader
        self._last: tuple[int, SceneRecord] | None = None

    def frame(self, scene: int, view: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        if self._last is None or self._last[0] != scene:
            self._last = scene, self._reader[scene]
        found = self._last[1].views[view]
        return found.rgb, found.depth_m
