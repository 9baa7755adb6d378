"""What every reader gives back: pictures with their depth, whatever the data set keeps them in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from maquette.errors import MaquetteError
from maquette.export.atomic import shown

Place = Literal["indoor", "outdoor"]
Layout = Literal["diode", "nyu", "worlds", "folder"]


@dataclass(frozen=True, eq=False)
class DepthFrame:
    """A picture and its depth.

    Attributes:
        name: Unique in its data set.
        place: Where it was taken; None where the data set does not say.
        rgb: (H, W, 3) uint8 sRGB.
        depth_m: (H, W) float32, z along the camera's axis in metres; 0 where it is unknown or masked out.
    """

    name: str
    place: Place | None
    rgb: NDArray[np.uint8]
    depth_m: NDArray[np.float32]


@dataclass(frozen=True)
class Source:
    """Where one frame comes from.

    Attributes:
        name: As in ``DepthFrame``.
        place: As in ``DepthFrame``.
        read: Returns ``rgb`` and ``depth_m`` as in ``DepthFrame``, not yet known to be of one size.
    """

    name: str
    place: Place | None
    read: Callable[[], tuple[NDArray[np.uint8], NDArray[np.float32]]]


@dataclass(frozen=True)
class DepthSet:
    """The frames of a data set, in the order of their names; each is read when it is asked for.

    Attributes:
        path: The folder or file that it is in.
        layout: How it is kept there.
        sources: One for each frame.
    """

    path: Path
    layout: Layout
    sources: tuple[Source, ...]

    @property
    def name(self) -> str:
        """Name of its folder or file."""
        return self.path.resolve().name

    @property
    def places(self) -> tuple[Place | None, ...]:
        """The place of each frame; no frame is read for it."""
        return tuple(source.place for source in self.sources)

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.sources)

    def __iter__(self) -> Iterator[DepthFrame]:
        """Every frame, in order."""
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> DepthFrame:
        """One frame.

        Raises:
            IndexError: There is no such frame.
            MaquetteError: A file of it is damaged, of another kind than it should be, or of another size.
        """
        source = self.sources[number]
        rgb, depth_m = source.read()
        if rgb.shape[:2] != depth_m.shape:
            (height, width), (rows, columns) = rgb.shape[:2], depth_m.shape
            raise MaquetteError(
                f"{shown(self.path)}: {source.name} is a picture of {width}x{height} with a depth map of "
                f"{columns}x{rows}; make them the same size"
            )
        return DepthFrame(source.name, source.place, rgb, depth_m)


@dataclass(frozen=True)
class DepthOptions:
    """Which pixels count in an evaluation.

    Attributes:
        farthest_m: Truth beyond this, in metres, is left out, and predictions are cut to it (150: diorama paper,
            section 3.2.1; it is 10 for NYU Depth v2).
        crop: ``eigen`` leaves out the border of NYU Depth v2's 640x480 pictures, as all who report on it do.
    """

    farthest_m: float = 150.0
    crop: Literal["none", "eigen"] = "none"
