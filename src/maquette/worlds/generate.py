"""One world from options, a seed and a number: the entry to all generators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import lru_cache

import numpy as np

from maquette import __version__
from maquette.worlds.landscape import make_landscape
from maquette.worlds.library import Library
from maquette.worlds.options import WorldOptions
from maquette.worlds.rooms import make_room
from maquette.worlds.street import make_street
from maquette.worlds.studio import make_studio
from maquette.worlds.types import Kind, World

_MAKERS: dict[Kind, Callable[[WorldOptions, np.random.Generator, Library], World]] = {
    "studio": make_studio,
    "room": make_room,
    "street": make_street,
    "landscape": make_landscape,
}

_library = lru_cache(maxsize=4)(Library)


def make_world(options: WorldOptions, seed: int, index: int) -> World:
    """Make one world; the same arguments give the same world.

    Args:
        options: What worlds look like.
        seed: Of the whole data set.
        index: Number of the world in it, from 0.

    Raises:
        MaquetteError: The options name something that does not exist or cannot be used.
    """
    options.check()
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index,)))
    world = _MAKERS[options.kind_of(index)](options, rng, _library(options))
    settings = {"options": asdict(options), "seed": seed, "index": index, "version": __version__}
    return replace(world, name=f"{world.name}-{seed}-{index:06d}", settings=settings)
