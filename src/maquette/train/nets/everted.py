"""The Everted U-Net as its paper has it (Mymlikov, Antamoshkin and Farafonov, section 3.2).

What the paper leaves out is taken from its parent, Pix2Vox++ (Xie et al. 2020): the steps from features to the latent
volume, batch normalisation, and the scores of the fusion.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from maquette.train.nets.lifting import divided
from maquette.worlds.record import CLASSES

LATENT = (98, 5, 6, 4)
"""Channels and cells of a view's latent volume: the 240 x 7 x 7 numbers of its last 2D map."""
_FLAT, _MAP = 240, 7


class Branch(nn.Module):
    """Transposed 3D convolutions from the latent volume to the grid: 5x6x4 to 80x96x64."""

    def __init__(self, widths: tuple[int, ...], beside: tuple[int, ...], outputs: int, dropout: float) -> None:
        """Make one.

        Args:
            widths: Channels after each of four layers.
            beside: Channels that join the input of each layer after the first, and of the last 1x1x1 convolution.
            outputs: Volumes that come out.
            dropout: Share of the numbers that is dropped after each layer but the last.
        """
        super().__init__()
        inputs = (LATENT[0], *(a + b for a, b in zip(widths, beside, strict=True)))
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.ConvTranspose3d(cin, cout, 4, 2, 1, bias=False),
                nn.BatchNorm3d(cout),
                nn.ReLU(),
                *([nn.Dropout(dropout)] if at < len(widths) - 1 else []),
            )
            for at, (cin, cout) in enumerate(zip(inputs[:-1], widths, strict=True))
        )
        self.last = nn.Conv3d(inputs[-1], outputs, 1)

    def forward(self, latent: Tensor, beside: tuple[Tensor, ...] = ()) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return logits (N, outputs, 80, 96, 64), and what came out of each layer.

        Args:
            latent: (N, 98, 5, 6, 4).
            beside: What the parallel layers of another branch gave, or nothing.
        """
        found: list[Tensor] = []
        x = latent
        for at, layer in enumerate(self.layers):
            x = layer(x)
            found.append(x)
            if beside:
                x = torch.cat([x, beside[at]], 1)
        logits: Tensor = self.last(x)
        return logits, tuple(found)


class Fusion(nn.Module):
    """Context-aware fusion: each view's volumes are scored cell by cell, and a softmax over the views weighs them."""

    def __init__(self, features: int, volumes: int, width: int, depth: int) -> None:
        """Make one.

        Args:
            features: Channels of the last layer's output.
            volumes: How many volumes are fused, each with scores of its own.
            width: Channels of the scoring convolutions; Pix2Vox++ has 9.
            depth: How many of them; Pix2Vox++ has 4, whose outputs are all seen by the one that scores. With 0 that one
                sees the context itself.
        """
        super().__init__()
        context = features + volumes
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.Conv3d(context if at == 0 else width, width, 3, 1, 1), nn.BatchNorm3d(width), nn.LeakyReLU(0.2)
            )
            for at in range(depth)
        )
        self.score = nn.Conv3d(width * depth or context, volumes, 3, 1, 1)

    def forward(self, features: Tensor, logits: Tensor, views: int) -> Tensor:
        """Return (B, volumes, X, Y, Z) probabilities of (B * views, ...) features and logits."""
        volume = logits.float().sigmoid()  # in bfloat16 it is 1 from a logit of 6.2 on, which teaches nothing
        if views > 1:
            x = torch.cat([features, volume.to(features.dtype)], 1)
            found = []
            for layer in self.layers:
                x = layer(x)
                found.append(x)
            scores = self.score(torch.cat(found or [x], 1))
            weights = divided(scores, 0, (-1, views)).float().softmax(1)
            volume = (weights * divided(volume, 0, (-1, views))).sum(1)
        return volume


class EvertedOutput(NamedTuple):
    """Probabilities; None where they were not asked for.

    Attributes:
        occupancy: (B, 1, 80, 96, 64).
        classes: (B, 6, 80, 96, 64).
    """

    occupancy: Tensor | None
    classes: Tensor | None


class Everted(nn.Module):
    """Reconstruction and segmentation of the studio from frozen features of its views."""

    def __init__(
        self,
        channels: int,
        widths: tuple[int, int, int, int] = (96, 64, 32, 8),
        fusion: tuple[int, int] = (9, 4),
        dropout: tuple[float, float] = (0.10, 0.25),
        cameras: int = 3,
    ) -> None:
        """Make one.

        Args:
            channels: Of the features at 1/16 of the pictures' size.
            widths: Channels of the four transposed convolutions of each branch. The paper gives no numbers; Pix2Vox++
                has (512, 128, 32, 8).
            fusion: Width and depth of the scoring convolutions.
            dropout: Of the reconstruction and of the segmentation branch (the paper's table 1).
            cameras: How many cameras of the rig are told apart, by a learned map that is added to the view's features.
                With 0 none are: the paper does not say how a view's volume finds its place, and in a room that looks
                alike from opposite corners it then has to guess.
        """
        super().__init__()
        self.widths = widths
        self.squeeze = nn.Sequential(
            nn.Conv2d(channels, 160, 3, 1, 1),
            nn.BatchNorm2d(160),
            nn.ELU(),
            nn.MaxPool2d(2),
            nn.Conv2d(160, _FLAT, 3, 1, 1),
            nn.BatchNorm2d(_FLAT),
        )
        self.camera = nn.Embedding(cameras, _FLAT * _MAP * _MAP) if cameras else None
        if self.camera is not None:
            nn.init.normal_(self.camera.weight, std=0.5)
        self.reconstruct = Branch(widths, (0, 0, 0, 0), 1, dropout[0])
        self.segment = Branch(widths, widths, len(CLASSES), dropout[1])
        self.fuse_occupancy = Fusion(widths[-1], 1, *fusion)
        self.fuse_classes = Fusion(widths[-1], len(CLASSES), *fusion)

    def forward(self, features: Tensor, view: Tensor, occupancy: bool = True, classes: bool = True) -> EvertedOutput:
        """Return the room's probabilities.

        Args:
            features: (B, V, C, 14, 14) float32, at 1/16 of pictures of 224 x 224.
            view: (B, V) int64, which camera each is from.
            occupancy: Whether it is wanted.
            classes: Whether they are.
        """
        views = features.shape[1]
        x = self.squeeze(features.flatten(0, 1))
        if self.camera is not None:
            x = x + self.camera(view.flatten()).view(-1, _FLAT, _MAP, _MAP)
        latent = torch.relu(x).view(-1, *LATENT)
        taken, beside = self.reconstruct(latent)
        room = self.fuse_occupancy(beside[-1], taken, views) if occupancy else None
        if not classes:
            return EvertedOutput(room, None)
        labelled, found = self.segment(latent, beside)
        return EvertedOutput(room, self.fuse_classes(found[-1], labelled, views))
