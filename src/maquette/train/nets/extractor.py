"""Frozen networks of 2D features that the voxel networks build on."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from maquette.models.catalogue import EMBEDDED, resolve, verified_path
from maquette.train.nets.deeplab import Backbone
from maquette.train.nets.perception import MaquetteSmall

SIDE = 224
"""Height and width of the pictures, in pixels (Everted U-Net, section 3.2)."""


class Scales(NamedTuple):
    """Features of pictures; every member is float32 (N, C, h, w).

    Attributes:
        f4: At 1/4 of the size.
        f8: At 1/8.
        f16: At 1/16.
    """

    f4: Tensor
    f8: Tensor
    f16: Tensor


class Extractor(nn.Module):
    """A frozen network of features.

    Attributes:
        name: What it is, for cards.
        channels: Channels at 1/4, 1/8 and 1/16.
    """

    name: str
    channels: tuple[int, int, int]

    def forward(self, image: Tensor) -> Scales:
        """Return the features of (N, 3, H, W) float32 pictures, RGB in [-1, 1]."""
        raise NotImplementedError


class MobileNet(Extractor):
    """The MobileNetV2 of the embedded perception network: it needs no download."""

    name = "MobileNetV2 of maquette-small (its ADE20K trunk)"
    channels = (24, 32, 96 + 320)

    def __init__(self, trained: bool = True) -> None:
        """Make one, with the embedded network's weights or, for those of another file, with random ones."""
        super().__init__()
        if trained:
            net = MaquetteSmall()
            net.load_onnx(verified_path(resolve(EMBEDDED)))
            self.backbone = net.ade.backbone
        else:
            self.backbone = Backbone(even=True)
        self.requires_grad_(False)

    def forward(self, image: Tensor) -> Scales:
        """See ``Extractor``."""
        found = self.backbone(image)
        return Scales(found.f4, found.f8, torch.cat([found.mid, found.top], 1))


class ResNet(Extractor):
    """ResNet-50 in the form of ``transformers``, from a folder such as ``microsoft/resnet-50`` on the Hub."""

    name = "ResNet-50"
    channels = (256, 512, 1024)
    mean: Tensor
    std: Tensor

    def __init__(self, folder: Path) -> None:
        """Read the weights.

        Args:
            folder: Has ``config.json`` and ``model.safetensors``.
        """
        from transformers import ResNetBackbone

        super().__init__()
        self.backbone = ResNetBackbone.from_pretrained(folder, out_features=["stage1", "stage2", "stage3"])
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> ResNet:
        """Stay frozen: batch normalisation keeps the statistics that it came with."""
        return super().train(False)

    def forward(self, image: Tensor) -> Scales:
        """See ``Extractor``."""
        maps = self.backbone(((image + 1) / 2 - self.mean) / self.std).feature_maps
        return Scales(*cast("tuple[Tensor, Tensor, Tensor]", maps))
