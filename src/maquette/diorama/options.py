"""Options of the diorama method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class DioramaOptions:
    """How a photo is cut into layers.

    Attributes:
        style: ``maquette`` is the default; ``paper`` builds what Vejbora and Sikudova (ITAT 2023) describe: one facing
            plane a segment at its mean depth, hard edges, 3 px erosion, holes filled by spreading the colour of the
            edge.
        planes: ``fitted`` tilts a plane to the depth of its segment where that fits; ``facing`` never tilts;
            ``relief`` tilts, and lets each layer's surface follow the depth inside it; ``auto`` is relief where depth
            was measured (``--depth``), and fitted elsewhere.
        layers: Most layers to make; 0 lets the picture decide.
        edges: ``soft`` solves an alpha band along each boundary; ``hard`` cuts along pixels.
        fill: How holes behind layers are filled: ``pyramid`` (multi-scale), ``patch`` (texture from elsewhere in the
            layer) or ``spread`` (the paper's).
        move: Camera move that the filling must cover, as a fraction of the distance to the nearest layer.
        seed: Seed of whatever is random.
    """

    style: Literal["maquette", "paper"] = "maquette"
    planes: Literal["auto", "fitted", "facing", "relief"] = "auto"
    layers: int = 0
    edges: Literal["soft", "hard"] = "soft"
    fill: Literal["pyramid", "patch", "spread"] = "pyramid"
    move: float = 0.08
    seed: int = 0
