"""Poses in which a person stands, kneels or sits on the ground, each sampled around its mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from maquette.worlds.assets.skeleton import Foot, Hand, Pose, jitter

Rng = np.random.Generator

_BACK = (0.4, 0.0, -1.0)


def _hanging(rng: Rng, ahead: float = 0.0) -> Hand:
    return Hand(jitter(rng, (0.15, -0.95, 0.05 + ahead), 0.04), _BACK)


def _planted(rng: Rng) -> tuple[Foot, Foot]:
    """Feet of someone who stands still."""
    spread, step = rng.uniform(0.0, 0.12), rng.uniform(-0.06, 0.06)
    return (
        Foot(spread, step, yaw_rad=rng.uniform(0.05, 0.4)),
        Foot(spread, -step, yaw_rad=rng.uniform(0.05, 0.4)),
    )


def _standing(rng: Rng, hands: tuple[Hand, Hand], *, twist: float = 0.12, points: bool = False) -> Pose:
    return Pose(
        hip=rng.uniform(0.97, 0.985),
        feet=_planted(rng),
        hands=hands,
        bend_rad=rng.uniform(-0.03, 0.06),
        twist_rad=rng.uniform(-twist, twist),
        nod_rad=rng.uniform(-0.1, 0.15),
        turn_rad=rng.uniform(-0.5, 0.5),
        points=points,
    )


def standing(rng: Rng) -> Pose:
    """Arms hang down."""
    return _standing(rng, (_hanging(rng), _hanging(rng)))


def walking(rng: Rng) -> Pose:
    """In the middle of a step, the arms swinging against the legs."""
    stride = rng.uniform(0.2, 0.34)
    front = Foot(-0.03, stride, yaw_rad=0.1)
    rear = Foot(-0.03, -stride - 0.04, pitch_rad=1.3 * stride + 0.1, yaw_rad=0.1)
    fore = Hand(jitter(rng, (0.12, -0.82, 0.12 + stride), 0.04), _BACK)
    aft = Hand(jitter(rng, (0.16, -0.9, -0.06 - stride), 0.04), _BACK)
    left = bool(rng.random() < 0.5)
    return Pose(
        hip=0.975 - 0.45 * stride**2,
        feet=(front, rear) if left else (rear, front),
        hands=(aft, fore) if left else (fore, aft),
        lean_rad=0.04,
        bend_rad=rng.uniform(0.0, 0.06),
        twist_rad=-0.2 if left else 0.2,
        turn_rad=rng.uniform(0.0, 0.3) if left else rng.uniform(-0.3, 0.0),
    )


def arms_raised(rng: Rng) -> Pose:
    """Both hands up."""
    out, ahead = rng.uniform(0.2, 0.6), rng.uniform(-0.1, 0.25)
    reach = (out, rng.uniform(0.72, 0.78), ahead)
    return _standing(rng, (Hand(jitter(rng, reach, 0.06), (1.0, -0.2, 0.1)), Hand(reach, (1.0, -0.2, 0.1))))


def arms_out(rng: Rng) -> Pose:
    """Arms stretched sideways, as for calibrating motion capture."""
    reach = (0.995, rng.uniform(-0.12, 0.06), rng.uniform(-0.05, 0.1))
    return _standing(rng, (Hand(reach, (0.0, -0.3, -1.0)), Hand(reach, (0.0, -0.3, -1.0))), twist=0.02)


def waving(rng: Rng) -> Pose:
    """One hand beside the head."""
    up = Hand(jitter(rng, (0.5, 0.5, 0.2), 0.08), (0.7, -1.0, -0.1))
    down = _hanging(rng)
    return _standing(rng, (up, down) if rng.random() < 0.5 else (down, up))


def pointing(rng: Rng) -> Pose:
    """The left arm points at something."""
    target = Hand(jitter(rng, (0.3, 0.0, 0.93), 0.12), (0.5, -1.0, 0.0))
    return _standing(rng, (target, _hanging(rng)), points=True)


def hands_on_hips(rng: Rng) -> Pose:
    """Elbows out."""
    hand = Hand(jitter(rng, (0.1, -0.64, 0.06), 0.015), (1.0, 0.0, -0.35))
    return _standing(rng, (hand, hand))


def crouching(rng: Rng) -> Pose:
    """Squatting on the balls of the feet, the arms on the knees."""
    feet = tuple(
        Foot(0.08, rng.uniform(-0.09, -0.05), pitch_rad=0.55, yaw_rad=0.3, knee=(0.45, 0.3, 1.0)) for _ in range(2)
    )
    hand = Hand(jitter(rng, (0.0, -0.42, 0.66), 0.04), (0.8, -0.5, -0.4))
    other = Hand(jitter(rng, (0.0, -0.46, 0.62), 0.04), (0.8, -0.5, -0.4))
    return Pose(
        hip=rng.uniform(0.27, 0.33),
        feet=(feet[0], feet[1]),
        hands=(hand, other),
        lean_rad=0.3,
        bend_rad=rng.uniform(0.25, 0.4),
        nod_rad=-0.25,
        turn_rad=rng.uniform(-0.3, 0.3),
    )


def kneeling(rng: Rng) -> Pose:
    """On one knee."""
    front = Foot(0.05, 0.44, yaw_rad=0.1, knee=(0.15, 1.0, 1.0))
    rear = Foot(0.0, -0.5, pitch_rad=1.15, yaw_rad=0.0, knee=(0.1, -1.0, 1.0))
    rest = Hand(jitter(rng, (-0.05, -0.62, 0.5), 0.04), (0.9, -0.2, -0.6))
    down = _hanging(rng)
    left = bool(rng.random() < 0.5)
    return Pose(
        hip=0.52,
        feet=(front, rear) if left else (rear, front),
        hands=(rest, down) if left else (down, rest),
        lean_rad=0.03,
        bend_rad=rng.uniform(0.0, 0.2),
        nod_rad=rng.uniform(-0.1, 0.2),
        turn_rad=rng.uniform(-0.4, 0.4),
    )


def sitting(rng: Rng) -> Pose:
    """On the ground: legs stretched, drawn up, or crossed."""
    turn = rng.uniform(-0.4, 0.4)
    pick = rng.integers(3)
    if pick == 0:
        leg = Foot(0.03, rng.uniform(1.02, 1.09), pitch_rad=-1.25, yaw_rad=0.25, knee=(0.1, 1.0, 0.0))
        hands = tuple(Hand(jitter(rng, (0.25, -0.66, -0.3), 0.02), (0.3, 0.0, -1.0)) for _ in range(2))
        return Pose(0.05, (leg, leg), (hands[0], hands[1]), -0.35, 0.1, 0.0, 0.1, turn)
    if pick == 1:
        leg = Foot(0.02, rng.uniform(0.5, 0.58), yaw_rad=0.15, knee=(0.1, 1.0, 0.3))
        hand = Hand((-0.2, -0.33, 0.7), (1.0, -0.5, 0.0))
        return Pose(0.05, (leg, leg), (hand, hand), 0.0, 0.35, 0.0, -0.15, turn)
    legs = (
        Foot(-0.36, 0.26, yaw_rad=-1.2, knee=(1.0, 0.25, 0.6)),
        Foot(-0.30, 0.40, yaw_rad=-1.2, knee=(1.0, 0.25, 0.6)),
    )
    hand = Hand((0.12, -0.6, 0.52), (1.0, -0.2, -0.3))
    return Pose(0.05, legs, (hand, hand), -0.05, 0.2, 0.0, -0.05, turn)


POSES: Mapping[str, Callable[[Rng], Pose]] = {
    "standing": standing,
    "walking": walking,
    "arms raised": arms_raised,
    "arms out": arms_out,
    "waving": waving,
    "pointing": pointing,
    "hands on hips": hands_on_hips,
    "crouching": crouching,
    "kneeling": kneeling,
    "sitting": sitting,
}
"""Samplers of poses by name."""

UPRIGHT = ("standing", "walking", "arms raised", "arms out", "waving", "pointing", "hands on hips")
"""Those on straight legs, which a skirt can fall around."""
