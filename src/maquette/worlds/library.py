"""Where the generators of worlds take their things from: our own families, joined by a user's meshes and pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from maquette.errors import MaquetteError
from maquette.worlds.assets import Family, families
from maquette.worlds.options import WorldOptions
from maquette.worlds.types import Asset, Stands

_MOST = 200
_PICTURES = (".jpg", ".jpeg", ".png", ".webp")


class Library:
    """Families by name.

    Attributes:
        names: Names of the families.
        photos: Names of tiles (see ``maquette.worlds.textures``) that are the user's own pictures.
    """

    def __init__(self, options: WorldOptions) -> None:
        """Collect the families that the options ask for.

        Raises:
            MaquetteError: The folder of meshes or of textures cannot be used.
        """
        self._which: Literal["seen", "unseen", "all"] = options.styles
        self._families: dict[str, tuple[Family, ...]] = {name: (family,) for name, family in families().items()}
        if options.assets is not None:
            from maquette.worlds.assets.imported import load_families

            for name, family in load_families(options.assets, options.classes).items():
                ours = () if options.only_assets else self._families.get(name, ())
                self._families[name] = (*ours, family)
        elif options.only_assets:
            raise MaquetteError("only_assets: needs meshes of your own; name their folder with assets")
        self.names = tuple(self._families)
        self.photos = () if options.textures is None else _photos(Path(options.textures))

    def stands(self, name: str) -> Stands:
        """Where the things of a family belong."""
        return self._families[name][0].stands

    def sample(
        self,
        name: str,
        rng: np.random.Generator,
        styles: tuple[str, ...] = (),
        adapt: Callable[[Any], Any] | None = None,
    ) -> tuple[str, Asset]:
        """A random thing of a family: its label, and its shape.

        Args:
            name: Of the family.
            rng: Draws the style, each by even chance, and its parameters.
            styles: Styles to prefer; where none of them is to be had, all styles count.
            adapt: Changes the drawn parameters, of our own family or of the user's.
        """
        have = [(family, style) for family in self._families[name] for style in family.names(self._which)]
        choices = [pair for pair in have if pair[1] in styles] or have
        family, style = choices[rng.integers(len(choices))]
        parameters = family.styles[style](rng)
        return family.label, family.build(adapt(parameters) if adapt else parameters)


def parse_counts(text: str, defaults: Mapping[str, int], known: tuple[str, ...]) -> dict[str, int]:
    """Read the most objects of each family.

    Args:
        text: As ``table=2,chair=3``; empty takes the defaults, and a family that it does not name has none.
        defaults: The kind's own.
        known: Names of families that the kind can have.

    Raises:
        MaquetteError: A name is unknown, or a number is not between 0 and 200.
    """
    if not text.strip():
        return dict(defaults)
    counts: dict[str, int] = {}
    for entry in text.split(","):
        name, _, number = (piece.strip() for piece in entry.partition("="))
        if name not in known:
            raise MaquetteError(f"counts: there is no family {name!r} here; choose from {', '.join(sorted(known))}")
        if name in counts:
            raise MaquetteError(f"counts: {name} appears twice; give it one number")
        if not (number.isascii() and number.isdigit() and int(number) <= _MOST):
            raise MaquetteError(f"counts: {name} needs a whole number from 0 to {_MOST}, as in {name}=2")
        counts[name] = int(number)
    return counts


def _photos(folder: Path) -> tuple[str, ...]:
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in _PICTURES)
    except OSError as error:
        raise MaquetteError(
            f"{folder}: cannot be read as a folder ({error.strerror}); name one with pictures"
        ) from error
    if not found:
        raise MaquetteError(f"{folder}: has no pictures; put JPEG or PNG files there")
    return tuple(f"photo:{path.resolve()}" for path in found)
