"""Bookcases with books and other things in them: plain, of cubes, on metal posts, over a cupboard, and ladders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler, batch
from maquette.worlds.assets.joinery import board, boards, fronts, handles, split, standing
from maquette.worlds.assets.solids import lathe, scaled
from maquette.worlds.materials import furniture, hue, linear, metal, muted, wood
from maquette.worlds.types import Asset, Material, Part, Surface

Style = Literal["plain", "cubes", "posts", "cupboard", "ladder"]
Content = Literal["books", "some", "stack", "box", "vase", "empty"]
CONTENTS: tuple[Content, ...] = ("books", "some", "stack", "box", "vase", "empty")

Book = tuple[float, float, float, int]
"""Thickness in metres, height and depth from 0 to 1, and the index of its cover."""


_POST_M = 0.028


@dataclass(frozen=True)
class Bookcase:
    """A bookcase.

    Attributes:
        style: How it is built.
        width_m: Along x.
        height_m: To the top.
        depth_m: Along z.
        rows: Of compartments.
        columns: Of compartments.
        board_m: Thickness of the boards.
        body: Material of the shelves.
        frame: Material of posts and handles.
        covers: Materials of the books, at least one.
        contents: What is in the compartments, by turns.
        books: The books, by turns.
    """

    style: Style
    width_m: float
    height_m: float
    depth_m: float
    rows: int
    columns: int
    board_m: float
    body: Material
    frame: Material
    covers: tuple[Material, ...]
    contents: tuple[Content, ...]
    books: tuple[Book, ...]


@dataclass(frozen=True)
class _Cell:
    """The free space of a compartment: least and greatest x and y, and the z of its back and of its front."""

    left: float
    right: float
    bottom: float
    top: float
    back: float
    front: float

    @property
    def wide(self) -> float:
        return self.right - self.left

    @property
    def tall(self) -> float:
        return self.top - self.bottom

    @property
    def deep(self) -> float:
        return self.front - self.back

    @property
    def middle(self) -> tuple[float, float, float]:
        """Of its floor."""
        return (self.left + self.right) / 2, self.bottom, (self.back + self.front) / 2


_Placed = tuple[int, tuple[float, float, float], tuple[float, float, float]]
"""Index of a book's cover, its middle, and its size."""


def build(case: Bookcase) -> Asset:
    """Make a bookcase."""
    shapes = {"posts": _posts, "ladder": _ladder}
    parts, cells = shapes.get(case.style, _carcass)(case)
    things, free = _filled(case, cells)
    if case.style != "ladder":
        free.append(Surface((0.0, case.height_m, 0.0), (case.width_m - 2 * _POST_M - 0.02, case.depth_m - 0.04)))
    return standing("bookcase", case.style, [*parts, *things], free)


def _carcass(case: Bookcase) -> tuple[list[Part], list[_Cell]]:
    x, z, t = case.width_m / 2, case.depth_m / 2, case.board_m
    plinth = 0.0 if case.style == "cubes" else 0.07
    rows = split(plinth + t, case.height_m - t, case.rows, t)
    columns = split(-x + t, x - t, case.columns, t)
    sides = [(s * (x - t / 2), case.height_m / 2, 0.0) for s in (-1, 1)]
    parts = [boards(sides, (t, case.height_m, case.depth_m), case.body)]
    levels = [plinth + t / 2, *(bottom - t / 2 for bottom, _ in rows[1:]), case.height_m - t / 2]
    shelf = (2 * (x - t) - 0.001, t, case.depth_m - 0.01)
    parts.append(boards([(0.0, y, -0.003) for y in levels], shelf, case.body))
    walls = [(right + t / 2, (a + b) / 2, -0.005) for _, right in columns[:-1] for a, b in rows]
    if walls:
        parts.append(boards(walls, (t, rows[0][1] - rows[0][0] - 0.001, case.depth_m - 0.02), case.body))
    parts.append(board((-x + t, plinth + t, -z + 0.001), (x - t, case.height_m - t, -z + 0.009), case.body))
    if plinth:
        parts.append(board((-x + t + 0.0005, 0.0, z - 0.05), (x - t - 0.0005, plinth, z - 0.03), case.body))
    cells = [_Cell(a, b, low, high, -z + 0.012, z - 0.01) for low, high in rows for a, b in columns]
    if case.style == "cupboard":
        hidden = max(1, case.rows // 3)
        doors = [(a, rows[0][0] - t, b, rows[hidden - 1][1] + t / 2) for a, b in split(-x + 0.002, x - 0.002, 2)]
        parts += fronts(doors, z, case.body, look="shaker")
        knobs = [(s * 0.035, (doors[0][1] + doors[0][3]) / 2, z + 0.021) for s in (-1, 1)]
        parts += handles(knobs, "knob", case.frame, length_m=0.1)
        cells = cells[hidden * case.columns :]
    return parts, cells


def _posts(case: Bookcase) -> tuple[list[Part], list[_Cell]]:
    x, z, t, post = case.width_m / 2, case.depth_m / 2, case.board_m, _POST_M
    at = [(sx * (x - post / 2), case.height_m / 2, sz * (z - post / 2)) for sx in (-1, 1) for sz in (-1, 1)]
    parts = [boards(at, (post, case.height_m, post), case.frame)]
    rows = split(0.1 + t, case.height_m + t, case.rows, t)
    levels = [bottom - t / 2 for bottom, _ in rows] + [case.height_m - t / 2]
    parts.append(boards([(0.0, y, 0.0) for y in levels], (2 * (x - post) - 0.002, t, case.depth_m), case.body))
    braces = np.array([(-x + post, rows[0][0], -z + 0.005), (x - post, rows[0][0], -z + 0.005)])
    heads = np.array([(x - post, case.height_m - 0.1, -z + 0.005), (-x + post, case.height_m - 0.1, -z + 0.005)])
    heads[1, 2] = braces[1, 2] = -z + 0.016
    parts.append(batch.sticks(braces, heads, (0.005, 0.005), case.frame))
    bars = [(sx * (x - post / 2), bottom - t / 2, 0.0) for sx in (-1, 1) for bottom, _ in rows]
    parts.append(batch.boxes(bars, (0.016, 0.016, case.depth_m - 2 * post), case.frame))
    edge = x - post - 0.002
    return parts, [_Cell(-edge, edge, low, min(high, case.height_m - t), -z + 0.022, z - 0.01) for low, high in rows]


def _ladder(case: Bookcase) -> tuple[list[Part], list[_Cell]]:
    x, z, t = case.width_m / 2, case.depth_m / 2, case.board_m
    feet = [(sx * (x - 0.02), 0.0, z - 0.03) for sx in (-1, 1)]
    heads = [(sx * (x - 0.02), case.height_m, -z + 0.03) for sx in (-1, 1)]
    back = [(sx * (x - 0.02), 0.0, -z + 0.02) for sx in (-1, 1)]
    tops = [(sx * (x - 0.02), case.height_m * 0.97, -z + 0.02) for sx in (-1, 1)]
    parts = [
        batch.sticks(feet, heads, (0.02, 0.02), case.frame, sides=4),
        batch.sticks(back, tops, (0.016, 0.016), case.frame, sides=4),
    ]
    rows = split(0.16, case.height_m - 0.05, case.rows, t)
    cells = []
    for low, high in rows:
        front = z - 0.02 - (2 * z - 0.1) * low / case.height_m
        parts.append(board((-x + 0.045, low - t, -z), (x - 0.045, low, front + 0.03), case.body))
        parts.append(board((-x + 0.045, low, -z), (x - 0.045, low + 0.05, -z + 0.012), case.body))
        cells.append(_Cell(-x + 0.06, x - 0.06, low, high, -z + 0.014, front))
    return parts, cells


def _filled(case: Bookcase, cells: list[_Cell]) -> tuple[list[Part], list[Surface]]:
    """What stands in the compartments, and the surfaces that stay free."""
    books = cycle(case.books)
    placed: list[_Placed] = []
    parts: list[Part] = []
    free: list[Surface] = []
    for at, cell in enumerate(cells):
        content = case.contents[at % len(case.contents)]
        cover = case.covers[at % len(case.covers)]
        if content in ("books", "some"):
            placed += _row(cell, books, 1.0 if content == "books" else 0.55)
        elif content == "stack":
            placed += _pile(cell, books)
        elif content == "box":
            parts += _crate(cell, cover, case.frame)
        elif content == "vase":
            parts.append(_vase(cell, cover))
        else:
            free.append(Surface(cell.middle, (cell.wide - 0.02, cell.deep - 0.02), cell.tall - 0.01))
    for number, cover in enumerate(case.covers):
        mine = [(center, size) for which, center, size in placed if which == number]
        if mine:
            centers, sizes = zip(*mine, strict=True)
            parts.append(batch.boxes(centers, sizes, cover))
    return parts, free


def _row(cell: _Cell, books: Iterator[Book], share: float) -> list[_Placed]:
    """Books that stand side by side, up to a share of the width."""
    x, end = cell.left + 0.003, cell.left - 0.003 + share * cell.wide
    row: list[_Placed] = []
    while x + (book := next(books))[0] < end:
        thick, cover = book[0], book[3]
        height, depth = min(cell.tall - 0.015, 0.17 + 0.13 * book[1]), min(cell.deep, 0.13 + 0.07 * book[2])
        center = (x + thick / 2, cell.bottom + height / 2, cell.front - 0.012 - depth / 2)
        row.append((cover, center, (thick - 0.001, height, depth)))
        x += thick
    return row


def _pile(cell: _Cell, books: Iterator[Book]) -> list[_Placed]:
    """Books that lie on each other, up to six tenths of the height."""
    x, y, _ = cell.middle
    pile: list[_Placed] = []
    while y + (book := next(books))[0] < cell.bottom + 0.6 * cell.tall:
        thick, cover = book[0], book[3]
        wide, depth = min(cell.wide - 0.02, 0.17 + 0.12 * book[1]), min(cell.deep - 0.01, 0.14 + 0.07 * book[2])
        pile.append((cover, (x, y + thick / 2, cell.front - 0.01 - depth / 2), (wide, thick - 0.001, depth)))
        y += thick
    return pile


def _crate(cell: _Cell, material: Material, label: Material) -> list[Part]:
    """A storage box with a label."""
    wide, high = min(cell.wide - 0.012, 0.36), min(cell.tall - 0.03, 0.28)
    x, y, _ = cell.middle
    low, high_corner = (x - wide / 2, y, cell.back + 0.01), (x + wide / 2, y + high, cell.front - 0.005)
    tag = board((x - 0.04, y + high * 0.62, cell.front - 0.006), (x + 0.04, y + high * 0.78, cell.front - 0.003), label)
    return [board(low, high_corner, material), tag]


def _vase(cell: _Cell, material: Material) -> Part:
    high = min(cell.tall * 0.75, 0.3)
    profile = [(0.2, 0.0), (0.26, 0.03), (0.36, 0.4), (0.3, 0.62), (0.13, 0.82), (0.12, 0.92), (0.17, 1.0)]
    wide = min(high, cell.deep / 0.8, cell.wide / 0.8)
    return scaled(lathe(profile, material, sides=14), (wide, high, wide), cell.middle)


def _sampler(style: Style) -> Sampler:
    def sampler(rng: np.random.Generator) -> Bookcase:
        if style == "cubes":
            rows, columns = int(rng.integers(2, 6)), int(rng.integers(2, 5))
            board_m = rng.uniform(0.02, 0.035)
            width, height = columns * 0.36, rows * 0.36
        else:
            rows = int(rng.integers(4, 7))
            width = rng.uniform(0.55, 1.3)
            columns = 1 if style in ("posts", "ladder") else 1 + (width > 0.85)
            board_m = rng.uniform(0.016, 0.028)
            height = rows * rng.uniform(0.31, 0.36)
        covers = tuple(
            Material(
                "plain",
                linear(0.9, 0.86, 0.76)
                if rng.random() < 0.15
                else (hue(rng, (0.3, 0.75), (0.2, 0.6)) if rng.random() < 0.5 else muted(rng)),
                roughness=0.6,
            )
            for _ in range(6)
        )
        books = tuple(
            (rng.uniform(0.014, 0.05), rng.random(), rng.random(), int(rng.integers(len(covers)))) for _ in range(61)
        )
        weights = (
            np.array([0.5, 0.2, 0.1, 0.08, 0.06, 0.06])
            if style != "cubes"
            else np.array([0.25, 0.15, 0.1, 0.25, 0.1, 0.15])
        )
        contents = tuple(CONTENTS[at] for at in rng.choice(len(CONTENTS), size=29, p=weights))
        return Bookcase(
            style,
            width,
            height,
            rng.uniform(0.26, 0.38),
            rows,
            columns,
            board_m,
            furniture(rng),
            metal(rng) if style != "ladder" else wood(rng),
            covers,
            contents,
            books,
        )

    return sampler


FAMILY = Family(
    name="bookcase",
    label="shelf",
    stands="floor",
    styles={style: _sampler(style) for style in ("plain", "cubes", "posts", "cupboard", "ladder")},
    unseen=("ladder",),
    build=build,
)
