"""GLPN: metric depth from one picture (Kim et al., "Global-Local Path Networks for Monocular Depth Estimation with
Vertical CutDepth", 2022), and its files as ``transformers`` reads and writes them.

Modules bear the names of ``transformers``' ``GLPNForDepthEstimation``; see ``mit.py``.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from maquette.errors import ModelError
from maquette.export.atomic import shown, whole
from maquette.train.nets.mit import SIZES, MitConfig, MixTransformer

STRIDE = 32
"""Height and width of a picture are multiples of it."""


@dataclasses.dataclass(frozen=True)
class GlpnConfig:
    """The shape of a network and the range of its answers.

    Attributes:
        encoder: Of the encoder.
        decoder_hidden_size: Channels of the decoder.
        max_depth: Greatest depth that it can give, metres. Networks of any two values share their weights.
    """

    encoder: MitConfig = SIZES["b0"]
    decoder_hidden_size: int = 64
    max_depth: float = 10.0


class Glpn(nn.Module):
    """Encoder, decoder and head."""

    def __init__(self, config: GlpnConfig) -> None:
        """Make a network with random weights."""
        super().__init__()
        self.config = config
        self.glpn = nn.ModuleDict({"encoder": MixTransformer(config.encoder)})
        self.decoder = _Decoder(config)
        width = config.decoder_hidden_size
        self.head = nn.ModuleDict(
            {"head": nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 1, 3, padding=1))}
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return depth.

        Args:
            image: (N, 3, H, W) float32 sRGB from 0 to 1; H and W are multiples of 32.

        Returns:
            (N, 1, H, W) float32, z in metres, from 0 to ``max_depth``.
        """
        x = self.head["head"](self.decoder(self.glpn["encoder"](image)))
        depth_m: Tensor = torch.sigmoid(x.float()) * self.config.max_depth
        return depth_m

    def with_range(self, max_depth: float) -> Glpn:
        """Return a network of the same weights (shared) for another greatest depth (diorama paper, section 3.2.1)."""
        net = Glpn(dataclasses.replace(self.config, max_depth=max_depth))
        net.load_state_dict(self.state_dict(), assign=True)
        return net


class _Fusion(nn.Module):
    """Selective feature fusion: weighs local against global features at every place (GLPN, section 3.4)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolutional_layer1 = _convolution(2 * width, width)
        self.convolutional_layer2 = _convolution(width, width // 2)
        self.convolutional_layer3 = nn.Conv2d(width // 2, 2, 3, padding=1)

    def forward(self, local: Tensor, wide: Tensor) -> Tensor:
        x = self.convolutional_layer1(torch.cat((local, wide), 1))
        share = torch.sigmoid(self.convolutional_layer3(self.convolutional_layer2(x)))
        return local * share[:, :1] + wide * share[:, 1:]


class _Stage(nn.Module):
    def __init__(self, channels: int, width: int, fuses: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, width, 1) if channels != width else nn.Identity()
        self.fusion = _Fusion(width) if fuses else None

    def forward(self, features: Tensor, wide: Tensor | None) -> Tensor:
        x = self.convolution(features)
        if self.fusion is not None:
            x = self.fusion(x, wide)
        return _doubled(x)


class _Decoder(nn.Module):
    def __init__(self, config: GlpnConfig) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            _Stage(channels, config.decoder_hidden_size, fuses=number > 0)
            for number, channels in enumerate(reversed(config.encoder.hidden_sizes))
        )

    def forward(self, features: list[Tensor]) -> Tensor:
        x: Tensor | None = None
        for stage, local in zip(self.stages, reversed(features), strict=True):
            x = stage(local, x)
        assert x is not None
        return _doubled(x)


def _convolution(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


_ENCODER = tuple(field.name for field in dataclasses.fields(MitConfig))


def load_folder(folder: Path) -> Glpn:
    """Read a network that ``transformers`` (``GLPNForDepthEstimation.save_pretrained``) or ``save_folder`` wrote.

    Dropout other than stochastic depth is left out; the published networks have none.

    Args:
        folder: Holds ``config.json`` and ``model.safetensors``.

    Raises:
        ModelError: A file is missing, damaged or of another architecture.
    """
    path = folder / "config.json"
    try:
        entry: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{shown(path)}: cannot be read; name the folder of a GLPN as transformers saves it"
        ) from error
    if entry.get("model_type") != "glpn" or entry.get("hidden_act", "gelu") != "gelu":
        raise ModelError(f"{shown(path)}: describes no GLPN with gelu activations; name the folder of one")
    encoder: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in entry.items() if name in _ENCODER
    }
    config = GlpnConfig(
        MitConfig(**encoder),
        entry.get("decoder_hidden_size", GlpnConfig.decoder_hidden_size),
        entry.get("max_depth", GlpnConfig.max_depth),
    )
    net = Glpn(config)
    weights = folder / "model.safetensors"
    try:
        net.load_state_dict(load_file(weights))
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{shown(weights)}: missing or damaged; copy or train the network again") from error
    except RuntimeError as error:
        raise ModelError(f"{shown(weights)}: does not fit {path.name}; both must come from one network") from error
    return net


def save_folder(net: Glpn, folder: Path) -> None:
    """Write ``config.json``, ``preprocessor_config.json`` and ``model.safetensors`` as ``transformers`` reads them.

    Raises:
        ExportError: They cannot be written.
    """
    max_depth = net.config.max_depth
    config = {
        "architectures": ["GLPNForDepthEstimation"],
        "model_type": "glpn",
        "num_encoder_blocks": len(net.config.encoder.depths),
        "hidden_act": "gelu",
        "decoder_hidden_size": net.config.decoder_hidden_size,
        "max_depth": int(max_depth) if max_depth == int(max_depth) else max_depth,  # transformers insists on an int
        **dataclasses.asdict(net.config.encoder),
    }
    processor = {
        "image_processor_type": "GLPNImageProcessor",
        "do_resize": True,
        "do_rescale": True,
        "resample": 2,
        "size_divisor": STRIDE,
    }
    with whole(folder) as fresh:
        fresh.mkdir()
        (fresh / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        (fresh / "preprocessor_config.json").write_text(json.dumps(processor, indent=2) + "\n", encoding="utf-8")
        save_file(
            {name: value.contiguous() for name, value in net.state_dict().items()},
            fresh / "model.safetensors",
            {"format": "pt"},
        )
