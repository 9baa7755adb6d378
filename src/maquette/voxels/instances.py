"""From probabilities to objects: which cells belong together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from maquette.voxels.types import CLASSES, Prediction, VoxelGrid, VoxelObject

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Size:
    """What sizes of a class are plausible.

    Attributes:
        least: Volume; anything smaller is a fragment.
        widest: Farthest that two points of one can be apart, seen from above.
        trunk: That is measured over the columns in which it fills at least this share of its height.
    """

    least: float
    widest: float
    trunk: float = 0.0

    def in_cells(self, cell_m: float) -> Size:
        """The same in cells of that edge, where this is in metres."""
        return Size(self.least / cell_m**3, self.widest / cell_m, self.trunk)


SIZES: Mapping[str, Size] = {
    "chair": Size(0.015, 0.90),
    "table": Size(0.030, 2.30),
    "nightstand": Size(0.014, 0.85),
    "laptop": Size(0.0025, 0.75),
    "bag": Size(0.008, 0.75),
    "person": Size(0.030, 0.80, trunk=0.5),
}
"""In metres: three quarters of the smallest, and at most a quarter more than the widest, of each family in 200 studio
scenes. A person is measured without the arms, which reach farther than two people stand apart."""

_TOUCHING = np.ones((3, 3, 3), dtype=bool)
_ANGLES = np.deg2rad(np.arange(0, 180, 10))
_DIRECTIONS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)


def separate(prediction: Prediction, occupied: float) -> VoxelGrid:
    """Tell which cells are taken, of which class they are, and which belong to one object.

    A taken cell has the class of highest probability, the first in ``CLASSES`` of those that are level. Cells of one
    class that touch, if only at a corner, are one part. Parts of one class, one above the other, are one object if it
    stays of a plausible size: a table whose top has lost its legs. What is wider than its class can be comes apart at
    its narrowest place. What is smaller than its class can be goes to the object that it touches most, and is dropped
    where there is none.

    Args:
        prediction: Of a grid whose axis 2 is up.
        occupied: Probability from which a cell is taken.

    Returns:
        The objects by class, and those of one class by the first cell of their box.
    """
    best = np.where(prediction.occupancy >= occupied, np.argmax(prediction.classes, axis=0), -1)
    owner = np.zeros(best.shape, dtype=np.int64)
    kinds, fragment = [-1], [False]
    for kind, name in enumerate(CLASSES):
        size = SIZES[name].in_cells(prediction.grid.cell_m)
        things, fragments = _joined(best == kind, size)
        whole = [cells for thing in things for cells in _apart(thing, size)]
        for number, cells in enumerate(whole + fragments, start=len(kinds)):
            owner[tuple(cells.T)] = number
        kinds += [kind] * (len(whole) + len(fragments))
        fragment += [False] * len(whole) + [True] * len(fragments)
    _give_away(owner, np.array(fragment))
    return _numbered(prediction, owner, kinds)


def _joined(taken: Bools, size: Size) -> tuple[list[Ints], list[Ints]]:
    """The (n, 3) cells of each thing of a class, and of each fragment that is left.

    A thing is a part together with the smaller ones that have half of their footprint, or more, above or below it, give
    or take a cell.
    """
    numbers, _ = ndimage.label(taken, _TOUCHING)
    parts = [
        np.argwhere(numbers[box] == number) + [side.start for side in box]
        for number, box in enumerate(ndimage.find_objects(numbers), start=1)
    ]
    things: list[tuple[Ints, Bools]] = []
    fragments = []
    for part in sorted(parts, key=len, reverse=True):
        footprint = np.zeros(taken.shape[:2], dtype=bool)
        footprint[part[:, 0], part[:, 1]] = True
        broken = len(part) < size.least
        for at, (cells, beneath) in enumerate(things):
            if 2 * np.count_nonzero(footprint & beneath) < np.count_nonzero(footprint):
                continue
            both = np.concatenate([cells, part])
            if broken or _width(both, size) <= size.widest:
                things[at] = both, beneath | ndimage.binary_dilation(footprint)
                break
        else:
            if broken:
                fragments.append(part)
            else:
                things.append((part, ndimage.binary_dilation(footprint)))
    return [cells for cells, _ in things], fragments


def _width(cells: Ints, size: Size) -> float:
    """Farthest that two points of a thing are apart, seen from above, in cells."""
    columns, count = np.unique(cells[:, :2], axis=0, return_counts=True)
    trunk = columns[count >= size.trunk * np.ptp(cells[:, 2])]
    return float(np.ptp(trunk @ _DIRECTIONS.T, axis=0).max()) + 1 if len(trunk) else 0.0


def _apart(cells: Ints, size: Size) -> Iterator[Ints]:
    """Cut a thing that is too wide by upright planes, each time by that of the least normalized cut (Shi and Malik,
    PAMI 2000, equation 2), until nothing is.

    Between two convex things there is always such a plane. Nothing is cut off that would be a fragment.
    """
    least, side = np.inf, None
    if _width(cells, size) > size.widest:
        for direction in _DIRECTIONS:
            along = cells[:, :2] @ direction
            step = np.floor(along - along.min()).astype(np.int64)
            slices = np.bincount(step)
            before = np.cumsum(slices)[:-1]
            behind = len(cells) - before
            smooth = ndimage.gaussian_filter1d(slices.astype(np.float64), 1.0)
            cost = (smooth[:-1] + smooth[1:]) * (1 / before + 1 / behind)
            cost[np.minimum(before, behind) < size.least] = np.inf
            if cost.min(initial=np.inf) < least:
                least, side = cost.min(), step <= np.argmin(cost)
    if side is None:
        yield cells
    else:
        yield from _apart(cells[side], size)
        yield from _apart(cells[~side], size)


def _give_away(owner: Ints, fragment: Bools) -> None:
    """Let each fragment go to the object that most of its cells touch, or to none, in place.

    Args:
        owner: Number of each cell's part; 0 where nothing is.
        fragment: Whether the part of that number is one.
    """
    heir = np.where(fragment, 0, np.arange(len(fragment)))
    kept = heir[owner]
    if kept.any():
        away, nearest = ndimage.distance_transform_edt(kept == 0, return_indices=True)
        touching = fragment[owner] & (away < 2)
        neighbor = kept[tuple(nearest[:, touching])]
        pairs, votes = np.unique(np.stack([owner[touching], neighbor]), axis=1, return_counts=True)
        broken, other = pairs[:, np.argsort(votes, kind="stable")]
        heir[broken] = other  # the last one counts
    owner[:] = heir[owner]


def _numbered(prediction: Prediction, owner: Ints, kinds: list[int]) -> VoxelGrid:
    """Number what is left in its order, and describe it."""
    boxes = {number: box for number, box in enumerate(ndimage.find_objects(owner), start=1) if box is not None}
    order = sorted(boxes, key=lambda number: (kinds[number], [side.start for side in boxes[number]], number))
    number_of, label_of = np.zeros(len(kinds), dtype=np.uint16), np.zeros(len(kinds), dtype=np.uint8)
    number_of[order] = np.arange(1, len(order) + 1)
    label_of[order] = [1 + kinds[number] for number in order]
    label, instance = label_of[owner], number_of[owner]
    taken = label > 0
    likely = prediction.classes[label[taken] - 1, *np.nonzero(taken)]
    confidence = np.bincount(instance[taken], likely)[1:] / np.bincount(instance[taken])[1:]
    return VoxelGrid(prediction.grid, label, instance, prediction.occupancy, describe(label, instance, confidence))


def describe(label: NDArray[np.uint8], instance: NDArray[np.uint16], confidence: ArrayLike) -> tuple[VoxelObject, ...]:
    """The objects of a room by id.

    Args:
        label: As in ``VoxelGrid``.
        instance: Ids from 1 without gaps, each of cells with one label.
        confidence: (n,) of each object.
    """
    objects = []
    boxes = ndimage.find_objects(instance)
    for number, (box, trust) in enumerate(zip(boxes, np.asarray(confidence).tolist(), strict=True), start=1):
        cells = instance[box] == number
        objects.append(
            VoxelObject(
                id=number,
                label=CLASSES[label[box][cells][0] - 1],
                low=np.array([side.start for side in box], dtype=np.int64),
                high=np.array([side.stop for side in box], dtype=np.int64),
                cells=int(np.count_nonzero(cells)),
                confidence=trust,
            )
        )
    return tuple(objects)
