"""Cars: sedan, hatchback, estate, van, pickup and SUV."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler
from maquette.worlds.assets.batch import boxes, prisms, sticks
from maquette.worlds.assets.solids import shaded
from maquette.worlds.materials import grey, linear
from maquette.worlds.types import Asset, Color, Floats, Material, Part

Style = Literal["sedan", "hatchback", "estate", "suv", "van", "pickup"]

_OUTLINES: dict[str, tuple[tuple[float, float], ...]] = {
    # z from the rear (-1) to the front (1), and height: 0 is the belt line, 1 the roof; bonnet and boot are below 0.
    "sedan": ((-1.0, -0.12), (-0.62, 0.0), (-0.34, 0.92), (-0.05, 1.0), (0.1, 0.94), (0.44, 0.0), (1.0, -0.42)),
    "hatchback": ((-1.0, -0.05), (-0.95, 0.1), (-0.76, 0.88), (-0.35, 1.0), (0.12, 0.95), (0.5, 0.0), (1.0, -0.4)),
    "estate": ((-1.0, -0.05), (-0.97, 0.1), (-0.84, 0.92), (-0.4, 1.0), (0.1, 0.94), (0.46, 0.0), (1.0, -0.4)),
    "suv": ((-1.0, -0.02), (-0.98, 0.1), (-0.9, 0.93), (-0.4, 1.0), (0.14, 0.96), (0.42, 0.02), (1.0, -0.25)),
    "van": ((-1.0, -0.02), (-0.99, 0.1), (-0.97, 0.96), (-0.5, 1.0), (0.5, 0.97), (0.78, 0.05), (1.0, -0.2)),
    "pickup": ((-1.0, -0.02), (-0.14, 0.0), (-0.1, 0.95), (0.0, 1.0), (0.16, 0.96), (0.42, 0.02), (1.0, -0.22)),
}


_PILLARS: dict[str, tuple[float, ...]] = {
    "sedan": (0.0, 0.5, 1.0), "hatchback": (0.0, 0.5, 1.0), "estate": (0.0, 0.3, 0.64, 1.0),
    "suv": (0.0, 0.3, 0.64, 1.0), "van": (0.0, 1.0), "pickup": (0.0, 1.0),
}  # fmt: skip
"""Where side windows end, from the rear window (0) to the windscreen (1)."""


@dataclass(frozen=True)
class Car:
    """A car.

    Attributes:
        style: Its kind.
        length_m: Along z; the front looks along +Z.
        width_m: Along x, without mirrors.
        height_m: To the roof.
        wheel_m: Radius of a wheel.
        paint: Of the body.
        rims: Of the wheels.
    """

    style: Style
    length_m: float
    width_m: float
    height_m: float
    wheel_m: float
    paint: Material
    rims: Material


_RUBBER = Material("plain", grey(0.12), 1.0, 0.9)
_TRIM = Material("plain", grey(0.16), 1.0, 0.7)
_GLASS = Material("plain", linear(0.16, 0.2, 0.23), 1.0, 0.06)
_HEADLIGHT = Material("plain", grey(0.92), 1.0, 0.1)
_TAILLIGHT = Material("plain", linear(0.62, 0.06, 0.05), 1.0, 0.15)
_PLATE = Material("plain", grey(0.9), 1.0, 0.5)


def build(car: Car) -> Asset:
    """Make a car."""
    half = car.length_m / 2
    axles = half * np.array([-0.6, 0.62])
    clearance = car.wheel_m * 0.62
    belt = clearance + (car.height_m - clearance) * (0.6 if car.style != "van" else 0.5)
    outline = np.array(_OUTLINES[car.style])
    arch = car.wheel_m * 1.2
    turn = np.linspace(0, np.pi, 9)
    arches = np.concatenate([axle + arch * np.cos(turn) for axle in axles])
    nose = half * np.array([-0.985, -0.93, 0.87, 0.955])
    z = np.unique(np.round(np.concatenate([outline[:, 0] * half, arches, nose]), 4))
    top = np.interp(z, outline[:, 0] * half, outline[:, 1])
    top = belt + np.where(top > 0, top * (car.height_m - belt), top * (belt - clearance))
    low = np.full(len(z), clearance)
    for axle in axles:
        low = np.maximum(low, car.wheel_m + np.sqrt(np.maximum(arch**2 - (z - axle) ** 2, 0)))
        low = np.where(np.abs(z - axle) > arch - 1e-6, np.minimum(low, clearance), low)
    body = _loft(car, z, low, top, belt)
    return Asset(
        "car",
        car.style,
        (body, *_cabin(car, outline, belt), *_wheels(car, axles), *_details(car, belt, clearance, axles, arch)),
    )


def _half_width(car: Car, z: Floats) -> Floats:
    """Plan of the body: rounded at its four corners."""
    along = np.abs(z) / (car.length_m / 2)
    return car.width_m / 2 * (1 - 0.16 * np.clip((along - 0.8) / 0.2, 0, 1) ** 2)


def _loft(car: Car, z: Floats, low: Floats, top: Floats, belt: float) -> Part:
    """The body: rings of twelve points across, from the rear to the front."""
    half = _half_width(car, z)
    shoulder = np.minimum(top - 0.02, belt)
    rise = np.clip((top - shoulder) / (car.height_m - belt), 0, 1)
    roof = half * (0.94 - 0.2 * rise)
    y = np.stack([low, low + 0.35 * (shoulder - low), shoulder - 0.04, shoulder, top - 0.015 - 0.03 * rise, top], -1)
    x = np.stack([half * 0.94, half, half * 0.985, half * 0.95, roof, roof * 0.86], axis=-1)
    y = np.maximum.accumulate(y + np.arange(6) * 1e-4, axis=1)
    ring = np.concatenate([np.stack([x, y], -1), np.stack([-x, y], -1)[:, ::-1]], axis=1)
    points = np.concatenate([ring, np.broadcast_to(z[:, None, None], (*ring.shape[:2], 1))], axis=-1)
    index = np.arange(ring.shape[0] * 12).reshape(-1, 12)
    after = np.roll(index, -1, axis=1)
    sides = np.stack([index[:-1], after[:-1], after[1:], index[1:]], axis=-1).reshape(-1, 4)
    pairs = np.arange(5)
    cap = np.stack([pairs, pairs + 1, 10 - pairs, 11 - pairs], axis=-1)
    corners = np.concatenate([sides, cap[:, ::-1], cap + index[-1, 0]])
    return shaded(
        points.reshape(-1, 3), np.concatenate([corners[:, :3], corners[:, [0, 2, 3]]]), car.paint, smooth=True
    )


def _cabin(car: Car, outline: Floats, belt: float) -> list[Part]:
    """Panes of glass on the body."""
    half = car.length_m / 2
    z, rise = outline[1:6, 0] * half, np.clip(outline[1:6, 1], 0, 1)
    high = car.height_m - belt
    out = 0.012

    def edge(at: Floats, level: Floats) -> Floats:
        return _half_width(car, at) * (0.95 - 0.21 * level) + out

    foot, head = 0.1, 0.86
    rear = np.interp([foot, head], rise[:2], z[:2])
    front = np.array([z[4] - foot * (z[4] - z[3]), z[4] - head * (z[4] - z[3])])
    if car.style == "van":
        rear = np.full(2, z[3] - 0.35 * half)
    panes = []
    for start, stop in pairwise(_PILLARS[car.style]):
        back, ahead = rear + (front - rear) * start + 0.06, rear + (front - rear) * stop - 0.05
        zs = np.array([back[0], ahead[0], ahead[1], back[1]])
        level = np.array([foot, foot, head, head])
        for side in (1, -1):
            pane = np.column_stack([side * edge(zs, level), belt + level * high, zs])
            panes.append(pane if side < 0 else pane[::-1])
    for foot_z, head_z, faces_front in ((z[4], z[3], True), (z[0], z[1], False)):
        if not faces_front and car.style == "van":
            continue
        level = np.array([0.08, 0.08, 0.9, 0.9])
        zs = foot_z + (head_z - foot_z) * level
        across = _half_width(car, zs) * (0.84 - 0.2 * level) * np.array([-1, 1, 1, -1])
        top = rise[3] if faces_front else rise[1]
        lean = math.atan2(high * top, abs(head_z - foot_z))
        push = out * np.array([0.0, math.cos(lean), math.sin(lean) * (1 if faces_front else -1)])
        pane = np.column_stack([across, belt + level * top * high, zs]) + push
        panes.append(pane if faces_front else pane[::-1])
    return [prisms(np.stack(panes), 0.03, _GLASS)]


def _wheels(car: Car, axles: Floats) -> list[Part]:
    wide = 0.21
    x = car.width_m / 2 - 0.02
    ends = [((s * (x - wide), car.wheel_m, axle), (s * x, car.wheel_m, axle)) for s in (-1, 1) for axle in axles]
    starts, stops = np.array([a for a, _ in ends]), np.array([b for _, b in ends])
    out = np.sign(stops[:, :1]) * np.array([[1.0, 0.0, 0.0]])
    tyres = sticks(starts, stops, (car.wheel_m, car.wheel_m), _RUBBER, sides=16)
    rims = sticks(stops - out * 0.02, stops + out * 0.006, (car.wheel_m * 0.64,) * 2, car.rims, sides=12)
    hubs = sticks(stops, stops + out * 0.014, (car.wheel_m * 0.2,) * 2, _TRIM, sides=6)
    well = boxes(
        [(0.0, car.wheel_m * 1.25, axle) for axle in axles], (2 * x - 0.1, car.wheel_m, car.wheel_m * 2.1), _TRIM
    )
    return [tyres, rims, hubs, well]


def _details(car: Car, belt: float, clearance: float, axles: Floats, arch: float) -> list[Part]:
    half, wide = car.length_m / 2, car.width_m
    front = half * 1.0
    lamp_y = clearance + 0.52 * (belt - clearance)
    lights = boxes([(s * wide * 0.33, lamp_y, front - 0.03) for s in (-1, 1)], (wide * 0.2, 0.11, 0.09), _HEADLIGHT)
    tails = boxes(
        [(s * wide * 0.345, belt - 0.2, -half + 0.03) for s in (-1, 1)], (wide * 0.15, 0.17, 0.09), _TAILLIGHT
    )
    lower = clearance + 0.14
    sill = (axles[1] - axles[0]) - 2 * arch
    trim = boxes(
        [
            (0.0, lamp_y - 0.01, front - 0.025),
            (0.0, lower, front - 0.01),
            (0.0, lower + 0.05, -half + 0.01),
            *((s * (wide / 2 - 0.04), clearance + 0.03, float(axles.mean())) for s in (-1, 1)),
        ],
        [
            (wide * 0.38, 0.1, 0.08),
            (wide * 0.8, 0.13, 0.1),
            (wide * 0.8, 0.16, 0.1),
            *[(0.09, 0.1, sill)] * 2,
        ],
        _TRIM,
    )
    mirror_z = half * float(_OUTLINES[car.style][5][0]) - 0.22
    mirrors = boxes([(s * (wide / 2 + 0.06), belt + 0.1, mirror_z) for s in (-1, 1)], (0.2, 0.13, 0.08), car.paint)
    handles = boxes(
        [(s * wide * 0.492, belt - 0.13, zed) for s in (-1, 1) for zed in (-0.28 * half, 0.14 * half)],
        (0.035, 0.03, 0.15),
        _TRIM,
    )
    plates = boxes([(0.0, lower, front + 0.045), (0.0, belt - 0.22, -half - 0.005)], (0.5, 0.11, 0.03), _PLATE)
    parts = [lights, tails, trim, mirrors, handles, plates]
    if car.style == "pickup":
        bed = boxes([(0.0, belt + 0.004, -half * 0.57)], (wide * 0.78, 0.03, half * 0.78), _TRIM)
        parts.append(bed)
    return parts


_COLORS: tuple[Color, ...] = (
    grey(0.95), grey(0.75), grey(0.5), grey(0.28), grey(0.1),
    linear(0.6, 0.08, 0.07), linear(0.1, 0.2, 0.42), linear(0.12, 0.28, 0.2), linear(0.55, 0.46, 0.34),
    linear(0.85, 0.65, 0.12), linear(0.2, 0.35, 0.5), linear(0.42, 0.12, 0.12),
)  # fmt: skip


def _style(
    style: Style, length: tuple[float, float], width: float, height: tuple[float, float], wheel: float
) -> Sampler:
    def sampler(rng: np.random.Generator) -> Car:
        return Car(
            style,
            rng.uniform(*length),
            width * rng.uniform(0.97, 1.03),
            rng.uniform(*height),
            wheel * rng.uniform(0.97, 1.05),
            Material("plain", _COLORS[rng.integers(len(_COLORS))], 1.0, rng.uniform(0.15, 0.3)),
            Material("plain", grey(rng.choice([0.35, 0.7, 0.8])), 1.0, 0.35),
        )

    return sampler


FAMILY = Family(
    name="car",
    label="car",
    stands="ground",
    styles={
        "sedan": _style("sedan", (4.4, 4.9), 1.82, (1.42, 1.5), 0.32),
        "hatchback": _style("hatchback", (3.7, 4.2), 1.74, (1.45, 1.55), 0.3),
        "estate": _style("estate", (4.5, 4.9), 1.82, (1.46, 1.54), 0.32),
        "suv": _style("suv", (4.4, 4.8), 1.9, (1.65, 1.78), 0.37),
        "van": _style("van", (4.9, 5.6), 1.95, (1.95, 2.3), 0.34),
        "pickup": _style("pickup", (5.0, 5.4), 1.92, (1.75, 1.85), 0.38),
    },
    unseen=("pickup",),
    build=build,
)
