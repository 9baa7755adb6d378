"""Families of assets, one file each: a pure function of its parameters, and samplers of them for each style.

``FAMILIES`` lists them. A family's ``styles`` map the name of a variety to a function of a random generator, and of
nothing else, that gives parameters; ``build`` makes an ``Asset`` of parameters, without randomness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Literal

import numpy as np

from maquette.worlds.types import Asset, Stands

Sampler = Callable[[np.random.Generator], Any]

MODULES: tuple[str, ...] = (
    "table",
    "chair",
    "nightstand",
    "laptop",
    "bag",
    "person",
    "terrain",
    "road",
    "sidewalk",
    "building",
    "tree",
    "car",
    "fence",
    "pole",
    "mountain",
    "water",
    "bed",
    "sofa",
    "armchair",
    "bookcase",
    "desk",
    "cabinet",
    "dresser",
    "lamp",
    "table_lamp",
    "ceiling_lamp",
    "plant",
    "small_plant",
    "decor",
    "picture",
    "rug",
    "curtain",
    "door",
    "window",
    "tv",
    "wall_tv",
)
"""Modules of this package that have a ``FAMILY``."""


@dataclass(frozen=True)
class Family:
    """Things of one kind.

    Attributes:
        name: As in ``table``.
        label: Name of its category in ``maquette.labels``.
        stands: Where it belongs.
        styles: Samplers of parameters, by the name of the variety.
        unseen: Varieties that are held out for testing.
        build: Parameters to an asset; the parameters carry the style.
    """

    name: str
    label: str
    stands: Stands
    styles: Mapping[str, Sampler]
    unseen: tuple[str, ...]
    build: Callable[[Any], Asset]

    def names(self, which: Literal["seen", "unseen", "all"]) -> tuple[str, ...]:
        """The names of the styles that are trained on, held out, or both; a family of one set gives that for any."""
        wanted = tuple(name for name in self.styles if which == "all" or (name in self.unseen) == (which == "unseen"))
        return wanted or tuple(self.styles)


@cache
def families() -> Mapping[str, Family]:
    """Every family of our own, by name."""
    found = [import_module(f"{__name__}.{module}").FAMILY for module in MODULES]
    return {family.name: family for family in found}


def sample(family: Family, rng: np.random.Generator, which: Literal["seen", "unseen", "all"] = "seen") -> Asset:
    """A random asset of a family: a style by even chance, then its parameters."""
    names = family.names(which)
    return family.build(family.styles[names[rng.integers(len(names))]](rng))
