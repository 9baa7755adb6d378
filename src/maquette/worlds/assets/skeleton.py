"""Bodies as joints: proportions that grow with stature, poses by where hands and feet are, and the bends between."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from maquette.worlds.types import Floats

Vector = tuple[float, float, float]

_REFERENCE_M = 1.75
"""Stature at which the profiles of ``person`` are given."""


@dataclass(frozen=True)
class Foot:
    """Where a foot is.

    Attributes:
        out: Sideways from below its hip, in lengths of the leg.
        ahead: Forward of the hips, in lengths of the leg.
        pitch_rad: Heel up (the toes stay on the ground) or, below 0, toes up (the heel stays).
        yaw_rad: Turned outward.
        knee: Direction in which the knee bends: outward, up, ahead.
    """

    out: float = 0.0
    ahead: float = 0.0
    pitch_rad: float = 0.0
    yaw_rad: float = 0.15
    knee: Vector = (0.1, 0.0, 1.0)


@dataclass(frozen=True)
class Hand:
    """Where a hand is.

    Attributes:
        reach: From the shoulder to the wrist: outward, up and ahead of the chest, in lengths of the arm.
        elbow: Direction in which the elbow bends: outward, up, ahead.
    """

    reach: Vector = (0.14, -0.96, 0.04)
    elbow: Vector = (0.4, 0.0, -1.0)


@dataclass(frozen=True)
class Pose:
    """How a body holds itself; left comes first.

    Attributes:
        hip: Height of the hips over the ankles, in lengths of the leg.
        feet: Where the feet are.
        hands: Where the hands are.
        lean_rad: The pelvis tips forward.
        bend_rad: The chest tips further forward.
        twist_rad: The chest turns to the left.
        nod_rad: The head looks down.
        turn_rad: The head turns to the left, over the chest.
        points: The index finger of the left hand is stretched, the others are folded.
    """

    hip: float = 0.985
    feet: tuple[Foot, Foot] = (Foot(), Foot())
    hands: tuple[Hand, Hand] = (Hand(), Hand())
    lean_rad: float = 0.0
    bend_rad: float = 0.0
    twist_rad: float = 0.0
    nod_rad: float = 0.0
    turn_rad: float = 0.0
    points: bool = False


@dataclass(frozen=True)
class Proportions:
    """Lengths of a body in metres; children have larger heads and shorter legs.

    Attributes:
        body: Size of the body below the chin, over that of an adult of 1.75 m.
        head: Height of the head over 0.225 m.
        thigh_m: Hip to knee.
        shank_m: Knee to ankle.
        ankle_m: Height of the ankle over the sole.
        upper_arm_m: Shoulder to elbow.
        forearm_m: Elbow to wrist.
        torso: Height of the torso over that of the adult.
        hip_m: Half the distance of the hips.
        shoulder_m: Half the distance of the shoulders.
    """

    body: float
    head: float
    thigh_m: float
    shank_m: float
    ankle_m: float
    upper_arm_m: float
    forearm_m: float
    torso: float
    hip_m: float
    shoulder_m: float

    @classmethod
    def of(cls, stature_m: float, womanly: float) -> Proportions:
        """Those of a person of some stature; ``womanly`` from 0 to 1 narrows the shoulders."""
        ratio = stature_m / _REFERENCE_M
        head = ratio**0.35
        body = (stature_m - 0.225 * head) / (_REFERENCE_M - 0.225)
        legs = body * ratio**0.12
        torso = (stature_m - 0.225 * head - 0.92 * legs) / (_REFERENCE_M - 0.225 - 0.92)
        shoulder = 0.172 * body * (1 - 0.11 * womanly)
        return cls(
            body, head, 0.43 * legs, 0.415 * legs, 0.075 * body, 0.28 * body, 0.25 * body, torso, 0.088 * body, shoulder
        )


@dataclass(frozen=True, eq=False)
class Limb:
    """An arm or a leg: two bones with a rounded bend between.

    Attributes:
        root: (3,) shoulder or hip.
        joint: (3,) elbow or knee.
        end: (3,) wrist or ankle.
        across: (3,) unit normal of the plane in which it bends.
        bend_m: How far from the joint the rounding begins.
    """

    root: Floats
    joint: Floats
    end: Floats
    across: Floats
    bend_m: float

    def at(self, way: Floats) -> tuple[Floats, Floats]:
        """Places and unit directions, each (n, 3), along it: 0 is the root, 0.5 the joint, 1 the end."""
        upper, lower = self.joint - self.root, self.end - self.joint
        first, second = math.sqrt(upper @ upper), math.sqrt(lower @ lower)
        run = np.where(way < 0.5, (way - 0.5) * 2 * first, (way - 0.5) * 2 * second)[:, None]
        u, v = upper / first, lower / second
        straight = self.joint + run * np.where(run < 0, u, v)
        t = np.clip(run / self.bend_m, -1.0, 1.0) / 2 + 0.5
        bent = self.joint + self.bend_m * (t**2 * v - (1 - t) ** 2 * u)
        direction = (1 - t) * u + t * v
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        return np.where(np.abs(run) < self.bend_m, bent, straight), direction


@dataclass(frozen=True, eq=False)
class Spine:
    """The line that a torso is built around.

    Attributes:
        pelvis: (3,) the middle between the hips, where it begins.
        torso: Height of the torso over that of an adult of 1.75 m.
        lean_rad: The pelvis tips forward.
        bend_rad: The chest tips further forward.
        twist_rad: The chest turns to the left.
    """

    pelvis: Floats
    torso: float
    lean_rad: float
    bend_rad: float
    twist_rad: float

    def at(self, heights: ArrayLike) -> tuple[Floats, Floats]:
        """Places (n, 3) and frames (n, 3, 3) at heights over the hips, given in metres of the adult."""
        up = self._frames(_SPINE)[:, :, 1] * self.torso
        rise = np.concatenate([np.zeros((1, 3)), np.cumsum((up[1:] + up[:-1]) / 2 * np.diff(_SPINE)[:, None], axis=0)])
        wanted = np.asarray(heights, dtype=np.float64)
        places = np.stack([np.interp(wanted, _SPINE, column) for column in rise.T], axis=-1)
        return self.pelvis + _SPINE[0] * up[0] + places, self._frames(wanted)

    def _frames(self, heights: Floats) -> Floats:
        t = np.clip((heights - 0.05) / 0.3, 0.0, 1.0)
        share = t * t * (3 - 2 * t)
        return rotation(self.lean_rad + self.bend_rad * share, self.twist_rad * share)


_SPINE = np.linspace(-0.12, 0.63, 26)
"""Heights between which a spine is straight, metres of the adult."""


@dataclass(frozen=True, eq=False)
class Skeleton:
    """A body in a pose, y = 0 at the soles of flat feet, the pelvis above the origin.

    Attributes:
        size: Its proportions.
        spine: From the hips to the neck.
        legs: Left and right.
        feet: (4, 4) poses of the feet, origin at the ankle, left and right.
        arms: Left and right.
        head: (4, 4) pose of the head, origin at the height of the chin, below the middle of the skull.
    """

    size: Proportions
    spine: Spine
    legs: tuple[Limb, Limb]
    feet: tuple[Floats, Floats]
    arms: tuple[Limb, Limb]
    head: Floats


def rotation(pitch_rad: ArrayLike, yaw_rad: ArrayLike = 0.0) -> Floats:
    """(..., 3, 3) rotations: +Z tips down by the pitch, then turns about +Y towards +X."""
    cp, sp, cy, sy = np.broadcast_arrays(np.cos(pitch_rad), np.sin(pitch_rad), np.cos(yaw_rad), np.sin(yaw_rad))
    turn = np.stack([cy, sy * sp, sy * cp, np.zeros_like(cp), cp, -sp, -sy, cy * sp, cy * cp], axis=-1)
    return turn.reshape(*turn.shape[:-1], 3, 3)


def skeleton(size: Proportions, pose: Pose) -> Skeleton:
    """Put a body into a pose."""
    leg = size.thigh_m + size.shank_m
    pelvis = np.array([0.0, size.ankle_m + pose.hip * leg, 0.0])
    hips = rotation(pose.lean_rad)
    legs, feet = [], []
    for side, foot in zip((1.0, -1.0), pose.feet, strict=True):
        root = pelvis + hips @ (side * size.hip_m, 0.0, 0.0)
        pivot = np.array([0.0, -size.ankle_m, (0.2 if foot.pitch_rad > 0 else -0.073) * size.body])
        yaw = side * foot.yaw_rad
        frame = np.eye(4)
        frame[:3, :3] = rotation(foot.pitch_rad, yaw)
        flat = np.array([side * (size.hip_m + foot.out * leg), size.ankle_m, foot.ahead * leg])
        frame[:3, 3] = flat + rotation(0.0, yaw) @ pivot - frame[:3, :3] @ pivot
        legs.append(_limb(root, frame[:3, 3], size.thigh_m, size.shank_m, np.array(foot.knee) * (side, 1.0, 1.0)))
        frame[:3, 3] = legs[-1].end
        feet.append(frame)
    spine = Spine(pelvis, size.torso, pose.lean_rad, pose.bend_rad, pose.twist_rad)
    (shoulders, throat), (chest, _) = spine.at([0.478, 0.6])
    arms = []
    for side, hand in zip((1.0, -1.0), pose.hands, strict=True):
        reach = np.array(hand.reach) * (side, 1.0, 1.0)
        lift = max(0.0, reach[1] + 0.3) * 0.05
        root = shoulders + chest @ np.array(
            [side * (size.shoulder_m - 0.5 * lift * size.body), lift * size.body, -0.01]
        )
        wrist = root + chest @ reach * (size.upper_arm_m + size.forearm_m)
        pole = chest @ (np.array(hand.elbow) * (side, 1.0, 1.0))
        arms.append(_limb(root, wrist, size.upper_arm_m, size.forearm_m, pole))
    head = np.eye(4)
    tip = pose.lean_rad + pose.bend_rad
    head[:3, :3] = rotation(pose.nod_rad + 0.3 * tip, pose.twist_rad + pose.turn_rad)
    head[:3, 3] = throat + rotation(0.65 * tip, pose.twist_rad) @ (0.0, 0.005 * size.body, 0.012 * size.body)
    return Skeleton(size, spine, (legs[0], legs[1]), (feet[0], feet[1]), (arms[0], arms[1]), head)


def _limb(root: Floats, target: ArrayLike, upper_m: float, lower_m: float, pole: Floats) -> Limb:
    """Two bones from the root to a target, or towards it where it is too far, bent towards ``pole``."""
    way = np.asarray(target) - root
    distance = math.sqrt(way @ way)
    direction = way / distance
    reach = min(max(distance, abs(upper_m - lower_m) + 0.02), 0.999 * (upper_m + lower_m))
    out = pole - (pole @ direction) * direction
    out /= math.sqrt(out @ out)
    along = (upper_m**2 - lower_m**2 + reach**2) / (2 * reach)
    joint = root + along * direction + math.sqrt(max(upper_m**2 - along**2, 0.0)) * out
    return Limb(root, joint, root + reach * direction, np.cross(out, direction), 0.2 * upper_m)


def jitter(rng: np.random.Generator, values: Sequence[float], spread: float) -> Vector:
    """Three numbers, each moved by at most ``spread``."""
    x, y, z = np.asarray(values) + rng.uniform(-spread, spread, 3)
    return float(x), float(y), float(z)
