"""How the voxel networks learn: the paper's stages, and ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from maquette.errors import MaquetteError

Kind = Literal["lifting", "everted"]
Part = Literal["reconstruct", "segment", "pictures", "both"]


@dataclass(frozen=True)
class Stage:
    """A stretch of training with an optimiser of its own.

    Attributes:
        name: Of it, for logs and cards.
        part: What learns: the reconstruction branch; the segmentation branch over a frozen reconstruction; the part
            that looks at the pictures, from their depth and classes alone; or all.
        views: How many views a batch has, drawn for each with equal chance from these.
        batch: Rooms in a batch.
        epochs: At most.
    """

    name: str
    part: Part
    views: tuple[int, ...]
    batch: int
    epochs: int


@dataclass(frozen=True)
class TrainOptions:
    """How to learn.

    Attributes:
        network: ``lifting`` is ours, ``everted`` the paper's.
        epochs: At most, of each stage; the paper has 100.
        percent: Of these epochs that each stage has; empty is all of them in every stage.
        epoch_rooms: Rooms in an epoch; 0 takes all. The schedule and early stopping count epochs.
        rate: Learning rate of Adam; the paper tries 0.0001, 0.001 and 0.01.
        step: Epochs after which the learning rate is halved (StepLR).
        patience: Epochs without a lower validation loss after which a stage ends; the paper has 10, 5 in its search.
        batch: Rooms in a batch of reconstruction, and of ``lifting``.
        batch_segment: Rooms in a batch of segmentation.
        weight: How much more a taken cell counts than a free one in the cross entropy.
        dice: Weight of the soft Dice loss, beside 10 times the cross entropy; the paper has none.
        auxiliary: Weight of the losses of depth and class in the pictures, from which ``lifting`` learns first; 0 is
            for data without depth.
        dropout: Of the reconstruction branch of ``everted``.
        dropout_segment: Of its segmentation branch.
        fusion_width: Channels of the convolutions that score its views; Pix2Vox++ has 9.
        fusion_depth: How many of them, before the last; Pix2Vox++ has 4.
        widths: Channels of its four transposed convolutions, or of the volume's levels of ``lifting``; empty takes the
            network's own.
        cameras: How many cameras ``everted`` tells apart; 0 is the paper to the letter.
        validation_rooms: Rooms to validate on after each epoch; 0 takes all.
        precision: Of the arithmetic of convolutions.
        seed: Of everything random.
    """

    network: Kind = "lifting"
    epochs: int = 100
    percent: tuple[int, ...] = ()
    epoch_rooms: int = 0
    rate: float = 0.001
    step: int = 10
    patience: int = 10
    batch: int = 16
    batch_segment: int = 8
    weight: float = 1.0
    dice: float = 0.0
    auxiliary: float = 0.0
    dropout: float = 0.10
    dropout_segment: float = 0.25
    fusion_width: int = 9
    fusion_depth: int = 4
    widths: tuple[int, ...] = ()
    cameras: int = 3
    validation_rooms: int = 0
    precision: Literal["fp32", "bf16"] = "fp32"
    seed: int = 0

    def stages(self) -> tuple[Stage, ...]:
        """The stages of the network (for ``everted``: Everted U-Net, section 4)."""
        if self.network == "lifting":
            names: tuple[tuple[str, Part, tuple[int, ...]], ...] = (
                ("cells, one to three views", "both", (1, 2, 3, 3)),
            )
            if self.auxiliary:
                names = (("depth and classes of pictures", "pictures", (3,)), *names)
        else:
            names = (
                ("reconstruction, one view", "reconstruct", (1,)),
                ("reconstruction, three views", "reconstruct", (3,)),
                ("segmentation, one view", "segment", (1,)),
                ("segmentation, three views", "segment", (3,)),
            )
        percent = self.percent or (100,) * len(names)
        return tuple(
            Stage(
                name,
                part,
                views,
                self.batch_segment if part == "segment" else self.batch,
                -(-self.epochs * share // 100),
            )
            for (name, part, views), share in zip(names, percent, strict=True)
        )

    def check(self) -> None:
        """Refuse numbers that mean nothing.

        Raises:
            MaquetteError: Says which.
        """
        for name in ("epochs", "step", "patience", "batch", "batch_segment"):
            if getattr(self, name) < 1:
                raise MaquetteError(f"--{name.replace('_', '-')} must be 1 or more, not {getattr(self, name)}")
        for name in ("rate", "weight"):
            if not getattr(self, name) > 0:
                raise MaquetteError(f"--{name} must be above 0, not {getattr(self, name):g}")
        for name in ("epoch_rooms", "validation_rooms", "dice", "auxiliary", "fusion_depth"):
            if getattr(self, name) < 0:
                raise MaquetteError(f"--{name.replace('_', '-')} must be 0 or more, not {getattr(self, name):g}")
        for name in ("dropout", "dropout_segment"):
            if not 0 <= getattr(self, name) < 1:
                raise MaquetteError(f"--{name.replace('_', '-')} must be at least 0 and below 1")
        if self.fusion_width < 1:
            raise MaquetteError(f"--fusion-width must be 1 or more, not {self.fusion_width}")
        if self.cameras not in (0, 3):
            raise MaquetteError(f"--cameras must be 3, or 0 to tell none apart, not {self.cameras}")
        stages = 4 if self.network == "everted" else 2 if self.auxiliary else 1
        if self.percent and (len(self.percent) != stages or min(self.percent) < 1):
            raise MaquetteError(f"--percent must be {stages} numbers of 1 or more for {self.network}, one a stage")
        if self.widths and len(self.widths) != 4:
            raise MaquetteError(f"--widths must be four numbers, not {len(self.widths)}")


LAPTOP: dict[Kind, TrainOptions] = {
    "lifting": TrainOptions(
        network="lifting",
        epochs=12,
        percent=(75, 100),
        epoch_rooms=500,
        rate=0.002,
        step=3,
        batch=2,
        dice=1.0,
        auxiliary=0.5,
        validation_rooms=16,
        precision="bf16",
    ),
    "everted": TrainOptions(
        network="everted",
        epochs=18,
        percent=(100, 45, 55, 11),
        epoch_rooms=250,
        rate=0.01,
        step=5,
        batch=8,
        batch_segment=4,
        fusion_depth=0,
        widths=(96, 64, 32, 8),
        validation_rooms=16,
        precision="bf16",
    ),
}
"""What the embedded networks were trained with: about an hour of one core each."""
