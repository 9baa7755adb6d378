"""Options of depth training. The defaults are the diorama paper's (Vejbora and Sikudova, ITAT 2023, section 3.2.1).

What the paper leaves open follows the code of GLPN's authors: Adam, and 25 epochs.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Literal

from maquette.cli.flags import from_flags
from maquette.errors import MaquetteError
from maquette.train.nets.glpn import STRIDE


@dataclass(frozen=True)
class AugmentOptions:
    """What is done to pictures before they are learned from.

    Attributes:
        flip: Chance that a picture is mirrored.
        brightness: Brightness is multiplied by up to 1 plus or minus this.
        contrast: Contrast likewise.
        saturation: Saturation likewise.
        hue: Hue turns by up to this share of the circle, either way.
        cutdepth: In every fourth picture, show the true depth in a vertical strip (GLPN's vertical CutDepth).
        crop_height: Rows of a random crop; None learns from whole pictures.
        crop_width: Its columns.
    """

    flip: float = 0.5
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.3
    hue: float = 0.2
    cutdepth: bool = False
    crop_height: int | None = None
    crop_width: int | None = None

    def check(self, height: int, width: int) -> None:
        """Refuse crops that do not fit pictures of a size, or a network.

        Raises:
            MaquetteError: Says which.
        """
        for name, value, most in (("height", self.crop_height, height), ("width", self.crop_width, width)):
            if value is not None and not (STRIDE <= value <= most and value % STRIDE == 0):
                raise MaquetteError(f"--crop-{name} must be a multiple of {STRIDE} up to {most}, not {value}")


@dataclass(frozen=True)
class TrainOptions:
    """How to learn.

    Attributes:
        height: Rows that pictures are resized to, a multiple of 32.
        width: Columns, likewise.
        epochs: Times that every picture is seen.
        batch: Pictures in a step, over all devices together.
        rate: Peak learning rate of the 1cycle schedule.
        optimiser: Adam, or Adam with decoupled weight decay.
        decay: Weight decay.
        loss: Form of the scale-invariant error: the diorama paper's equation 1, or the root that GLPN's code takes.
        lam: Its lambda.
        precision: ``bf16`` computes in that where it is safe; ``no`` in float32.
        seed: Of everything random.
        validate_every: Steps from one validation to the next; one comes before the first step.
        save_every: Steps from one checkpoint to the next.
    """

    height: int = 480
    width: int = 640
    epochs: int = 25
    batch: int = 8
    rate: float = 1e-4
    optimiser: Literal["adam", "adamw"] = "adam"
    decay: float = 0.0
    loss: Literal["equation", "root"] = "equation"
    lam: float = 0.5
    precision: Literal["no", "bf16"] = "no"
    seed: int = 0
    validate_every: int = 1000
    save_every: int = 500

    def check(self) -> None:
        """Refuse numbers that mean nothing.

        Raises:
            MaquetteError: Says which.
        """
        check_size(self.height, self.width)
        for name in ("epochs", "batch", "validate_every", "save_every"):
            if (value := getattr(self, name)) < 1:
                raise MaquetteError(f"--{name.replace('_', '-')} must be 1 or more, not {value}")


def check_size(height: int, width: int) -> None:
    """Refuse sizes that a network cannot see.

    Raises:
        MaquetteError: Says which.
    """
    for name, value in (("height", height), ("width", width)):
        if value < STRIDE or value % STRIDE:
            raise MaquetteError(f"--{name} must be a multiple of {STRIDE}, not {value}")


def from_arguments(given: argparse.Namespace) -> tuple[TrainOptions, AugmentOptions]:
    """Return the options of a command line, checked.

    Raises:
        MaquetteError: One of them means nothing.
    """
    options, augmentation = from_flags(TrainOptions, given), from_flags(AugmentOptions, given)
    options.check()
    augmentation.check(options.height, options.width)
    return options, augmentation
