"""The pieces that assets are built from, against the formulas of their volumes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from maquette.worlds.assets.solids import (
    ball,
    box,
    cushion,
    cylinder,
    ellipses,
    extruded,
    grounded,
    hull,
    lathe,
    loft,
    merged,
    mirrored,
    moved,
    scaled,
    tipped,
    tube,
    turned,
)
from maquette.worlds.types import Material, Part

WOOD = Material("oak")
STAR = [(math.cos(k * math.pi / 5) * (1 + k % 2), math.sin(k * math.pi / 5) * (1 + k % 2)) for k in range(10)]


def solid(part: Part) -> trimesh.Trimesh:
    """The part with vertices at the same place made one."""
    mesh = trimesh.Trimesh(part.vertices.astype(np.float64), part.faces, process=False)
    mesh.merge_vertices(merge_tex=True, merge_norm=True)
    assert mesh.is_watertight and mesh.is_winding_consistent
    return mesh


def polygon(sides: int) -> float:
    """Area of a regular polygon on the unit circle."""
    return sides / 2 * math.sin(2 * math.pi / sides)


def bar(sides: int = 12, power: float = 1.0) -> Part:
    """A straight loft along +Y, 2 m long, with half axes of 0.3 m along x and 0.2 m along z."""
    centers = np.linspace((0, 0, 0), (0, 2, 0), 5)
    wide, deep = np.full(5, 0.3), np.full(5, 0.2)
    return loft(ellipses(centers, (0, 0, 1), (1, 0, 0), deep, wide, sides, power), WOOD)


SOLIDS = {
    "box": (box((1, 2, 3), (0.2, 0.4, 0.6), WOOD), 0.048),
    "hull": (hull([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)], WOOD), 1 / 6),
    "cylinder": (cylinder((1, 0, 2), 3.0, 0.5, WOOD, sides=12), 0.75 * polygon(12)),
    "cone": (lathe([(0.5, 0.0), (0.0, 1.0)], WOOD, sides=16), 0.25 * polygon(16) / 3),
    "tube": (tube([(0, 0, 0), (0, 0, 1), (0, 0, 3)], 0.1, WOOD, sides=8), 0.03 * polygon(8)),
    "loft": (bar(), 0.12 * polygon(12)),
    "star": (extruded(STAR, 0.5, WOOD), 5.0 * math.sin(math.pi / 5)),
    "tipped": (tipped(bar(), 0.7), 0.12 * polygon(12)),
    "mirrored": (mirrored(moved(bar(), (1, 0, 0))), 0.12 * polygon(12)),
    "merged": (merged([bar(), moved(bar(), (2, 0, 0))]), 0.24 * polygon(12)),
    "scaled": (scaled(bar(), (1, 2, 3)), 0.72 * polygon(12)),
}


@pytest.mark.parametrize("name", SOLIDS)
def test_volumes_are_those_of_the_formulas(name: str) -> None:
    part, volume = SOLIDS[name]
    assert solid(part).volume == pytest.approx(volume, rel=1e-4)


@pytest.mark.parametrize("name", [*SOLIDS])
def test_normals_are_unit_and_look_outward(name: str) -> None:
    part = SOLIDS[name][0]
    assert np.allclose(np.linalg.norm(part.normals, axis=1), 1, atol=1e-5)
    corners = part.vertices[part.faces].astype(np.float64)
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.einsum("mi,mki->mk", across, part.normals[part.faces]) > 0).all()


def test_round_things_approach_their_ideals() -> None:
    assert solid(ball((0, 0, 0), (1, 2, 3), WOOD, sides=64)).volume == pytest.approx(8 * math.pi, rel=0.02)
    assert solid(cushion((0, 0, 0), (1, 1, 1), WOOD, roundness=1.0, steps=24)).volume == pytest.approx(
        math.pi / 6, rel=0.02
    )
    soft = solid(cushion((0, 0, 0), (1, 1, 1), WOOD, roundness=0.2)).volume
    assert math.pi / 6 < soft < 1


def test_a_squared_loft_is_fuller() -> None:
    assert 0.12 * polygon(12) < solid(bar(power=0.5)).volume < 0.3 * 0.2 * 4 * 2


def test_uv_of_a_loft_are_metres_along_and_around_it() -> None:
    part = bar(sides=64)
    side = part.uv[: 5 * 65]
    assert side[:, 0].max() == pytest.approx(2.0)
    assert side[:, 1].max() == pytest.approx(ramanujan(0.3, 0.2), rel=0.01)


def ramanujan(a: float, b: float) -> float:
    """Ramanujan's approximation of the perimeter of an ellipse."""
    return math.pi * (3 * (a + b) - math.sqrt((3 * a + b) * (a + 3 * b)))


def test_tipping_brings_the_front_up_and_the_top_back() -> None:
    for before, after in (((0, 0, 1), (0, 1, 0)), ((0, 1, 0), (0, 0, -1)), ((1, 0, 0), (1, 0, 0))):
        part = tipped(box(before, (0.1, 0.1, 0.1), WOOD), math.pi / 2)
        assert part.vertices.mean(axis=0) == pytest.approx(after, abs=1e-6)


def test_turning_is_about_y_from_z_towards_x() -> None:
    part = turned(box((0, 0, 1), (0.1, 0.1, 0.1), WOOD), math.pi / 2)
    assert part.vertices.mean(axis=0) == pytest.approx((1, 0, 0), abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(st.tuples(*[st.floats(-5, 5)] * 3))
def test_grounded_things_stand_over_the_origin(offset: tuple[float, float, float]) -> None:
    parts = grounded([moved(bar(), offset), moved(box((1, 1, 1), (1, 1, 1), WOOD), offset)])
    every = np.concatenate([part.vertices for part in parts])
    low, high = every.min(axis=0), every.max(axis=0)
    assert (low[1], low[0] + high[0], low[2] + high[2]) == pytest.approx((0, 0, 0), abs=1e-5)
