"""The loss of depth training: the scale-invariant log error in both of its published forms."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from maquette.train.losses import scale_invariant

LEAST_M = 1e-3
"""Depth under which a prediction counts as this, as in the code of GLPN's authors."""


def silog(depth_m: Tensor, truth_m: Tensor, form: Literal["equation", "root"], lam: float) -> Tensor:
    """Scale-invariant log error over what is known.

    Args:
        depth_m: (N, H, W) float, metres.
        truth_m: (N, H, W) float, metres, 0 where unknown.
        form: ``equation`` is mean d^2 - lam (mean d)^2 of each picture, averaged over the pictures (diorama paper,
            equation 1). ``root`` is the root of the same over all pixels of the batch (code of GLPN's authors, and
            ``transformers``).
        lam: 1 ignores the scale of each picture (of the batch), 0 does not.

    Returns:
        A scalar; 0 where nothing is known.
    """
    known = (truth_m > 0).float()
    logs = depth_m.float().clamp_min(LEAST_M).log()
    target = torch.where(truth_m > 0, truth_m, 1.0).log()
    if form == "root":
        logs, target, known = (x.flatten(0, 1)[None] for x in (logs, target, known))
    return scale_invariant(logs, target, known, lam, root=form == "root")
