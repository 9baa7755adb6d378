"""The truth about one world as it is stored: what writers take and readers give back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maquette.worlds.types import Floats, Kind, OrientedBox, View

CLASSES: tuple[str, ...] = ("chair", "table", "nightstand", "laptop", "bag", "person")
"""Families of the paper's class grid, in the order of its last axis (Everted U-Net, table 2)."""


@dataclass(frozen=True, eq=False)
class Grid:
    """A box of cubic cells.

    Attributes:
        shape: Number of cells along each axis.
        cell_m: Edge of a cell, metres.
        T_world_grid: (4, 4) float64: grid coordinates in metres, where cell (i, j, k) spans ``i * cell_m`` to
            ``(i + 1) * cell_m``, to the world; a rotation (maybe with a reflection) and a translation.
    """

    shape: tuple[int, int, int]
    cell_m: float
    T_world_grid: Floats


@dataclass(frozen=True)
class Visibility:
    """How one object appears in one view.

    Attributes:
        box: (left, top, right, bottom) in pixels of what is seen of it, right and bottom exclusive; None when nothing
            is.
        amodal_box: The same for all of it within the frame, hidden or not.
        visible_px: Number of its pixels that are seen.
        amodal_px: Number of its pixels within the frame, hidden or not.
    """

    box: tuple[int, int, int, int] | None
    amodal_box: tuple[int, int, int, int] | None
    visible_px: int
    amodal_px: int

    @property
    def fraction(self) -> float:
        """Share of its pixels within the frame that are seen; 0 when there are none."""
        return self.visible_px / self.amodal_px if self.amodal_px else 0.0


@dataclass(frozen=True, eq=False)
class ObjectRecord:
    """One object of a world.

    Attributes:
        id: Its value in ``View.instance``.
        label: Name of its category in ``maquette.labels``.
        family: Family of its asset.
        style: Variety of its asset.
        isthing: Whether it is a countable thing, and not stuff (walls, roads).
        parent: Id of what it stands on or hangs from; 0 for the world itself.
        box: Its oriented box: the 7 DoF pose (middle, size, yaw).
        T_world_canonical: (4, 4) float64, the 9 DoF pose: the canonical mesh, whose box is [-0.5, 0.5]^3, to the world
            (rotation, then size on each axis).
        visibility: One entry for each view; empty where they were not made.
    """

    id: int
    label: str
    family: str
    style: str
    isthing: bool
    parent: int
    box: OrientedBox
    T_world_canonical: Floats
    visibility: tuple[Visibility, ...] = ()


@dataclass(frozen=True, eq=False)
class FrustumVolume:
    """What surrounds the surfaces in front of a camera (Dahnert et al. 2021, Panoptic3D).

    Attributes:
        grid: Its cells, along the camera's x, y and z.
        view: Index of the view whose camera it belongs to.
        distance: Float16 of ``grid.shape``: unsigned distance to the nearest surface in cells, cut at ``truncation``;
            outside of the frustum it is the truncation, and the ids are 0.
        truncation: In cells.
        semantic: Uint8 of ``grid.shape``: label id of the nearest surface within the truncation, 0 elsewhere.
        instance: Uint16 of ``grid.shape``: object id likewise.
        frustum: Bool of ``grid.shape``: the cells whose middle the camera has in its picture and range.
    """

    grid: Grid
    view: int
    distance: NDArray[np.float16]
    truncation: float
    semantic: NDArray[np.uint8]
    instance: NDArray[np.uint16]
    frustum: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ObjectShape:
    """The shape of one object in its canonical frame, scaled alike on all axes so that its longest side is 1.

    Attributes:
        id: Object id.
        sdf: (64, 64, 64) float16: signed distance, negative inside, over [-0.6, 0.6]^3 along the asset's x, y and z,
            sampled at the middles of cells, cut at +-0.2.
        partial: One (64, 64, 64) float16 for each view in which it is seen, by the index of the view: the same field
            as one depth picture gives it: distances to the nearest seen point, positive where the picture shows the
            place to be empty, negative behind what it shows and out of its sight, cut likewise.
    """

    id: int
    sdf: NDArray[np.float16]
    partial: Mapping[int, NDArray[np.float16]]


@dataclass(frozen=True, eq=False)
class SceneRecord:
    """All that is stored of one world.

    Attributes:
        name: Unique within its data set.
        kind: Which generator made it; None where the layout does not say.
        views: Pictures and their truth; the paper's layout keeps only ``rgb``, see ``pictures``.
        pictures: (v, h, w, 3) uint8 sRGB.
        objects: Everything that can be seen but the sky.
        room: The inside of its walls.
        grid: Cells of ``occupancy`` and ``classes``.
        occupancy: Bool of ``grid.shape``: any object that is a thing.
        classes: Bool of ``grid.shape`` + (6,), channels as in ``CLASSES``.
        volumes: Frustum volumes, where they were asked for.
        shapes: Shapes of things, where they were asked for.
        settings: JSON-ready record of the options and the seed behind it.
    """

    name: str
    kind: Kind | None
    views: tuple[View, ...]
    pictures: NDArray[np.uint8]
    objects: tuple[ObjectRecord, ...] = ()
    room: OrientedBox | None = None
    grid: Grid | None = None
    occupancy: NDArray[np.bool_] | None = None
    classes: NDArray[np.bool_] | None = None
    volumes: tuple[FrustumVolume, ...] = ()
    shapes: tuple[ObjectShape, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
