"""The networks that maquette can export, with random weights: at their published size, or tiny for tests.

What a published network is called is noted beside its configuration; the rest is the default of its class.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import torch
from tokenizers.pre_tokenizers import ByteLevel
from torch import nn
from transformers import (
    BeitConfig,
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    DetrConfig,
    DetrForSegmentation,
    Dinov2Config,
    DPTConfig,
    DPTForDepthEstimation,
    EomtConfig,
    EomtForUniversalSegmentation,
    GLPNConfig,
    GLPNForDepthEstimation,
    Mask2FormerConfig,
    Mask2FormerForUniversalSegmentation,
    OneFormerConfig,
    OneFormerForUniversalSegmentation,
    PreTrainedModel,
    ResNetConfig,
    SwinConfig,
    ZoeDepthConfig,
    ZoeDepthForDepthEstimation,
)

from maquette.models.catalogue import resolve
from maquette.models.types import PanopticContract

Scale = Literal["tiny", "real"]
Config = Any

TINY_CATEGORIES = ("person", "chair", "cat", "sky-other-merged", "wall-brick", "grass-merged")
"""The classes of a tiny segmentation network, from COCO's 133."""

_CLASS_WEIGHTS = ("class_predictor.weight", "class_embed.weight", "class_labels_classifier.weight")
_CLASS_BIASES = ("class_predictor.bias", "class_embed.bias", "class_labels_classifier.bias")
_STAGES = ["stage1", "stage2", "stage3", "stage4"]
_SWIN_TINY = {"embed_dim": 16, "depths": [1, 1, 2, 1], "num_heads": [1, 2, 4, 8], "window_size": 4}
_SWIN_T = {"embed_dim": 96, "depths": [2, 2, 6, 2], "num_heads": [3, 6, 12, 24], "window_size": 7}
_SWIN_L = {"embed_dim": 192, "depths": [2, 2, 18, 2], "num_heads": [6, 12, 24, 48], "window_size": 12}


def build(name: str, scale: Scale) -> PreTrainedModel:
    """Make a network with the random weights of seed 0, ready for inference.

    Weights are normal with a variance of one over their fan-in, those of classes with 64 times that and "no object"
    held down: as their classes begin training, networks give nearly the same for every picture, and no segment at all.

    Args:
        name: A key of ``NETWORKS``.
        scale: ``real`` has the published size; ``tiny`` the same class, at most half a million weights.
    """
    make_config, make_network = NETWORKS[name]
    torch.manual_seed(0)
    network = make_network(make_config(scale)).eval()
    with torch.no_grad():
        for module in network.modules():
            for weight in module.parameters(recurse=False):
                if weight.dim() > 1:
                    weight.normal_(std=1.0 if isinstance(module, nn.Embedding) else weight[0].numel() ** -0.5)
        for key, weight in network.named_parameters():
            if key.endswith(_CLASS_WEIGHTS):
                weight.mul_(8)
            elif key.endswith(_CLASS_BIASES):
                weight[-1] -= 8
        if isinstance(network, EomtForUniversalSegmentation):
            network.attn_mask_probs.zero_()  # at the end of its training it attends everywhere
    return network


def save(name: str, scale: Scale, folder: Path) -> None:
    """Write ``build(name, scale)`` as the Hub holds networks.

    OneFormer gets a tokenizer that knows single letters alone, so its words have other numbers than CLIP's.
    """
    network = build(name, scale)
    network.save_pretrained(folder)
    if isinstance(network, OneFormerForUniversalSegmentation):
        letters = sorted(ByteLevel.alphabet())
        words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
        (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}), encoding="utf-8")
        (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")


def _labels(scale: Scale) -> dict[str, Any]:
    output = resolve("detr-resnet-50-panoptic").output
    assert isinstance(output, PanopticContract)
    coco = tuple(name for name in output.categories if name != "void")
    return _named(TINY_CATEGORIES if scale == "tiny" else coco)


def _named(categories: tuple[str, ...]) -> dict[str, Any]:
    return {"id2label": dict(enumerate(categories)), "label2id": {name: i for i, name in enumerate(categories)}}


def _oneformer_swin_t(scale: Scale) -> Config:  # shi-labs/oneformer_ade20k_swin_tiny
    return _oneformer(scale, _SWIN_T)


def _oneformer_swin_l(scale: Scale) -> Config:  # shi-labs/oneformer_coco_swin_large
    return _oneformer(scale, _SWIN_L)


def _oneformer(scale: Scale, swin: dict[str, Any]) -> Config:
    if scale == "real":
        return OneFormerConfig(backbone_config=SwinConfig(out_features=_STAGES, **swin), **_labels(scale))
    return OneFormerConfig(
        backbone_config=SwinConfig(out_features=_STAGES, **_SWIN_TINY),
        num_queries=12,
        conv_dim=32,
        mask_dim=32,
        hidden_dim=32,
        encoder_feedforward_dim=64,
        dim_feedforward=64,
        encoder_layers=1,
        decoder_layers=3,
        query_dec_layers=1,
        num_attention_heads=4,
        **_labels(scale),
    )


def _mask2former_swin_t(scale: Scale) -> Config:  # facebook/mask2former-swin-tiny-coco-panoptic
    if scale == "real":
        return Mask2FormerConfig(backbone_config=SwinConfig(out_features=_STAGES, **_SWIN_T), **_labels(scale))
    return Mask2FormerConfig(
        backbone_config=SwinConfig(out_features=_STAGES, **_SWIN_TINY),
        num_queries=12,
        feature_size=32,
        mask_feature_size=32,
        hidden_dim=32,
        encoder_feedforward_dim=64,
        dim_feedforward=64,
        encoder_layers=1,
        decoder_layers=3,
        num_attention_heads=4,
        **_labels(scale),
    )


def _eomt_base(scale: Scale) -> Config:  # tue-mps/coco_panoptic_eomt_base_640_2x
    return _eomt(scale, hidden_size=768, num_hidden_layers=12, num_attention_heads=12, num_blocks=3)


def _eomt_large(scale: Scale) -> Config:  # tue-mps/coco_panoptic_eomt_large_640
    return _eomt(scale)


def _eomt(scale: Scale, **size: int) -> Config:
    if scale == "real":
        return EomtConfig(**size, **_labels(scale))
    return EomtConfig(
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        image_size=96,
        num_blocks=1,
        num_queries=12,
        **_labels(scale),
    )


def _detr_resnet_50(scale: Scale) -> Config:  # facebook/detr-resnet-50-panoptic, but for timm's backbone
    if scale == "real":
        output = resolve("detr-resnet-50-panoptic").output
        assert isinstance(output, PanopticContract)
        categories = tuple(f"LABEL_{i}" if name == "void" else name for i, name in enumerate(output.categories))
        return DetrConfig(backbone_config=ResNetConfig(out_features=_STAGES), **_named(categories))
    return DetrConfig(
        backbone_config=ResNetConfig(
            embedding_size=16, hidden_sizes=[16, 32, 48, 64], depths=[1, 1, 1, 1], out_features=_STAGES
        ),
        num_queries=12,
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        encoder_attention_heads=8,
        decoder_attention_heads=8,
        **_labels(scale),
    )


def _glpn_b0(scale: Scale) -> Config:
    return _glpn(scale)


def _glpn_b4(scale: Scale) -> Config:  # vinvino02/glpn-nyu
    return _glpn(scale, hidden_sizes=[64, 128, 320, 512], depths=[3, 8, 27, 3])


def _glpn(scale: Scale, **size: list[int]) -> Config:
    if scale == "real":
        return GLPNConfig(**size)
    return GLPNConfig(depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 40, 64], decoder_hidden_size=16)


def _depth_anything_small(scale: Scale) -> Config:  # depth-anything/Depth-Anything-V2-Small-hf
    if scale == "real":
        backbone = Dinov2Config(
            image_size=518,
            hidden_size=384,
            num_attention_heads=6,
            out_indices=[3, 6, 9, 12],
            reshape_hidden_states=False,
        )
        return DepthAnythingConfig(backbone_config=backbone)
    backbone = Dinov2Config(
        image_size=70,
        patch_size=14,
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=4,
        out_indices=[1, 2, 3, 4],
        reshape_hidden_states=False,
    )
    return DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=32,
        neck_hidden_sizes=[16, 16, 32, 32],
        fusion_hidden_size=16,
        head_hidden_size=8,
    )


def _dpt_large(scale: Scale) -> Config:  # Intel/dpt-large
    if scale == "real":
        return DPTConfig(
            hidden_size=1024,
            num_hidden_layers=24,
            num_attention_heads=16,
            intermediate_size=4096,
            backbone_out_indices=[5, 11, 17, 23],
            neck_hidden_sizes=[256, 512, 1024, 1024],
        )
    return DPTConfig(
        image_size=64,
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=64,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[16, 16, 32, 32],
        fusion_hidden_size=16,
    )


def _zoedepth(scale: Scale) -> Config:  # Intel/zoedepth-nyu
    if scale == "real":
        return ZoeDepthConfig(neck_hidden_sizes=[256, 512, 1024, 1024])
    backbone = BeitConfig(
        image_size=64,
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=64,
        use_relative_position_bias=True,
        reshape_hidden_states=False,
        out_features=_STAGES,
    )
    return ZoeDepthConfig(
        backbone_config=backbone,
        neck_hidden_sizes=[16, 16, 32, 32],
        fusion_hidden_size=16,
        bottleneck_features=16,
        num_relative_features=8,
        bin_embedding_dim=16,
        bin_configurations=[{"n_bins": 16, "min_depth": 0.001, "max_depth": 10.0}],
    )


NETWORKS: dict[str, tuple[Any, type[PreTrainedModel]]] = {
    "oneformer-swin-t": (_oneformer_swin_t, OneFormerForUniversalSegmentation),
    "oneformer-swin-l": (_oneformer_swin_l, OneFormerForUniversalSegmentation),
    "mask2former-swin-t": (_mask2former_swin_t, Mask2FormerForUniversalSegmentation),
    "eomt-base": (_eomt_base, EomtForUniversalSegmentation),
    "eomt-large": (_eomt_large, EomtForUniversalSegmentation),
    "detr-resnet-50": (_detr_resnet_50, DetrForSegmentation),
    "glpn-b0": (_glpn_b0, GLPNForDepthEstimation),
    "glpn-b4": (_glpn_b4, GLPNForDepthEstimation),
    "depth-anything-small": (_depth_anything_small, DepthAnythingForDepthEstimation),
    "dpt-large": (_dpt_large, DPTForDepthEstimation),
    "zoedepth": (_zoedepth, ZoeDepthForDepthEstimation),
}
"""Name to the function that makes its configuration, and its class."""
