"""Contact sheets: every pass of some scenes side by side, to see at a glance what a data set holds."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from maquette.export.atomic import whole
from maquette.export.png import encode_png
from maquette.labels import LABELS
from maquette.voxels.types import COLORS
from maquette.worlds.record import CLASSES, SceneRecord
from maquette.worlds.types import View

Picture = NDArray[np.uint8]

TILE_PX = 256
"""Most pixels on the longer side of a picture in the sheet; larger ones are thinned out."""

GAP_PX = 4
TITLE_PX = 18
_PAPER = np.array([24, 24, 27], np.uint8)

_TURBO = np.array(
    [
        [0.13572138, 4.61539260, -42.66032258, 132.13108234, -152.94239396, 59.28637943],
        [0.09140261, 2.19418839, 4.84296658, -14.18503333, 4.27729857, 2.82956604],
        [0.10667330, 12.64194608, -60.58204836, 110.36276771, -89.90310912, 27.34824973],
    ]
)
"""Rows give red, green and blue of Google's Turbo colour map as polynomials (R. Du, 2019, Apache-2.0)."""


def sheet(records: Iterable[SceneRecord]) -> Picture:
    """Draw scenes below one another: a row a view, a column a pass.

    The passes are the picture, depth (red is near, black unknown), labels, objects, normals, what is hidden of each
    thing (in its colour over the faded picture), and the occupancy from above in the paper's class colours, brighter
    the higher. What a record does not have stays empty.

    Args:
        records: At least one.

    Returns:
        (H, W, 3) uint8 sRGB.
    """
    rows = [row for record in records for row in _rows(record)]
    titles = list(dict.fromkeys(title for row in rows for title in row))
    titles = [title for title in _TITLES if title in titles]
    widths = {title: max(row[title].shape[1] for row in rows if title in row) for title in titles}
    lines = [_titles(widths)]
    for row in rows:
        height = max(tile.shape[0] for tile in row.values())
        lines.append(_beside([_padded(row.get(title), height, widths[title]) for title in titles]))
    return np.concatenate([_padded(line, line.shape[0] + GAP_PX, line.shape[1]) for line in lines])


def write_sheet(records: Iterable[SceneRecord], path: Path) -> None:
    """Draw scenes as ``sheet`` does, into a PNG.

    Raises:
        ExportError: It cannot be written.
    """
    with whole(path) as fresh:
        fresh.write_bytes(encode_png(sheet(records)))


_TITLES = ("picture", "depth", "labels", "objects", "normals", "hidden", "from above")


def _rows(record: SceneRecord) -> list[dict[str, Picture]]:
    rows: list[dict[str, Picture]] = []
    for index, picture in enumerate(record.pictures):
        row = {"picture": _thinned(picture)}
        if record.views:
            row |= _passes(record, record.views[index])
        rows.append(row)
    if record.occupancy is not None:
        rows[0]["from above"] = from_above(record.occupancy, record.classes)
    return rows


def _passes(record: SceneRecord, view: View) -> dict[str, Picture]:
    passes = {
        "depth": depth_colors(view.depth_m),
        "labels": _label_colors()[view.semantic],
        "objects": object_colors(view.instance),
        "normals": _normal_colors(view.normals_cam),
    }
    if view.amodal is not None:
        passes["hidden"] = _hidden(record, view, view.amodal)
    return {title: _thinned(tile) for title, tile in passes.items()}


def depth_colors(depth_m: NDArray[np.float32]) -> Picture:
    """(h, w, 3) uint8: the logarithm of depth, its middle 96 per cent, in Turbo's colours; black where unknown."""
    known = depth_m > 0
    if not known.any():
        return np.zeros((*depth_m.shape, 3), np.uint8)
    nearness = -np.log(np.where(known, depth_m, 1))
    low, high = np.percentile(nearness[known], [2, 98])
    level = 0.08 + 0.88 * np.clip((nearness - low) / max(high - low, 1e-12), 0, 1)  # without its dark ends
    colors = np.clip(np.polynomial.polynomial.polyval(level, _TURBO.T), 0, 1)
    picture: Picture = np.where(known, colors * 255, 0).round().astype(np.uint8).transpose(1, 2, 0)
    return picture


def object_colors(instance: NDArray[np.uint16]) -> Picture:
    """(..., 3) uint8: a colour for each id, black for 0; ids that follow one another look different."""
    table = np.zeros((int(instance.max()) + 1, 3))
    for id_ in np.unique(instance[instance > 0]):
        table[id_] = colorsys.hsv_to_rgb(id_ * 0.618034 % 1, 0.45 + 0.2 * (id_ % 3), 0.95 - 0.2 * (id_ % 2))
    return (table * 255).round().astype(np.uint8)[instance]


def from_above(occupancy: NDArray[np.bool_], classes: NDArray[np.bool_] | None) -> Picture:
    """Look down the grid's last axis.

    Args:
        occupancy: Bool grid.
        classes: Bool grid with a last axis of ``CLASSES``.

    Returns:
        uint8 sRGB, about ``TILE_PX`` high: the first axis to the right, the second one up; what is highest in its
        class's colour (grey for none of them), darker the lower it is.
    """
    height = occupancy.shape[2]
    top = height - 1 - occupancy[:, :, ::-1].argmax(axis=2)
    colors = np.full((*top.shape, 3), 150.0)
    if classes is not None:
        at_top = np.take_along_axis(classes, top[:, :, None, None], axis=2)[:, :, 0]
        for index, name in enumerate(CLASSES):
            colors[at_top[:, :, index]] = COLORS[name]
    colors *= (0.45 + 0.55 * top / max(height - 1, 1))[..., None]
    colors[~occupancy.any(axis=2)] = 45
    picture = colors.round().astype(np.uint8).transpose(1, 0, 2)[::-1]
    scale = max(1, TILE_PX // max(picture.shape[:2]))
    return picture.repeat(scale, axis=0).repeat(scale, axis=1)


@cache
def _label_colors() -> Picture:
    return np.array([(0, 0, 0), *(label.color for label in LABELS)], np.uint8)


def _normal_colors(normals_cam: NDArray[np.float32]) -> Picture:
    """Right is red, up is green, towards the camera is blue."""
    colors: Picture = (normals_cam * (127.5, -127.5, -127.5) + 127.5).round().astype(np.uint8)
    colors[~normals_cam.any(axis=-1)] = 0
    return colors


def _hidden(record: SceneRecord, view: View, amodal: NDArray[np.bool_]) -> Picture:
    faded = np.repeat(50 + 0.5 * view.rgb.mean(axis=-1, keepdims=True), 3, axis=-1)
    for entry, mask in zip(record.objects, amodal, strict=True):
        if entry.isthing:
            behind = mask & (view.instance != entry.id)
            faded[behind] = 0.3 * faded[behind] + 0.7 * object_colors(np.array([entry.id], np.uint16))
    picture: Picture = faded.round().astype(np.uint8)
    return picture


def _thinned(picture: Picture) -> Picture:
    step = -(-max(picture.shape[:2]) // TILE_PX)
    return picture[::step, ::step]


def _padded(tile: Picture | None, height: int, width: int) -> Picture:
    canvas = np.broadcast_to(_PAPER, (height, width, 3)).copy()
    if tile is not None:
        canvas[: tile.shape[0], : tile.shape[1]] = tile
    return canvas


def _beside(tiles: Sequence[Picture]) -> Picture:
    return np.concatenate([_padded(tile, tile.shape[0], tile.shape[1] + GAP_PX) for tile in tiles], axis=1)


def _titles(widths: dict[str, int]) -> Picture:
    line = Image.fromarray(_beside([_padded(None, TITLE_PX, width) for width in widths.values()]))
    draw = ImageDraw.Draw(line)
    left = 0
    for title, width in widths.items():
        draw.text((left + 2, 2), title, fill=(230, 230, 230))
        left += width + GAP_PX
    return np.array(line)
