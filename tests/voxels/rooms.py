"""Rooms made by hand: boxes of cells of known classes."""

from __future__ import annotations

import numpy as np

from maquette.voxels.types import CLASSES, Grid, Prediction

Box = tuple[str, tuple[int, int, int], tuple[int, int, int]]
"""Class, first cell and one past the last."""


def make_grid(shape: tuple[int, int, int] = (40, 48, 40), cell_m: float = 0.05) -> Grid:
    """Width along +X, depth along -Z, height along +Y, the floor's middle at the world's origin."""
    pose = np.eye(4)
    pose[:3, :3] = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]).T
    pose[:3, 3] = (-shape[0] * cell_m / 2, 0, shape[1] * cell_m / 2)
    return Grid(shape, cell_m, pose)


def predict(boxes: list[Box], grid: Grid | None = None) -> Prediction:
    """What a sure network would say: 0.9 that a cell is taken, 0.8 that it is of its class."""
    grid = grid or make_grid()
    occupancy = np.full(grid.shape, 0.1, np.float32)
    classes = np.full((len(CLASSES), *grid.shape), 0.05, np.float32)
    for label, low, high in boxes:
        box = tuple(slice(*ends) for ends in zip(low, high, strict=True))
        occupancy[box] = 0.9
        classes[(slice(None), *box)] = 0.05
        classes[(CLASSES.index(label), *box)] = 0.8
    return Prediction(grid, occupancy, classes)


ROOM: list[Box] = [
    ("chair", (2, 2, 0), (12, 12, 18)),
    ("table", (16, 4, 12), (36, 20, 15)),
    ("table", (16, 4, 0), (18, 6, 12)),
    ("table", (34, 18, 0), (36, 20, 12)),
    ("laptop", (20, 8, 15), (28, 14, 17)),
    ("person", (6, 30, 0), (14, 36, 34)),
    ("bag", (28, 36, 0), (35, 40, 9)),
    ("nightstand", (20, 30, 0), (29, 39, 11)),
]
"""One of each class; the table stands on two legs, the bag touches the nightstand."""
