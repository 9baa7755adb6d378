"""A page that shows the scene: the GLB and a small viewer in one file, which asks for nothing from anywhere."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from html import escape
from importlib.resources import files

from maquette.export.glb import encode_glb
from maquette.export.images import move_m
from maquette.export.render import shrink
from maquette.scene import Scene

LARGEST_PX = 2048
"""Longer side of the picture that the page holds; textures of larger photos are averaged down to it."""

_PIECE = 3 << 20  # a multiple of 3, so that the pieces of base64 join up


def encode_html(scene: Scene, glb: bytes | None = None) -> Iterator[bytes]:
    """Encode a scene as a page.

    Args:
        scene: The scene.
        glb: What ``encode_glb`` makes of it, where that is at hand.

    Yields:
        The page, in pieces.
    """
    scale = LARGEST_PX / max(scene.camera.width, scene.camera.height)
    if scale < 1:
        glb = encode_glb(shrink(scene, scale))
    elif glb is None:
        glb = encode_glb(scene)
    template = files("maquette.export").joinpath("viewer.html").read_text("utf-8")
    page = template.replace("{{TITLE}}", escape(scene.name)).replace("{{MOVE_M}}", repr(move_m(scene)))
    head, tail = page.split("{{GLB}}")
    yield head.encode()
    for start in range(0, len(glb), _PIECE):
        yield base64.b64encode(glb[start : start + _PIECE])
    yield tail.encode()
