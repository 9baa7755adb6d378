"""Bodies keep their proportions in every pose."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maquette.worlds.assets.person import FAMILY, HELD_OUT, OUTFITS, Person
from maquette.worlds.assets.poses import POSES, UPRIGHT
from maquette.worlds.assets.skeleton import Foot, Hand, Limb, Pose, Proportions, Skeleton, Spine, rotation, skeleton
from maquette.worlds.types import Asset, Floats

STATURES = st.floats(1.0, 2.0)
UNIT = st.floats(-1, 1)


def posed(name: str, seed: int, stature_m: float = 1.75) -> Skeleton:
    return skeleton(Proportions.of(stature_m, 0.0), POSES[name](np.random.default_rng(seed)))


def bones(limb: Limb) -> tuple[float, float]:
    return float(np.linalg.norm(limb.joint - limb.root)), float(np.linalg.norm(limb.end - limb.joint))


def person(style: str, seed: int = 0) -> Person:
    made = FAMILY.styles[style](np.random.default_rng(seed))
    assert isinstance(made, Person)
    return made


def height(asset: Asset) -> float:
    low, high = asset.bounds
    return float(high[1] - low[1])


@settings(max_examples=50, deadline=None)
@given(st.tuples(UNIT, UNIT, UNIT), st.tuples(UNIT, UNIT), STATURES)
def test_bones_keep_their_lengths_wherever_hands_and_feet_go(
    reach: tuple[float, float, float], step: tuple[float, float], stature_m: float
) -> None:
    size = Proportions.of(stature_m, 0.5)
    hand = Hand((reach[0], reach[1], reach[2] + 0.01))
    foot = Foot(step[0], step[1], pitch_rad=0.3)
    body = skeleton(size, Pose(hip=0.6, feet=(foot, foot), hands=(hand, hand)))
    for leg in body.legs:
        assert bones(leg) == pytest.approx((size.thigh_m, size.shank_m), rel=1e-6)
    for arm in body.arms:
        assert bones(arm) == pytest.approx((size.upper_arm_m, size.forearm_m), rel=1e-6)


@pytest.mark.parametrize("name", POSES)
@pytest.mark.parametrize("seed", range(3))
def test_feet_are_at_the_ends_of_legs_and_knees_bend_as_knees_do(name: str, seed: int) -> None:
    body = posed(name, seed)
    for leg, foot in zip(body.legs, body.feet, strict=True):
        assert foot[:3, 3] == pytest.approx(leg.end)
        thigh, shank = leg.joint - leg.root, leg.end - leg.joint
        assert np.cross(shank, thigh) @ leg.across <= 1e-9
        assert math.acos(np.clip(thigh @ shank / np.prod(bones(leg)), -1, 1)) < math.radians(160)


@pytest.mark.parametrize("name", UPRIGHT)
def test_a_body_on_its_legs_has_a_foot_flat_on_the_ground(name: str) -> None:
    body = posed(name, 1)
    assert min(foot[1, 3] for foot in body.feet) == pytest.approx(body.size.ankle_m, abs=1e-6)


def test_the_bend_of_a_limb_is_smooth_and_meets_its_ends() -> None:
    limb = posed("sitting", 2).legs[0]
    way = np.linspace(0, 1, 2001)
    places, directions = limb.at(way)
    assert places[[0, -1]] == pytest.approx(np.stack([limb.root, limb.end]))
    steps = np.diff(places, axis=0)
    steps /= np.linalg.norm(steps, axis=1, keepdims=True)
    assert (steps * directions[1:]).sum(axis=1).min() > 0.999
    assert (steps[1:] * steps[:-1]).sum(axis=1).min() > 0.999


@settings(max_examples=50, deadline=None)
@given(st.floats(-1, 1), st.floats(-3, 3))
def test_rotations_are_rotations(pitch_rad: float, yaw_rad: float) -> None:
    turn: Floats = rotation(pitch_rad, yaw_rad)
    assert turn @ turn.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)
    assert rotation(pitch_rad)[:, 2] == pytest.approx((0, -math.sin(pitch_rad), math.cos(pitch_rad)))
    assert rotation(0.0, yaw_rad)[:, 2] == pytest.approx((math.sin(yaw_rad), 0, math.cos(yaw_rad)))


@pytest.mark.parametrize("stature_m", [1.0, 1.2, 1.5, 1.75, 1.95])
def test_people_are_as_tall_as_they_should_be(stature_m: float) -> None:
    for outfit in OUTFITS:
        made = replace(person(f"{outfit} standing"), stature_m=stature_m, hair="bald")
        assert height(FAMILY.build(made)) == pytest.approx(stature_m, rel=0.025)


def test_children_have_larger_heads_and_shorter_legs_for_their_size() -> None:
    """From about a sixth of the stature at 1.1 m to less than an eighth at 1.8 m (Richer's canon)."""
    child, adult = Proportions.of(1.1, 0.0), Proportions.of(1.8, 0.0)
    assert 1 / 6.2 < 0.225 * child.head / 1.1 < 1 / 5.4
    assert 1 / 8.2 < 0.225 * adult.head / 1.8 < 1 / 7.5
    assert (child.thigh_m + child.shank_m) / 1.1 < (adult.thigh_m + adult.shank_m) / 1.8


def test_poses_have_the_heights_that_they_should() -> None:
    upright = height(FAMILY.build(person("shirt standing")))
    for pose, least, most in (
        ("kneeling", 0.62, 0.85),
        ("crouching", 0.5, 0.78),
        ("sitting", 0.38, 0.62),
        ("arms raised", 1.1, 1.4),
        ("walking", 0.93, 1.02),
    ):
        made = replace(person("shirt standing"), limbs=POSES[pose](np.random.default_rng(0)))
        assert least < height(FAMILY.build(made)) / upright < most, pose


def test_a_pointing_hand_points_ahead() -> None:
    body = posed("pointing", 0)
    arm = body.arms[0].end - body.arms[0].root
    assert arm[2] > 0.7 * np.linalg.norm(arm)


def test_every_pair_of_outfit_and_pose_is_a_style_but_skirts_on_the_ground() -> None:
    assert {tuple(style.split(" ", 1)) for style in FAMILY.styles} == {
        (outfit, pose) for outfit in OUTFITS for pose in POSES if outfit != "dress" or pose in UPRIGHT
    }
    assert all((outfit in HELD_OUT) or (pose in HELD_OUT) for outfit, pose in (s.split(" ", 1) for s in FAMILY.unseen))


@given(st.floats(-0.6, 0.6), st.floats(-0.6, 0.6), st.floats(-0.5, 0.5), st.lists(st.floats(-0.1, 0.6), min_size=2))
@settings(max_examples=50, deadline=None)
def test_the_spine_is_one_line_however_it_is_asked(
    lean_rad: float, bend_rad: float, twist_rad: float, heights: list[float]
) -> None:
    spine = Spine(np.array([0.0, 1.0, 0.0]), 1.1, lean_rad, bend_rad, twist_rad)
    together, frames = spine.at(heights)
    for place, frame, height_m in zip(together, frames, heights, strict=True):
        (alone,), (turn,) = spine.at([height_m])
        assert place == pytest.approx(alone) and frame == pytest.approx(turn)
    fine, turns = spine.at(np.linspace(0, 0.6, 601))
    steps = np.diff(fine, axis=0)
    assert fine[0] == pytest.approx((0, 1, 0), abs=1e-9)
    assert np.linalg.norm(steps, axis=1) == pytest.approx(0.0011, rel=0.01)
    assert (steps * turns[1:, :, 1]).sum(axis=1) == pytest.approx(0.0011, rel=0.01)
