"""Heads: skull, face, and hair or what covers it, of an adult, in metres: origin at the height of the chin."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import Literal

import numpy as np

from maquette.worlds.assets.solids import ball, ellipses, hull, loft, merged, mirrored
from maquette.worlds.materials import grey, linear
from maquette.worlds.types import Material, Part

Hair = Literal["short", "crop", "bob", "long", "bun", "cap", "beanie", "bald"]

# Height over the chin, half width, half depth, shift ahead.
_SKULL = (
    (0.0, 0.024, 0.028, 0.058), (0.008, 0.040, 0.046, 0.044), (0.03, 0.053, 0.068, 0.024), (0.06, 0.062, 0.084, 0.009),
    (0.09, 0.068, 0.091, 0.003), (0.12, 0.072, 0.094, -0.002), (0.15, 0.0745, 0.097, -0.004),
    (0.175, 0.070, 0.092, -0.007), (0.197, 0.059, 0.078, -0.010), (0.213, 0.043, 0.057, -0.012),
    (0.222, 0.025, 0.033, -0.012), (0.225, 0.01, 0.013, -0.012),
)  # fmt: skip


Look = Literal["skin", "lips", "tress", "white", "iris", "over"]

_WHITE = Material("plain", grey(0.8), roughness=0.3)
_IRIS = Material("plain", linear(0.12, 0.08, 0.05), roughness=0.2)


def head(hair: Hair, skin: Material, tress: Material, over: Material) -> list[Part]:
    """A head that looks along +Z.

    Args:
        hair: Cut, or what covers it.
        skin: Material of skin.
        tress: Material of hair.
        over: Material of a cap or beanie.
    """
    red, green, blue = skin.color
    lips = replace(skin, color=(0.75 * red, 0.45 * green, 0.45 * blue))
    looks: dict[Look, Material] = {
        "skin": skin,
        "lips": lips,
        "tress": tress,
        "white": _WHITE,
        "iris": _IRIS,
        "over": over,
    }
    return [replace(part, material=looks[look]) for look, part in (*_face(), *_hair(hair))]


@cache
def _face() -> tuple[tuple[Look, Part], ...]:
    """Skull, nose, mouth, eyes, brows and ears."""
    rows = np.array(_SKULL)
    centers = np.stack([np.zeros(len(rows)), rows[:, 0], rows[:, 3]], axis=-1)
    skull = loft(ellipses(centers, (0, 0, 1), (1, 0, 0), rows[:, 2], rows[:, 1], 16, 0.92), _WHITE)
    nose = hull(
        [(0, 0.118, 0.088), (-0.008, 0.11, 0.086), (0.008, 0.11, 0.086), (-0.016, 0.076, 0.086), (0.016, 0.076, 0.086),
         (-0.011, 0.075, 0.1), (0.011, 0.075, 0.1), (0, 0.082, 0.114), (0, 0.073, 0.108)],
        _WHITE, smooth=True,
    )  # fmt: skip
    mouth = ball((0.0, 0.05, 0.0865), (0.024, 0.0065, 0.008), _WHITE, sides=6)
    pairs: list[tuple[Look, Part]] = [
        ("white", ball((0.029, 0.113, 0.082), (0.012, 0.0068, 0.0105), _WHITE, sides=6)),
        ("iris", ball((0.029, 0.113, 0.0885), (0.0066, 0.0064, 0.0062), _WHITE, sides=6)),
        ("tress", ball((0.03, 0.131, 0.086), (0.017, 0.0035, 0.008), _WHITE, sides=6)),
        ("skin", ball((0.073, 0.1, -0.012), (0.009, 0.032, 0.018), _WHITE, sides=6)),
    ]
    both = ((look, merged([part, mirrored(part)])) for look, part in pairs)
    return (("skin", skull), ("skin", nose), ("lips", mouth), *both)


@cache
def _hair(hair: Hair) -> tuple[tuple[Look, Part], ...]:
    match hair:
        case "bald":
            return ()
        case "crop":
            return (("tress", _cap(0.06, 0.19, 1.0, 0.005)),)
        case "short":
            return (("tress", _cap(0.04, 0.188, 1.05, 0.013)),)
        case "bob":
            return (("tress", _cap(-0.005, 0.185, 0.75, 0.02)),)
        case "long":
            return (("tress", _cap(-0.1, 0.188, 0.8, 0.018)),)
        case "bun":
            bun = ball((0, 0.16, -0.125), (0.042, 0.042, 0.036), _WHITE, sides=10)
            return (("tress", _cap(0.04, 0.188, 1.0, 0.009)), ("tress", bun))
        case "beanie":
            return (("tress", _cap(0.05, 0.17, 1.05, 0.004)), ("over", _cap(0.095, 0.155, 1.1, 0.017)))
        case "cap":
            edge = [(0.07 * x, 0.06 + 0.105 * math.sqrt(1 - x * x)) for x in np.linspace(-1, 1, 9)]
            peak = hull([(x, y, z) for x, z in edge for y in (0.16, 0.168)], _WHITE)
            crown = _cap(0.12, 0.165, 1.0, 0.012)
            return (("tress", _cap(0.05, 0.17, 1.05, 0.004)), ("over", crown), ("over", peak))


def _cap(back: float, front: float, edge: float, lift_m: float) -> Part:
    """What covers the skull above a line that rises from ``back`` to ``front`` at ``edge`` radians from the face."""
    rows = np.array(_SKULL)
    turn = np.arange(16) * (2 * math.pi / 16)
    away = np.minimum(turn, 2 * math.pi - turn)
    share = np.clip((edge + 0.35 - away) / 0.7, 0.0, 1.0)
    low = back + (front - back) * share * share * (3 - 2 * share)
    t = np.array([0.0, 0.12, 0.35, 0.6, 0.82, 0.95, 1.0])[:, None]
    y = low + (0.223 - low) * t
    below = np.maximum(0.09 - y, 0.0)
    half, depth, shift = (np.interp(np.maximum(y, 0.09), rows[:, 0], column) for column in rows[:, 1:].T)
    shift = shift - 0.12 * below
    thick = lift_m * np.clip(0.35 + t * 4, 0.0, 1.0)
    x, z = (half + thick) * np.sin(turn), (depth + thick - 0.3 * below) * np.cos(turn) + shift
    return loft(np.stack([x, y + lift_m * t, z], axis=-1), _WHITE)
