"""People: outfits times poses, children and adults."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family
from maquette.worlds.assets.body import ARM, BELT, CHEST, LEG, SEAT, TROUSERS, Body, cut
from maquette.worlds.assets.heads import Hair, head
from maquette.worlds.assets.poses import POSES, UPRIGHT
from maquette.worlds.assets.skeleton import Pose, Proportions, skeleton
from maquette.worlds.assets.solids import grounded, posed, scaled
from maquette.worlds.materials import grey, hue, linear, muted
from maquette.worlds.types import Asset, Color, Material, Part

Rng = np.random.Generator
Outfit = Literal["t-shirt", "shirt", "jacket", "dress", "shorts", "mocap"]

OUTFITS: tuple[Outfit, ...] = ("t-shirt", "shirt", "jacket", "dress", "shorts", "mocap")
HELD_OUT = ("jacket", "kneeling")
"""Outfit and pose whose styles are unseen."""


@dataclass(frozen=True)
class Person:
    """A person.

    Attributes:
        outfit: What is worn.
        pose: Name of the pose.
        limbs: The pose.
        stature_m: Height when upright; below 1.4 m a child.
        girth: Thickness over that of a slim adult.
        womanly: 0 to 1: shoulders, waist, hips and bust.
        hair: Cut, or what covers it.
        skin: Material of skin.
        tress: Material of hair.
        top: Material of the shirt, dress or suit.
        over: Material of the jacket, belt, cap or beanie.
        bottom: Material of trousers, shorts.
        shoes: Material of shoes.
    """

    outfit: Outfit
    pose: str
    limbs: Pose
    stature_m: float
    girth: float
    womanly: float
    hair: Hair
    skin: Material
    tress: Material
    top: Material
    over: Material
    bottom: Material
    shoes: Material


def build(person: Person) -> Asset:
    """Make a person."""
    size = Proportions.of(person.stature_m, person.womanly)
    body = Body(skeleton(size, person.limbs), person.girth, person.womanly)
    parts = [*_below(person, body), *_above(person, body), body.neck(person.skin)]
    grown = (size.head, size.head, size.head)
    features = head(person.hair, person.skin, person.tress, person.over)
    parts += [posed(scaled(part, grown), body.bones.head) for part in features]
    if person.outfit == "mocap":
        parts.append(body.markers(Material("plain", grey(0.9), roughness=0.3)))
    return Asset("person", f"{person.outfit} {person.pose}", grounded(parts))


def _below(person: Person, body: Body) -> list[Part]:
    """Hips, legs and feet."""
    parts: list[Part] = []
    for limb in body.bones.legs:
        match person.outfit:
            case "dress":
                parts.append(body.sleeve(limb, LEG[3:], person.skin))
            case "shorts":
                parts.append(body.sleeve(limb, LEG[3:], person.skin))
                parts.append(body.sleeve(limb, cut(TROUSERS, 0.46), person.bottom, 0.012))
            case "mocap":
                parts.append(body.sleeve(limb, LEG, person.top, 0.004))
            case _:
                parts.append(body.sleeve(limb, TROUSERS, person.bottom))
    if person.outfit == "dress":
        parts += [body.skirt(person.top), body.trunk(BELT, person.over, 0.015)]
    else:
        parts.append(body.trunk(SEAT, person.top if person.outfit == "mocap" else person.bottom, 0.004))
    sole = Material("plain", grey(0.12 if person.outfit == "mocap" else 0.85), roughness=0.7)
    return [*parts, *body.shoe(0, person.shoes, sole), *body.shoe(1, person.shoes, sole)]


def _above(person: Person, body: Body) -> list[Part]:
    """Trunk, arms and hands."""
    tight = person.outfit == "mocap"
    parts = [body.trunk(CHEST, person.top, 0.003 if tight else 0.008)]
    if person.outfit == "jacket":
        parts.append(body.jacket(person.over))
    for side, limb in enumerate(body.bones.arms):
        match person.outfit:
            case "t-shirt" | "shorts" | "dress":
                parts.append(body.sleeve(limb, ARM[4:], person.skin))
                parts.append(body.sleeve(limb, cut(ARM, 0.3), person.top, 0.009))
            case "jacket":
                parts.append(body.sleeve(limb, cut(ARM, 0.97), person.over, 0.013))
            case _:
                parts.append(body.sleeve(limb, cut(ARM, 0.97), person.top, 0.004 if tight else 0.01))
        parts += body.hand(side, person.skin, points=person.limbs.points and side == 0)
    return parts


_SKINS = [
    linear(*srgb)
    for srgb in ((0.96, 0.8, 0.69), (0.91, 0.72, 0.58), (0.8, 0.6, 0.45), (0.62, 0.43, 0.31), (0.42, 0.28, 0.2))
]
_DARK_HAIR = [linear(0.09, 0.07, 0.06), linear(0.12, 0.09, 0.08), linear(0.22, 0.14, 0.09)]
_FAIR_HAIR = [linear(0.38, 0.25, 0.14), linear(0.72, 0.55, 0.32), linear(0.5, 0.22, 0.1), linear(0.3, 0.19, 0.11)]
_GREY_HAIR = [linear(0.5, 0.48, 0.46), grey(0.75)]
_TROUSERS = [linear(0.2, 0.27, 0.42), linear(0.12, 0.13, 0.17), linear(0.5, 0.46, 0.36), grey(0.35), grey(0.6)]
_JACKETS = [grey(0.13), linear(0.14, 0.17, 0.26), linear(0.36, 0.27, 0.2), grey(0.4), linear(0.3, 0.33, 0.24)]
_SUITS = [grey(0.1), grey(0.18), linear(0.1, 0.13, 0.22), linear(0.2, 0.22, 0.24)]
_SHOES = [grey(0.1), grey(0.85), linear(0.33, 0.2, 0.12), linear(0.5, 0.12, 0.12), linear(0.2, 0.3, 0.5)]


def _one(rng: Rng, colors: list[Color]) -> Color:
    return colors[rng.integers(len(colors))]


def _cloth(rng: Rng) -> Material:
    tile = "knit" if rng.random() < 0.4 else "weave"
    return Material(tile, hue(rng) if rng.random() < 0.6 else muted(rng), 0.3, 0.9)


def _hair(rng: Rng, outfit: Outfit, *, woman: bool, child: bool) -> Hair:
    if outfit != "mocap" and rng.random() < 0.15:
        return "cap" if rng.random() < 0.5 else "beanie"
    if woman:
        return ("bob", "long", "bun", "short")[rng.integers(4)]
    return ("short", "crop", "short", "bald")[rng.integers(3 if child else 4)]


def _sampler(outfit: Outfit, pose: str, rng: Rng) -> Person:
    child = outfit not in ("mocap", "jacket") and bool(rng.random() < 0.2)
    woman = outfit == "dress" or bool(rng.random() < 0.5)
    stature = rng.uniform(1.0, 1.4) if child else rng.normal(1.64 if woman else 1.77, 0.05)
    tone = int(rng.integers(len(_SKINS)))
    tress = _one(rng, _DARK_HAIR + _FAIR_HAIR if tone < 2 else _DARK_HAIR)
    if not child and rng.random() < 0.15:
        tress = _one(rng, _GREY_HAIR)
    tight = outfit == "mocap"
    return Person(
        outfit=outfit,
        pose=pose,
        limbs=POSES[pose](rng),
        stature_m=float(np.clip(stature, 1.0, 1.98)),
        girth=float(np.clip(rng.normal(1.04, 0.08), 0.92, 1.3)),
        womanly=rng.uniform(0.6, 1.0) if woman and not child else 0.0,
        hair=_hair(rng, outfit, woman=woman, child=child),
        skin=Material("skin", _SKINS[tone], 0.3, 0.6),
        tress=Material("hair", tress, 0.15, 0.6),
        top=Material("plain", _one(rng, _SUITS), roughness=0.65) if tight else _cloth(rng),
        over=Material("weave", _one(rng, _JACKETS), 0.3, 0.85) if outfit == "jacket" else _cloth(rng),
        bottom=Material("denim" if rng.random() < 0.5 else "weave", _one(rng, _TROUSERS), 0.3, 0.9),
        shoes=Material("plain", grey(0.08)) if tight else Material("leather", _one(rng, _SHOES), 0.3, 0.5),
    )


_PAIRS = [(outfit, pose) for outfit in OUTFITS for pose in POSES if outfit != "dress" or pose in UPRIGHT]

FAMILY = Family(
    name="person",
    label="person",
    stands="floor",
    styles={f"{outfit} {pose}": partial(_sampler, outfit, pose) for outfit, pose in _PAIRS},
    unseen=tuple(f"{outfit} {pose}" for outfit, pose in _PAIRS if outfit in HELD_OUT or pose in HELD_OUT),
    build=build,
)
