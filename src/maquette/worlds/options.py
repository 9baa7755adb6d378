"""Options of the worlds generator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from maquette.errors import MaquetteError
from maquette.worlds.types import Kind

Layout = Literal["shards", "folders"]
Engine = Literal["local", "ray"]

_MIXED: tuple[Kind, ...] = ("room", "street", "landscape")

MOST_PX = 8000
"""Greatest width and height of a picture: OpenGL drivers take twice that, and two samples a pixel are drawn."""


@dataclass(frozen=True)
class WorldOptions:
    """What worlds look like.

    Attributes:
        kind: ``studio`` is the paper's rig: a room of 4.0 x 4.8 x 3.2 m with three fixed cameras; ``room`` a furnished
            room, ``street`` a street, ``landscape`` open land, each seen by a person's camera; ``mixed`` takes one of
            these three, by turns.
        counts: Most objects of each family, as ``table=2,chair=3``, and none of the others; empty takes the kind's own.
        styles: ``seen`` are the varieties to train on, ``unseen`` those held out for testing, ``all`` both.
        collisions: ``mesh`` lets nothing intersect, by oriented boxes and then by surfaces; ``boxes`` compares
            axis-aligned boxes, as the paper does.
        attempts: Tries to place an object before it is left out.
        views: ``rig`` is the kind's own cameras (three in the studio, one elsewhere); ``pair`` and ``path`` take two
            and eight cameras around one scene, for measuring novel views.
        width: Width of a picture in pixels.
        height: Height of a picture in pixels.
        assets: Folder of GLB, OBJ or PLY meshes, which join the families.
        classes: JSON file that says which of those meshes belong to which family; by default ``classes.json`` there.
        only_assets: Leave out our own varieties of those families.
        textures: Folder of pictures that join the procedural textures of walls, floors and fabrics.
    """

    kind: Literal["studio", "room", "street", "landscape", "mixed"] = "studio"
    counts: str = ""
    styles: Literal["seen", "unseen", "all"] = "seen"
    collisions: Literal["mesh", "boxes"] = "mesh"
    attempts: int = 40
    views: Literal["rig", "pair", "path"] = "rig"
    width: int = 224
    height: int = 224
    assets: str | None = None
    classes: str | None = None
    only_assets: bool = False
    textures: str | None = None

    def check(self) -> None:
        """Refuse numbers that mean nothing.

        Raises:
            MaquetteError: Says which.
        """
        for name, value in (("width", self.width), ("height", self.height)):
            if not 1 <= value <= MOST_PX:
                raise MaquetteError(f"--{name} must be from 1 to {MOST_PX} pixels, not {value}")
        if self.attempts < 1:
            raise MaquetteError(f"--attempts must be 1 or more, not {self.attempts}")

    def kind_of(self, number: int) -> Kind:
        """The kind of a world by its number in the data set."""
        return _MIXED[number % len(_MIXED)] if self.kind == "mixed" else self.kind


@dataclass(frozen=True)
class TruthOptions:
    """What is written of each world.

    Attributes:
        renderer: ``gl`` draws with OpenGL; ``blender`` with Blender's Cycles (extra ``blender``).
        samples: Samples a pixel of ``blender``.
        amodal: Masks of each object as if it stood alone, and the share of it that is seen.
        grid: Occupancy and the paper's six classes on 80 x 96 x 64 cells; ``auto`` writes them for the studio.
        volume: Frustum volumes with truncated distances: ``full`` has Panoptic3D's 256^3 cells of 3 cm, ``half`` and
            ``quarter`` the same space in larger cells.
        shapes: Signed distances of each thing, whole and as seen, on 64^3 cells.
    """

    renderer: Literal["gl", "blender"] = "gl"
    samples: int = 16
    amodal: bool = True
    grid: Literal["auto", "yes", "no"] = "auto"
    volume: Literal["none", "quarter", "half", "full"] = "none"
    shapes: bool = False
