"""From what both teachers say of a pixel to one distribution over our labels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from maquette.labels import BY_NAME, LABELS, Vocabulary, from_name

ADE_CLASSES = (
    "void wall building sky floor tree ceiling road bed window grass cabinet sidewalk person earth door table mountain "
    "plant curtain chair car water painting sofa shelf house sea mirror rug field armchair"
).split()
VOC_CLASSES = (
    "background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person "
    "pottedplant sheep sofa train tvmonitor"
).split()
COMMON = ("person", "car")
"""Categories that both know well: VOC says whether there is one, ADE20K where it ends."""

# How much of VOC's evidence is believed where ADE20K knows the category too, and its own view is often the better one.
_TRUST = {"chair": 0.5, "diningtable": 0.25, "pottedplant": 0.5, "sofa": 0.5, "bottle": 0.9}
_LEAST_ODDS, _MOST_ODDS = 0.05, 0.95


def _matrix(pairs: list[tuple[int, str, float]], columns: int) -> Tensor:
    matrix = torch.zeros(len(LABELS), columns, 1, 1)
    for column, name, weight in pairs:
        matrix[BY_NAME[name].id - 1, column] = weight
    return matrix


def _ours(name: str, vocabulary: Vocabulary) -> str:
    label = from_name("object" if name == "void" else name, vocabulary)
    if label is None:
        raise ValueError(f"{vocabulary} has no category {name}")
    return label.name


class Merge(nn.Module):
    """The explicit rule.

    Categories that only VOC knows take its probability; those that both know share. A person or a car needs VOC's
    evidence, weighed with ADE20K's odds (bounded, so that neither can overrule certainty); where VOC sees none nearby,
    what ADE20K calls one is an ``object``. ADE20K's distribution over the rest fills what is left.
    """

    stuff: Tensor
    theirs: Tensor
    common: Tensor
    objects: Tensor

    def __init__(self) -> None:
        """Take the tables from the label set."""
        super().__init__()
        ade = [(i, _ours(name, "ade20k"), 1.0) for i, name in enumerate(ADE_CLASSES) if name not in COMMON]
        voc = [
            (i, _ours(name, "voc"), _TRUST.get(name, 1.0))
            for i, name in enumerate(VOC_CLASSES)
            if name not in (*COMMON, "background")
        ]
        common = [(i, name, 1.0) for i, name in enumerate(COMMON)]
        self.register_buffer("stuff", _matrix(ade, len(ADE_CLASSES)), persistent=False)
        self.register_buffer("theirs", _matrix(voc, len(VOC_CLASSES)), persistent=False)
        self.register_buffer("common", _matrix(common, len(COMMON)), persistent=False)
        self.ade_common = [ADE_CLASSES.index(name) for name in COMMON]
        self.voc_common = [VOC_CLASSES.index(name) for name in COMMON]
        self.register_buffer("objects", _matrix([(0, "object", 1.0)], 1)[None, :, 0], persistent=False)

    def forward(self, ade: Tensor, voc: Tensor, near: Tensor) -> Tensor:
        """Merge probabilities.

        Args:
            ade: (N, 32, h, w) of ADE20K's classes.
            voc: (N, 21, h, w) of VOC's classes.
            near: (N, 2, h, w), the largest of VOC's ``COMMON`` probabilities in the neighbourhood (``neighbourhood``).

        Returns:
            (N, 45, h, w) probabilities over our labels, summing to 1.
        """
        claim = torch.cat([ade[:, i : i + 1] for i in self.ade_common], 1)
        seen = torch.cat([voc[:, i : i + 1] for i in self.voc_common], 1)
        bounded = claim.clamp(_LEAST_ODDS, _MOST_ODDS)
        favour, against = seen * bounded, (1.0 - seen) * (1.0 - bounded)
        common = favour / (favour + against)
        common = common / common.sum(1, keepdim=True).clamp_min(1.0)

        theirs = F.conv2d(voc, self.theirs)
        theirs = theirs * (1.0 - common.sum(1, keepdim=True))
        taken = common.sum(1, keepdim=True) + theirs.sum(1, keepdim=True)

        refused = (claim * (1.0 - near)).sum(1, keepdim=True)
        rest = F.conv2d(ade, self.stuff)
        rest = rest + refused * self.objects
        rest = rest / rest.sum(1, keepdim=True).clamp_min(1e-6)
        return F.conv2d(common, self.common) + theirs + (1.0 - taken) * rest

    def neighbourhood(self, voc: Tensor) -> Tensor:
        """Return (N, 2, h, w), the largest ``COMMON`` probability in 3x3 cells of VOC's (N, 21, h, w) at 1/16."""
        seen = torch.cat([voc[:, i : i + 1] for i in self.voc_common], 1)
        return F.max_pool2d(seen, 3, 1, 1)
