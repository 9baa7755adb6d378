"""The Mix Transformer (MiT): the hierarchical encoder of SegFormer (Xie et al., NeurIPS 2021), which GLPN builds on.

Modules bear the names of ``transformers``' GLPN, so that its weights load unchanged; ``nn.ModuleDict`` stands for the
levels of those names that compute nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class MitConfig:
    """The shape of an encoder; every tuple has one entry for each stage, and the defaults are B0.

    Attributes:
        hidden_sizes: Channels.
        depths: Blocks.
        num_attention_heads: Heads of each attention.
        sr_ratios: Step at which keys and values are sampled, along both axes.
        mlp_ratios: Channels inside the feed-forward part over ``hidden_sizes``.
        patch_sizes: Kernel of the convolution that each stage starts with.
        strides: Its stride.
        drop_path_rate: Chance that the last block is skipped in training; it grows linearly from 0 at the first.
    """

    hidden_sizes: tuple[int, ...] = (32, 64, 160, 256)
    depths: tuple[int, ...] = (2, 2, 2, 2)
    num_attention_heads: tuple[int, ...] = (1, 2, 5, 8)
    sr_ratios: tuple[int, ...] = (8, 4, 2, 1)
    mlp_ratios: tuple[int, ...] = (4, 4, 4, 4)
    patch_sizes: tuple[int, ...] = (7, 3, 3, 3)
    strides: tuple[int, ...] = (4, 2, 2, 2)
    drop_path_rate: float = 0.1


_WIDE = (64, 128, 320, 512)
SIZES: dict[str, MitConfig] = {
    "b0": MitConfig(),
    "b1": MitConfig(_WIDE),
    "b2": MitConfig(_WIDE, (3, 4, 6, 3)),
    "b3": MitConfig(_WIDE, (3, 4, 18, 3)),
    "b4": MitConfig(_WIDE, (3, 8, 27, 3)),
    "b5": MitConfig(_WIDE, (3, 6, 40, 3)),
}
"""The published sizes (SegFormer, table 6)."""


class MixTransformer(nn.Module):
    """Pictures to features at 1/4, 1/8, 1/16 and 1/32 of their size (with the published strides)."""

    def __init__(self, config: MitConfig) -> None:
        """Make an encoder with weights drawn as SegFormer draws them."""
        super().__init__()
        channels = (3, *config.hidden_sizes[:-1])
        rates = iter(torch.linspace(0, config.drop_path_rate, sum(config.depths), device="cpu").tolist())
        self.patch_embeddings = nn.ModuleList(
            _PatchEmbedding(*shape)
            for shape in zip(channels, config.hidden_sizes, config.patch_sizes, config.strides, strict=True)
        )
        self.block = nn.ModuleList(
            nn.ModuleList(_Block(width, heads, ratio, mlp, next(rates)) for _ in range(depth))
            for width, depth, heads, ratio, mlp in zip(
                config.hidden_sizes,
                config.depths,
                config.num_attention_heads,
                config.sr_ratios,
                config.mlp_ratios,
                strict=True,
            )
        )
        self.layer_norm = nn.ModuleList(nn.LayerNorm(width) for width in config.hidden_sizes)
        self.apply(_initialise)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the features of each stage, (N, C, h, w), finest first, of pictures (N, 3, H, W)."""
        features = []
        x = image
        for embed, blocks, norm in zip(self.patch_embeddings, self.block, self.layer_norm, strict=True):
            tokens, size = embed(x)
            for block in blocks:  # type: ignore[attr-defined]
                tokens = block(tokens, size)
            x = _picture(norm(tokens), size)
            features.append(x)
        return features


class _PatchEmbedding(nn.Module):
    """Overlapping patches, as tokens (N, h w, C) and their (h, w)."""

    def __init__(self, channels: int, width: int, patch: int, stride: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, width, patch, stride, patch // 2)
        self.layer_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        x = self.proj(x)
        return self.layer_norm(_tokens(x)), (x.shape[2], x.shape[3])


class _Attention(nn.Module):
    """Self-attention whose keys and values are sampled more coarsely (SegFormer, section 3.1)."""

    def __init__(self, width: int, heads: int, ratio: int) -> None:
        super().__init__()
        self.heads, self.ratio = heads, ratio
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        if ratio > 1:
            self.sr = nn.Conv2d(width, width, ratio, ratio)
            self.layer_norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, size: tuple[int, int]) -> Tensor:
        source = tokens
        if self.ratio > 1:
            source = self.layer_norm(_tokens(self.sr(_picture(tokens, size))))
        query, key, value = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, x in ((self.query, tokens), (self.key, source), (self.value, source))
        )
        return F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)


class _MixFeedForward(nn.Module):
    """Two dense layers with a 3 x 3 convolution between them, which tells tokens where they are."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.dense1 = nn.Linear(width, hidden)
        self.dwconv = nn.ModuleDict({"dwconv": nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)})
        self.dense2 = nn.Linear(hidden, width)

    def forward(self, tokens: Tensor, size: tuple[int, int]) -> Tensor:
        x = self.dwconv["dwconv"](_picture(self.dense1(tokens), size))
        result: Tensor = self.dense2(_tokens(F.gelu(x)))
        return result


class _Block(nn.Module):
    def __init__(self, width: int, heads: int, ratio: int, mlp: int, drop_rate: float) -> None:
        super().__init__()
        self.drop_rate = drop_rate
        self.layer_norm_1 = nn.LayerNorm(width)
        self.attention = nn.ModuleDict(
            {"self": _Attention(width, heads, ratio), "output": nn.ModuleDict({"dense": nn.Linear(width, width)})}
        )
        self.layer_norm_2 = nn.LayerNorm(width)
        self.mlp = _MixFeedForward(width, mlp * width)

    def forward(self, tokens: Tensor, size: tuple[int, int]) -> Tensor:
        seen = self.attention["self"](self.layer_norm_1(tokens), size)
        tokens = tokens + self._dropped(self.attention["output"]["dense"](seen))  # type: ignore[index]
        return tokens + self._dropped(self.mlp(self.layer_norm_2(tokens), size))

    def _dropped(self, x: Tensor) -> Tensor:
        """Stochastic depth (Huang et al., ECCV 2016): all of a picture or nothing, the mean kept."""
        if not self.training or self.drop_rate == 0:
            return x
        keep = 1 - self.drop_rate
        return x * (x.new_empty(x.shape[0], 1, 1).bernoulli_(keep) / keep)


def _tokens(x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2)


def _picture(tokens: Tensor, size: tuple[int, int]) -> Tensor:
    return tokens.transpose(1, 2).reshape(tokens.shape[0], tokens.shape[2], *size)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Conv2d):
        fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
        nn.init.normal_(module.weight, std=(2 / fan_out) ** 0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
