"""``maquette-small``: semantics, depth and instances of one photo from two DeepLab trunks.

The fusion of coarse and fine features is the selective one of GLPN (Kim et al., "Global-Local Path Networks", 2022,
section 3.3); the instance output is that of Panoptic-DeepLab (Cheng et al., CVPR 2020): a centre heatmap and offsets.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F

from maquette.labels import LABELS
from maquette.train.nets.deeplab import DeepLab, Features, upsample_from_corner
from maquette.train.nets.merge import Merge

OFFSET_SCALE_PX = 64.0
"""One unit of the offset head in input pixels."""
CENTRE_PRIOR = -4.0
"""Initial logit of the centre heatmap: almost no pixel is a centre."""
LOG_DEPTH_PRIOR = 0.5
"""Initial log of canonical depth in metres."""
CAUTION = 0.2
"""Share of the semantic correction that counts at inference where the corrected label is not sure."""
SURE = (0.9, 0.98)
"""Probabilities of the corrected label between which the share grows to all of it. The whole everywhere agrees less
with the teachers on held-out photos, a part everywhere misses what they do not know."""
_FLOOR = 1e-4


class Separable(nn.Module):
    """Depthwise k x k, then 1x1, each rectified."""

    def __init__(self, cin: int, cout: int, size: int = 3, dilation: int = 1) -> None:
        """Map ``cin`` to ``cout`` channels with a filter of ``size``."""
        super().__init__()
        padding = size // 2 * dilation
        self.filter = nn.Conv2d(cin, cin, size, 1, padding, dilation, groups=cin)
        self.mix = nn.Conv2d(cin, cout, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, cout, h, w) of (N, cin, h, w)."""
        return F.relu(self.mix(F.relu(self.filter(x))))


class Residual(nn.Module):
    """A map plus a 5x5 filter of it, which starts as nothing: it can join a network that has learned already."""

    def __init__(self, channels: int, dilation: int) -> None:
        """Filter ``channels`` with cells ``dilation`` apart."""
        super().__init__()
        self.filter = nn.Conv2d(channels, channels, 5, 1, 2 * dilation, dilation, groups=channels)
        self.mix = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.mix.weight)
        nn.init.zeros_(_bias(self.mix))

    def forward(self, x: Tensor) -> Tensor:
        """Return a map of the shape of (N, channels, h, w)."""
        out: Tensor = x + self.mix(F.relu(self.filter(x)))
        return out


class SelectiveFusion(nn.Module):
    """Two attention maps, one a path, weigh coarse against fine features of the same shape (GLPN's SFF)."""

    def __init__(self, channels: int) -> None:
        """Fuse two maps of ``channels``."""
        super().__init__()
        self.squeeze = Separable(2 * channels, channels // 2)
        self.attend = nn.Conv2d(channels // 2, 2, 3, 1, 1)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Return a map of the shape of both."""
        attention: Tensor = self.attend(self.squeeze(torch.cat([coarse, fine], 1))).sigmoid()
        return coarse * attention[:, :1] + fine * attention[:, 1:]


class Pathway(nn.Module):
    """A decoder from 1/16 over 1/8 to 1/4, equally wide throughout."""

    def __init__(self, deep: int, middle: int, fine: int, channels: int) -> None:
        """Make one.

        Args:
            deep: Channels at 1/16.
            middle: Channels at 1/8.
            fine: Channels at 1/4.
            channels: Width of the decoder.
        """
        super().__init__()
        self.enter = nn.Conv2d(deep, channels, 1)
        self.near = nn.Conv2d(channels, channels, 3, 1, 1)
        self.far = nn.Conv2d(channels, channels, 3, 1, 3, 3)
        self.wide = nn.Sequential(*(Residual(channels, dilation) for dilation in (1, 2, 4)))
        self.lateral8 = nn.Conv2d(middle, channels, 1)
        self.lateral4 = nn.Conv2d(fine, channels, 1)
        self.fuse8 = SelectiveFusion(channels)
        self.fuse4 = SelectiveFusion(channels)
        self.smooth8 = Separable(channels, channels, 5)
        self.smooth4 = Separable(channels, channels, 5)

    def forward(self, deep: Tensor, middle: Tensor, fine: Tensor) -> Tensor:
        """Return (N, channels, h, w) at 1/4 of maps at 1/16, 1/8 and 1/4."""
        x = F.relu(self.enter(deep))
        x = x + F.relu(self.near(x))
        x = self.wide(x + F.relu(self.far(x)))
        x = self.smooth8(self.fuse8(upsample_centred(x), F.relu(self.lateral8(middle))))
        out: Tensor = self.smooth4(self.fuse4(upsample_centred(x), F.relu(self.lateral4(fine))))
        return out


class MaquetteSmall(nn.Module):
    """The embedded perception network.

    Input: ``image`` (N, 3, H, W) float32, RGB in [-1, 1], H and W multiples of 32.
    Output, each at a quarter of the size, cell (i, j) covering the 4x4 pixels from (4 i, 4 j):
        ``semantic`` (N, 45, H/4, W/4) logits, channel i for label id i + 1;
        ``depth`` (N, 2, H/4, W/4): log of z-depth in metres as a camera sees it whose focal length equals the longer
        side, and the log of the Laplace scale of that;
        ``instance`` (N, 3, H/4, W/4): probability of a thing's centre, then the way (dx, dy) in pixels to the centre
        of the pixel's thing.
    """

    def __init__(self) -> None:
        """Draw all weights; ``DeepLab.load_onnx`` gives the trunks those of their teachers, ``load_onnx`` all."""
        super().__init__()
        self.ade = DeepLab(32, even=True, decoder=True)
        self.voc = DeepLab(21, even=False, decoder=False)
        self.merge = Merge()
        width, labels = 96, len(LABELS)
        self.detail = Pathway(2 * 256, 2 * 32, 256 + 2 * 24 + labels, width)
        self.refine = nn.Conv2d(width, labels, 1)
        self.things = nn.Sequential(Separable(width, 64, 5), nn.Conv2d(64, 3, 1))
        self.bodies = Pathway(2 * (256 + 96), 2 * 32, 64 + 2 * 24 + labels, 64)
        self.apart = nn.Sequential(Separable(64, 64, 5), nn.Conv2d(64, 3, 1))
        self.shape = Pathway(2 * (256 + 96) + 2, 2 * 32 + 2, 64 + 2 * 24 + labels + 2, width)
        self.brief = nn.Conv2d(256, 64, 1)
        self.depth = nn.Sequential(Separable(width, 48, 3), nn.Conv2d(48, 2, 1))
        self._start()

    def _start(self) -> None:
        nn.init.zeros_(self.refine.weight)
        nn.init.zeros_(_bias(self.refine))
        nn.init.zeros_(self.apart[1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.apart[1].bias)  # type: ignore[arg-type]
        for head, start in ((self.things[1], (CENTRE_PRIOR, 0.0, 0.0)), (self.depth[1], (LOG_DEPTH_PRIOR, 0.0))):
            assert isinstance(head, nn.Conv2d)
            nn.init.normal_(head.weight, std=0.01)
            with torch.no_grad():
                _bias(head).copy_(torch.tensor(start))

    def load_onnx(self, path: Path) -> None:
        """Take all weights from a file that ``train.export.export`` wrote of this network.

        One made before the network had the parts that start as nothing leaves them so.

        Raises:
            ValueError: The file holds another network.
        """
        found = {
            tensor.name.removesuffix("_f16"): torch.from_numpy(numpy_helper.to_array(tensor).astype(np.float32))
            for tensor in onnx.load(path).graph.initializer
        }
        own = self.state_dict()
        residual = [f"{name}." for name, module in self.named_modules() if isinstance(module, Residual)]
        late = ("bodies.", "apart.", *residual)
        missing = [name for name in own if name not in found and not name.startswith(late)]
        if missing:
            raise ValueError(f"{path}: not this network, it lacks {missing[0]}")
        self.load_state_dict({name: found.get(name, value) for name, value in own.items()})

    def trunk_features(self, image: Tensor, frozen_low: bool = False) -> tuple[Features, Features, Tensor, Tensor]:
        """Return both trunks' features and both pyramids (N, 256, H/16, W/16), on the ADE trunk's grid."""
        a = self.ade.backbone(image, frozen_low)
        v = self.voc.backbone(image, frozen_low)
        return a, v, self.ade.pyramid(a.top), self.voc.pyramid(v.top)

    def forward(self, image: Tensor, frozen_low: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """Return ``semantic``, ``depth`` and ``instance``; ``frozen_low`` keeps no gradient of the trunks up to 1/8."""
        a, v, pa, pv = self.trunk_features(image, frozen_low)
        assert self.ade.decoder is not None
        fine = self.ade.decoder(pa, a.skip4)
        h4, w4 = fine.shape[2:]
        logits = self.voc.classify(pv)
        near = upsample_from_corner(self.merge.neighbourhood(logits.softmax(1)), 4)[:, :, :h4, :w4]
        theirs = upsample_from_corner(logits, 4)[:, :, :h4, :w4].softmax(1)
        evidence = self.merge(self.ade.classify(fine).softmax(1), theirs, near).clamp_min(_FLOOR).log()

        f8 = torch.cat([a.f8, _trim(v.f8, a.f8)], 1)
        f4 = torch.cat([a.f4, _trim(v.f4, a.f4)], 1)
        pv = _trim(pv, pa)
        brief = F.relu(self.brief(fine))
        deep = torch.cat([pa, pv, a.mid, _trim(v.mid, a.mid)], 1)
        detail = self.detail(torch.cat([pa, pv], 1), f8, torch.cat([fine, f4, evidence], 1))
        correction = self.refine(detail)
        semantic = evidence + correction
        things = self.things(detail) + self.apart(self.bodies(deep, f8, torch.cat([brief, f4, evidence], 1)))
        instance = torch.cat([things[:, :1].sigmoid(), things[:, 1:] * OFFSET_SCALE_PX], 1)

        shape = self.shape(
            torch.cat([deep, rays(deep)], 1),
            torch.cat([f8, rays(f8)], 1),
            torch.cat([brief, f4, semantic, rays(f4)], 1),
        )
        log_depth, log_scale = self.depth(shape).chunk(2, 1)
        if not self.training:
            low, high = SURE
            probability = semantic.softmax(1).amax(1, keepdim=True)
            share = CAUTION + (1 - CAUTION) * ((probability - low) / (high - low)).clamp(0.0, 1.0)
            semantic = evidence + share * correction
        return semantic, torch.cat([log_depth.clamp(-3.0, 6.0), log_scale.clamp(-5.0, 1.5)], 1), instance


def rays(like: Tensor) -> Tensor:
    """Return (N, 2, h, w): x and y of each cell's ray at z = 1 for the canonical camera (focal = longer side)."""
    ones = torch.ones_like(like[:, :1])
    x, y = ones.cumsum(3) - 0.5, ones.cumsum(2) - 0.5
    width, height = x.amax((2, 3), keepdim=True) + 0.5, y.amax((2, 3), keepdim=True) + 0.5
    longer = torch.maximum(width, height)
    return torch.cat([(x - width / 2) / longer, (y - height / 2) / longer], 1)


def upsample_centred(x: Tensor) -> Tensor:
    """Double the size linearly, cell areas kept in place (ONNX Resize "half_pixel")."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _trim(x: Tensor, like: Tensor) -> Tensor:
    return x[:, :, : like.shape[2], : like.shape[3]]


def _bias(conv: nn.Conv2d) -> Tensor:
    assert conv.bias is not None
    return conv.bias
