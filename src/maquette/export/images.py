"""Pictures of a scene: a still from beside the photo's camera, and a loop around it."""

from __future__ import annotations

import io
import math
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maquette.camera import Camera
from maquette.export.png import encode_png, spread_colors, worker_count
from maquette.export.render import render, shrink
from maquette.scene import Scene

DEFAULT_MOVE = 0.08
"""Camera move, as a fraction of the distance to the nearest layer, where the scene's settings give none."""

PREVIEW_PX = 1280
LOOP_PX = 640
"""Most pixels on the longer side of the still and of the loop."""

LOOP_FRAMES = 24
FRAME_MS = 83
MOST_CROP = 0.04
"""Most that is cut off each side of the loop, as a fraction of it, to hide where the scene ends."""


def move_m(scene: Scene) -> float:
    """How far the camera may move sideways, in metres: as far as the filling behind the layers was made for."""
    fraction = scene.settings.get("diorama", scene.settings).get("move", DEFAULT_MOVE)
    return float(fraction) * min(node.depth_range_m[0] for node in scene.nodes)


def beside(scene: Scene, turn: float) -> Camera:
    """The scene's camera on an ellipse of radius ``move_m``, a third of it upward; ``turn`` 0 to 1 is once around."""
    radius, angle = move_m(scene), 2 * math.pi * turn
    return scene.camera.moved((radius * math.cos(angle), radius / 3 * math.sin(angle), 0))


def encode_preview(scene: Scene) -> bytes:
    """Encode a PNG, RGB: the scene from the right and above, as far from the photo's camera as the filling allows."""
    scene = _at_most(scene, PREVIEW_PX)
    return encode_png(_filled(render(scene, beside(scene, -1 / 12))))


def encode_loop(scene: Scene, kind: Literal["webp", "gif"]) -> bytes:
    """Encode an animation without end: the camera goes once around its ellipse."""
    scene = _at_most(scene, LOOP_PX)
    with ThreadPoolExecutor(worker_count()) as pool:
        turns = [frame / LOOP_FRAMES for frame in range(LOOP_FRAMES)]
        frames = list(pool.map(lambda turn: render(scene, beside(scene, turn)), turns))
    covered = np.minimum.reduce([frame[..., 3] for frame in frames])
    margin = _margin(covered)
    inner = slice(margin, -margin or None)
    pictures = [Image.fromarray(_filled(frame[inner, inner])) for frame in frames]
    if kind == "gif":
        pictures = _in_one_palette(pictures)
    stream = io.BytesIO()
    options = {"quality": 75, "method": 2} if kind == "webp" else {}
    first, *rest = pictures
    first.save(stream, kind, save_all=True, append_images=rest, duration=FRAME_MS, loop=0, **options)
    return stream.getvalue()


def _in_one_palette(pictures: list[Image.Image]) -> list[Image.Image]:
    """Pictures in the 256 colours that suit them all, so that colours do not flicker from frame to frame."""
    some = pictures[:: LOOP_FRAMES // 4]
    sheet = Image.fromarray(np.concatenate([np.asarray(picture) for picture in some]))
    palette = sheet.quantize(256, Image.Quantize.MEDIANCUT)
    return [picture.quantize(palette=palette) for picture in pictures]


def _at_most(scene: Scene, side_px: int) -> Scene:
    scale = side_px / max(scene.camera.width, scene.camera.height)
    return shrink(scene, scale) if scale < 1 else scene


def _margin(alpha: NDArray[np.uint8]) -> int:
    """Fewest pixels to cut off each side so that the border is covered; 0 where ``MOST_CROP`` is too few."""
    most = int(min(alpha.shape) * MOST_CROP)
    for margin in range(most + 1):
        inner = alpha[margin : alpha.shape[0] - margin, margin : alpha.shape[1] - margin]
        if min(inner[0].min(), inner[-1].min(), inner[:, 0].min(), inner[:, -1].min()) > 250:
            return margin
    return 0


def _filled(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 4) to (H, W, 3): colours from around lie behind what is transparent."""
    behind = Image.fromarray(spread_colors(np.where(picture[..., 3:] > 127, picture, 0).astype(np.uint8))[..., :3])
    behind.paste(Image.fromarray(picture), mask=Image.fromarray(picture[..., 3]))
    return np.array(behind)
