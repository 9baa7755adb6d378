"""Photo and perception to a diorama (Vejbora and Sikudova, ITAT 2023, and beyond it)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace

import numpy as np
from numpy.typing import NDArray

from maquette.diorama.cut import Box, Sheet, cut, shrink, work_factor
from maquette.diorama.options import DioramaOptions
from maquette.diorama.order import meet, paint_order
from maquette.diorama.placing import place_regions
from maquette.diorama.planes import FARTHEST_M, Bounds, InverseDepth, evaluate, fit_facing, fit_tilted, keep_in_front
from maquette.diorama.regions import Grid, Region, find_regions, measured, owners
from maquette.diorama.relief import follow
from maquette.errors import MaquetteError
from maquette.perception.types import SKY_DEPTH_M, Perception
from maquette.photo import Photo
from maquette.scene import Node, Plane, Scene

FINE = frozenset({"tree", "plant", "person", "cat", "dog", "horse", "sheep", "cow", "bird", "grass"})
"""Labels with hair, fur or leaves, whose soft edge is wider."""

BAND = 0.003
BAND_FINE = 0.007
"""Half width of the soft edge as a fraction of the photo's longer side."""

MOST_REACH = 0.12
"""Farthest that a layer is continued beyond the frame, as a fraction of the photo's longer side."""

TILT_GAIN = 0.7
"""A tilted plane must bring the error of a facing one below this share of it."""


def build(
    photo: Photo,
    perception: Perception,
    options: DioramaOptions | None = None,
    *,
    progress: Callable[[str], None] | None = None,
) -> Scene:
    """Build a diorama.

    Args:
        photo: The picture, (H, W).
        perception: Its segments, depth and camera, (H, W).
        options: See ``DioramaOptions``.
        progress: Called with the name of each step as it begins.

    Returns:
        A scene whose nodes, painted from back to front as the photo's camera sees them, give the photo back.

    Raises:
        MaquetteError: Photo and perception differ in size, or an option is out of its range.
    """
    options = options or DioramaOptions()
    if perception.segment_ids.shape != photo.rgb.shape[:2]:
        raise MaquetteError(f"{photo.name}: the segments do not have the size of the photo")
    if options.layers < 0 or not 0 <= options.move <= 0.5:
        raise MaquetteError("layers must be 0 or more, and move between 0 and 0.5")
    tell = progress or (lambda _: None)

    tell("layers")
    paper = options.style == "paper"
    grid = Grid.sample(perception)
    regions = find_regions(perception, grid, budget=options.layers, split=not paper)
    regions = [regions[i] for i in _back_to_front(regions, grid, paper)]
    level = place_regions(perception, grid, regions)
    planes = [_fit(r, grid, _extent(level == i), options) for i, r in enumerate(regions)]
    if regions[0].label.role == "sky":
        planes[0] = (0.0, 0.0, 1 / SKY_DEPTH_M)
    if not paper:
        planes = meet(planes, regions, grid)

    tell("cutting")
    factor = work_factor(level.shape)
    small = [(a * factor, b * factor, c) for a, b, c in planes]
    sheets = _sheets(shrink(level, factor), small, regions, grid, perception.camera.focal_px / factor, options)
    textures = cut(photo.rgb, level, sheets, options)

    nodes: list[Node] = []
    layers = zip(regions, planes, sheets, textures, _names(regions), strict=True)
    for index, (region, plane, sheet, texture, name) in enumerate(layers):
        trimmed = _trim(plane, (sheet.box[0] * factor, sheet.box[1] * factor), texture)
        if trimmed is not None:
            if _has_relief(region, grid, options):
                trimmed = replace(trimmed, relief=follow(trimmed, level, index, perception.depth_m))
            near_far = _depth_range(region, trimmed, grid)
            nodes.append(Node(name, region.label.name, region.segment_ids, len(nodes), near_far, trimmed))
    return Scene(
        nodes=tuple(nodes),
        camera=perception.camera,
        name=photo.name,
        settings={"diorama": asdict(options), "networks": [asdict(network) for network in perception.networks]},
        notes=photo.notes + perception.notes,
    )


def _back_to_front(regions: list[Region], grid: Grid, paper: bool) -> list[int]:
    if not paper:
        return paint_order(regions, grid)
    far_first = [-float(np.mean(1 / grid.inverse[r.mask])) for r in regions]
    return sorted(range(len(regions)), key=lambda i: (regions[i].label.role != "sky", far_first[i]))


def _fit(region: Region, grid: Grid, extent: Bounds, options: DioramaOptions) -> InverseDepth:
    inverse = grid.inverse[region.mask]
    if options.style == "paper":
        return (0.0, 0.0, 1 / float(np.mean(1 / inverse)))
    facing = fit_facing(inverse)
    if options.planes == "facing" or region.label.role == "sky" or inverse.size < 16:
        return facing.inverse_depth
    x, y = grid.x[region.mask], grid.y[region.mask]
    tilted = fit_tilted(x, y, inverse, grid.weight[region.mask])
    if tilted.error > TILT_GAIN * facing.error or facing.error < 0.02:
        return facing.inverse_depth
    return keep_in_front(tilted.inverse_depth, extent, (float(x.mean()), float(y.mean())))


def _has_relief(region: Region, grid: Grid, options: DioramaOptions) -> bool:
    if options.style == "paper" or region.label.role == "sky":
        return False
    return options.planes == "relief" or (options.planes == "auto" and measured(region, grid))


def _extent(mask: NDArray[np.bool_]) -> Bounds:
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return (0.0, 0.0, 1.0, 1.0)
    return (float(cols[0]), float(rows[0]), float(cols[-1] + 1), float(rows[-1] + 1))


def _soft_edges(regions: list[Region], options: DioramaOptions) -> NDArray[np.bool_]:
    """(n, n) bool, whether the edge of one region against another is soft: not between parts of one surface."""
    soft = np.zeros((len(regions), len(regions)), dtype=bool)
    if options.style == "paper" or options.edges == "hard":
        return soft
    for i, one in enumerate(regions):
        for j, two in enumerate(regions):
            same_stuff = one.label == two.label and not one.label.isthing
            soft[i, j] = not same_stuff and not set(one.segment_ids) & set(two.segment_ids)
    return soft


def _band(region: Region, shape: tuple[int, ...]) -> int:
    return max(2, round((BAND_FINE if region.label.name in FINE else BAND) * max(shape)))


def _sheets(
    level: NDArray[np.int16],
    planes: list[InverseDepth],
    regions: list[Region],
    grid: Grid,
    focal_px: float,
    options: DioramaOptions,
) -> list[Sheet]:
    """Find how far each layer is continued behind what covers it and beyond the frame: as far as the camera's move
    shows."""
    from scipy import ndimage

    step_y, step = (a / b for a, b in zip(level.shape, grid.x.shape, strict=True))
    bands = [_band(r, level.shape) for r in regions]
    soft = _soft_edges(regions, options)
    pad = math.ceil(MOST_REACH * max(grid.x.shape))
    small = np.pad(owners(regions), pad, constant_values=len(planes))
    edge = np.pad(owners(regions), pad, mode="edge")
    xs = (np.arange(-pad, grid.x.shape[1] + pad) + 0.5) * step
    ys = (np.arange(-pad, grid.x.shape[0] + pad) + 0.5) * step_y
    x, y = np.meshgrid(xs, ys)
    visible = np.zeros(small.shape)
    for index, plane in enumerate(planes):
        here = small == index
        visible[here] = evaluate(plane, x[here], y[here])
    in_frame = small < len(planes)
    shift_px = focal_px * options.move / float(visible.max())
    nearest = np.zeros(small.shape)  # of the continuations so far: the ground hides what would continue below it
    sheets = []
    for index, plane in enumerate(planes):
        inside = small == index
        own = evaluate(plane, x, y)
        behind = np.where(in_frame, small > index, edge >= index) & (own > 1 / FARTHEST_M)
        if regions[index].label.role == "sky":
            behind = (small > index) & in_frame
        elif inside.any():
            distance = ndimage.distance_transform_edt(~inside) * step
            shown = 1.1 * shift_px * np.where(in_frame, visible - own, own) + 2 * max(bands) + 2 * step
            behind &= (distance <= shown) & (own > nearest)
            nearest[behind] = own[behind]
        box, continued = _continued(level, index, behind | inside, bands[index], (pad, step, step_y), plane)
        sheets.append(Sheet(box, continued, bands[index], soft[index], plane))
    return sheets


def _continued(
    level: NDArray[np.int16],
    index: int,
    whole: NDArray[np.bool_],
    band: int,
    padding: tuple[int, float, float],
    plane: InverseDepth,
) -> tuple[Box, NDArray[np.bool_]]:
    """Bring one layer and its continuation from the grid to the working copy: its box, and where it is continued."""
    from PIL import Image

    pad, step_x, step_y = padding
    grown = _extent(level == index)
    g = _extent(whole)
    left, right = math.floor((g[0] - pad) * step_x), math.ceil((g[2] - pad) * step_x)
    top, bottom = math.floor((g[1] - pad) * step_y), math.ceil((g[3] - pad) * step_y)
    left, right = min(left, math.floor(grown[0])) - band - 1, max(right, math.ceil(grown[2])) + band + 1
    top, bottom = min(top, math.floor(grown[1])) - band - 1, max(bottom, math.ceil(grown[3])) + band + 1
    edge_x, edge_y = math.floor(pad * step_x), math.floor(pad * step_y)
    left, right = max(left, -edge_x), min(right, level.shape[1] + edge_x)
    top, bottom = max(top, -edge_y), min(bottom, level.shape[0] + edge_y)
    left, top, right, bottom = _in_front(plane, (left, top, right, bottom), grown)
    soft = Image.fromarray(whole.astype(np.uint8) * 255).resize(
        (right - left, bottom - top),
        Image.Resampling.BILINEAR,
        box=(left / step_x + pad, top / step_y + pad, right / step_x + pad, bottom / step_y + pad),
    )
    mask = np.asarray(soft) > 127
    height, width = level.shape
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    frame = mask[y0 - top : y1 - top, x0 - left : x1 - left]
    frame &= level[y0:y1, x0:x1] > index
    return (left, top, right, bottom), mask


def _in_front(plane: InverseDepth, box: Box, least: Bounds) -> Box:
    """Pull in the sides of a box toward ``least``, no more than needed, until its plane is in front of the camera."""
    if plane[0] == plane[1] == 0:
        return box
    sides = [round(v) for v in least]
    for side in (3, 0, 2, 1):  # the top last: what rises above a horizon is what has to give way
        for keep in np.linspace(1, 0, 9):
            tried = [*sides]
            tried[side] = round(least[side] + keep * (box[side] - least[side]))
            left, top, right, bottom = tried
            corners = np.array([(left, top), (left, bottom), (right, top), (right, bottom)], dtype=float)
            if np.all(evaluate(plane, corners[:, 0], corners[:, 1]) > 0.5 / FARTHEST_M):
                sides = tried
                break
    return sides[0], sides[1], sides[2], sides[3]


def _names(regions: list[Region]) -> list[str]:
    """Names for an outliner: things are numbered, and stuff where there are several parts of it; the nearest comes
    first."""
    total = Counter(r.label.name for r in regions)
    used: Counter[str] = Counter()
    names = []
    for region in reversed(regions):
        label = region.label
        used[label.name] += 1
        names.append(f"{label.name} {used[label.name]}" if label.isthing or total[label.name] > 1 else label.name)
    return names[::-1]


def _depth_range(region: Region, plane: Plane, grid: Grid) -> tuple[float, float]:
    inverse = plane.inverse_depth_at(np.stack([grid.x[region.mask], grid.y[region.mask]], axis=-1))
    return float(1 / inverse.max()), float(1 / inverse.min())


def _trim(plane: InverseDepth, corner: tuple[int, int], texture: NDArray[np.uint8]) -> Plane | None:
    if not texture[..., 3].any():
        return None
    left, top, right, bottom = (int(v) for v in _extent(texture[..., 3] > 0))
    return Plane(corner[0] + left, corner[1] + top, np.ascontiguousarray(texture[top:bottom, left:right]), plane)
