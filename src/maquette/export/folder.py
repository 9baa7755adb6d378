"""The output folder: everything about a scene, in files that other programs read."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maquette.errors import ExportError
from maquette.export.atomic import failure, shown, whole
from maquette.export.geometry import visible_part
from maquette.export.glb import encode_glb, generator
from maquette.export.html import encode_html
from maquette.export.images import encode_loop, encode_preview
from maquette.export.png import encode_png, worker_count
from maquette.export.render import render
from maquette.perception.types import Perception
from maquette.scene import Plane, Scene

FORMAT = "maquette-scene"
FORMAT_VERSION = 1


def write_bundle(scene: Scene, perception: Perception | None, folder: Path, *, overwrite: bool = False) -> None:
    """Write the whole output folder: ``docs/formats.md`` says what is in it.

    Args:
        scene: The scene.
        perception: What it was made from, to be saved beside it; None leaves that out.
        folder: Where to; it appears when all of it is written.
        overwrite: Replace a folder that an earlier run made.

    Raises:
        ExportError: The folder exists, or cannot be written. Nothing half-written stays.
    """
    _check_free(folder, overwrite)
    with whole(folder) as fresh, ThreadPoolExecutor(1) as beside:
        loop = beside.submit(encode_loop, scene, "webp")
        _write_layers(scene, fresh)
        glb = encode_glb(scene)
        (fresh / "scene.glb").write_bytes(glb)
        with (fresh / "preview.html").open("wb") as page:
            page.writelines(encode_html(scene, glb))
        del glb
        (fresh / "preview.png").write_bytes(encode_preview(scene))
        (fresh / "parallax.webp").write_bytes(loop.result())
        (fresh / "source.jpg").write_bytes(_encode_source(scene))
        _write_json(fresh / "transforms.json", _transforms(scene, with_depth=perception is not None))
        if perception is not None:
            from maquette.perception.files import write_perception

            write_perception(perception, fresh)


def write_layers(scene: Scene, folder: Path) -> None:
    """Write a folder with ``layers/`` and ``scene.json`` alone.

    Raises:
        ExportError: The folder exists, or cannot be written.
    """
    _check_free(folder, overwrite=False)
    with whole(folder) as fresh:
        _write_layers(scene, fresh)


def _check_free(folder: Path, overwrite: bool) -> None:
    """Refuse a folder that is in use: without ``overwrite`` any, with it one that no earlier run made."""
    try:
        names = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    except OSError as error:
        raise failure(folder, error) from error
    if not names:
        return
    if not overwrite:
        raise ExportError(f"{shown(folder)}: already there; choose another name, or ask to overwrite it")
    if "scene.json" not in names:
        raise ExportError(f"{shown(folder)}: holds files but no scene.json, so it is not replaced; choose another name")


def _write_layers(scene: Scene, folder: Path) -> None:
    (folder / "layers").mkdir(parents=True)
    digits = max(2, len(str(len(scene.nodes) - 1)))
    names = [f"{index:0{digits}d}_{_file_name(node.name)}.png" for index, node in enumerate(scene.nodes)]
    planes = [visible_part(node.plane) for node in scene.nodes]
    outside = [not _in_frame(plane, scene) for plane in planes]
    if any(outside):
        (folder / "layers" / "overscan").mkdir()

    def write(index: int) -> None:
        plane = planes[index]
        (folder / "layers" / names[index]).write_bytes(encode_png(_in_full_frame(plane, scene)))
        if outside[index]:
            whole_texture = encode_png(_without_hidden_colors(plane.texture))
            (folder / "layers" / "overscan" / names[index]).write_bytes(whole_texture)

    with ThreadPoolExecutor(worker_count()) as pool:
        list(pool.map(write, range(len(planes))))
    camera = scene.camera
    nodes: list[dict[str, Any]] = []
    for node, plane, name, beyond in zip(scene.nodes, planes, names, outside, strict=True):
        nodes.append(
            {
                "name": node.name,
                "label": node.label,
                "segment_ids": list(node.segment_ids),
                "order": node.order,
                "depth_range_m": list(node.depth_range_m),
                "layer": f"layers/{name}",
                "texture": f"layers/overscan/{name}" if beyond else f"layers/{name}",
                "bounds_px": list(plane.bounds),
                "inverse_depth": list(plane.inverse_depth),
            }
        )
        if plane.relief is not None:
            file = f"layers/relief/{name.removesuffix('.png')}.npy"
            (folder / file).parent.mkdir(exist_ok=True)
            np.save(folder / file, plane.relief.inverse_depth)
            relief = plane.relief
            nodes[-1]["relief"] = {"file": file, "x": relief.x, "y": relief.y, "step": relief.step}
    description = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "generator": generator(),
        "name": scene.name,
        "camera": {
            "width": camera.width,
            "height": camera.height,
            "focal_px": camera.focal_px,
            "center_px": list(camera.center_px),
            "T_world_camera": camera.T_world_camera.tolist(),
        },
        "nodes": nodes,
        "settings": dict(scene.settings),
        "notes": list(scene.notes),
    }
    _write_json(folder / "scene.json", description)


def _transforms(scene: Scene, *, with_depth: bool) -> dict[str, Any]:
    """The camera as nerfstudio and its kin read it: intrinsics in pixels, OpenGL axes, camera-to-world."""
    camera = scene.camera
    frame: dict[str, Any] = {"file_path": "source.jpg", "transform_matrix": camera.T_world_gltf.tolist()}
    if with_depth:
        frame["depth_file_path"] = "depth.png"
    return {
        "camera_model": "PINHOLE",
        "fl_x": camera.focal_px,
        "fl_y": camera.focal_px,
        "cx": camera.center_px[0],
        "cy": camera.center_px[1],
        "w": camera.width,
        "h": camera.height,
        "frames": [frame],
    }


def _encode_source(scene: Scene) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(render(scene, scene.camera)[..., :3]).save(stream, "jpeg", quality=95, subsampling=0)
    return stream.getvalue()


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _file_name(name: str) -> str:
    """A node's name as part of a file name: letters, digits, hyphens and underscores, at most 80 bytes."""
    kept = "".join(c if c.isalnum() or c == "-" else "_" for c in name)
    return kept.encode()[:80].decode(errors="ignore")


def _in_frame(plane: Plane, scene: Scene) -> bool:
    left, top, right, bottom = plane.bounds
    return left >= 0 and top >= 0 and right <= scene.camera.width and bottom <= scene.camera.height


def _in_full_frame(plane: Plane, scene: Scene) -> NDArray[np.uint8]:
    """(H, W, 4) uint8: the part of a texture that lies in the frame, at its place, and zeros elsewhere."""
    width, height = scene.camera.width, scene.camera.height
    left, top, right, bottom = plane.bounds
    frame = np.zeros((height, width, 4), np.uint8)
    rows, columns = slice(max(top, 0), min(bottom, height)), slice(max(left, 0), min(right, width))
    if rows.start < rows.stop and columns.start < columns.stop:
        part = plane.texture[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        frame[rows, columns] = _without_hidden_colors(part)
    return frame


def _without_hidden_colors(texture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The texture with black wherever alpha is 0, which compresses to nothing."""
    return np.where(texture[..., 3:] > 0, texture, np.uint8(0))
