"""Flesh and cloth around a skeleton: sleeves, trunks, skirts, hands, shoes and a neck.

Profiles are of a slim adult of 1.75 m, in metres, and grow with the body.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from maquette.worlds.assets.batch import sticks
from maquette.worlds.assets.skeleton import Limb, Skeleton
from maquette.worlds.assets.solids import ellipses, hull, loft, posed, scaled, shaded
from maquette.worlds.types import Floats, Material, Part

Profile = Sequence[tuple[float, float, float, float]]

# Limbs: way (0 root, 0.5 joint, 1 end), half width across the plane in which it bends, half depth in it, shift towards
# the outside of the bend.
LEG: Profile = (
    (-0.02, 0.070, 0.074, 0.0), (0.1, 0.083, 0.090, 0.0), (0.25, 0.075, 0.083, 0.004), (0.4, 0.060, 0.067, 0.005),
    (0.46, 0.055, 0.062, 0.008), (0.5, 0.053, 0.060, 0.013), (0.54, 0.051, 0.058, 0.008), (0.6, 0.052, 0.056, -0.003),
    (0.68, 0.054, 0.059, -0.012), (0.78, 0.046, 0.050, -0.010), (0.9, 0.036, 0.041, -0.005), (1.0, 0.034, 0.042, 0.0),
    (1.06, 0.034, 0.042, 0.0),
)  # fmt: skip
TROUSERS: Profile = (
    (-0.02, 0.080, 0.086, 0.0), (0.1, 0.091, 0.098, 0.0), (0.25, 0.082, 0.089, 0.004), (0.4, 0.070, 0.076, 0.005),
    (0.46, 0.066, 0.071, 0.008), (0.5, 0.065, 0.070, 0.012), (0.54, 0.064, 0.069, 0.007), (0.62, 0.064, 0.068, 0.0),
    (0.75, 0.060, 0.065, -0.004), (0.9, 0.057, 0.063, 0.0), (1.03, 0.058, 0.068, 0.008),
)  # fmt: skip
ARM: Profile = (
    (-0.095, 0.020, 0.022, 0.0), (-0.08, 0.036, 0.040, 0.0), (-0.04, 0.052, 0.056, 0.0), (0.03, 0.056, 0.060, 0.0),
    (0.12, 0.053, 0.056, 0.0), (0.27, 0.045, 0.049, -0.003), (0.42, 0.038, 0.041, 0.001),
    (0.5, 0.037, 0.040, 0.006), (0.54, 0.039, 0.041, 0.003), (0.62, 0.041, 0.041, 0.0), (0.78, 0.034, 0.034, 0.0),
    (0.93, 0.023, 0.027, 0.0), (1.03, 0.020, 0.027, 0.0),
)  # fmt: skip

# Torso: height over the hips, half width, half depth, shift ahead.
SEAT: Profile = (
    (-0.10, 0.055, 0.060, -0.012), (-0.07, 0.125, 0.098, -0.014), (-0.02, 0.164, 0.117, -0.012),
    (0.05, 0.166, 0.114, -0.006), (0.11, 0.155, 0.106, 0.0), (0.15, 0.147, 0.099, 0.0),
)  # fmt: skip
BELT: Profile = ((0.135, 0.149, 0.101, 0.001), (0.17, 0.150, 0.102, 0.002))
CHEST: Profile = (
    (0.02, 0.168, 0.117, -0.004), (0.09, 0.161, 0.110, 0.0), (0.17, 0.150, 0.102, 0.002), (0.25, 0.157, 0.108, 0.002),
    (0.32, 0.170, 0.118, 0.0), (0.39, 0.180, 0.120, -0.003), (0.45, 0.185, 0.109, -0.012), (0.50, 0.180, 0.092, -0.020),
    (0.53, 0.158, 0.078, -0.024), (0.553, 0.117, 0.068, -0.022), (0.57, 0.080, 0.062, -0.018),
)  # fmt: skip

# Hand: way from the wrist, half width, half thickness, shift towards the palm.
_PALM = (
    (-0.01, 0.026, 0.019, 0.0), (0.03, 0.034, 0.019, 0.0), (0.07, 0.043, 0.016, 0.002), (0.092, 0.043, 0.013, 0.005),
    (0.102, 0.036, 0.009, 0.007),
)  # fmt: skip
_FIST = ((-0.01, 0.026, 0.019, 0.0), (0.03, 0.034, 0.022, 0.0), (0.07, 0.042, 0.026, 0.006), (0.095, 0.03, 0.02, 0.008))

# Shoe: ahead of the ankle, half width, height, shift outward.
_SHOE = (
    (-0.072, 0.020, 0.045, 0.0), (-0.062, 0.030, 0.072, 0.0), (-0.03, 0.036, 0.088, 0.0), (0.03, 0.037, 0.092, 0.0),
    (0.07, 0.041, 0.074, 0.002), (0.12, 0.047, 0.055, 0.005), (0.17, 0.042, 0.044, 0.003),
    (0.197, 0.018, 0.028, -0.003),
)  # fmt: skip

_THUMB = ((0.02, 0.02, 0.004), (0.05, 0.045, 0.01), (0.085, 0.058, 0.014), (0.108, 0.06, 0.018))
_KNUCKLES = np.array([(0.085, y, 0.005) for y in (0.032, 0.0108, -0.0108, -0.032)])
_TIPS = np.array([(0.166, 0.037, 0.02), (0.182, 0.0125, 0.02), (0.173, -0.0125, 0.022), (0.148, -0.036, 0.024)])
_INDEX = ((0.07, 0.028, 0.0), (0.12, 0.028, 0.0), (0.16, 0.028, 0.0), (0.172, 0.028, 0.0))


@dataclass(frozen=True, eq=False)
class Body:
    """A body in a pose.

    Attributes:
        bones: Its skeleton.
        girth: Thickness over that of a slim adult.
        womanly: 0 to 1: waist, hips and bust.
    """

    bones: Skeleton
    girth: float
    womanly: float

    @property
    def scale(self) -> float:
        """Size of the body below the chin, over that of an adult of 1.75 m."""
        return self.bones.size.body

    def sleeve(self, limb: Limb, profile: Profile, material: Material, ease_m: float = 0.0) -> Part:
        """A limb's skin, or cloth around it that stands off by ``ease_m``."""
        rows = np.array(profile)
        scale = self.scale * self.girth**0.7 * (1 - 0.08 * self.womanly)
        centers, way = limb.at(rows[:, 0])
        out = np.cross(way, limb.across)
        centers = centers + out * (rows[:, 3] * scale)[:, None]
        rings = ellipses(centers, limb.across, out, rows[:, 1] * scale + ease_m, rows[:, 2] * scale + ease_m, 10)
        return loft(rings, material)

    def _girths(self, rows: Floats, ease_m: float) -> tuple[Floats, Floats, Floats]:
        """Half widths, half depths and bust of the trunk at its heights, metres."""
        y, woman, stout = rows[:, 0], self.womanly, self.girth - 1
        belly = np.exp(-(((y - 0.14) / 0.13) ** 2))
        waist = np.exp(-(((y - 0.19) / 0.08) ** 2))
        width = (1 - woman * (0.09 * waist + 0.1 * (y > 0.4) - 0.04 * (y < 0.08))) * (1 + stout * (0.7 + 0.5 * belly))
        depth = (1 - 0.05 * woman) * (1 + stout * (0.8 + 1.3 * belly))
        bust = 0.034 * woman * np.exp(-(((y - 0.36) / 0.06) ** 2))
        return self.scale * rows[:, 1] * width + ease_m, self.scale * rows[:, 2] * depth + ease_m, self.scale * bust

    def trunk(self, profile: Profile, material: Material, ease_m: float, opening: Floats | None = None) -> Part:
        """Cloth around the spine; within ``opening`` radians to each side of the front, rings are cut straight."""
        rows = np.array(profile)
        places, frames = self.bones.spine.at(rows[:, 0])
        half, depth, bust = self._girths(rows, ease_m)
        start = np.zeros((len(rows), 1)) if opening is None else opening[:, None]
        turn = start + np.linspace(0, 1, 17, endpoint=opening is not None) * (2 * math.pi - 2 * start)
        s, c = np.sin(turn), np.cos(turn)
        x = half[:, None] * np.sign(s) * np.abs(s) ** 0.9
        z = depth[:, None] * np.sign(c) * np.abs(c) ** 0.9 + (rows[:, 3] * self.scale)[:, None]
        z += bust[:, None] * np.maximum(c, 0.0) ** 0.7
        local = np.stack([x, np.zeros_like(x), z], axis=-1)
        return loft(places[:, None] + np.einsum("rij,rsj->rsi", frames, local), material)

    def jacket(self, material: Material) -> Part:
        """Over a shirt, open above the button."""
        rows = [(-0.06, 0.180, 0.134, -0.004), (0.02, 0.172, 0.122, -0.004), *CHEST[1:-1]]
        y = np.array(rows)[:, 0]
        opening = 0.12 + 1.3 * np.maximum(y - 0.22, 0.0)
        return self.trunk(rows, material, 0.015, opening)

    def skirt(self, material: Material) -> Part:
        """From the waist to the knees of someone upright."""
        waist = np.array([row for row in SEAT if row[0] > -0.05])
        half, depth, _ = self._girths(waist, 0.012)
        places, _ = self.bones.spine.at(waist[:, 0])
        way = np.array([0.5, 0.4, 0.28, 0.15])
        legs = np.stack([limb.at(way)[0] for limb in self.bones.legs])
        low, high = legs.min(axis=0), legs.max(axis=0)
        flare = (0.095 + 0.05 * way) * self.scale * self.girth
        centers = np.concatenate([(low + high) / 2, places + np.outer(waist[:, 3], (0, 0, 1))])
        across = np.concatenate([(high - low)[:, 0] / 2 + flare, half])
        ahead = np.concatenate([(high - low)[:, 2] / 2 + flare, depth])
        return loft(ellipses(centers, (0, 0, 1), (1, 0, 0), ahead, across, 20), material)

    def shoe(self, side: int, upper: Material, sole: Material) -> list[Part]:
        """The left (0) or the right (1) shoe."""
        grown = (self.scale, self.scale, self.scale)
        made = [posed(scaled(part, grown), self.bones.feet[side]) for part in _shoe(side)]
        return [replace(part, material=look) for part, look in zip(made, (upper, sole), strict=True)]

    def hand(self, side: int, skin: Material, *, points: bool) -> list[Part]:
        """The left (0) or the right (1) hand with its thumb, stretched on from the forearm; or one that points."""
        limb = self.bones.arms[side]
        way = limb.end - limb.joint
        way /= np.linalg.norm(way)
        out, palm = np.cross(way, limb.across), limb.across * (1 - 2 * side)
        scale = self.scale * (0.9 + 0.06 * self.girth) * (1 - 0.06 * self.womanly)

        def placed(path: ArrayLike) -> Floats:
            places: Floats = limb.end + np.asarray(path) @ np.stack([way, -out, palm]) * scale
            return places

        def finger(path: ArrayLike, radii: Sequence[float]) -> Part:
            thick = np.array(radii) * scale
            return loft(ellipses(placed(path), limb.across, out, thick, thick, 6), skin)

        rows = np.array(_FIST if points else _PALM) * scale
        centers = limb.end + np.outer(rows[:, 0], way) + np.outer(rows[:, 3], palm)
        flat = loft(ellipses(centers, limb.across, out, rows[:, 2], rows[:, 1], 10), skin)
        parts = [flat, finger(_THUMB, (0.012, 0.013, 0.011, 0.006))]
        if points:
            return [*parts, finger(_INDEX, (0.010, 0.009, 0.008, 0.004))]
        thick = (0.0102 * scale, 0.0075 * scale)
        return [*parts, sticks(placed(_KNUCKLES), placed(_TIPS), thick, skin, sides=6)]

    def neck(self, skin: Material) -> Part:
        """From between the shoulders into the skull."""
        top = self.bones.head[:3, :3] @ (0.0, 0.06 * self.bones.size.head, -0.018 * self.bones.size.head)
        top += self.bones.head[:3, 3]
        places, frames = self.bones.spine.at([0.5, 0.545])
        base = places + frames[:, :, 2] * -0.02 * self.scale
        path = np.stack([base[0], base[1], (base[1] + top) / 2, top])
        wide = np.array([0.105, 0.077, 0.056, 0.054]) * (1 - 0.14 * self.womanly) * self.scale
        deep = np.minimum(wide, 0.062 * self.scale)
        return loft(ellipses(path, frames[1][:, 2], frames[1][:, 0], deep, wide, 10), skin)

    def markers(self, material: Material) -> Part:
        """Reflecting balls on a motion capture suit."""
        places: list[Floats] = []
        for limbs, ways, profile in (
            (self.bones.legs, (0.28, 0.5, 0.75), LEG),
            (self.bones.arms, (0.02, 0.5, 0.95), ARM),
        ):
            rows = np.array(profile)
            off = np.interp(ways, rows[:, 0], rows[:, 2] + rows[:, 3]) * self.scale * self.girth**0.7
            for limb in limbs:
                centers, way = limb.at(np.array(ways))
                places.append(centers + np.cross(way, limb.across) * off[:, None])
        rows = np.array([SEAT[3], CHEST[4], CHEST[6]])
        centers, frames = self.bones.spine.at(rows[:, 0])
        half, depth, _ = self._girths(rows, 0.004)
        for x, z in ((-0.6, 0.82), (0.6, 0.82), (0.0, -1.0)):
            shift = np.stack([x * half, 0 * half, z * depth + rows[:, 3] * self.scale], axis=-1)
            places.append(centers + np.einsum("rij,rj->ri", frames, shift))
        toe = np.array([0.0, -0.02, 0.13]) * self.scale
        places.append(np.array([frame[:3, 3] + frame[:3, :3] @ toe for frame in self.bones.feet]))
        every = np.concatenate(places)
        corners = 0.012 * np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1), (-1, 0, 0), (0, -1, 0), (0, 0, -1)])
        sides = np.array([(0, 1, 2), (1, 3, 2), (3, 4, 2), (4, 0, 2), (1, 0, 5), (3, 1, 5), (4, 3, 5), (0, 4, 5)])
        faces = sides + 6 * np.arange(len(every))[:, None, None]
        return shaded((every[:, None] + corners).reshape(-1, 3), faces.reshape(-1, 3), material)


@cache
def _shoe(side: int) -> tuple[Part, Part]:
    """Upper and sole of the left (0) or the right (1) shoe of an adult, below an ankle at the origin."""
    rows = np.array(_SHOE) * (1, 1, 1, 1 - 2 * side)
    low, thick, drop = 0.012, 0.017, 0.075
    turn = np.arange(10) * (2 * math.pi / 10)
    c, s = np.cos(turn), np.sin(turn)
    x = rows[:, 1:2] * np.sign(c) * np.abs(c) ** 0.8 + rows[:, 3:4]
    y = low + (rows[:, 2:3] - low) * np.maximum(s, 0.0) ** 0.8 - drop
    upper = loft(np.stack([x, y, np.broadcast_to(rows[:, :1], x.shape)], axis=-1), Material())
    edge = [(out + k * wide, z * 1.02) for z, wide, _, out in rows for k in (-1.06, 1.06)]
    return upper, hull([(x, y - drop, z) for x, z in edge for y in (0.0, thick)], Material())


def cut(profile: Profile, end: float) -> Profile:
    """A profile that ends somewhere on its way, at a hem."""
    rows = np.array(profile)
    half, depth, shift = (float(np.interp(end, rows[:, 0], column)) for column in rows[:, 1:].T)
    return [*(row for row in profile if row[0] < end - 0.02), (end, half, depth, shift)]
