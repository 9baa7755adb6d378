"""A label map made ready for geometry: what lies where, and what each thing rests on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maquette.camera import Camera
from maquette.labels import Label
from maquette.perception.types import Segment

WALL_LIKE = ("wall", "building", "window", "door", "painting", "curtain", "mirror")
"""Labels that form one upright surface: doors and pictures have the depth of their wall."""

FUSED = ("table", "bed", "sofa", "shelf", "cabinet")
"""Furniture whose depth does not depend on how many there are."""

BODIES = ("person", "cat", "dog", "horse", "cow", "sheep", "bird", "airplane", "bus", "train")
"""What stands out above what stands in front of it."""

EDGE = -1
"""Stands for the picture's lower edge where the index of a part is asked for."""


@dataclass(frozen=True)
class Thing:
    """Where one object lies in the picture.

    Attributes:
        index: Its index in ``Layout.labels``.
        label: Its category.
        rows: First and one past its last row.
        cols: First and one past its last column.
        below: Index of the part under its lowest pixels, 0 for void, ``EDGE`` for the lower edge of the picture.
        cut_rows: How many of the picture's upper and lower edges it touches.
        cut_cols: How many of the left and right ones.
    """

    index: int
    label: Label
    rows: tuple[int, int]
    cols: tuple[int, int]
    below: int
    cut_rows: int
    cut_cols: int


@dataclass(frozen=True)
class Layout:
    """Label map with consecutive indices.

    Attributes:
        index: (h, w) intp, the index of each pixel's part; 0 is void.
        labels: Label of each index; the first is None.
        scores: (parts,) confidence of each label, 0 to 1; that of void is 0.
        v: (h,) rows in units of the focal length from the principal point; positive is down.
        pixel: Size of a pixel in units of the focal length.
        things: The parts whose role is ``object``, the lowest first.
    """

    index: NDArray[np.intp]
    labels: tuple[Label | None, ...]
    scores: NDArray[np.float64]
    v: NDArray[np.float64]
    pixel: float
    things: tuple[Thing, ...]

    def role(self, role: str) -> NDArray[np.bool_]:
        """(h, w) mask of the parts with this role."""
        return self._mask([label is not None and label.role == role for label in self.labels])

    def named(self, *names: str) -> NDArray[np.bool_]:
        """(h, w) mask of the parts with one of these labels."""
        return self._mask([label is not None and label.name in names for label in self.labels])

    def _mask(self, chosen: list[bool]) -> NDArray[np.bool_]:
        return np.asarray(np.array(chosen)[self.index])


def read_layout(segment_ids: NDArray[np.int32], segments: tuple[Segment, ...], camera: Camera) -> Layout:
    """Index a label map; a pixel whose id is not listed counts as void."""
    height, width = segment_ids.shape
    known = {segment.id: segment for segment in segments}
    values, inverse = np.unique(segment_ids, return_inverse=True)
    listed = [int(value) for value in values if int(value) in known]
    place = np.array([listed.index(int(value)) + 1 if int(value) in known else 0 for value in values], dtype=np.intp)
    index = place[inverse.reshape(height, width)]
    labels = (None, *(known[value].label for value in listed))
    scores = np.array([0.0, *(known[value].score for value in listed)])
    index = _lay_down(index, labels)
    index, labels, scores = _fuse(index, labels, scores)
    index = _stack(index, labels)
    v = (np.arange(height, dtype=np.float64) + 0.5 - camera.center_px[1]) / camera.focal_px
    return Layout(index, labels, scores, np.asarray(v), 1 / camera.focal_px, _things(index, labels))


def bottoms(mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Columns that a mask touches, and its lowest row in each."""
    cols = np.flatnonzero(mask.any(axis=0))
    return cols, mask.shape[0] - 1 - np.argmax(mask[::-1, cols], axis=0)


def connected(mask: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Masks of the 4-connected parts of a mask, specks left out."""
    from scipy import ndimage

    parts, count = ndimage.label(mask)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    return [parts == number for number in range(1, count + 1) if sizes[number] >= 0.0005 * mask.size]


def _lay_down(index: NDArray[np.intp], labels: tuple[Label | None, ...]) -> NDArray[np.intp]:
    """Give to the ground what is called a wall and yet has ground above it: a wall hides what lies behind its foot."""
    level = np.array([label is not None and label.role == "ground" for label in labels])[index]
    walls = np.array([label is not None and label.name in WALL_LIKE for label in labels])[index]
    laid = index.copy()
    for part in connected(walls) if level.any() else []:
        cols = np.flatnonzero(part.any(axis=0))
        top = np.argmax(part[:, cols], axis=0)
        over = np.maximum(top - 1, 0)
        under = (top > 0) & level[over, cols]
        if np.count_nonzero(under) > 0.8 * len(cols):
            laid[part] = np.bincount(index[over, cols][under]).argmax()
    return laid


def _fuse(
    index: NDArray[np.intp], labels: tuple[Label | None, ...], scores: NDArray[np.float64]
) -> tuple[NDArray[np.intp], tuple[Label | None, ...], NDArray[np.float64]]:
    """Make one part of furniture that touches furniture of its kind, however it was cut into instances."""
    from scipy import ndimage

    fused, named, sure = index.copy(), list(labels), list(scores)
    for name in FUSED:
        own = [number for number, label in enumerate(labels) if label is not None and label.name == name]
        if len(own) < 2:
            continue
        parts, count = ndimage.label(np.isin(index, own))
        means = ndimage.mean(scores[index], parts, np.arange(1, count + 1))
        fused = np.where(parts > 0, parts + len(named) - 1, fused)
        named += [labels[own[0]]] * count
        sure += [float(mean) for mean in means]
    return fused, tuple(named), np.array(sure)


def _stack(index: NDArray[np.intp], labels: tuple[Label | None, ...]) -> NDArray[np.intp]:
    """Make one part of a body that was cut across: its upper piece ends where the lower one begins.

    Of one who stands behind another the other's head is seen in front of him: there the pieces overlap in height.
    """
    things = _things(index, labels)
    whole = np.arange(len(labels))
    at = {thing.index: thing for thing in things}
    for upper in things:
        lower = at.get(upper.below)
        if lower is None or upper.label.name not in BODIES or lower.label != upper.label:
            continue
        shorter = min(upper.rows[1] - upper.rows[0], lower.rows[1] - lower.rows[0])
        side = min(upper.cols[1], lower.cols[1]) - max(upper.cols[0], lower.cols[0])
        if upper.rows[1] - lower.rows[0] < 0.3 * shorter and side > 0.6 * (upper.cols[1] - upper.cols[0]):
            whole[upper.index] = whole[lower.index]
    return np.asarray(whole[index])


def _things(index: NDArray[np.intp], labels: tuple[Label | None, ...]) -> tuple[Thing, ...]:
    from scipy import ndimage

    height, width = index.shape
    found = []
    for number, box in enumerate(ndimage.find_objects(index), start=1):
        label = labels[number]
        if box is None or label is None or label.role != "object":
            continue
        mask = index[box] == number
        rows, cols = box
        columns, low = bottoms(mask)
        # The feet: whatever comes down to the lowest tenth of the thing.
        feet = low >= low.max() - max(1, (rows.stop - rows.start) // 10)
        under = rows.start + low[feet] + 1
        beneath = np.where(under < height, index[np.minimum(under, height - 1), cols.start + columns[feet]], EDGE)
        parts, counts = np.unique(beneath, return_counts=True)
        found.append(
            Thing(
                number,
                label,
                (rows.start, rows.stop),
                (cols.start, cols.stop),
                int(parts[np.argmax(counts)]),
                (rows.start == 0) + (rows.stop == height),
                (cols.start == 0) + (cols.stop == width),
            )
        )
    return tuple(sorted(found, key=lambda thing: (-thing.rows[1], thing.index)))
