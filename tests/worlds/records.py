"""Records of scenes that were never rendered: every field filled, at random."""

from __future__ import annotations

from typing import Any

import numpy as np

from maquette.camera import Camera
from maquette.worlds.record import FrustumVolume, Grid, ObjectRecord, ObjectShape, SceneRecord, Visibility
from maquette.worlds.types import Floats, OrientedBox, View


def pose(rng: np.random.Generator) -> Floats:
    matrix = np.eye(4)
    matrix[:3] = rng.normal(size=(3, 4))
    return matrix


def random_record(
    seed: int,
    *,
    views: int = 2,
    size: tuple[int, int] = (9, 7),
    objects: int = 3,
    grid: tuple[int, int, int] | None = (4, 6, 5),
    volumes: int = 1,
    shapes: bool = True,
    amodal: bool = True,
) -> SceneRecord:
    rng = np.random.default_rng(seed)
    width, height = size
    pictures = rng.integers(0, 256, (views, height, width, 3), dtype=np.uint8)
    grid_of = Grid(grid or (2, 3, 4), float(rng.uniform(0.01, 0.1)), pose(rng))
    return SceneRecord(
        name=f"scene {seed}",
        kind="studio",
        views=tuple(_view(rng, picture, objects if amodal else None) for picture in pictures),
        pictures=pictures,
        objects=tuple(_object(rng, id_, views) for id_ in range(1, objects + 1)),
        room=_box(rng),
        grid=grid_of if grid else None,
        occupancy=rng.random(grid) < 0.2 if grid else None,
        classes=rng.random((*grid, 6)) < 0.1 if grid else None,
        volumes=tuple(_volume(rng, view, grid_of) for view in range(volumes)),
        shapes=tuple(_shape(rng, id_, views) for id_ in range(1, objects + 1)) if shapes else (),
        settings={"seed": seed, "nested": {"list": [1, 2.5, None, "é"]}},
    )


def _view(rng: np.random.Generator, picture: Any, objects: int | None) -> View:
    height, width, _ = picture.shape
    normals = rng.normal(size=(height, width, 3))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return View(
        Camera(width, height, float(rng.uniform(10, 99)), (width / 2, height / 3), pose(rng)),
        picture,
        rng.uniform(0, 50, (height, width)).astype(np.float32),
        rng.integers(0, 46, (height, width), dtype=np.uint8),
        rng.integers(0, 65536, (height, width), dtype=np.uint16),
        normals.astype(np.float32),
        None if objects is None else rng.random((objects, height, width)) < 0.4,
    )


def _box(rng: np.random.Generator) -> OrientedBox:
    x, y, z, a, b, c, yaw = rng.uniform(-3, 3, 7).tolist()
    return OrientedBox((x, y, z), (a, b, c), yaw)


def _object(rng: np.random.Generator, id_: int, views: int) -> ObjectRecord:
    seen = [
        Visibility((1, 2, 3, 4) if rng.random() < 0.7 else None, (0, 1, 5, 6), int(rng.integers(9)), 9)
        for _ in range(views)
    ]
    return ObjectRecord(id_, "chair", "chair", "shell", True, 0, _box(rng), pose(rng), tuple(seen))


def _volume(rng: np.random.Generator, view: int, grid: Grid) -> FrustumVolume:
    return FrustumVolume(
        grid,
        view,
        rng.uniform(0, 12, grid.shape).astype(np.float16),
        12.0,
        rng.integers(0, 46, grid.shape, dtype=np.uint8),
        rng.integers(0, 300, grid.shape, dtype=np.uint16),
        rng.random(grid.shape) < 0.5,
    )


def _shape(rng: np.random.Generator, id_: int, views: int) -> ObjectShape:
    def field() -> Any:
        return rng.uniform(-0.2, 0.2, (8, 8, 8)).astype(np.float16)

    return ObjectShape(id_, field(), {view: field() for view in range(views) if rng.random() < 0.7})
