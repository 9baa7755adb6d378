"""Random panoptic maps, and data sets of them."""

from __future__ import annotations

import numpy as np

from maquette.datasets.coco import Category, PanopticFrame, PanopticSegment

CATEGORIES = (
    Category(1, "person", True),
    Category(2, "traffic light", True),
    Category(44, "bottle", True),
    Category(184, "tree-merged", False),
    Category(200, "rug-merged", False),
)


def random_frame(seed: int, *, height: int = 24, width: int = 32, crowds: bool = False) -> PanopticFrame:
    """Blocks of 4 pixels, with ids of one, two and three bytes; an eighth is void."""
    rng = np.random.default_rng(seed)
    numbers = np.array([0, 3, 256, 257, 65_536, 70_000, 131_074, 9])
    coarse = numbers[rng.integers(0, len(numbers), (height // 4, width // 4))]
    ids = coarse.repeat(4, 0).repeat(4, 1).astype(np.int32)
    segments = tuple(
        PanopticSegment(int(number), CATEGORIES[rng.integers(len(CATEGORIES))].id, crowds and bool(rng.random() < 0.3))
        for number in np.unique(ids[ids > 0])
    )
    return PanopticFrame(1000 + seed, f"{seed:012d}.jpg", ids, segments)


def disturbed(frame: PanopticFrame, seed: int) -> PanopticFrame:
    """A prediction: some segments eroded, some lost, some of another category, some pixels elsewhere."""
    rng = np.random.default_rng(seed)
    ids, segments = frame.ids.copy(), []
    for segment in frame.segments:
        here = frame.ids == segment.id
        fate = rng.random()
        if fate < 0.15:
            ids[here] = 0
            continue
        ids[here & (rng.random(ids.shape) < rng.choice([0.05, 0.3, 0.6]))] = 0
        category = segment.category_id if fate < 0.8 else CATEGORIES[rng.integers(len(CATEGORIES))].id
        segments.append(PanopticSegment(segment.id, category))
    extra = (rng.random(ids.shape) < 0.5) & (frame.ids == 0)
    ids[extra] = 77
    segments.append(PanopticSegment(77, 1))
    shown = set(np.unique(ids).tolist())
    return PanopticFrame(
        frame.image_id, frame.picture, ids, tuple(segment for segment in segments if segment.id in shown)
    )
