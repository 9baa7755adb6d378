"""From the outputs of networks to panoptic segments on the network's grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from maquette.labels import BY_NAME, LABELS, Label, Vocabulary, from_name
from maquette.models.types import PanopticContract
from maquette.perception.abreast import SPACING
from maquette.perception.instances import SMALLEST_CELLS, split
from maquette.perception.regions import absorb, connected
from maquette.perception.types import Segment

if TYPE_CHECKING:
    from maquette.perception.network import Embedded

OBJECT_THRESHOLD = 0.5
MASK_THRESHOLD = 0.5
OVERLAP_THRESHOLD = 0.8

SURE = 0.5
"""Mean probability from which a region is kept at ``SMALLEST_CELLS``; below, it must cover ``UNSURE_SHARE`` of the
picture."""
UNSURE_SHARE = 0.003
NEAR_CELLS = 5
"""Side of the window through which a segment reaches into cells of other segments, as far as its probability goes."""
LEAD = 0.2
"""How far a cell's segment leads where another label is more probable (it was found to be a speck)."""


@dataclass(frozen=True)
class SoftSegments:
    """Segments on a network's grid, which covers exactly the photo.

    Attributes:
        ids: (h, w) int32, the segment of each cell; 0 where there is none.
        masks: (n, h, w) float32, how much each cell belongs to segment i + 1: largest for the segment that ``ids``
            names, 1 in sum, 0 where there is none.
        segments: With the ids 1 to n; each has at least one cell.
    """

    ids: NDArray[np.int32]
    masks: NDArray[np.float32]
    segments: tuple[Segment, ...]


def from_embedded(network: Embedded) -> SoftSegments:
    """Segments of maquette's own network: stuff is one segment a label, things come apart."""
    labels = _clean(network.probability)
    solid = np.array([label.isthing for label in LABELS])[labels]
    ids = np.zeros(labels.shape, np.int32)
    found: list[Label] = []
    for index in np.unique(labels):
        here = labels == index
        label = LABELS[index]
        parts = here.astype(np.int32)
        if label.isthing:
            parts = split(here, solid, network.centre, network.offset, SPACING.get(label.name))
        ids[here] = parts[here] + len(found)
        found += [label] * int(parts.max())
    owners = np.array([label.id - 1 for label in found])
    return soften(ids, network.probability[owners], found)


def from_label_map(probability: NDArray[np.float32], contract: PanopticContract) -> SoftSegments:
    """Segments of a network that gives one label a pixel; connected regions of a thing's label are things.

    Args:
        probability: (c, h, w), of each category of the contract.
        contract: Names the categories.
    """
    ours = [category(name, contract.vocabulary) for name in contract.categories]
    summed = np.zeros((len(LABELS) + 1, *probability.shape[1:]), np.float32)
    for label, map_ in zip(ours, probability, strict=True):
        summed[label.id if label else 0] += map_
    labels = _clean(summed)
    ids = np.zeros(labels.shape, np.int32)
    found: list[Label] = []
    for index in np.unique(labels[labels > 0]):
        label = LABELS[index - 1]
        here = labels == index
        parts = _things(here) if label.isthing else here.astype(np.int32)
        ids[here] = parts[here] + len(found)
        found += [label] * int(parts.max())
    return soften(ids, summed[[label.id for label in found]], found)


def from_query_masks(
    class_logits: NDArray[np.float32], mask_logits: NDArray[np.float32], contract: PanopticContract
) -> SoftSegments:
    """Segments of a network of the Mask2Former / OneFormer family.

    Panoptic inference of Cheng et al., "Masked-attention Mask Transformer" (CVPR 2022; section 3.4 of MaskFormer,
    NeurIPS 2021): queries that are some object with at least 0.5 compete for each pixel with class score times mask
    probability; one that keeps less than 0.8 of its own mask (at 0.5) is dropped; queries of the same stuff become one
    segment.

    Args:
        class_logits: (q, c + 1), the last class is "no object".
        mask_logits: (q, h, w).
        contract: Names the categories.
    """
    ids, kept = group_queries(class_logits, mask_logits, [_is_thing(name, contract) for name in contract.categories])
    labels = [category(contract.categories[index], contract.vocabulary) for index, _ in kept]
    probability = np.zeros((len(kept), *ids.shape), np.float32)
    for position, (_, queries) in enumerate(kept):
        probability[position] = _sigmoid(mask_logits[list(queries)]).max(0)
    real = np.array([label is not None for label in labels], bool)
    numbers = np.concatenate([[0], np.where(real, np.cumsum(real), 0)])
    return soften(numbers[ids].astype(np.int32), probability[real], [label for label in labels if label])


def group_queries(
    class_logits: NDArray[np.float32], mask_logits: NDArray[np.float32], is_thing: list[bool]
) -> tuple[NDArray[np.int32], list[tuple[int, tuple[int, ...]]]]:
    """Panoptic inference of query masks (see ``from_query_masks``).

    Returns:
        (h, w) int32 ids, 0 for none, and of each id from 1 on its class and the queries that it is made of.
    """
    scores = np.exp(class_logits - class_logits.max(1, keepdims=True))
    scores /= scores.sum(1, keepdims=True)
    classes = scores.argmax(1)
    best = scores.max(1)
    queries = np.flatnonzero((classes < class_logits.shape[1] - 1) & (best > OBJECT_THRESHOLD))
    ids = np.zeros(mask_logits.shape[1:], np.int32)
    kept: list[tuple[int, tuple[int, ...]]] = []
    if len(queries) == 0:
        return ids, kept
    masks = _sigmoid(mask_logits[queries])
    winner = (masks * best[queries, None, None]).argmax(0)
    stuff: dict[int, int] = {}
    for position, query in enumerate(queries):
        won = winner == position
        own = masks[position] >= MASK_THRESHOLD
        here = won & own
        if not here.any() or won.sum() / own.sum() < OVERLAP_THRESHOLD:
            continue
        index = int(classes[query])
        if not is_thing[index] and index in stuff:
            number = stuff[index]
            kept[number - 1] = (index, (*kept[number - 1][1], int(query)))
        else:
            kept.append((index, (int(query),)))
            number = stuff[index] = len(kept)
        ids[here] = number
    return ids, kept


def soften(ids: NDArray[np.int32], probability: NDArray[np.float32], labels: list[Label]) -> SoftSegments:
    """Join decided segments with the probabilities behind them.

    Args:
        ids: (h, w), 0 for none, else 1 to n.
        probability: (n, h, w), of each segment's label or mask, 0 to 1.
        labels: Of each segment.
    """
    from scipy.ndimage import uniform_filter

    masks = np.empty(probability.shape, np.float32)
    segments = []
    for number, label in enumerate(labels, start=1):
        here = ids == number
        mask, own = masks[number - 1], probability[number - 1]
        np.multiply(
            own, np.minimum(1, 2 * uniform_filter(here.astype(np.float32), NEAR_CELLS, mode="nearest")), out=mask
        )
        segments.append(Segment(number, label, float(np.clip(own[here].mean(), 0, 1))))
    if labels:
        masks /= np.maximum(masks.sum(0), 1e-6)
        rows, columns = np.nonzero(ids)
        winners = ids[rows, columns] - 1
        rivals = masks[:, rows, columns]
        rivals[winners, np.arange(len(rows))] = -1
        highest = rivals.max(0)
        behind = masks[winners, rows, columns] <= highest
        masks[winners[behind], rows[behind], columns[behind]] = highest[behind] + np.float32(LEAD)
        masks *= (ids > 0) / np.maximum(masks.sum(0), 1e-6)
    return SoftSegments(ids, masks, tuple(segments))


def category(name: str, vocabulary: str | None) -> Label | None:
    """Our label for a category of a network; None for void, and ``object`` for a name that nobody knows."""
    if name.strip().lower() in ("", "void", "unlabeled", "background", "n/a"):
        return None
    return from_name(name, cast("Vocabulary | None", vocabulary)) or from_name(name) or BY_NAME["object"]


def _is_thing(name: str, contract: PanopticContract) -> bool:
    label = category(name, contract.vocabulary)
    return label is not None and label.isthing


def _clean(probability: NDArray[np.float32]) -> NDArray[Any]:
    """Return the likeliest label of each cell, specks and doubtful scraps given to the neighbour that fits them
    best."""
    from scipy.ndimage import mean

    labels = probability.argmax(0)
    regions = connected(labels)
    area = np.bincount(regions.ravel())
    label_of = np.zeros(area.size, np.int64)
    label_of[regions] = labels
    likely = mean(probability.max(0), regions, np.arange(area.size))
    least = np.where(likely >= SURE, SMALLEST_CELLS, max(SMALLEST_CELLS, UNSURE_SHARE * labels.size))
    keep = area >= np.minimum(least, labels.size / 4)
    flat = regions.ravel()
    order = np.argsort(flat, kind="stable")
    starts = np.concatenate([[0], np.cumsum(area)[:-1]])
    mean_of = np.add.reduceat(probability.reshape(len(probability), -1)[:, order], starts, axis=1) / area

    def fits(small: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float64]:
        return np.asarray(0.02 + mean_of[label_of[other], small], np.float64)

    return np.asarray(label_of[absorb(regions, keep, fits)][regions])


def _things(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    regions = connected(mask)
    numbers = np.unique(regions[mask])
    return np.where(mask, np.searchsorted(numbers, regions) + 1, 0).astype(np.int32)


def _sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)), np.float32)
