"""Pinhole cameras, and the only place where an axis is flipped.

Camera maths follows OpenCV: x right, y down, z forward, in metres. The world follows glTF: right-handed, +Y up,
metres; a glTF or Blender camera looks along its own -Z. Pixel (0, 0) has its centre at (0.5, 0.5), so a picture of
width ``w`` spans 0 to ``w``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

FLIP_YZ: FloatArray = np.diag([1.0, -1.0, -1.0, 1.0])
"""OpenCV camera axes to glTF camera axes, and back (it is its own inverse)."""

T_ZUP_YUP: FloatArray = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
"""A world that has +Y up, as glTF's, to one that has +Z up, as Blender's: glTF's -Z becomes Blender's +Y."""


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera with square pixels and its pose in the world.

    Attributes:
        width: Picture width in pixels.
        height: Picture height in pixels.
        focal_px: Focal length in pixels, the same for x and y.
        center_px: Principal point (x, y) in pixels.
        T_world_camera: (4, 4) float64, camera-to-world, OpenCV camera axes, metres.
    """

    width: int
    height: int
    focal_px: float
    center_px: tuple[float, float]
    T_world_camera: FloatArray

    @classmethod
    def from_fov(
        cls, width: int, height: int, fov_deg: float, *, pitch_rad: float = 0.0, height_m: float = 0.0
    ) -> Camera:
        """Make a camera from the field of view of its longer side.

        Args:
            width: Picture width in pixels.
            height: Picture height in pixels.
            fov_deg: Field of view of the longer side, in degrees, between 0 and 180.
            pitch_rad: How far the camera looks down; 0 is level.
            height_m: Height of the camera above the world's origin.
        """
        focal_px = max(width, height) / 2 / math.tan(math.radians(fov_deg) / 2)
        return cls(width, height, focal_px, (width / 2, height / 2), world_pose(pitch_rad, height_m))

    @property
    def K(self) -> FloatArray:
        """(3, 3) float64 intrinsics in pixels."""
        cx, cy = self.center_px
        return np.array([[self.focal_px, 0, cx], [0, self.focal_px, cy], [0, 0, 1]])

    @property
    def fov_deg(self) -> float:
        """Field of view of the longer side, in degrees."""
        return math.degrees(2 * math.atan(max(self.width, self.height) / 2 / self.focal_px))

    @property
    def yfov_rad(self) -> float:
        """Vertical field of view, in radians, as glTF wants it."""
        return 2 * math.atan(self.height / 2 / self.focal_px)

    @property
    def T_world_gltf(self) -> FloatArray:
        """(4, 4) float64, camera-to-world with glTF camera axes (looks along -Z, +Y up)."""
        return self.T_world_camera @ FLIP_YZ

    def resized(self, width: int, height: int) -> Camera:
        """The same camera with its picture scaled to another size of the same shape."""
        scale = width / self.width
        cx, cy = self.center_px
        return Camera(
            width,
            height,
            self.focal_px * scale,
            (cx * scale, cy * height / self.height),
            self.T_world_camera,
        )

    def moved(self, offset_cam: ArrayLike) -> Camera:
        """The same camera moved by (3,) metres along its own axes (x right, y down, z forward)."""
        pose = self.T_world_camera.copy()
        pose[:3, 3] += pose[:3, :3] @ np.asarray(offset_cam, dtype=np.float64)
        return Camera(self.width, self.height, self.focal_px, self.center_px, pose)

    def unproject(self, pixels: ArrayLike, depth_m: ArrayLike) -> FloatArray:
        """Lift pixels to the camera's frame.

        Args:
            pixels: (..., 2) x and y in pixels.
            depth_m: (...) z in metres (not the length of the ray).

        Returns:
            (..., 3) float64 points in the camera's frame, metres.
        """
        xy = (np.asarray(pixels, dtype=np.float64) - self.center_px) / self.focal_px
        z = np.asarray(depth_m, dtype=np.float64)[..., None]
        return np.concatenate([xy * z, z * np.ones_like(xy[..., :1])], axis=-1)

    def project(self, points_cam: ArrayLike) -> FloatArray:
        """Project (..., 3) points of the camera's frame to (..., 2) pixels. Points at or behind z = 0 give inf or
        nan."""
        points = np.asarray(points_cam, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            return points[..., :2] / points[..., 2:] * self.focal_px + self.center_px

    def to_world(self, points_cam: ArrayLike) -> FloatArray:
        """Bring (..., 3) points from the camera's frame to the world's."""
        points = np.asarray(points_cam, dtype=np.float64)
        return points @ self.T_world_camera[:3, :3].T + self.T_world_camera[:3, 3]

    def from_world(self, points_world: ArrayLike) -> FloatArray:
        """Bring (..., 3) points from the world's frame to the camera's."""
        points = np.asarray(points_world, dtype=np.float64)
        turned: FloatArray = (points - self.T_world_camera[:3, 3]) @ self.T_world_camera[:3, :3]
        return turned


def world_pose(pitch_rad: float, height_m: float) -> FloatArray:
    """Camera-to-world pose of a camera that stands at ``height_m`` above the origin and looks along the world's -Z.

    Args:
        pitch_rad: How far it looks down; 0 is level.
        height_m: Height above the world's origin.

    Returns:
        (4, 4) float64, OpenCV camera axes.
    """
    c, s = math.cos(pitch_rad), math.sin(pitch_rad)
    pitch = np.array([[1, 0, 0, 0], [0, c, s, 0], [0, -s, c, 0], [0, 0, 0, 1.0]])
    pose: FloatArray = FLIP_YZ @ pitch
    pose[1, 3] = height_m
    return pose
