"""MobileNetV2 + DeepLabV3(+) with folded batch normalisation, rebuilt from a teacher's ONNX file.

Architecture: Sandler et al., "MobileNetV2" (CVPR 2018), output stride 16; Chen et al., "Encoder-Decoder with Atrous
Separable Convolution" (ECCV 2018), in the mobile form: the pyramid is a 1x1 convolution beside image pooling.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnx.numpy_helper
import torch
from torch import Tensor, nn
from torch.nn import functional as F

# expansion, channels, repeats, stride, dilation of the repeats after the first
_STAGES = (
    (1, 16, 1, 1, 1),
    (6, 24, 2, 2, 1),
    (6, 32, 3, 2, 1),
    (6, 64, 4, 2, 1),
    (6, 96, 3, 1, 1),
    (6, 160, 3, 1, 2),
    (6, 320, 1, 1, 2),
)


class Features(NamedTuple):
    """What a backbone hands on; every member is float32 (N, C, h, w).

    Attributes:
        skip4: (N, 144, H/4, W/4), inside the expanded second block of its stage.
        f4: (N, 24, H/4, W/4).
        f8: (N, 32, H/8, W/8).
        mid: (N, 96, H/16, W/16).
        top: (N, 320, H/16, W/16).
    """

    skip4: Tensor
    f4: Tensor
    f8: Tensor
    mid: Tensor
    top: Tensor


class DepthwiseStep(nn.Module):
    """3x3 depthwise convolution whose padding at stride 2 follows the teacher's input size."""

    def __init__(self, channels: int, stride: int, dilation: int, even: bool) -> None:
        """An ``even`` teacher input (512) made TensorFlow pad only right and bottom; an odd one (513) pads evenly."""
        super().__init__()
        self.lopsided = stride == 2 and even
        padding = 0 if self.lopsided else dilation
        self.conv = nn.Conv2d(channels, channels, 3, stride, padding, dilation, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        """Filter (N, C, h, w)."""
        return F.relu6(self.conv(F.pad(x, (0, 1, 0, 1)) if self.lopsided else x))


class InvertedResidual(nn.Module):
    """Expand, filter per channel, project; with a shortcut where the shape stays."""

    def __init__(self, cin: int, cout: int, expansion: int, stride: int, dilation: int, even: bool) -> None:
        """Widen ``cin`` channels ``expansion`` times in between; ``even`` as for ``DepthwiseStep``."""
        super().__init__()
        wide = cin * expansion
        self.expand = nn.Conv2d(cin, wide, 1) if expansion > 1 else None
        self.depthwise = DepthwiseStep(wide, stride, dilation, even)
        self.project = nn.Conv2d(wide, cout, 1)
        self.shortcut = stride == 1 and cin == cout

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the block's output and its filtered, still expanded features."""
        wide = x if self.expand is None else F.relu6(self.expand(x))
        wide = self.depthwise(wide)
        out = self.project(wide)
        return (out + x if self.shortcut else out), wide


class Backbone(nn.Module):
    """MobileNetV2 at output stride 16."""

    def __init__(self, even: bool) -> None:
        """Make one for a teacher of 512 px (``even``) or of 513 px.

        The latter sees an even picture with one more row and column of zeros, so its deepest maps are one cell larger,
        and cell j lies at pixel 16 j.
        """
        super().__init__()
        self.even = even
        self.stem = nn.Conv2d(3, 32, 3, 2)
        blocks: list[nn.Module] = []
        cin = 32
        self.ends: list[int] = []
        for expansion, cout, repeats, stride, dilation in _STAGES:
            for i in range(repeats):
                # the first block of the 160 stage would have had stride 2: its own filter is not dilated yet
                own = dilation if (i or cout == 320) else 1
                blocks.append(InvertedResidual(cin, cout, expansion, stride if i == 0 else 1, own, even))
                cin = cout
            self.ends.append(len(blocks) - 1)
        self.blocks = nn.ModuleList(blocks)

    def low(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return ``skip4``, ``f4`` and ``f8`` of a (N, 3, H, W) picture in [-1, 1]."""
        x = F.relu6(self.stem(F.pad(image, (0, 1, 0, 1) if self.even else (1, 2, 1, 2))))
        skip4 = f4 = x
        for index in range(self.ends[2] + 1):
            x, wide = self.blocks[index](x)
            if index == self.ends[1]:
                skip4, f4 = wide, x
        return skip4, f4, x

    def forward(self, image: Tensor, frozen_low: bool = False) -> Features:
        """Return the features of (N, 3, H, W) in [-1, 1]; ``frozen_low`` keeps no gradient up to 1/8."""
        if frozen_low:
            with torch.no_grad():
                skip4, f4, f8 = self.low(image)
        else:
            skip4, f4, f8 = self.low(image)
        x = mid = f8
        for index in range(self.ends[2] + 1, len(self.blocks)):
            x, _ = self.blocks[index](x)
            if index == self.ends[4]:
                mid = x
        return Features(skip4, f4, f8, mid, x)

    def convs(self) -> Iterator[nn.Conv2d]:
        """Every convolution in the order in which a picture meets it."""
        yield self.stem
        for block in self.blocks:
            assert isinstance(block, InvertedResidual)
            if block.expand is not None:
                yield block.expand
            yield block.depthwise.conv
            yield block.project


class Pyramid(nn.Module):
    """The mobile ASPP: image pooling beside a 1x1 convolution, projected to 256 channels."""

    def __init__(self) -> None:
        """Take no options: the mobile form is one."""
        super().__init__()
        self.local = nn.Conv2d(320, 256, 1)
        self.pooled = nn.Conv2d(320, 256, 1)
        self.project = nn.Conv2d(512, 256, 1)

    def forward(self, top: Tensor) -> Tensor:
        """Return (N, 256, h, w) of (N, 320, h, w)."""
        pooled = F.relu(self.pooled(top.mean((2, 3), keepdim=True)))
        local = F.relu(self.local(top))
        return F.relu(self.project(torch.cat([pooled.expand_as(local), local], 1)))


class Decoder(nn.Module):
    """DeepLabV3+'s decoder at 1/4: skip of 48 channels, two separable convolutions of 256."""

    def __init__(self) -> None:
        """Take no options: the teacher's decoder is one."""
        super().__init__()
        self.skip = nn.Conv2d(144, 48, 1)
        self.filter1 = nn.Conv2d(304, 304, 3, 1, 1, groups=304)
        self.mix1 = nn.Conv2d(304, 256, 1)
        self.filter2 = nn.Conv2d(256, 256, 3, 1, 1, groups=256)
        self.mix2 = nn.Conv2d(256, 256, 1)

    def forward(self, pyramid: Tensor, skip4: Tensor) -> Tensor:
        """Return (N, 256, 4 h, 4 w) of (N, 256, h, w) and (N, 144, 4 h, 4 w)."""
        x = torch.cat([upsample_from_corner(pyramid, 4), F.relu(self.skip(skip4))], 1)
        x = F.relu(self.mix1(F.relu(self.filter1(x))))
        return F.relu(self.mix2(F.relu(self.filter2(x))))


class DeepLab(nn.Module):
    """One teacher's network."""

    def __init__(self, classes: int, even: bool, decoder: bool) -> None:
        """Make one.

        Args:
            classes: Number of its logits.
            even: Whether its own input size is even (512) or odd (513).
            decoder: Whether it has the 1/4 decoder.
        """
        super().__init__()
        self.backbone = Backbone(even)
        self.pyramid = Pyramid()
        self.decoder = Decoder() if decoder else None
        self.classify = nn.Conv2d(256, classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (N, classes, h, w) at 1/4 with a decoder, else at 1/16, of (N, 3, H, W) in [-1, 1]."""
        features = self.backbone(image)
        x = self.pyramid(features.top)
        logits: Tensor = self.classify(x if self.decoder is None else self.decoder(x, features.skip4))
        return logits

    def load_onnx(self, path: Path) -> None:
        """Take every weight from a teacher's ONNX file, in the order of its convolutions.

        Raises:
            ValueError: The file's convolutions are not those of this architecture.
        """
        graph = onnx.load(str(path)).graph
        arrays = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
        nodes = [node for node in graph.node if node.op_type == "Conv"]
        head = [self.pyramid.local, self.pyramid.pooled, self.pyramid.project]
        if self.decoder is not None:
            d = self.decoder
            head = [head[0], d.skip, *head[1:], d.filter1, d.mix1, d.filter2, d.mix2]
        convs = [*self.backbone.convs(), *head, self.classify]
        if len(nodes) != len(convs):
            raise ValueError(f"{path} has {len(nodes)} convolutions, not {len(convs)}")
        for node, conv in zip(nodes, convs, strict=True):
            weight, bias = (np.array(arrays[name]) for name in node.input[1:3])
            if weight.shape != tuple(conv.weight.shape):
                raise ValueError(f"{path}: {node.name} is {weight.shape}, not {tuple(conv.weight.shape)}")
            assert conv.bias is not None
            with torch.no_grad():
                conv.weight.copy_(torch.from_numpy(weight))
                conv.bias.copy_(torch.from_numpy(bias))


def upsample_from_corner(x: Tensor, factor: int) -> Tensor:
    """Enlarge linearly so that cell (i, j) lands on cell ``factor * (i, j)`` (ONNX Resize "asymmetric").

    Args:
        x: (N, C, h, w) float32.
        factor: Whole number of times.

    Returns:
        (N, C, factor * h, factor * w); beyond the last cell its value is repeated.
    """
    padded = F.pad(x, (0, 1, 0, 1), mode="replicate")
    height, width = x.shape[2] * factor, x.shape[3] * factor
    up = F.interpolate(padded, size=(height + 1, width + 1), mode="bilinear", align_corners=True)
    return up[:, :, :height, :width]


def load_teachers(folder: Path) -> tuple[DeepLab, DeepLab]:
    """Return the ADE20K (32 logits at 1/4) and the VOC (21 logits at 1/16) teacher from a folder of ONNX files."""
    ade, voc = DeepLab(32, even=True, decoder=True), DeepLab(21, even=False, decoder=False)
    ade.load_onnx(folder / "ade20k31_deeplabv3_mobilenetv2.onnx")
    voc.load_onnx(folder / "voc21_deeplabv3_mobilenetv2.onnx")
    return ade, voc
