"""The views of a rig into a voxel network, and its probabilities out, cell for cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maquette.errors import ModelError
from maquette.models.session import run_with
from maquette.models.types import Model, VoxelContract
from maquette.voxels.rig import CELL_M, MOST_CELLS, SIDE_PX, fit, studio_rig
from maquette.voxels.types import CLASSES, Grid, Prediction

MULTIPLE = 16
"""Of which a lifting network needs each side of its grid."""

_SAME_RIG = 0.05
"""Largest difference of projections, in half widths of a picture times metres, of what counts as the same camera."""


@dataclass(frozen=True, eq=False)
class View:
    """One picture of a rig, as ``rig.fit`` makes it.

    Attributes:
        image: (3, 224, 224) float32, from -1 to 1.
        projection: (3, 4) float32, from the grid to the picture.
        camera: Which of the rig's cameras took it, from 0.
    """

    image: NDArray[np.float32]
    projection: NDArray[np.float32]
    camera: int


def predict(views: Sequence[View], grid: Grid, model: Model, threads: int = 0) -> Prediction:
    """Run a voxel network. The order of the views changes no bit of the result.

    Its file takes ``images`` (v, 3, 224, 224); a lifting one also ``projection`` (v, 3, 4) and, in metres along the
    grid's axes, the middles of the cells ``x`` (i,), ``y`` (j,) and ``z`` (k,), each count a multiple of 16: a grid
    with other sides is run with more cells, which are then left out. A fixed one takes ``view`` (v,) int64 instead:
    which camera of the studio it was, from 0. Both give ``occupancy`` (i, j, k) and ``classes`` (c, i, j, k),
    probabilities.

    Args:
        views: At least one.
        grid: The cells.
        model: A voxel network.
        threads: Of ONNX Runtime; 0 for the default.

    Raises:
        ModelError: The network is not for voxels or not for this rig, its file is missing or altered, or it does not
            keep its contract.
    """
    contract = model.output
    if not isinstance(contract, VoxelContract):
        raise ModelError(f"{model.name}: a network for {model.task}; name one for voxels")
    if sorted(contract.classes) != sorted(CLASSES):
        raise ModelError(f"{model.name}: its classes must be {', '.join(CLASSES)}, in any order; correct its contract")
    ordered = sorted(views, key=lambda view: (view.projection.tobytes(), view.image.tobytes()))
    shape: tuple[int, ...] = grid.shape
    finer = 1
    inputs: dict[str, NDArray[Any]] = {"images": np.stack([view.image for view in ordered])}
    if contract.kind == "fixed":
        _check_studio(ordered, grid, model)
        inputs["view"] = np.array([view.camera for view in ordered])
    else:
        finer = _finer(grid)
        shape = tuple(-(-count * finer // MULTIPLE) * MULTIPLE for count in grid.shape)
        inputs["projection"] = np.stack([view.projection for view in ordered])
        for name, count in zip("xyz", shape, strict=True):
            inputs[name] = (np.arange(count) + 0.5) * grid.cell_m / finer
    occupancy, classes = run_with(model, inputs, [("occupancy", (3,)), ("classes", (4,))], threads)
    _check(model, "occupancy", occupancy, shape)
    _check(model, "classes", classes, (len(CLASSES), *shape))
    order = [contract.classes.index(name) for name in CLASSES]
    return Prediction(grid, _coarse(occupancy[None], grid, finer)[0], _coarse(classes[order], grid, finer))


def _finer(grid: Grid) -> int:
    """Into how many parts each edge of a cell is cut: networks have learned from cells of ``CELL_M`` alone."""
    most = (MOST_CELLS / math.prod(grid.shape)) ** (1 / 3)
    return max(1, min(round(grid.cell_m / CELL_M), int(most)))


def _coarse(volumes: NDArray[np.float32], grid: Grid, finer: int) -> NDArray[np.float32]:
    """(c,) + the grid's shape: the greatest probability among the parts of each cell."""
    i, j, k = grid.shape
    parts = volumes[:, : i * finer, : j * finer, : k * finer].reshape(-1, i, finer, j, finer, k, finer)
    most: NDArray[np.float32] = parts.max(axis=(2, 4, 6))
    return most


def _check_studio(views: Sequence[View], grid: Grid, model: Model) -> None:
    """Refuse a rig that is not the studio's for a network that knows no other."""
    studio = studio_rig()
    blank = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
    known = [fit(blank, camera, studio.grid)[1] for camera in studio.cameras]
    same_cells = grid.shape == studio.grid.shape and np.isclose(grid.cell_m, studio.grid.cell_m)
    if not same_cells or not all(
        view.camera < len(known) and np.allclose(view.projection, known[view.camera], rtol=0, atol=_SAME_RIG)
        for view in views
    ):
        raise ModelError(f"{model.name}: knows the studio's cameras and cells alone; take another network for this rig")


def _check(model: Model, name: str, values: NDArray[np.float32], shape: tuple[int, ...]) -> None:
    if values.shape != shape:
        raise ModelError(f"{model.name}: output {name} has shape {values.shape}, not {shape}; correct the network")
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 1):
        raise ModelError(f"{model.name}: output {name} runs from {low:g} to {high:g}; it must give probabilities")
