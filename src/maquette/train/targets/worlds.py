"""Samples from rendered worlds: everything about them is known exactly."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from maquette.labels import LABELS
from maquette.train.data import Sample
from maquette.worlds.options import TruthOptions, WorldOptions
from maquette.worlds.record import SceneRecord
from maquette.worlds.run import generate, read

log = logging.getLogger(__name__)

WIDTH, HEIGHT = 480, 384
SHARD = 100
FARTHEST_M = 300.0
"""Depth beyond this is left out: it is mountains at the edge of the world."""
HELD_OUT = 0.04
"""Share of each set that is held out."""


@dataclass(frozen=True)
class WorldSet:
    """One data set of worlds.

    Attributes:
        name: Of its folder.
        group: Of its samples.
        kind: What is rendered.
        scenes: How many.
        seed: Theirs.
        styles: ``unseen`` to test on.
        photos: Whether photos join the textures of walls, floors and fabrics.
    """

    name: str
    group: str
    kind: Literal["room", "street", "landscape"]
    scenes: int
    seed: int
    styles: Literal["seen", "unseen"] = "seen"
    photos: bool = False

    @property
    def held_out(self) -> int:
        """Its last scenes, that many, are to choose on."""
        return round(HELD_OUT * self.scenes)


LEARN = (
    WorldSet("room", "room", "room", 1200, 1),
    WorldSet("street", "street", "street", 600, 2),
    WorldSet("landscape", "land", "landscape", 600, 3),
    WorldSet("room_photo", "room", "room", 600, 4, photos=True),
)
TEST = (
    WorldSet("unseen_room", "room", "room", 200, 11, "unseen"),
    WorldSet("unseen_street", "street", "street", 100, 12, "unseen"),
    WorldSet("unseen_landscape", "land", "landscape", 100, 13, "unseen"),
)


def make(folder: Path, sets: tuple[WorldSet, ...], textures: Path | None = None) -> None:
    """Render what is missing of ``sets``, each into its own folder in ``folder``.

    Args:
        folder: Of all sets.
        sets: Which.
        textures: Folder of photos, for the sets that use them.
    """
    for one in sets:
        photos = str(textures) if one.photos else None
        options = WorldOptions(one.kind, styles=one.styles, width=WIDTH, height=HEIGHT, textures=photos)
        truth = TruthOptions(amodal=False, grid="no")
        made = generate(options, truth, folder / one.name, scenes=one.scenes, seed=one.seed, shard=SHARD)
        log.info("%s: %d scenes, %d of them new", one.name, made.scenes, made.made)


def samples(folder: Path, one: WorldSet) -> list[Sample]:
    """Return the scenes of a set to learn from."""
    reader = read(folder / one.name)
    return [to_sample(reader[number], f"{one.name}-{number}", one.group) for number in range(one.scenes - one.held_out)]


def to_sample(record: SceneRecord, name: str, group: str) -> Sample:
    """Return what is known of the first view of a world."""
    view = record.views[0]
    thing = np.array([False, *(label.isthing for label in LABELS)])[view.semantic]
    depth = np.where(view.depth_m < FARTHEST_M, view.depth_m, 0).astype(np.float16)
    instances = np.where(thing, view.instance, 0)[::2, ::2].astype(np.int16)
    return Sample(name, group, view.rgb, view.semantic[::2, ::2], instances, depth, 0.0, view.camera.focal_px)
