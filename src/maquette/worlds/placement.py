"""Putting things into a world one by one, so that none runs into another (Everted U-Net, section 3.1)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Literal

import numpy as np

from maquette.worlds.collision import CLEARANCE_M, Body, Shape, box_footing, boxes_touch, meshes_touch
from maquette.worlds.types import Asset, Floats, Object, OrientedBox, Surface, yaw_pose

Rng = np.random.Generator
Place = tuple[float, float, float]
Propose = Callable[[Rng], tuple[float, Place]]
"""Draws a yaw and a place in the world to try."""


class Placer:
    """The things of a world so far; new ones go only where they fit.

    Attributes:
        objects: What is placed, ids from 1 in order.
    """

    def __init__(self, rng: Rng, *, attempts: int = 40, collisions: Literal["mesh", "boxes"] = "mesh") -> None:
        """Start with nothing.

        Args:
            rng: Draws places.
            attempts: Tries to place a thing before it is left out.
            collisions: ``mesh`` compares oriented boxes and then surfaces; ``boxes`` axis-aligned boxes.
        """
        self.objects: list[Object] = []
        self._rng = rng
        self._attempts = attempts
        self._collisions = collisions
        self._shapes: dict[Asset, Shape] = {}
        self._solid: dict[int, Body] = {}
        self._reserved: list[Floats] = []

    def add(
        self, label: str, asset: Asset, yaw_rad: float, place: Place, parent: int = 0, *, solid: bool = True
    ) -> Object:
        """Put a thing somewhere without any check.

        Args:
            label: Its category.
            asset: Its shape.
            yaw_rad: Turn about +Y.
            place: Origin of the asset's frame in the world, metres.
            parent: Id of what it stands on or hangs from.
            solid: Whether later things must keep clear of it; the ground they stand on is not.
        """
        made = Object(len(self.objects) + 1, label, asset, float(yaw_rad), _floats(place), parent)
        self.objects.append(made)
        if solid:
            self._solid[made.id] = self._body(asset, made.yaw_rad, made.place)
        return made

    def reserve(self, box: OrientedBox) -> None:
        """Keep a box free of things that are placed from now on: the way through a door."""
        self._reserved.append(box_footing(box))

    def fits(self, asset: Asset, yaw_rad: float, place: Place, ignore: Iterable[int] = (), parent: int = 0) -> bool:
        """Whether a thing can be somewhere without touching another.

        Args:
            asset: Its shape.
            yaw_rad: Turn about +Y.
            place: Origin of the asset's frame in the world, metres.
            ignore: Ids of things that it may run into.
            parent: Id of what it stands on, which it may touch with its base.
        """
        body = self._body(asset, yaw_rad, _floats(place))
        if self._reserved and boxes_touch(body.footing, np.array(self._reserved)).any():
            return False
        skipped = {*ignore, parent}
        others = [other for key, other in self._solid.items() if key not in skipped]
        if self._collisions == "boxes":
            return not any(_overlap(body.bounds, other.bounds) for other in others)
        if parent in self._solid:
            x, y, z = body.place
            lifted = Body(body.shape, body.yaw_rad, (x, y + 2 * CLEARANCE_M, z))
            if meshes_touch(lifted, self._solid[parent]):
                return False
        if not others:
            return True
        near = np.flatnonzero(boxes_touch(body.footing, np.array([other.footing for other in others])))
        return not any(meshes_touch(body, others[at]) for at in near)

    def try_place(self, label: str, asset: Asset, propose: Propose, parent: int = 0) -> Object | None:
        """Put a thing at the first proposed place where it fits; None when none of the attempts did."""
        for _ in range(self._attempts):
            yaw_rad, place = propose(self._rng)
            if self.fits(asset, yaw_rad, place, parent=parent):
                return self.add(label, asset, yaw_rad, place, parent)
        return None

    def try_on(
        self, label: str, asset: Asset, parent: Object, yaw_rad: tuple[float, float] = (-math.pi, math.pi)
    ) -> Object | None:
        """Put a thing on one of another's surfaces, with all of its base on it and enough room above.

        Args:
            label: Its category.
            asset: Its shape.
            parent: What it stands on.
            yaw_rad: Least and greatest turn relative to the parent's front.

        Returns:
            The placed thing; None when no attempt fitted.
        """
        shape = self._shape(asset)
        height = shape.bounds[1, 1]
        surfaces = [surface for surface in parent.asset.surfaces if surface.clearance_m > height + 2 * CLEARANCE_M]
        if not surfaces:
            return None
        areas = np.array([surface.size[0] * surface.size[1] for surface in surfaces])
        pose = parent.T_world_object
        for _ in range(self._attempts):
            surface = surfaces[self._rng.choice(len(surfaces), p=areas / areas.sum())]
            turn = self._rng.uniform(*yaw_rad)
            spot = _on_surface(self._rng, shape.base, surface, turn)
            if spot is None:
                continue
            x, y, z = pose[:3, :3] @ spot + pose[:3, 3]
            yaw, place = parent.yaw_rad + turn, (float(x), float(y), float(z))
            if self.fits(asset, yaw, place, parent=parent.id):
                return self.add(label, asset, yaw, place, parent.id)
        return None

    def _shape(self, asset: Asset) -> Shape:
        if asset not in self._shapes:
            self._shapes[asset] = Shape.of(asset)
        return self._shapes[asset]

    def _body(self, asset: Asset, yaw_rad: float, place: Place) -> Body:
        return Body(self._shape(asset), yaw_rad, place)


def _on_surface(rng: Rng, base: Floats, surface: Surface, turn_rad: float) -> Floats | None:
    """A random place (3,) of the origin, in the parent's frame, that keeps the turned base on the surface."""
    corners = np.array([[x, 0.0, z] for x in base[:, 0] for z in base[:, 1]]) @ yaw_pose(turn_rad, (0, 0, 0))[:3, :3].T
    half = np.array([surface.size[0], 0.0, surface.size[1]]) / 2
    low, high = -half - corners.min(axis=0), half - corners.max(axis=0)
    if (low > high).any():
        return None
    spot: Floats = surface.center + rng.uniform(low, high)
    return spot


def _overlap(a: Floats, b: Floats) -> bool:
    return bool((a[0] < b[1]).all() and (b[0] < a[1]).all())


def _floats(place: Place) -> Place:
    x, y, z = place
    return float(x), float(y), float(z)
