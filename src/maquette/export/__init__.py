"""Scenes to files: one file a format."""

from __future__ import annotations

from pathlib import Path

from maquette.errors import ExportError
from maquette.export.atomic import shown, whole
from maquette.export.folder import write_bundle as write_bundle
from maquette.export.folder import write_layers
from maquette.scene import Scene

FORMATS = (".glb", ".html", ".png", ".gif", ".webp")


def export(scene: Scene, path: Path) -> Path:
    """Write a scene to a file whose ending names the format: see ``Scene.export``."""
    kind = path.suffix.lower()
    if scene.bodies and kind != ".glb":
        raise ExportError(f"{shown(path)}: only .glb can hold meshes; end the name with .glb")
    if not kind:
        write_layers(scene, path)
        return path
    if kind not in FORMATS:
        known = ", ".join(FORMATS)
        raise ExportError(f"{shown(path)}: unknown format {kind!r}; use {known}, or no ending for a folder")
    with whole(path) as fresh, fresh.open("wb") as file:
        if kind == ".glb":
            from maquette.export.glb import encode_glb

            file.write(encode_glb(scene))
        elif kind == ".html":
            from maquette.export.html import encode_html

            file.writelines(encode_html(scene))
        elif kind == ".png":
            from maquette.export.png import encode_png

            file.write(encode_png(scene.render()))
        else:
            from maquette.export.images import encode_loop

            file.write(encode_loop(scene, "webp" if kind == ".webp" else "gif"))
    return path
