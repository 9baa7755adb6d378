"""A calibrated rig: where its cameras are, which cells it sees, and how its photos go into a network."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maquette.camera import FLIP_YZ, Camera
from maquette.errors import MaquetteError
from maquette.export.atomic import shown
from maquette.voxels.types import Grid
from maquette.worlds.rigs import look_at

CELL_M = 0.05
CELLS = (80, 96, 64)
"""Cells of the paper's grid along the width, the depth and the height of its studio (Everted U-Net, section 4)."""

CAMERAS = ((-1.85, 3.0, 2.25), (1.85, 3.0, 2.25), (1.85, 3.0, -2.25))
"""Where the studio's three cameras are, in metres from the middle of the floor: corners, under the ceiling."""

TARGET = (0.0, 0.75, 0.0)
FOV_DEG = 70.0

SIDE_PX = 224
"""Width and height of what a network sees of a photo (Everted U-Net, section 3.2)."""

MOST_CELLS = 4_000_000
"""Eight times the studio's."""

_MOST = 1e6
"""Largest number of pixels or metres that makes sense in a file."""

_ROTATION_TOLERANCE = 1e-3
_SQUARE_TOLERANCE = 0.01
_DISTORTION = ("k1", "k2", "k3", "k4", "p1", "p2")


@dataclass(frozen=True, eq=False)
class Rig:
    """Cameras in fixed places around a room.

    Attributes:
        cameras: In their order; their pictures may have any size.
        grid: The cells of the room.
        names: Path of the picture of each camera, as its file has it; empty where there is no file.
    """

    cameras: tuple[Camera, ...]
    grid: Grid
    names: tuple[str, ...] = ()


def studio_cameras(width: int, height: int) -> tuple[Camera, ...]:
    """The studio's three cameras, the same in every scene: from ``CAMERAS`` to ``TARGET``, 70 degrees wide."""
    return tuple(look_at(place, TARGET, width, height, FOV_DEG) for place in CAMERAS)


def studio_grid() -> Grid:
    """The studio's cells: along its width (+X), its depth (-Z) and its height (+Y), around the middle of the floor."""
    width, depth, _ = (count * CELL_M for count in CELLS)
    pose = np.eye(4)
    pose[:3, :3] = np.column_stack([(1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)])
    pose[:3, 3] = (-width / 2, 0.0, depth / 2)
    return Grid(CELLS, CELL_M, pose)


def studio_rig() -> Rig:
    """The rig of the paper's studio."""
    return Rig(studio_cameras(SIDE_PX, SIDE_PX), studio_grid())


def read_rig(path: Path) -> Rig:
    """Read a ``transforms.json``, as NeRF and nerfstudio have it: a frame a camera, and optionally the grid.

    Each frame has ``file_path`` and ``transform_matrix`` (camera-to-world with OpenGL's camera axes, metres); it, or
    the file for all frames, has ``w`` and ``h``, ``fl_x`` or ``camera_angle_x``, and optionally ``fl_y``, ``cx`` and
    ``cy``. ``grid`` has ``shape``, ``cell_m`` and ``T_world_grid`` (see ``Grid``); without it, it is the studio's.

    Raises:
        MaquetteError: The file cannot be read, lacks something, or holds what no rig can have.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MaquetteError(f"{shown(path)}: cannot be read ({error.strerror}); name a transforms.json") from error
    except (ValueError, RecursionError) as error:
        raise MaquetteError(f"{shown(path)}: not a JSON file ({error}); name a transforms.json") from error
    try:
        return _rig(content)
    except ValueError as error:
        raise MaquetteError(f"{shown(path)}: {error}; see docs/voxels.md") from error


def check_grid(grid: Grid) -> None:
    """Refuse a grid that has no cells, or more than memory holds.

    Raises:
        ValueError: Says why.
    """
    if min(grid.shape) < 1:
        raise ValueError(f"a grid of {_product(grid)} cells is empty")
    if math.prod(grid.shape) > MOST_CELLS:
        raise ValueError(f"a grid of {_product(grid)} cells is too large; at most {MOST_CELLS:,} can be held")
    if not 0.001 <= grid.cell_m <= 10:
        raise ValueError(f"cells must have an edge from 0.001 to 10 metres, not {grid.cell_m:g}")


def on_photo(camera: Camera, width: int, height: int) -> Camera:
    """The camera for a photo of another size than its own picture, and maybe of another shape.

    Args:
        camera: Of the rig.
        width: Of the photo, in pixels.
        height: Of the photo, in pixels.

    Returns:
        The longer side of the photo shows what that of the camera's picture does, and the middles of both coincide.
    """
    zoom = max(width, height) / max(camera.width, camera.height)
    x, y = camera.center_px
    centre = width / 2 + (x - camera.width / 2) * zoom, height / 2 + (y - camera.height / 2) * zoom
    return Camera(width, height, camera.focal_px * zoom, centre, camera.T_world_camera)


def fit(rgb: NDArray[np.uint8], camera: Camera, grid: Grid) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Make a network's input from a photo: its longer side scaled to ``SIDE_PX``, grey on both sides of the other.

    Args:
        rgb: (H, W, 3) uint8 sRGB.
        camera: Of the rig; it need not have the photo's size, see ``on_photo``.
        grid: Whose coordinates are projected.

    Returns:
        (3, 224, 224) float32, from -1 (black) to 1 (white), 0 beyond the photo; and (3, 4) float32, which maps a point
        of the grid (x, y, z, 1), in metres along its axes, to (u d, v d, d): d is its depth in metres, and u and v run
        from -1 to 1 over the square, from the left edge of its first pixel to the right edge of its last (PyTorch's
        ``grid_sample`` with ``align_corners=False``).
    """
    from PIL import Image

    height, width = rgb.shape[:2]
    scale = SIDE_PX / max(width, height)
    shown_px = np.array([max(1, round(width * scale)), max(1, round(height * scale))])
    left, top = first = (SIDE_PX - shown_px) // 2
    image = np.zeros((3, SIDE_PX, SIDE_PX), np.float32)
    small = Image.fromarray(rgb).resize((shown_px[0], shown_px[1]), Image.Resampling.HAMMING, reducing_gap=3.0)
    part = np.asarray(small, np.float32).transpose(2, 0, 1) / np.float32(127.5) - np.float32(1)
    image[:, top : top + shown_px[1], left : left + shown_px[0]] = part

    to_unit = np.eye(3)
    to_unit[[0, 1], [0, 1]] = 2 * shown_px / (width, height) / SIDE_PX
    to_unit[:2, 2] = 2 * first / SIDE_PX - 1
    from_grid = np.linalg.inv(camera.T_world_camera) @ grid.T_world_grid
    return image, (to_unit @ on_photo(camera, width, height).K @ from_grid[:3]).astype(np.float32)


def _product(grid: Grid) -> str:
    return " x ".join(map(str, grid.shape))


def _rig(content: Any) -> Rig:
    if not isinstance(content, dict) or not isinstance(content.get("frames"), list) or not content["frames"]:
        raise ValueError("must hold a list of frames")
    names, cameras = [], []
    for number, frame in enumerate(content["frames"], start=1):
        if not isinstance(frame, dict) or not isinstance(frame.get("file_path"), str):
            raise ValueError(f"frame {number} must be an object with file_path")
        name = frame["file_path"]
        if name in names:
            raise ValueError(f"has two frames for {name}")
        names.append(name)
        try:
            cameras.append(_camera({**content, **frame}))
        except ValueError as error:
            raise ValueError(f"frame {number} ({name}): {error}") from error
    return Rig(tuple(cameras), studio_grid() if content.get("grid") is None else _grid(content["grid"]), tuple(names))


def _camera(frame: Mapping[str, Any]) -> Camera:
    bent = [name for name in _DISTORTION if frame.get(name)]
    if bent:
        raise ValueError(f"the lens is distorted ({bent[0]} is not 0); undistort the pictures first")
    width, height = _whole(frame, "w"), _whole(frame, "h")
    if min(width, height) < 1:
        raise ValueError("w and h must be above 0")
    if "fl_x" in frame:
        focal_px = _number(frame, "fl_x")
    elif "camera_angle_x" in frame:
        focal_px = width / 2 / math.tan(_number(frame, "camera_angle_x") / 2)
    else:
        raise ValueError("lacks fl_x")
    focal_y_px = _number(frame, "fl_y") if "fl_y" in frame else focal_px
    if not focal_px > 0 or abs(focal_y_px / focal_px - 1) > _SQUARE_TOLERANCE:
        raise ValueError("fl_x and fl_y must be above 0 and alike: scale the pictures to square pixels first")
    center_px = (
        _number(frame, "cx") if "cx" in frame else width / 2,
        _number(frame, "cy") if "cy" in frame else height / 2,
    )
    pose = _pose(frame, "transform_matrix")
    if np.linalg.det(pose[:3, :3]) < 0:
        raise ValueError("transform_matrix mirrors")
    return Camera(width, height, (focal_px + focal_y_px) / 2, center_px, pose @ FLIP_YZ)


def _grid(entry: Any) -> Grid:
    if not isinstance(entry, dict):
        raise ValueError("grid must be an object")
    shape = entry.get("shape")
    if not isinstance(shape, list) or len(shape) != 3 or not all(type(count) is int for count in shape):
        raise ValueError("grid: shape must be three whole numbers")
    grid = Grid((shape[0], shape[1], shape[2]), _number(entry, "cell_m"), _pose(entry, "T_world_grid"))
    check_grid(grid)
    return grid


def _number(entry: Mapping[str, Any], name: str) -> float:
    value = entry.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _MOST:
        raise ValueError(f"{name} must be a number, at most a million")
    return float(value)


def _whole(entry: Mapping[str, Any], name: str) -> int:
    value = _number(entry, name)
    if value != int(value):
        raise ValueError(f"{name} must be a whole number of pixels")
    return int(value)


def _pose(entry: Mapping[str, Any], name: str) -> NDArray[np.float64]:
    """(4, 4) float64: a rotation, maybe with a reflection, and a translation."""
    try:
        pose = np.array(entry.get(name), dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} must be 4 x 4 numbers") from error
    if pose.shape != (4, 4) or not (np.abs(pose) <= _MOST).all():
        raise ValueError(f"{name} must be 4 x 4 numbers")
    turn = pose[:3, :3]
    if not np.allclose(turn @ turn.T, np.eye(3), atol=_ROTATION_TOLERANCE) or not np.allclose(pose[3], (0, 0, 0, 1)):
        raise ValueError(f"{name} must be a rotation and a translation in metres")
    return pose
