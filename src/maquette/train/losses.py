"""Losses, each a mean over what is known."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from maquette.train.augment import Batch
from maquette.train.nets.perception import OFFSET_SCALE_PX


@dataclass(frozen=True)
class Weights:
    """Share of each loss in the sum."""

    distil: float = 1.0
    hard: float = 0.1
    laplace: float = 0.5
    shape: float = 1.0
    edges: float = 1.0
    weak: float = 0.25
    heat: float = 1.0
    offset: float = 1.0


def distillation(logits: Tensor, target: Tensor) -> Tensor:
    """KL divergence of soft targets from the softmax of logits, in nats (Hinton et al., 2015), a weighted mean.

    Args:
        logits: (N, C, h, w).
        target: (N, C, h, w), probabilities times a weight, which is their sum over C.
    """
    weight = target.sum(1, keepdim=True)
    probability = target / weight.clamp_min(1e-6)
    divergence = (probability * (probability.clamp_min(1e-8).log() - logits.log_softmax(1))).sum(1)
    return (divergence * weight[:, 0]).sum() / weight.sum().clamp_min(1.0)


def hard_labels(logits: Tensor, target: Tensor, least: float = 0.6) -> Tensor:
    """Cross entropy against the winner of weighted targets, where it holds at least ``least`` of their sum."""
    confidence, winner = target.max(1)
    weight = target.sum(1)
    sure = weight * (confidence >= least * weight.clamp_min(1e-6)).float()
    return (F.cross_entropy(logits, winner, reduction="none") * sure).sum() / sure.sum().clamp_min(1.0)


def laplace(log_depth: Tensor, log_scale: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Negative log likelihood of log-depth under a Laplace distribution, |d| / b + log 2 b; all (N, h, w)."""
    nll = (log_depth - target).abs() * (-log_scale).exp() + log_scale + 0.6931471805599453
    return (nll * weight).sum() / weight.sum().clamp_min(1.0)


def scale_invariant(log_depth: Tensor, target: Tensor, weight: Tensor, lam: float = 0.85, root: bool = True) -> Tensor:
    """Eigen's scale-invariant error, mean d^2 - lam (mean d)^2 a picture (NIPS 2014, equation 4), or its root."""
    count = weight.sum((1, 2)).clamp_min(1.0)
    d = (log_depth - target) * weight
    first, second = d.sum((1, 2)) / count, d.square().sum((1, 2)) / count
    known = (weight.sum((1, 2)) > 0).float()
    error = (second - lam * first.square()).clamp_min(0.0)
    if root:
        error = (error + 1e-6).sqrt()
    return (error * known).sum() / known.sum().clamp_min(1.0)


def edges(log_depth: Tensor, target: Tensor, weight: Tensor, scales: int = 3) -> Tensor:
    """Mean absolute difference of the gradients of log-depth over ``scales`` strides (MegaDepth, 2018)."""
    d = log_depth - target
    total = d.new_zeros(())
    for level in range(scales):
        step = 2**level
        for axis in (1, 2):
            n = d.shape[axis]
            near, far = d.narrow(axis, 0, n - step), d.narrow(axis, step, n - step)
            both = weight.narrow(axis, 0, n - step) * weight.narrow(axis, step, n - step)
            total = total + ((far - near).abs() * both).sum() / both.sum().clamp_min(1.0)
    return total / (2 * scales)


def heatmap(probability: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Penalty-reduced focal loss of a centre heatmap (Zhou et al., "Objects as Points", 2019, equation 1)."""
    p = probability.clamp(1e-4, 1 - 1e-4)
    peak = (target > 0.999).float() * known
    positive = (1 - p).square() * p.log() * peak
    negative = (1 - target) ** 4 * p.square() * (1 - p).log() * (1 - peak) * known
    return -(positive.sum() + negative.sum()) / peak.sum().clamp_min(1.0)


def offsets(predicted: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Mean absolute error of offsets (N, 2, h, w) on known things (N, h, w), in units of the head."""
    error = (predicted - target).abs().sum(1) / OFFSET_SCALE_PX
    return (error * known).sum() / known.sum().clamp_min(1.0)


def total(outputs: tuple[Tensor, Tensor, Tensor], batch: Batch, weights: Weights) -> tuple[Tensor, dict[str, float]]:
    """Return the weighted sum and each part, unweighted, by name."""
    semantic, depth, instance = outputs
    log_depth, log_scale = depth[:, 0], depth[:, 1]
    measured = batch.depth_weight * (~batch.weak).float()[:, None, None]
    guessed = batch.depth_weight * batch.weak.float()[:, None, None]
    share = guessed * weights.weak + measured
    sure = ~batch.weak[:, None, None]  # a guess teaches nothing of how far the network errs
    parts = {
        "distil": distillation(semantic, batch.semantic),
        "hard": hard_labels(semantic, batch.semantic),
        "laplace": laplace(log_depth, torch.where(sure, log_scale, log_scale.detach()), batch.log_depth, share),
        "shape": scale_invariant(log_depth, batch.log_depth, measured),
        "edges": edges(log_depth, batch.log_depth, measured),
        "weak": scale_invariant(log_depth, batch.log_depth, guessed, lam=1.0),
        "heat": heatmap(instance[:, 0], batch.heat, batch.heat_known),
        "offset": offsets(instance[:, 1:], batch.offset, batch.offset_known),
    }
    summed = torch.stack([getattr(weights, name) * part for name, part in parts.items()]).sum()
    return summed, {name: float(part.detach()) for name, part in parts.items()}
