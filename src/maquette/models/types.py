"""What the catalogue says of a network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Task = Literal["perception", "depth", "panoptic", "voxels"]
DepthKind = Literal["metric", "relative", "inverse"]
MaskKind = Literal["query_masks", "label_map"]
VoxelKind = Literal["lifting", "fixed"]
Fit = Literal["stretch", "pad"]
Layout = Literal["nchw", "nhwc"]


@dataclass(frozen=True)
class Source:
    """A file on the Hugging Face Hub.

    Attributes:
        repo: Owner and name of the repository.
        revision: 40 hexadecimal digits of a commit, or the name of a branch where none is pinned yet.
        file: Path inside the repository.
    """

    repo: str
    revision: str
    file: str


@dataclass(frozen=True)
class Constant:
    """A further input of a network, the same for every photo.

    Attributes:
        name: Of the input in the ONNX file.
        value: Of every element, in the input's own type.
        shape: Empty for a scalar.
    """

    name: str
    value: float
    shape: tuple[int, ...] = ()


@dataclass(frozen=True)
class InputContract:
    """How a photo becomes a network's input: ``(rgb * scale - mean) / std``, rgb from 0 to 255.

    Attributes:
        name: Name of the input in the ONNX file.
        layout: Order of its four axes.
        fit: ``stretch`` resizes the photo to the size; ``pad`` keeps its shape and fills the right and bottom with the
            mean.
        size: (height, width), or None for a network that takes any.
        pixels: About how many pixels a network of any size shall see.
        multiple: What height and width must be multiples of, where ``size`` is None.
        scale: Factor to the values 0 to 255.
        mean: Of red, green and blue, after the scale.
        std: Of red, green and blue, after the scale.
        constants: Further inputs (DETR's mask of valid pixels, MoGe's number of tokens).
    """

    name: str
    layout: Layout
    fit: Fit
    size: tuple[int, int] | None
    pixels: int
    multiple: int
    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    constants: tuple[Constant, ...]


@dataclass(frozen=True)
class DepthContract:
    """What a depth network gives.

    Attributes:
        name: Name of the output: (1, h, w) or (1, 1, h, w).
        kind: ``metric`` is z in metres, ``relative`` depth up to scale and shift of its inverse, ``inverse`` the same
            as one over depth (near is large).
        focal_px: Focal length, in pixels of the network's input, of the camera for which ``metric`` depth holds; depth
            is multiplied by the photo's own focal length at that size over this. None where depth needs no such change.
    """

    name: str
    kind: DepthKind
    focal_px: float | None = None


@dataclass(frozen=True)
class PointsContract:
    """What a network gives that sees a point in the camera's frame at every pixel, as MoGe-2 does.

    Its points are true but for one shift along the camera's axis and one scale, which stands in an output of its own
    (Wang et al., "MoGe", CVPR 2025, section 3.1; the scale: "MoGe-2", NeurIPS 2025).

    Attributes:
        points: Name of the output of points, (1, h, w, 3): x right, y down, z forward.
        mask: Name of the output that is above 0.5 where there is a point, (1, h, w) or (1, 1, h, w).
        scale: Name of the output of metres a unit, one number.
    """

    points: str
    mask: str
    scale: str


@dataclass(frozen=True)
class PanopticContract:
    """What a segmentation network gives.

    Attributes:
        kind: ``query_masks``: class logits (1, q, c + 1), the last for "no object", and mask logits (1, q, h, w).
            ``label_map``: class logits (1, c, h, w), or the class index of each pixel (1, h, w) or (1, 1, h, w).
        classes: Name of the output of class logits, or of the label map.
        masks: Name of the output of mask logits; empty for a label map.
        categories: Name of each class by its index; ``void`` for what is no category.
        vocabulary: Whose names they are; None tries every vocabulary that maquette knows.
    """

    kind: MaskKind
    classes: str
    masks: str
    categories: tuple[str, ...]
    vocabulary: str | None


@dataclass(frozen=True)
class VoxelContract:
    """What a voxel network takes and gives: see ``docs/voxels.md`` for the names and shapes, which are always the same.

    Attributes:
        kind: ``lifting`` is told where each camera is, and takes any rig and grid. ``fixed`` has learned one rig by
            heart, the studio's, and is told which of its cameras took a picture.
        occupied: Probability from which a cell counts as taken.
        present: Probability from which a cell counts as one of a class.
        classes: Name of each class, in the order of the output.
    """

    kind: VoxelKind
    occupied: float
    present: float
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Network:
    """A network that took part in a result, and its terms.

    Attributes:
        name: In the catalogue, or of the file without its ending.
        tag: Its version.
        sha256: Of the file that ran.
        licence_code: Licence of its code.
        licence_weights: Licence of its weights.
        training_data: What it learned from, and under which terms.
    """

    name: str
    tag: str
    sha256: str
    licence_code: str
    licence_weights: str
    training_data: str


@dataclass(frozen=True)
class Model:
    """One network.

    Attributes:
        name: Unique in the catalogue.
        tag: Its version.
        task: ``perception`` gives segments and depth (maquette's own), ``depth`` and ``panoptic`` one of the two,
            ``voxels`` the cells of a room.
        file: Path of the ONNX file: relative to the package for an embedded network, else as given by the user; None
            where the file comes from ``source``.
        source: Where ``pull`` gets it from, or None.
        bytes: Size of the file, or None where it is not recorded.
        sha256: Of the file, or None where nobody has run it here: it is unverified until its first pull.
        licence_code: Licence of the network's code.
        licence_weights: Licence of its weights.
        training_data: What it learned from, and under which terms.
        input: How a photo goes in.
        output: What comes out; None for maquette's own.
    """

    name: str
    tag: str
    task: Task
    file: Path | None
    source: Source | None
    bytes: int | None
    sha256: str | None
    licence_code: str
    licence_weights: str
    training_data: str
    input: InputContract
    output: DepthContract | PointsContract | PanopticContract | VoxelContract | None
