"""Furnished rooms, seen by a person's camera: bedrooms, living rooms, dining rooms, offices and kitchens."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from maquette.worlds.enclose import Shell, enclose, sample_finish
from maquette.worlds.floorplan import KINDS, Plan, Side, sample_plan
from maquette.worlds.furnish import DINING, LOW, Furnisher, beside
from maquette.worlds.library import Library, parse_counts
from maquette.worlds.options import WorldOptions
from maquette.worlds.placement import Placer
from maquette.worlds.rigs import person_camera
from maquette.worlds.sky import sample_sky
from maquette.worlds.types import Asset, Color, Floats, Lamp, Lighting, Object, World

Rng = np.random.Generator

COUNTS = {
    "door": 2,
    "window": 6,
    "curtain": 6,
    "bed": 1,
    "nightstand": 2,
    "sofa": 2,
    "armchair": 2,
    "table": 2,
    "chair": 8,
    "desk": 2,
    "bookcase": 3,
    "cabinet": 5,
    "dresser": 1,
    "rug": 1,
    "tv": 1,
    "wall_tv": 1,
    "lamp": 2,
    "table_lamp": 3,
    "ceiling_lamp": 1,
    "plant": 2,
    "small_plant": 3,
    "decor": 8,
    "picture": 4,
    "laptop": 2,
    "bag": 2,
    "person": 2,
}
"""Most objects of each family in a room."""

_EVENING = 0.3
"""Share of rooms that are seen in the evening."""

_LAMPS = {"ceiling_lamp": 5.5, "lamp": 2.2, "table_lamp": 1.0}
"""Irradiance of a lit lamp at 1 m, by family."""


def make_room(options: WorldOptions, rng: Rng, library: Library) -> World:
    """A room of a random kind with what belongs in it; what finds no place is left out."""
    counts = parse_counts(options.counts, COUNTS, tuple(COUNTS))
    kind = KINDS[rng.integers(len(KINDS))]
    plan = sample_plan(rng, kind)
    finish = sample_finish(rng, kind, len(plan.corners), library.photos)
    placer = Placer(rng, attempts=options.attempts, collisions=options.collisions)
    evening = bool(rng.random() < _EVENING)
    shell = enclose(placer, plan, finish, rng, library, counts, evening=evening)
    room = Furnisher(placer, plan, shell.walls, rng, library, counts)
    _ARRANGE[kind](room)
    _finish_off(room, shell)
    lighting = _evening(rng, plan, placer.objects) if evening or not shell.windows else _day(rng, plan, shell)
    cameras = person_camera(
        rng,
        placer.objects,
        lambda place: plan.contains(float(place[0]), float(place[2]), 0.25),
        plan.room,
        width=options.width,
        height=options.height,
        views=options.views,
    )
    return World(kind, "room", tuple(placer.objects), lighting, cameras, plan.room)


def _bedroom(room: Furnisher) -> None:
    found = room.against("bed", middle=True)
    if found is not None:
        bed, _ = found
        for sign in (-1, 1):
            stand = room.next_to("nightstand", bed, sign) if room.chance(0.8) else None
            if stand is not None and room.chance(0.7):
                room.on("table_lamp", stand)
            if stand is not None and room.chance(0.4):
                room.on("decor", stand)
        room.hang("picture", (1.5, 1.7), found)
        if room.chance(0.6):
            room.before("rug", bed, (0.05, 0.4), turn_rad=0.0)
    room.against("cabinet", styles=("wardrobe",), corner=True)
    if room.chance(0.6):
        _topped(room, room.against("dresser", middle=True))
    if room.chance(0.4):
        _desk(room)
    if room.chance(0.4):
        room.against("bookcase", corner=True)
    if room.chance(0.4):
        room.against("armchair", corner=True)


def _living(room: Furnisher) -> None:
    found = room.against("sofa", sides=[side for side in room.sides if side.width_m > 2.2], middle=True)
    if found is not None:
        sofa, side = found
        room.hang("picture", (1.5, 1.7), found)
        if room.chance(0.75):
            room.before("rug", sofa, (0.02, 0.2), turn_rad=0.0)
        table = room.before("table", sofa, (0.3, 0.5), styles=("coffee",), turn_rad=0.0)
        if table is not None:
            for name in ("decor", "decor", "small_plant", "laptop"):
                if room.chance(0.45):
                    room.on(name, table, (-math.pi, math.pi))
        opposite = [other for other in room.sides if math.cos(other.yaw_rad - side.yaw_rad) < -0.9]
        _television(room, opposite)
        for sign in (-1, 1):
            if room.chance(0.4):
                room.next_to("lamp" if room.chance(0.6) else "plant", sofa, sign)
        for sign in (-1, 1):
            if room.chance(0.5):
                _armchair(room, sofa, sign)
    for _ in range(2):
        if room.chance(0.6):
            room.against("bookcase", corner=True)
    if room.chance(0.4):
        _topped(room, room.against("cabinet", styles=LOW, middle=True))
    if room.chance(0.25):
        _dining_table(room, 4)


def _dining(room: Furnisher) -> None:
    if room.chance(0.5):
        room.lay_rug(0.0, 0.0, math.pi / 2 * room.rng.integers(2))
    _dining_table(room, 8)
    for _ in range(2):
        if room.chance(0.7):
            _topped(room, room.against("cabinet", styles=("sideboard", "display"), middle=True))
    if room.chance(0.4):
        room.against("bookcase", corner=True)


def _office(room: Furnisher) -> None:
    for _ in range(1 + room.chance(0.35)):
        _desk(room)
    for _ in range(2):
        if room.chance(0.75):
            room.against("bookcase", corner=True)
    if room.chance(0.5):
        _topped(room, room.against("cabinet", styles=("sideboard", "display"), corner=True))
    if room.chance(0.4):
        room.against("armchair", corner=True)
    if room.chance(0.4):
        width, depth = room.plan.size_m
        room.lay_rug(width * 0.1, depth * 0.1, math.pi / 2 * room.rng.integers(2))


def _kitchen(room: Furnisher) -> None:
    _topped(room, room.against("cabinet", styles=("kitchen",), corner=True))
    if room.chance(0.6):
        _topped(room, room.against("cabinet", styles=("display", "sideboard"), corner=True))
    _dining_table(room, 4)


def _desk(room: Furnisher) -> None:
    """A desk at a wall with a chair, and what one works with."""
    found = room.against("desk", middle=True)
    if found is None:
        return
    desk, _ = found
    room.before("chair", desk, (-0.25, 0.2), aside_m=0.1)
    if room.chance(0.8):
        room.on("laptop", desk, (-0.3, 0.3))
    for name, share in (("table_lamp", 0.6), ("decor", 0.7), ("decor", 0.4), ("small_plant", 0.4)):
        if room.chance(share):
            room.on(name, desk)
    if room.chance(0.5):
        room.hang("picture", (1.5, 1.7), found)


def _dining_table(room: Furnisher, seats: int) -> None:
    """A table in the open with chairs around it, and something on it."""
    width, depth = room.plan.size_m
    turn = math.pi / 2 if depth > width else 0.0

    def propose(rng: Rng, asset: Asset) -> tuple[float, float, float]:
        return turn + rng.normal(0.0, 0.03), width * rng.normal(0.0, 0.08), depth * rng.normal(0.0, 0.08)

    table = room.stand("table", propose, styles=DINING)
    if table is None:
        return
    room.seats("chair", table, int(room.rng.integers(2, seats + 1)))
    for name, share in (("decor", 0.7), ("decor", 0.5), ("small_plant", 0.3), ("laptop", 0.2)):
        if room.chance(share):
            room.on(name, table, (-math.pi, math.pi))


def _television(room: Furnisher, sides: Sequence[Side]) -> None:
    """A television on a low cabinet, or on the wall over it."""
    found = room.against("cabinet", sides=sides, styles=("lowboard",), middle=True)
    if found is None:
        return
    if room.chance(0.6):
        room.on("tv", found[0], (0.0, 0.0))
    else:
        room.hang("wall_tv", (1.2, 1.4), found)


def _armchair(room: Furnisher, sofa: Object, sign: int) -> None:
    """An armchair to one side before a sofa, turned half towards it."""
    (x0, _, _), (x1, _, z1) = sofa.asset.bounds

    def propose(rng: Rng, asset: Asset) -> tuple[float, float, float]:
        x, _, z = beside(sofa, sign * ((x1 - x0) / 2 + rng.uniform(0.1, 0.7)), z1 + rng.uniform(0.5, 1.3))
        return sofa.yaw_rad - sign * rng.uniform(1.2, 2.2), x, z

    room.stand("armchair", propose)


def _topped(room: Furnisher, found: tuple[Object, Side] | None) -> None:
    """Small things on a piece of furniture, where it has a free top."""
    if found is None:
        return
    for name, share in (("decor", 0.6), ("decor", 0.4), ("small_plant", 0.35), ("table_lamp", 0.2), ("laptop", 0.05)):
        if room.chance(share):
            room.on(name, found[0])


def _finish_off(room: Furnisher, shell: Shell) -> None:
    """What any room may have: a ceiling lamp, pictures, plants, bags, and people."""
    x, z = (float(value) for value in room.plan.corners.mean(axis=0))
    taken = room.take("ceiling_lamp")
    place = x, room.plan.height_m, z
    if taken is not None and room.placer.fits(taken[1], 0.0, place, parent=shell.ceiling.id):
        room.placer.add(*taken, 0.0, place, shell.ceiling.id)
    for name, share, times in (("picture", 0.6, 3), ("plant", 0.5, 2), ("lamp", 0.3, 1)):
        for _ in range(times):
            if room.chance(share):
                if name == "picture":
                    room.hang(name, (1.45, 1.7))
                else:
                    room.against(name, corner=True)
    for name, share in (("chair", 0.15), ("bag", 0.35), ("bag", 0.2), ("person", 0.3), ("person", 0.12)):
        if room.chance(share):
            room.anywhere(name)


_ARRANGE: dict[str, Callable[[Furnisher], None]] = {
    "bedroom": _bedroom,
    "living": _living,
    "dining": _dining,
    "office": _office,
    "kitchen": _kitchen,
}


def _day(rng: Rng, plan: Plan, shell: Shell) -> Lighting:
    """The sun shines in, large windows are soft lamps, and one under the ceiling stands for light from the walls."""
    outside = sample_sky(rng)
    size = plan.size_m[0] * plan.size_m[1]
    glazed = [float(np.prod(window.box.size[:2])) for window, _ in shell.windows]
    tint = rng.uniform((0.96, 0.95, 0.92), (1.03, 1.0, 1.0))
    level = rng.uniform(0.85, 1.15)
    bounce = Lamp((0.0, plan.height_m - 0.1, 0.0), _colored(tint, 2.2 * level), 0.8)
    lamps = [bounce]
    for (window, side), area in sorted(zip(shell.windows, glazed, strict=True), key=lambda pair: -pair[1])[:3]:
        x, y, z = window.box.center
        into = math.sin(side.yaw_rad), math.cos(side.yaw_rad)
        lamps.append(Lamp((x - 0.2 * into[0], y, z - 0.2 * into[1]), _colored(tint, 2.6 * area * level), 0.5))
    ambient = (0.24 + 0.5 * min(sum(glazed) / size, 0.3)) * level
    return Lighting(outside.sky, _colored(tint, ambient), outside.sun, tuple(lamps), rng.uniform(1.05, 1.35))


def _evening(rng: Rng, plan: Plan, objects: Sequence[Object]) -> Lighting:
    """The lamps of the room are lit, at most four."""
    night = np.full((2, 4, 3), (0.010, 0.013, 0.02), dtype=np.float32)
    warm = np.array([1.0, rng.uniform(0.72, 0.88), rng.uniform(0.45, 0.7)])
    lamps: list[Lamp] = []
    for thing in sorted(objects, key=lambda thing: _LAMPS.get(thing.asset.family, 0.0), reverse=True):
        power = _LAMPS.get(thing.asset.family, 0.0)
        if power and len(lamps) < 4:
            low, high = thing.box.corners.min(axis=0), thing.box.corners.max(axis=0)
            y = low[1] - 0.05 if thing.asset.family == "ceiling_lamp" else high[1] + 0.05
            lamps.append(Lamp((thing.box.center[0], y, thing.box.center[2]), _colored(warm, power), 0.15))
    if not lamps:
        lamps.append(Lamp((0.0, plan.height_m - 0.1, 0.0), _colored(warm, 5.0), 0.2))
    return Lighting(night, _colored(warm, rng.uniform(0.26, 0.36)), None, tuple(lamps), rng.uniform(1.1, 1.4))


def _colored(tint: Floats, level: float) -> Color:
    red, green, blue = (float(value * level) for value in tint)
    return red, green, blue
