"""Cameras: the studio's three, a person's in a room, and several around one scene."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maquette.camera import Camera
from maquette.labels import BY_NAME
from maquette.worlds.types import Floats, Object, OrientedBox

Views = Literal["rig", "pair", "path"]

PAIR_BASELINE = 0.06
"""Distance between the two cameras of a pair, as a share of the focus distance."""

PATH_SWEEP_RAD = math.radians(10.0)
"""Angle of the arc of a path, as seen from its focus."""

PATH_CAMERAS = 8

_ATTEMPTS = 150
_CANDIDATES = 12


def look_at(place: ArrayLike, target: ArrayLike, width: int, height: int, fov_deg: float) -> Camera:
    """A camera without roll that looks from one point to another.

    Args:
        place: (3,) metres, in the world.
        target: (3,) metres, not straight above or below ``place``.
        width: Picture width in pixels.
        height: Picture height in pixels.
        fov_deg: Field of view of the longer side, in degrees.
    """
    eye = np.asarray(place, dtype=np.float64)
    forward = np.asarray(target, dtype=np.float64) - eye
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, (0.0, 1.0, 0.0))
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.column_stack([right, np.cross(forward, right), forward])
    pose[:3, 3] = eye
    level = Camera.from_fov(width, height, fov_deg)
    return Camera(width, height, level.focal_px, level.center_px, pose)


def expand(camera: Camera, views: Views, focus_m: float) -> tuple[Camera, ...]:
    """Several cameras around one scene, for measuring novel views.

    Args:
        camera: The first of them (of a path: the middle, which is not among them).
        views: ``rig`` is this camera alone; ``pair`` adds one to its right, parallel, 6% of the focus distance away;
            ``path`` is eight cameras on a level arc of 10 degrees, all turned to the focus.
        focus_m: Distance of what is looked at, along the camera's axis, metres.
    """
    if views == "rig":
        return (camera,)
    if views == "pair":
        return camera, camera.moved((PAIR_BASELINE * focus_m, 0.0, 0.0))
    eye, forward = camera.T_world_camera[:3, 3], camera.T_world_camera[:3, 2]
    focus = eye + focus_m * forward
    arc = np.linspace(-PATH_SWEEP_RAD / 2, PATH_SWEEP_RAD / 2, PATH_CAMERAS)
    return tuple(_swung(camera, focus, float(angle)) for angle in arc)


def _swung(camera: Camera, focus: Floats, angle_rad: float) -> Camera:
    """The camera turned about the upright line through the focus."""
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    pose = np.eye(4)
    pose[:3, :3] = turn @ camera.T_world_camera[:3, :3]
    pose[:3, 3] = focus + turn @ (camera.T_world_camera[:3, 3] - focus)
    return Camera(camera.width, camera.height, camera.focal_px, camera.center_px, pose)


@dataclass(frozen=True, eq=False)
class Boxes:
    """Upright boxes of a world's objects, for cheap tests of what a camera has around and before it.

    Attributes:
        to_boxes: (n, 3, 4) float64: world to each box's frame.
        half: (n, 3) float64 half extents, metres.
    """

    to_boxes: Floats
    half: Floats

    @classmethod
    def of(cls, boxes: Sequence[OrientedBox]) -> Boxes:
        """Collect boxes."""
        inverse = np.linalg.inv(np.stack([box.T_world_box for box in boxes]))
        return cls(inverse[:, :3], np.array([box.size for box in boxes]) / 2)

    def distance_m(self, point: ArrayLike) -> float:
        """Distance of a point of the world to the nearest box; 0 inside."""
        local = self.to_boxes[:, :, :3] @ np.asarray(point, dtype=np.float64) + self.to_boxes[:, :, 3]
        return float(np.linalg.norm(np.maximum(np.abs(local) - self.half, 0.0), axis=1).min())

    def seen(self, camera: Camera, across: int = 16) -> tuple[NDArray[np.int64], Floats]:
        """What a camera sees if every box were solid, on ``across``^2 rays through its picture.

        Returns:
            (across^2,) int64 index of the first box on each ray (-1: none), and (across^2,) float64 z of where the
            ray meets it, metres (inf: none).
        """
        steps = (np.arange(across) + 0.5) / across
        x, y = np.meshgrid(steps * camera.width, steps * camera.height)
        rays = camera.unproject(np.stack([x.ravel(), y.ravel()], axis=-1), np.ones(across * across))
        directions = np.einsum("nij,rj->nri", self.to_boxes[:, :, :3], rays @ camera.T_world_camera[:3, :3].T)
        origins = self.to_boxes[:, :, :3] @ camera.T_world_camera[:3, 3] + self.to_boxes[:, :, 3]
        directions[np.abs(directions) < 1e-12] = 1e-12
        near = (-self.half[:, None] * np.sign(directions) - origins[:, None]) / directions
        far = (self.half[:, None] * np.sign(directions) - origins[:, None]) / directions
        enter, leave = near.max(axis=2), far.min(axis=2)
        depth = np.where((enter < leave) & (leave > 0), np.maximum(enter, 0.0), np.inf)
        first = depth.argmin(axis=0)
        z: Floats = depth.min(axis=0)
        return np.where(np.isfinite(z), first, -1), z


def person_camera(
    rng: np.random.Generator,
    objects: Sequence[Object],
    inside: Callable[[Floats], bool],
    room: OrientedBox,
    *,
    width: int,
    height: int,
    views: Views,
) -> tuple[Camera, ...]:
    """What a person in a room might photograph.

    The camera is 1.2 to 1.7 m high and at least 0.3 m from every thing, and looks across the room, 15 degrees down to
    5 up, with a field of view of 55 to 75 degrees. Of some such places the one with the most in view is taken: four
    things or more where there are as many, none of them on more than 40% of the picture. A room with no free place is
    seen from a corner, under the ceiling.

    Args:
        rng: Draws places.
        objects: Everything in the room, walls too.
        inside: Whether a point (3,) is within the walls and not close to them.
        room: Box of the inside.
        width: Picture width in pixels.
        height: Picture height in pixels.
        views: As ``expand`` takes it; all its cameras keep clear.

    Returns:
        The cameras of ``expand``.
    """
    boxes = Boxes.of([thing.box for thing in objects])
    countable = np.array([BY_NAME[thing.label].isthing for thing in objects])
    in_the_way = Boxes.of([thing.box for thing in objects if BY_NAME[thing.label].role in ("object", "upright")])
    middle, size = np.array(room.center), np.array(room.size)
    floor = middle[1] - size[1] / 2
    found: list[tuple[float, tuple[Camera, ...]]] = []
    for _ in range(_ATTEMPTS):
        eye = middle + np.sign(rng.uniform(-1, 1, 3)) * size * (0.5 - 0.5 * rng.random(3) ** 2)
        eye[1] = floor + min(rng.uniform(1.2, 1.7), size[1] - 0.4)
        target = middle + size * rng.uniform(-0.3, 0.3, 3)
        away = math.hypot(target[0] - eye[0], target[2] - eye[2])
        target[1] = eye[1] + away * math.tan(math.radians(rng.uniform(-15.0, 5.0)))
        fov_deg = rng.uniform(55.0, 75.0)
        if away < 0.3 * math.hypot(size[0], size[2]) or not inside(eye) or in_the_way.distance_m(eye) < 0.3:
            continue
        camera = look_at(eye, target, width, height, fov_deg)
        first, depth = boxes.seen(camera)
        hits = np.bincount(first[first >= 0], minlength=len(objects)) * countable
        focus = float(np.median(np.minimum(depth, 8.0)))
        cameras = expand(camera, views, focus)
        eyes = [other.T_world_camera[:3, 3] for other in cameras]
        if not all(inside(place) and in_the_way.distance_m(place) > 0.2 for place in eyes):
            continue
        things, filled = int((hits > 1).sum()), hits / len(first)
        score = min(things, 12) + min(focus, 4.0) + 4.0 * min(filled.sum(), 0.5) - 20.0 * max(filled.max() - 0.4, 0.0)
        found.append((score, cameras))
        if len(found) == _CANDIDATES:
            break
    if not found:
        corners = [middle + (size / 2 - 0.3) * (x, 1.0, z) for x in (-1.0, 1.0) for z in (-1.0, 1.0)]
        corner = next(place for place in corners if inside(place))
        return expand(look_at(corner, middle, width, height, 75.0), views, 1.0)
    return max(found, key=lambda scored: scored[0])[1]
