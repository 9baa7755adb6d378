"""Options of the voxel method."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from maquette.errors import MaquetteError


@dataclass(frozen=True)
class VoxelOptions:
    """How the photos of a rig become voxels.

    Attributes:
        network: Name in the catalogue, or path of an ONNX file.
        rig: File of the rig, ``transforms.json``; else the studio of the paper.
        cameras: Which of the rig's cameras took the photos, in the order of the photos, from 1; else those whose
            pictures bear the photos' names, or the first ones.
        occupied: Probability from which a cell counts as taken; else the network's own threshold.
        cell_m: Edge of a cell in metres; else the rig's. The space that the cells fill stays about the same.
        grid_shape: Cells along the width, the depth and the height, from the same corner; else what fills the space.
    """

    network: str = "maquette-voxels"
    rig: Path | None = None
    cameras: tuple[int, ...] = ()
    occupied: float | None = None
    cell_m: float | None = None
    grid_shape: tuple[int, ...] = ()

    def check(self) -> None:
        """Refuse values that mean nothing.

        Raises:
            MaquetteError: Says which.
        """
        if self.cameras and (min(self.cameras) < 1 or len(set(self.cameras)) < len(self.cameras)):
            raise MaquetteError("--cameras must be numbers from 1 on, each named once")
        if self.occupied is not None and not 0 < self.occupied < 1:
            raise MaquetteError(f"--occupied must lie between 0 and 1, not {self.occupied:g}")
        if self.cell_m is not None and not 0.001 <= self.cell_m <= 10:
            raise MaquetteError(f"--cell must be from 0.001 to 10 metres, not {self.cell_m:g}")
        if self.grid_shape and len(self.grid_shape) != 3:
            raise MaquetteError("--grid-shape must be three numbers, as 80,96,64")
