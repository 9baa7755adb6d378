"""Pictures and mirrors for walls: thin and wide frames, gilt ones, bare canvases, sets, posters, and mirrors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler, batch
from maquette.worlds.assets.joinery import MIRROR, Rect, boards
from maquette.worlds.assets.softs import tipped
from maquette.worlds.assets.solids import cylinder, lathe, moved, posed
from maquette.worlds.materials import grey, linear, metal, muted, wood
from maquette.worlds.types import Asset, Floats, Material, Part

Style = Literal["thin", "mount", "gilt", "canvas", "set", "mirror", "round"]


@dataclass(frozen=True)
class Picture:
    """Something flat on a wall.

    Attributes:
        style: How it is framed.
        width_m: With the frame.
        height_m: With the frame.
        border_m: Width of the frame.
        depth_m: How far it stands out from the wall.
        frame: Material of the frame.
        mount: Material of the board around the picture.
        images: Materials of the pictures; their tile is seen once.
    """

    style: Style
    width_m: float
    height_m: float
    border_m: float
    depth_m: float
    frame: Material
    mount: Material
    images: tuple[Material, ...]


def build(picture: Picture) -> Asset:
    """Make a picture or a mirror."""
    shapes: dict[Style, Callable[[Picture], list[Part]]] = {
        "canvas": _canvas,
        "set": _set,
        "mirror": _mirror,
        "round": _round,
    }
    return Asset("picture", picture.style, tuple(shapes.get(picture.style, _framed)(picture)))


def canvas(width_m: float, height_m: float, depth_m: float, image: Material) -> Part:
    """A board from z = 0 to ``depth_m`` that shows the middle of an image once on its front, undistorted."""
    part = boards([(0.0, 0.0, depth_m / 2)], (width_m, height_m, depth_m), replace(image, tile_m=1.0), bevel_m=0.001)
    uv = part.vertices[:, :2] / max(width_m, height_m) + 0.5
    return replace(part, uv=uv.astype(np.float32))


def frame(rect: Rect, border_m: float, profile: Sequence[tuple[float, float]], material: Material) -> Part:
    """A mitred frame inside a rectangle.

    Args:
        rect: Its outline.
        border_m: Its width.
        profile: Its face: shares of the width from the outside (0) to the inside (1), with z in metres; its back
            lies in z = 0.
        material: How it looks. The grain follows each side.
    """
    left, bottom, right, top = rect
    corners = np.array([(left, bottom), (right, bottom), (right, top), (left, top)])
    inward = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)]) * border_m
    section = [(0.0, 0.0), *profile, (1.0, 0.0)]
    rings = np.array([np.column_stack([corners + inward * share, np.full(4, z)]) for share, z in section])
    ahead, after = np.roll(rings, -1, axis=1), np.roll(rings, -1, axis=0)
    quads = np.stack([rings, ahead, np.roll(ahead, -1, axis=0), after], axis=2).reshape(-1, 4, 3)
    part = batch.quads(quads, material)
    along = np.tile(np.arange(4) % 2, len(section)).repeat(4)
    x, y = part.vertices[:, 0], part.vertices[:, 1]
    uv = np.column_stack([np.where(along == 0, x, y), np.where(along == 0, y, x)])
    return replace(part, uv=uv.astype(np.float32))


def _framed(picture: Picture) -> list[Part]:
    x, y, deep, border = picture.width_m / 2, picture.height_m / 2, picture.depth_m, picture.border_m
    flat = ((0.0, deep - 0.002), (0.1, deep), (0.9, deep), (1.0, deep - 0.002))
    ornate = (
        (0.0, deep * 0.7),
        (0.12, deep),
        (0.3, deep),
        (0.4, deep * 0.7),
        (0.7, deep * 0.5),
        (0.8, deep * 0.6),
        (1.0, deep * 0.35),
    )
    profile = ornate if picture.style == "gilt" else flat
    inner_x, inner_y = x - border, y - border
    level = deep * 0.25
    parts = [frame((-x, -y, x, y), border, profile, picture.frame)]
    image_x, image_y = inner_x + 0.002, inner_y + 0.002
    if picture.style == "mount":
        margin = 0.22 * min(inner_x, inner_y) + 0.02
        image_x, image_y = inner_x - margin, inner_y - margin
        parts.append(boards([(0.0, 0.0, level / 2)], (2 * inner_x + 0.004, 2 * inner_y + 0.004, level), picture.mount))
        return [*parts, moved(canvas(2 * image_x, 2 * image_y, 0.002, picture.images[0]), (0.0, 0.0, level - 0.001))]
    return [*parts, canvas(2 * image_x, 2 * image_y, level, picture.images[0])]


def _canvas(picture: Picture) -> list[Part]:
    return [canvas(picture.width_m, picture.height_m, picture.depth_m, picture.images[0])]


def _set(picture: Picture) -> list[Part]:
    count = len(picture.images)
    step = picture.width_m / count
    one = replace(picture, style="mount", width_m=step - 0.06)
    parts = []
    for at, image in enumerate(picture.images):
        x = (at - (count - 1) / 2) * step
        parts += [moved(part, (x, 0.0, 0.0)) for part in _framed(replace(one, images=(image,)))]
    return parts


def _mirror(picture: Picture) -> list[Part]:
    return _framed(replace(picture, style="thin", images=(MIRROR,)))


def _round(picture: Picture) -> list[Part]:
    radius, deep = min(picture.width_m, picture.height_m) / 2, picture.depth_m
    inner = radius - picture.border_m * 0.7
    ring = lathe(
        [(radius, 0.0), (radius, deep * 0.8), (radius - 0.004, deep), (inner + 0.003, deep), (inner, deep * 0.55)],
        picture.frame,
        sides=36,
    )
    glass = cylinder((0.0, deep * 0.545, 0.0), 0.0015, inner * 0.999, MIRROR, sides=36)
    forward: Floats = tipped((0.0, 0.0, 0.0), np.pi / 2)
    return [posed(ring, forward), posed(glass, forward)]


def _sampler(style: Style) -> Sampler:
    def sampler(rng: np.random.Generator) -> Picture:
        gilt = Material("brushed", linear(0.78, 0.6, 0.3), 0.3, 0.4, metallic=1.0)
        black = Material("plain", grey(rng.choice([0.08, 0.92])), roughness=0.5)
        frames = gilt if style == "gilt" else (wood(rng) if rng.random() < 0.5 else black)
        short = rng.uniform(0.35, 0.75)
        long = short * rng.uniform(1.0, 1.5)
        tall = rng.random() < 0.5
        width, height = (short, long) if tall else (long, short)
        if style == "set":
            width, height = float(rng.uniform(1.0, 1.5)), rng.uniform(0.4, 0.6)
        if style == "mirror":
            width, height = rng.uniform(0.45, 0.7), rng.uniform(0.7, 1.3)
        picks = rng.permutation(5)[: 3 if style == "set" else 1]
        return Picture(
            style,
            width,
            height,
            {"gilt": rng.uniform(0.06, 0.1), "thin": 0.022, "set": 0.02}.get(style, rng.uniform(0.025, 0.05)),
            rng.uniform(0.02, 0.035),
            metal(rng) if style == "round" else frames,
            Material("plain", grey(0.94) if rng.random() < 0.8 else muted(rng), roughness=0.95),
            tuple(Material(f"picture_{'abcde'[at]}", (1.0, 1.0, 1.0), roughness=0.6) for at in picks),
        )

    return sampler


FAMILY = Family(
    name="picture",
    label="painting",
    stands="wall",
    styles={style: _sampler(style) for style in ("thin", "mount", "gilt", "canvas", "set", "mirror", "round")},
    unseen=("set",),
    build=build,
)
