"""What a network is worth on rendered worlds, whose truth is known in every pixel.

Segments and joined depth are what ``perceive`` gives for the picture and its true focal length: what users get.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maquette.labels import LABELS
from maquette.metrics import depth as depth_metrics
from maquette.metrics.segmentation import (
    PanopticQuality,
    add_qualities,
    confusion,
    iou_per_class,
    panoptic_averages,
    panoptic_qualities,
)
from maquette.perception import perceive
from maquette.perception.panoptic import from_embedded
from maquette.perception.types import MAX_DEPTH_M, Segment
from maquette.photo import Photo
from maquette.train.evaluate import Network, at_cells, depth_at_pixels, depth_row
from maquette.worlds.record import SceneRecord
from maquette.worlds.types import View

FARTHEST_M = MAX_DEPTH_M
"""Truth beyond this is left out, as in the diorama paper (section 3.2.1), and what is predicted beyond is cut to it."""
THINGS = frozenset(label.id for label in LABELS if label.isthing)
IDS = len(LABELS) + 1
"""Number of label ids, 0 (void) included."""

IntMap = NDArray[np.integer]
Counts = Mapping[int, PanopticQuality]


@dataclass(frozen=True, eq=False)
class Seen:
    """What a network made of one picture.

    Attributes:
        name: Of the scene.
        segments: Counts of segments by label id, in the picture's own pixels.
        segments_grid: The same on the network's grid, before edges are refined.
        labels: (46, 46) int64, cells of the grid by true and by likeliest label id.
        depth: Every depth metric of the network alone, plain and median-scaled.
        depth_joined: The same of its depth joined with geometry.
    """

    name: str
    segments: Counts
    segments_grid: Counts
    labels: NDArray[np.int64]
    depth: dict[str, float]
    depth_joined: dict[str, float]

    @property
    def pq(self) -> float:
        """Mean panoptic quality of the categories that are in this picture."""
        return quality(self.segments)["pq"]


def look(network: Network, record: SceneRecord) -> Seen:
    """Measure a network on the first view of a world."""
    view = record.views[0]
    embedded = network.embedded(view.rgb, view.camera.focal_px)
    soft = from_embedded(embedded)
    perception = perceive(Photo(view.rgb, record.name, view.camera.focal_px), network=network.model)
    segments = true_segments(view)
    cells = soft.ids.shape
    semantic = at_cells(view.semantic, cells)
    depth_m = np.where(view.depth_m > FARTHEST_M, np.float32(0), view.depth_m)
    return Seen(
        record.name,
        count(segments, view.semantic, perception.segment_ids, perception.segments),
        count(at_cells(segments, cells), semantic, soft.ids, soft.segments),
        confusion(semantic, embedded.probability.argmax(0) + 1, IDS),
        depth_row(np.minimum(depth_at_pixels(embedded, depth_m.shape), FARTHEST_M), depth_m),
        depth_row(np.minimum(perception.depth_m, FARTHEST_M), depth_m),
    )


def true_segments(view: View) -> NDArray[np.int32]:
    """Return (h, w) int32 ids of a view's segments: stuff is one segment a label, a thing one an object."""
    thing = np.isin(view.semantic, list(THINGS))
    return np.where(thing, IDS + view.instance.astype(np.int32), view.semantic.astype(np.int32))


def count(truth: IntMap, semantic: IntMap, ids: IntMap, segments: Sequence[Segment]) -> Counts:
    """Match the segments of one picture.

    Args:
        truth: (h, w), ids of the true segments.
        semantic: (h, w), label id of each pixel.
        ids: (h, w), ids of the segments found.
        segments: What is behind those.
    """
    numbers, first = np.unique(truth, return_index=True)
    labels = dict(zip(numbers.tolist(), semantic.ravel()[first].tolist(), strict=True))
    return panoptic_qualities(truth, ids, labels, {segment.id: segment.label.id for segment in segments})


def quality(counts: Counts) -> dict[str, float]:
    """Return the mean PQ, SQ and RQ of all categories that are in the truth, of its things and of its stuff.

    A category that is only found where it is not has no quality of its own here, whereas COCO's mean takes it for 0:
    two networks are to be compared on the same categories.
    """
    out: dict[str, float] = {}
    for part, average in panoptic_averages(_in_truth(counts), THINGS).items():
        ending = "" if part == "all" else f"_{part}"
        out |= {f"pq{ending}": average.pq, f"sq{ending}": average.sq, f"rq{ending}": average.rq}
    return out


def summary(pictures: Sequence[Seen]) -> dict[str, Any]:
    """Return what a network is worth over pictures.

    Panoptic quality is that of counts over all pictures, category by category; ``miou`` is the mean over the categories
    that are in the truth; depth is the mean of the pictures' own.
    """
    counts = add_qualities(seen.segments for seen in pictures)
    labels = np.sum([seen.labels for seen in pictures], axis=0)
    return {
        "scenes": len(pictures),
        "segments": quality(counts),
        "segments_grid": quality(add_qualities(seen.segments_grid for seen in pictures)),
        "miou": float(iou_per_class(labels)[labels.sum(1) > 0].mean()),
        "depth": depth_metrics.mean_over_images(seen.depth for seen in pictures),
        "depth_joined": depth_metrics.mean_over_images(seen.depth_joined for seen in pictures),
        "categories": {
            LABELS[label - 1].name: {"pq": one.pq, "sq": one.sq, "rq": one.rq, "segments": one.matched + one.missed}
            for label, one in sorted(_in_truth(counts).items())
        },
    }


def worlds_report(network: Network, places: Mapping[str, Iterable[SceneRecord]]) -> dict[str, dict[str, Any]]:
    """Return the ``summary`` of each place and, as ``all``, of all pictures together.

    Args:
        network: It.
        places: Worlds that it has not learned from, by the kind of place.
    """
    pictures = {place: [look(network, record) for record in records] for place, records in places.items()}
    everything = [seen for listed in pictures.values() for seen in listed]
    return {place: summary(listed) for place, listed in (*pictures.items(), ("all", everything))}


def _in_truth(counts: Counts) -> Counts:
    return {label: one for label, one in counts.items() if one.matched + one.missed}
