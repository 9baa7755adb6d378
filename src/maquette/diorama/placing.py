"""Regions from the working grid to the photo's own resolution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maquette.diorama.regions import Grid, Region, owners
from maquette.perception.types import Perception


def place_regions(perception: Perception, grid: Grid, regions: list[Region]) -> NDArray[np.int16]:
    """Bring regions to the picture's own resolution, along the picture's own segments.

    Returns:
        (H, W) int16, the index of the region at each pixel of the picture.
    """
    ids = perception.segment_ids
    small = ids[np.ix_(grid.rows, grid.cols)]
    owner = owners(regions)
    table = np.full(int(ids.max()) + 1, -1, dtype=np.int16)
    torn: dict[int, list[int]] = {}
    for segment in np.unique(small):
        parts = np.unique(owner[small == segment]).tolist()
        if len(parts) == 1:
            table[segment] = parts[0]
        else:
            torn[int(segment)] = parts
    placed = table[ids]
    for segment, found in torn.items():
        _place_torn(placed, ids == segment, owner, small == segment, found)
    lost = placed < 0
    if lost.any():
        placed[lost] = _enlarge_index(owner, ids.shape)[lost]
    return placed


def _enlarge_index(owner: NDArray[np.intp], shape: tuple[int, int]) -> NDArray[np.intp]:
    rows = np.arange(shape[0]) * owner.shape[0] // shape[0]
    cols = np.arange(shape[1]) * owner.shape[1] // shape[1]
    return owner[np.ix_(rows, cols)]


def _place_torn(
    placed: NDArray[np.int16],
    mask: NDArray[np.bool_],
    owner: NDArray[np.intp],
    small_mask: NDArray[np.bool_],
    found: list[int],
) -> None:
    """Write the parts of one segment into ``placed``, with smooth borders between them."""
    from PIL import Image
    from scipy import ndimage

    height, width = mask.shape
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, cols[0], cols[-1] + 1
    nearest = ndimage.distance_transform_edt(~small_mask, return_distances=False, return_indices=True)
    grown = owner[tuple(nearest)]
    box = tuple(
        v * g / f
        for v, g, f in zip(
            (left, top, right, bottom), (owner.shape[1], owner.shape[0]) * 2, (width, height) * 2, strict=True
        )
    )
    best = np.full((bottom - top, right - left), -1, dtype=np.int16)
    inside = mask[top:bottom, left:right]
    index = np.zeros(best.shape, dtype=np.int16)
    for part in found:
        soft = Image.fromarray((grown == part).astype(np.uint8) * 255).resize(
            (int(right - left), int(bottom - top)), Image.Resampling.BILINEAR, box=box
        )
        share = np.asarray(soft, dtype=np.int16)
        better = share > best
        best[better] = share[better]
        index[better] = part
    placed[top:bottom, left:right][inside] = index[inside]
