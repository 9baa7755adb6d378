"""What the voxel networks give, and what is made of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maquette.worlds.record import CLASSES as CLASSES
from maquette.worlds.record import Grid as Grid

COLORS: dict[str, tuple[int, int, int]] = {
    "chair": (214, 48, 49),
    "table": (52, 101, 196),
    "nightstand": (76, 175, 80),
    "laptop": (240, 240, 240),
    "bag": (245, 200, 40),
    "person": (142, 68, 173),
}
"""sRGB of each class, in the paper's colours (Everted U-Net, figure 4)."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a voxel network says of a room.

    Attributes:
        grid: The cells.
        occupancy: Float32 of ``grid.shape``, probability that anything is there.
        classes: Float32 (6,) + ``grid.shape``, probability of each of ``CLASSES``, in their order; they need not sum
            to 1.
    """

    grid: Grid
    occupancy: NDArray[np.float32]
    classes: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class VoxelObject:
    """One object of a room.

    Attributes:
        id: Its value in ``VoxelGrid.instance``, from 1.
        label: One of ``CLASSES``.
        low: (3,) int64 first cell of its box along each axis of the grid.
        high: (3,) int64 one past the last.
        cells: How many it has.
        confidence: Mean probability of its class over its cells.
    """

    id: int
    label: str
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    cells: int
    confidence: float


@dataclass(frozen=True, eq=False)
class VoxelGrid:
    """A room as labelled cells.

    Attributes:
        grid: The cells: their number, their edge, and where they are in the world.
        label: Uint8 of ``grid.shape``: 0 where nothing is, else 1 + the position in ``CLASSES``.
        instance: Uint16 of ``grid.shape``: id of the object, 0 where nothing is.
        probability: Float32 of ``grid.shape``: that the cell is taken, whether it is or not.
        objects: By id.
    """

    grid: Grid
    label: NDArray[np.uint8]
    instance: NDArray[np.uint16]
    probability: NDArray[np.float32]
    objects: tuple[VoxelObject, ...]
