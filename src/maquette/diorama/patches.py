"""Fill a hole with texture copied from elsewhere in the picture.

The energy and its alternation are those of Wexler, Shechtman and Irani (Space-Time Completion of Video, PAMI 2007):
every patch that touches the hole looks for the most similar patch of what is known, and then every pixel takes the mean
of what the patches over it propose, from coarse to fine. Similar patches are found with a k-d tree over the lowest
cosine coefficients of a patch. The search ends at a coarse scale; at full size, pixels are copied along the shifts that
were found there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Shifts = NDArray[np.int32]

_RADIUS = 3
"""Half side of a patch, in pixels of the scale at hand."""

_SEARCHED = 5_000
"""The finest scale that is searched has about this many pixels in the hole."""

_SOURCES = 20_000
"""Most patches that are searched through at a scale."""

_ROUNDS = 3
"""Alternations of search and vote at each scale."""

_PASSES, _TOLERANCE = 4, 1.2
"""How often each neighbour's shift is tried, and how much worse than the best it may be to be taken over."""

_NEARNESS = 0.15
"""Levels of 255 that a source may look worse for each pixel that it is nearer."""


def searched_scale(hole: Bools, levels: list[tuple[Floats, Bools]]) -> int:
    """Index of the finest of the levels (each half the size of the one before) that is worth searching."""
    pixels = np.count_nonzero(hole)
    scale = 0
    while pixels / 4 ** (scale + 1) > _SEARCHED and scale < len(levels) - 1:
        scale += 1
    return scale


def find_texture(levels: list[tuple[Floats, Bools]], seed: int) -> tuple[Floats, Shifts, Bools] | None:
    """Complete the first of ``levels``, each half the size of the one before.

    Args:
        levels: (h, w, 3) float32 colours, smooth where they are not known, and (h, w) bool, wholly known pixels.
        seed: Seed of the choice among too many sources.

    Returns:
        (h, w, 3) float32 colours; (h, w, 2) int32 shift (rows, columns) from a pixel to the one that it resembles; and
        (h, w) bool, where there is such a shift. None where too little is known to copy from.
    """
    random = np.random.default_rng(seed)
    usable = [level for level in levels if _inside(level[1], _RADIUS).sum() >= 64 and min(level[1].shape) > 4 * _RADIUS]
    if not usable:
        return None
    shifts: Shifts | None = None
    for smooth, known in reversed(usable[:4]):
        colors = smooth.copy()
        if shifts is not None:
            rows, columns = np.nonzero(~known)
            coarse = shifts[np.minimum(rows // 2, shifts.shape[0] - 1), np.minimum(columns // 2, shifts.shape[1] - 1)]
            there = np.stack([rows, columns], axis=1) + 2 * coarse
            there = np.clip(there, 0, np.array(known.shape) - 1)
            good = known[there[:, 0], there[:, 1]]
            colors[rows[good], columns[good]] = smooth[there[good, 0], there[good, 1]]
        touched = ~_inside(known, _RADIUS)
        sources = np.argwhere(_inside(known, _RADIUS))
        if len(sources) > _SOURCES:
            sources = sources[np.sort(random.choice(len(sources), _SOURCES, replace=False))]
        for _ in range(_ROUNDS):
            shifts = _search(colors, touched, sources)
            colors = _vote(colors, smooth, known, touched, shifts)
    assert shifts is not None
    return colors, shifts, touched


def _inside(mask: Bools, radius: int) -> Bools:
    """Pixels whose patch lies in the picture and wholly in the mask."""
    from scipy import ndimage

    return np.asarray(ndimage.minimum_filter(mask, 2 * radius + 1, mode="constant", cval=False))


def _features(colors: Floats) -> Floats:
    """The patch around each pixel: (h, w, 12), the lowest cosine coefficients of its grey and its two tints."""
    from scipy import ndimage

    along = (np.arange(2 * _RADIUS + 1) + 0.5) / (2 * _RADIUS + 1)
    waves = [np.cos(np.pi * order * along) * (1.0 if order == 0 else np.sqrt(2)) / len(along) for order in range(3)]
    red, green, blue = colors[..., 0], colors[..., 1], colors[..., 2]
    planes = ((red + 2 * green + blue) / 4, (red - blue) / 2, (red - 2 * green + blue) / 4)
    features = []
    orders = ((0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 0))
    for plane, count in zip(planes, (6, 3, 3), strict=True):
        for vertical, horizontal in orders[:count]:
            part = ndimage.correlate1d(plane, waves[horizontal], axis=1, mode="nearest")
            features.append(ndimage.correlate1d(part, waves[vertical], axis=0, mode="nearest"))
    return np.stack(features, axis=-1)


def _search(colors: Floats, touched: Bools, sources: NDArray[np.intp]) -> Shifts:
    """The shift from each touched pixel to a source whose patch is like its own.

    It starts from the most similar source. Then a pixel takes over the shift of its neighbour wherever that is nearly
    as good, so that whole pieces are copied and not single pixels (Ashikhmin's coherence, as PatchMatch uses it).
    """
    from scipy.spatial import cKDTree

    features = _features(colors)
    targets = np.argwhere(touched)
    tree = cKDTree(np.hstack([features[sources[:, 0], sources[:, 1]], _NEARNESS * sources]))
    own = features[targets[:, 0], targets[:, 1]]
    _, found = tree.query(np.hstack([own, _NEARNESS * targets]), eps=0.5)
    best = ((features[sources[found, 0], sources[found, 1]] - own) ** 2).sum(axis=1)
    shifts = np.zeros((*touched.shape, 2), np.int32)
    shifts[touched] = sources[found] - targets
    limit = np.array(touched.shape) - 1
    for step in ((0, -1), (-1, 0), (0, 1), (1, 0)) * _PASSES:
        beside = np.clip(targets + step, 0, limit)
        shift = shifts[beside[:, 0], beside[:, 1]]
        there = np.clip(targets + shift, 0, limit)
        cost = ((features[there[:, 0], there[:, 1]] - own) ** 2).sum(axis=1)
        taken = (
            touched[beside[:, 0], beside[:, 1]] & ~touched[there[:, 0], there[:, 1]] & (cost <= _TOLERANCE * best + 1)
        )
        shifts[targets[taken, 0], targets[taken, 1]] = shift[taken]
    return shifts


def _vote(colors: Floats, smooth: Floats, known: Bools, touched: Bools, shifts: Shifts) -> Floats:
    """The mean of what the patches over a pixel of the hole propose, those centred near it first."""
    rows, columns = np.nonzero(~known)
    height, width = known.shape
    total, weight = np.zeros((len(rows), 3), np.float32), np.zeros((len(rows), 1), np.float32)
    for dy in range(-_RADIUS, _RADIUS + 1):
        for dx in range(-_RADIUS, _RADIUS + 1):
            y, x = np.clip(rows + dy, 0, height - 1), np.clip(columns + dx, 0, width - 1)
            shift = shifts[y, x]
            there_y = np.clip(rows + shift[:, 0], 0, height - 1)
            there_x = np.clip(columns + shift[:, 1], 0, width - 1)
            share = np.float32(np.exp(-(dy * dy + dx * dx) / 4)) * (touched[y, x] & known[there_y, there_x])[:, None]
            total += share * smooth[there_y, there_x]
            weight += share
    result = colors.copy()
    done = weight[:, 0] > 0
    result[rows[done], columns[done]] = total[done] / weight[done]
    return result
