"""Small things that lie about on tables and shelves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler, batch
from maquette.worlds.assets.joinery import board, boards, standing
from maquette.worlds.assets.picture import canvas
from maquette.worlds.assets.softs import tipped
from maquette.worlds.assets.solids import ball, cylinder, lathe, merged, moved, posed, tube, turned
from maquette.worlds.materials import glass, grey, hue, linear, metal, muted, wood
from maquette.worlds.types import Asset, Material, Part

Style = Literal["vase", "books", "cup", "bowl", "box", "candles", "photo", "bottle", "clock"]


@dataclass(frozen=True)
class Decor:
    """A small thing.

    Attributes:
        style: What it is.
        size_m: About its larger extent.
        main: Its main material.
        second: Material of covers, lids and the like.
        third: Material of another book, of fruit, or of a picture.
        shape: Random numbers from 0 to 1 that tell its proportions.
    """

    style: Style
    size_m: float
    main: Material
    second: Material
    third: Material
    shape: tuple[float, ...]


def build(thing: Decor) -> Asset:
    """Make a small thing."""
    shapes: dict[Style, Callable[[Decor], list[Part]]] = {
        "vase": _vase,
        "books": _books,
        "cup": _cup,
        "bowl": _bowl,
        "box": _box,
        "candles": _candles,
        "photo": _photo,
        "bottle": _bottle,
        "clock": _clock,
    }
    return standing("decor", thing.style, shapes[thing.style](thing))


def _vase(thing: Decor) -> list[Part]:
    a, b, c = (0.5 * value for value in thing.shape[:3])
    profile = [(0.5, 0.0), (0.56, 0.03), (0.65 + a, 0.35), (0.6 + b, 0.6), (0.3 + 0.5 * c, 0.85), (0.32 + c, 1.0)]
    wide, lip = 0.3 * thing.size_m, 0.32 + c
    outer = [(r * wide, y * thing.size_m) for r, y in profile]
    return [
        lathe(
            [*outer, (lip * wide * 0.85, thing.size_m), (lip * wide * 0.7, thing.size_m * 0.86)], thing.main, sides=22
        )
    ]


def _books(thing: Decor) -> list[Part]:
    parts: list[Part] = []
    y = 0.0
    paper = Material("plain", linear(0.92, 0.89, 0.82), roughness=0.95)
    for at, cover in enumerate((thing.main, thing.second, thing.third)[: 2 + (thing.shape[0] > 0.4)]):
        pick = thing.shape[3 * at + 1 : 3 * at + 4]
        wide, deep, thick = 0.2 + 0.08 * pick[0], 0.14 + 0.05 * pick[1], 0.018 + 0.03 * pick[2]
        skin = 0.003
        lids = boards(
            [(0.0, y + skin / 2, 0.0), (0.0, y + thick - skin / 2, 0.0)], (wide, skin, deep), cover, bevel_m=0.001
        )
        spine = boards(
            [(0.0, y + thick / 2, deep / 2 - 0.002)], (wide, thick - 2 * skin - 0.0004, 0.004), cover, bevel_m=0.001
        )
        block = board(
            (-wide / 2 + 0.004, y + skin, -deep / 2 + 0.005),
            (wide / 2 - 0.004, y + thick - skin, deep / 2 - 0.004),
            paper,
        )
        turn = 0.5 * (pick[1] - 0.5)
        parts += [turned(part, turn) for part in (merged([lids, spine]), block)]
        y += thick + 0.0005
    return parts


def _cup(thing: Decor) -> list[Part]:
    radius, high = 0.04, 0.085 + 0.02 * thing.shape[0]
    body = [
        (radius * 0.8, 0.0),
        (radius * 0.95, 0.01),
        (radius, high),
        (radius * 0.9, high),
        (radius * 0.85, high * 0.75),
    ]
    turn = np.linspace(-1.3, 1.3, 7)
    ear = np.column_stack([radius * 0.9 + 0.03 * np.cos(turn), high * 0.52 + 0.028 * np.sin(turn), 0 * turn])
    coffee = cylinder(
        (0.0, high * 0.75, 0.0),
        0.003,
        radius * 0.86,
        Material("plain", linear(0.2, 0.12, 0.07), roughness=0.15),
        sides=18,
    )
    return [lathe(body, thing.main, sides=18), tube(ear, 0.005, thing.main, sides=6), coffee]


def _bowl(thing: Decor) -> list[Part]:
    radius = 0.12 + 0.05 * thing.shape[0]
    high = radius * (0.45 + 0.25 * thing.shape[1])
    profile = [(0.4, 0.0), (0.42, 0.06), (0.78, 0.4), (1.0, 1.0), (0.96, 1.0), (0.7, 0.45), (0.35, 0.15)]
    parts = [lathe([(r * radius, y * high) for r, y in profile], thing.main, sides=24)]
    if thing.shape[2] < 0.7:
        fruit = 0.036
        turn = np.arange(5) * 2 * np.pi / 5
        ring = [(radius * 0.5 * np.cos(a), high * 0.62 + fruit * 0.6, radius * 0.5 * np.sin(a)) for a in turn]
        spots = [*ring, (0.0, high * 0.62 + fruit * 1.7, 0.0)]
        parts += [ball(spot, (fruit, fruit * 0.95, fruit), thing.third, sides=12) for spot in spots]
    return parts


def _box(thing: Decor) -> list[Part]:
    wide, high, deep = 0.2 + 0.1 * thing.shape[0], 0.08 + 0.06 * thing.shape[1], 0.14 + 0.05 * thing.shape[2]
    return [
        boards([(0.0, high * 0.35, 0.0)], (wide, high * 0.7, deep), thing.main),
        boards([(0.0, high * 0.86, 0.0)], (wide + 0.006, high * 0.28 - 0.002, deep + 0.006), thing.main),
        boards([(0.0, high * 0.7, deep / 2 + 0.005)], (0.025, 0.03, 0.006), thing.second, bevel_m=0.002),
    ]


def _candles(thing: Decor) -> list[Part]:
    wax = Material("plain", linear(0.95, 0.92, 0.84), roughness=0.6)
    flame = Material("plain", linear(1.0, 0.75, 0.35), emission=5.0, casts_shadow=False)
    tray = lathe([(0.1, 0.0), (0.125, 0.012), (0.12, 0.015), (0.1, 0.009)], thing.second, sides=24)
    parts = [tray]
    for at, (x, z) in enumerate(((-0.04, -0.02), (0.05, -0.015), (0.0, 0.05))):
        high = 0.07 + 0.09 * thing.shape[at]
        parts.append(cylinder((x, 0.008, z), high, 0.028, wax, sides=14))
        parts.append(cylinder((x, high + 0.006, z), 0.014, 0.0012, Material("plain", grey(0.1)), sides=5))
        parts.append(ball((x, high + 0.028, z), (0.005, 0.012, 0.005), flame, sides=8))
    return parts


def _photo(thing: Decor) -> list[Part]:
    wide, high = (0.15, 0.2) if thing.shape[0] < 0.5 else (0.2, 0.15)
    lean = np.pi / 2 - 0.18
    frame = posed(
        boards([(0.0, 0.0, 0.0)], (wide, 0.014, high), thing.second, bevel_m=0.004), tipped((0.0, high / 2, 0.0), lean)
    )
    view = moved(canvas(wide - 0.045, high - 0.045, 0.004, thing.third), (0.0, 0.0, 0.0055))
    face = posed(view, tipped((0.0, high / 2, 0.0), lean - np.pi / 2))
    stay = batch.sticks([(0.0, 0.004, -0.075)], [(0.0, high * 0.55, -0.012)], (0.005, 0.005), thing.second, sides=4)
    return [frame, face, stay]


def _bottle(thing: Decor) -> list[Part]:
    radius, high = 0.036, 0.24 + 0.07 * thing.shape[0]
    profile = [
        (0.92, 0.0),
        (1.0, 0.02),
        (1.0, 0.58),
        (0.85, 0.68),
        (0.4, 0.78),
        (0.36, 0.96),
        (0.42, 0.965),
        (0.42, 1.0),
    ]
    label = lathe(
        [(radius * 1.012, high * 0.16), (radius * 1.012, high * 0.46)],
        Material("plain", linear(0.9, 0.86, 0.74)),
        sides=18,
    )
    return [lathe([(r * radius, y * high) for r, y in profile], thing.main, sides=18), label]


def _clock(thing: Decor) -> list[Part]:
    radius = 0.06 + 0.03 * thing.shape[0]
    black, white = Material("plain", grey(0.08), roughness=0.4), Material("plain", grey(0.93), roughness=0.5)
    forward = tipped((0.0, radius + 0.012, 0.0), np.pi / 2)
    case = lathe(
        [(radius * 0.9, -0.03), (radius, -0.02), (radius, 0.018), (radius * 0.95, 0.022)], thing.main, sides=26
    )
    dial = cylinder((0.0, 0.0215, 0.0), 0.0015, radius * 0.9, white, sides=26)
    marks = np.arange(12) * np.pi / 6
    way = np.column_stack([np.sin(marks), np.zeros(12), np.cos(marks)])
    ticks = batch.sticks(
        way * radius * 0.72 + (0, 0.0235, 0), way * radius * 0.84 + (0, 0.0235, 0), (0.0016, 0.0016), black, sides=4
    )
    hours, minutes = thing.shape[1] * 2 * np.pi, thing.shape[2] * 2 * np.pi
    tips = [
        (np.sin(hours) * radius * 0.45, 0.0245, -np.cos(hours) * radius * 0.45),
        (np.sin(minutes) * radius * 0.68, 0.0255, -np.cos(minutes) * radius * 0.68),
    ]
    hands = batch.sticks([(0.0, 0.0245, 0.0), (0.0, 0.0275, 0.0)], tips, (0.0022, 0.0014), black, sides=4)
    feet = boards([(s * radius * 0.55, 0.01, 0.0) for s in (-1, 1)], (0.018, 0.02, 0.03), thing.main)
    return [*(posed(part, forward) for part in (case, dial, ticks, hands)), feet]


def _sampler(style: Style) -> Sampler:
    def sampler(rng: np.random.Generator) -> Decor:
        ceramic = Material("plain", muted(rng), roughness=rng.uniform(0.15, 0.5))
        cloth = [Material("plain", hue(rng, (0.2, 0.7), (0.25, 0.75)), roughness=0.7) for _ in range(3)]
        fruits = ((0.85, 0.4, 0.08), (0.75, 0.12, 0.1), (0.55, 0.65, 0.15), (0.9, 0.75, 0.2))
        picture = Material(f"picture_{'abcde'[rng.integers(5)]}", (1.0, 1.0, 1.0), roughness=0.4)
        green = Material("plain", linear(0.1, 0.22, 0.12), roughness=0.1)
        mains = {
            "books": cloth[0],
            "box": wood(rng),
            "clock": metal(rng),
            "bottle": green if rng.random() < 0.6 else glass(rng),
        }
        thirds = {"bowl": Material("plain", linear(*fruits[rng.integers(4)]), roughness=0.45), "photo": picture}
        return Decor(
            style,
            rng.uniform(0.16, 0.34),
            mains.get(style, ceramic),
            cloth[1] if style == "books" else (wood(rng) if rng.random() < 0.4 else metal(rng)),
            thirds.get(style, cloth[2]),
            tuple(rng.random(12).tolist()),
        )

    return sampler


FAMILY = Family(
    name="decor",
    label="object",
    stands="surface",
    styles={
        style: _sampler(style)
        for style in ("vase", "books", "cup", "bowl", "box", "candles", "photo", "bottle", "clock")
    },
    unseen=("clock",),
    build=build,
)
