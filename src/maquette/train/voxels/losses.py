"""Losses of the voxel networks."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from maquette.train.nets.lifting import SCALES, Seen
from maquette.train.voxels.data import UNKNOWN

CROSS_ENTROPY = 10.0
"""Factor of the cross entropy, as in Pix2Vox++; it matters where another loss stands beside it."""
DEPTH = 0.1
"""Weight of the depth of pictures, beside 1 for their labels: its slope is steep where the scale is small."""
LABELS = (0.3, 1.0, 1.0, 1.0, 3.0, 3.0, 1.0)
"""Weights of the pixels of the room and of the six classes: laptops and bags have few."""


def cross_entropy(probability: Tensor, truth: Tensor, weight: float) -> Tensor:
    """Binary cross entropy, a mean over all cells and channels.

    Args:
        probability: Any shape, float32.
        truth: Bool of that shape.
        weight: How much more a taken cell counts than a free one.
    """
    loss = F.binary_cross_entropy(probability.clamp(1e-6, 1 - 1e-6), truth.float(), reduction="none")
    return (loss * torch.where(truth, weight, 1.0)).mean()


def cells(logits: Tensor, truth: Tensor, share: Tensor, weight: float, dice: float) -> Tensor:
    """Cross entropy and soft Dice of cells of which some stand for many.

    Args:
        logits: (B, 7, M, 8) float32.
        truth: (B, 7, M, 8) bool.
        share: (B, M) what each group of eight stands for; 1 on average.
        weight: As in ``cross_entropy``.
        dice: Of the Dice loss (Milletari et al. 2016): pooled over the batch, a mean over the channels that are there.
    """
    counted = share[:, None, :, None]
    loss = F.binary_cross_entropy_with_logits(
        logits, truth.float(), reduction="none", pos_weight=torch.tensor(weight, device=logits.device)
    )
    total = CROSS_ENTROPY * (loss * counted).mean()
    if dice:
        probability, taken = logits.sigmoid(), truth.float()
        both, either = ((x * counted).sum((0, 2, 3)) for x in (probability * taken, probability + taken))
        there = truth.any(3).any(2).any(0)
        total = total + dice * (1 - 2 * both[there] / either[there]).sum() / there.sum().clamp_min(1)
    return total


def pictures(seen: Seen, depth: Tensor, label: Tensor) -> Tensor:
    """Laplace likelihood of log depth and cross entropy of the labels, at 1/2 and at 1/4 of the pictures' size.

    Args:
        seen: Maps of N pictures.
        depth: (N, 112, 112) float32 metres, 0 where it is not known.
        label: (N, 112, 112) int64, 255 where it is not known.
    """
    total = depth.new_zeros(())
    for surface, step in ((seen.surface2, 1), (seen.surface4, 2)):
        true, name = depth[:, ::step, ::step], label[:, ::step, ::step]
        known = true > 0
        mean, spread = surface[:, 0].float(), surface[:, 1].float().clamp(*SCALES)
        away = (true.clamp_min(1e-3).log() - mean).abs() * (-spread).exp() + spread
        total = total + DEPTH * (away * known).sum() / known.sum().clamp_min(1)
        if (name != UNKNOWN).any():
            shares = torch.tensor(LABELS, device=surface.device)
            total = total + F.cross_entropy(surface[:, 2:].float(), name, shares, ignore_index=UNKNOWN)
    return total
