"""The reference renderer: worlds through Blender, in a process of its own.

Colour comes from a path tracer (or from another engine of Blender's). Ids, depth and normals come from a second pass of
Cycles, with one ray a pixel that goes through its centre: see ``blender_worker.py``.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from maquette.camera import T_ZUP_YUP, Camera
from maquette.errors import MaquetteError
from maquette.labels import BY_NAME
from maquette.worlds.render.buffers import NEAR_M
from maquette.worlds.render.exr import read_exr
from maquette.worlds.render.flat import flatten
from maquette.worlds.textures import tile
from maquette.worlds.types import Floats, Lighting, View, World

Engine = Literal["cycles", "eevee", "workbench"]

VARIABLE = "MAQUETTE_BLENDER_PYTHON"
"""Environment variable that names a Python with bpy, where the running one has none."""

_WORKER = Path(__file__).with_name("blender_worker.py")


def find_python() -> str:
    """The Python that runs Blender: this one if it has bpy, else the one that ``MAQUETTE_BLENDER_PYTHON`` names.

    Raises:
        MaquetteError: There is none.
    """
    if importlib.util.find_spec("bpy"):
        return sys.executable
    named = os.environ.get(VARIABLE)
    if named and os.access(named, os.X_OK):
        return named
    wrong = f"{VARIABLE} names {named}, which cannot be run" if named else "this Python has no bpy"
    raise MaquetteError(
        f"Blender is not at hand: {wrong}; in an environment of Python 3.11 run 'pip install bpy==5.0.1', "
        f"and set {VARIABLE} to that environment's python"
    )


class BlenderRenderer:
    """Renders worlds with Blender; a context manager, whose process lives as long as it is open."""

    def __init__(self, samples: int = 16, engine: Engine = "cycles", *, denoise: bool = True) -> None:
        """Choose how colour is drawn; ids, depth and normals are the same with every engine.

        Args:
            samples: Samples a pixel of the colour pass.
            engine: What draws the colour pass.
            denoise: Let Open Image Denoise clean what Cycles has drawn.
        """
        self._color = {"engine": engine, "samples": samples, "denoise": denoise}

    def __enter__(self) -> Self:
        """Start Blender.

        Raises:
            MaquetteError: No Python with bpy is found.
        """
        python = find_python()
        self._home = tempfile.TemporaryDirectory(prefix="maquette-blender-")
        self._log = (Path(self._home.name) / "log").open("w+", encoding="utf-8", errors="replace")
        self._process = subprocess.Popen(
            [python, "-P", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, "BLENDER_USER_RESOURCES": self._home.name},
            text=True,
        )
        return self

    def __exit__(self, *error: object) -> None:
        """Stop Blender, and remove its files."""
        if error[0] is not None:
            self._process.kill()
        self._process.communicate()
        self._log.close()
        self._home.cleanup()

    def render(self, world: World, *, amodal: bool = False) -> tuple[View, ...]:
        """Render a world from each of its cameras.

        Args:
            world: What to render.
            amodal: Also draw every object alone, which takes a pass for each.

        Returns:
            One view for each of the world's cameras.

        Raises:
            MaquetteError: Blender fails, or has stopped.
        """
        with tempfile.TemporaryDirectory(dir=self._home.name) as scratch:
            folder = Path(scratch)
            _write(world, folder, {**self._color, "amodal": amodal})
            self._ask(folder)
            return tuple(_view(world, index, folder, amodal=amodal) for index in range(len(world.cameras)))

    def _ask(self, folder: Path) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            print(json.dumps(str(folder)), file=self._process.stdin, flush=True)
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            self._log.seek(0)
            last = (self._log.read().strip().splitlines() or ["no message"])[-1]
            raise MaquetteError(f"Blender stopped (status {self._process.wait()}): {last}")
        if error := json.loads(answer)["error"]:
            raise MaquetteError(f"Blender could not render the world: {error}")


def _write(world: World, folder: Path, wishes: dict[str, Any]) -> None:
    """Write what the worker reads: ``world.json``, with the wishes in it, and ``world.npz``."""
    flat = flatten(world)
    arrays: dict[str, NDArray[Any]] = {
        "vertices": (flat.vertices @ T_ZUP_YUP[:3, :3].T).astype(np.float32),
        "normals": (flat.normals @ T_ZUP_YUP[:3, :3].T).astype(np.float32),
        "faces": flat.faces,
        "uv": flat.uv,
        "face_material": flat.face_material,
        "face_starts": flat.face_starts,
        "vertex_starts": flat.vertex_starts,
    }
    tiles = sorted({material.texture for material in flat.materials} - {"plain"})
    if tiles:
        arrays["tiles"] = np.stack([tile(name) for name in tiles])
    # Blender's panorama has in its middle what lies along the world's +X, ours what lies along -Z.
    sky = np.roll(world.lighting.sky, -world.lighting.sky.shape[1] // 4, axis=1)[::-1]
    arrays["sky"] = np.concatenate([sky, np.ones_like(sky[..., :1])], axis=-1)
    told_world = {
        **wishes,
        "cameras": [_camera(camera) for camera in world.cameras],
        "things": [{"id": thing.id, "name": f"{thing.label} {thing.id}"} for thing in world.objects],
        "materials": [vars(material) for material in flat.materials],
        "tiles": tiles,
        "lighting": _lighting(world.lighting),
    }
    np.savez(folder / "world.npz", allow_pickle=False, **arrays)
    (folder / "world.json").write_text(json.dumps(told_world, default=float), encoding="utf-8")


def _camera(camera: Camera) -> dict[str, Any]:
    return {
        "width": camera.width,
        "height": camera.height,
        "focal_px": camera.focal_px,
        "center_px": camera.center_px,
        "near_m": NEAR_M,
        "pose": (T_ZUP_YUP @ camera.T_world_gltf).tolist(),
    }


def _lighting(light: Lighting) -> dict[str, Any]:
    lamps = []
    for lamp in light.lamps:
        pose = T_ZUP_YUP.copy()
        pose[:3, 3] = T_ZUP_YUP[:3, :3] @ lamp.place
        lamps.append({"pose": pose.tolist(), "intensity": lamp.intensity, "radius_m": lamp.radius_m})
    sun = light.sun and {
        "pose": _facing(T_ZUP_YUP[:3, :3] @ light.sun.direction).tolist(),
        "irradiance": light.sun.irradiance,
    }
    return {"ambient": light.ambient, "lamps": lamps, "sun": sun}


def _facing(direction: Floats) -> Floats:
    """(4, 4) pose of something at the origin whose +Z looks along a unit vector."""
    side = np.cross(np.eye(3)[np.abs(direction).argmin()], direction)
    side /= np.linalg.norm(side)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([side, np.cross(direction, side), direction], axis=1)
    return pose


def _view(world: World, index: int, folder: Path, *, amodal: bool) -> View:
    camera = world.cameras[index]
    color, exact = read_exr(folder / f"{index}.color.exr"), read_exr(folder / f"{index}.exact.exr")
    radiance = np.stack([color[f"ViewLayer.Combined.{channel}"] for channel in "RGB"], axis=-1)
    instance = _instance(exact)
    label_of = np.full(max(thing.id for thing in world.objects) + 1, BY_NAME["sky"].id, np.uint8)
    for thing in world.objects:
        label_of[thing.id] = BY_NAME[thing.label].id
    turn = (T_ZUP_YUP @ camera.T_world_camera)[:3, :3]
    normals_cam = _vectors(exact, "Face", "RGB") @ turn
    points_cam = camera.from_world(_vectors(exact, "Position", "XYZ") @ T_ZUP_YUP[:3, :3])
    some = instance > 0
    return View(
        camera=camera,
        rgb=tone_mapped(radiance * world.lighting.exposure),
        depth_m=np.where(some, _centred(camera, points_cam, normals_cam), 0).astype(np.float32),
        semantic=label_of[instance],
        instance=instance,
        normals_cam=np.where(some[..., None], normals_cam, 0).astype(np.float32),
        amodal=np.stack([_instance(read_exr(folder / f"{index}.{thing.id}.exr")) > 0 for thing in world.objects])
        if amodal
        else None,
    )


def _centred(camera: Camera, points_cam: Floats, normals_cam: Floats) -> Floats:
    """(h, w) depth z where the rays through the centres of pixels meet the faces that rays close by have met.

    The filter of the exact pass leaves 0.005 pixels, which on a road seen at a low angle are decimetres. A face that
    is seen edge on keeps the depth of its ray.

    Args:
        camera: The camera.
        points_cam: (h, w, 3) where the rays close by have met them.
        normals_cam: (h, w, 3) normals of those faces.
    """
    height, width = points_cam.shape[:2]
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1) + 0.5
    facing = (normals_cam * camera.unproject(pixels, np.ones((height, width)))).sum(axis=-1)
    edge_on = np.abs(facing) < 1e-4
    through = (normals_cam * points_cam).sum(axis=-1) / np.where(edge_on, 1.0, facing)
    return np.where(edge_on, points_cam[..., 2], through)


def _vectors(channels: dict[str, NDArray[np.float32]], name: str, axes: str) -> Floats:
    """(h, w, 3) float64 a pass of three channels of the exact layer."""
    return np.stack([channels[f"exact.{name}.{axis}"] for axis in axes], axis=-1).astype(np.float64)


def _instance(exact: dict[str, NDArray[np.float32]]) -> NDArray[np.uint16]:
    return exact["exact.Object Index.X"].astype(np.uint16)


def tone_mapped(radiance: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(h, w, 3) linear radiance to sRGB: Narkowicz's fit of the ACES curve, as ``shade.frag`` has it."""
    x = np.maximum(radiance, 0)
    shown = np.clip(x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14), 0, 1)
    srgb = np.where(shown <= 0.0031308, 12.92 * shown, 1.055 * shown ** (1 / 2.4) - 0.055)
    rounded: NDArray[np.uint8] = np.rint(255 * srgb).astype(np.uint8)
    return rounded
