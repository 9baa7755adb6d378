"""What is special about furniture and fittings; ``test_assets`` holds every family to the common contract."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maquette.worlds.assets import bookcase, families, picture
from maquette.worlds.assets.foliage import Shape, around, leaves
from maquette.worlds.assets.joinery import DARK, Front, boards, fronts, split
from maquette.worlds.assets.softs import padded, pillow
from maquette.worlds.types import Asset, Material, Part

PLAIN = Material()
LENGTH = st.floats(0.02, 2.0)


def volume(part: Part) -> float:
    a, b, c = np.moveaxis(part.vertices[part.faces].astype(np.float64), 1, 0)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def made(family: str, style: str, seed: int = 0, **changes: float) -> Asset:
    params = families()[family].styles[style](np.random.default_rng(seed))
    return families()[family].build(replace(params, **changes))


def cases(*names: str) -> list[tuple[str, str]]:
    return [(name, style) for name in names for style in families()[name].styles]


@settings(max_examples=40, deadline=None)
@given(st.tuples(LENGTH, LENGTH, LENGTH), st.floats(0.001, 0.02))
def test_a_board_is_a_box_less_its_edges(size: tuple[float, float, float], bevel_m: float) -> None:
    a, b, c = size
    cut = min(bevel_m, 0.4 * min(size))
    sharp, soft = (
        boards([(1.0, 2.0, 3.0)], size, PLAIN, bevel_m=0.0),
        boards([(1.0, 2.0, 3.0)], size, PLAIN, bevel_m=cut),
    )
    assert volume(sharp) == pytest.approx(a * b * c, rel=1e-3)
    prisms = 2 * cut**2 * (a + b + c - 6 * cut)
    corners = 8 * cut**3 * 5 / 6
    assert volume(soft) == pytest.approx(a * b * c - prisms - corners, rel=1e-3)
    for part in (sharp, soft):
        assert np.allclose(part.vertices.max(axis=0) - part.vertices.min(axis=0), size, atol=1e-5)


def test_the_grain_of_a_board_runs_along_it() -> None:
    for axis in range(3):
        size = np.full(3, 0.1)
        size[axis] = 1.0
        part = boards([np.zeros(3)], size, PLAIN)
        triangles, uv = part.vertices[part.faces], part.uv[part.faces]
        reach = np.ptp(triangles[:, :, axis], axis=1)
        assert np.allclose(np.ptp(uv[..., 0], axis=1)[reach > 0.5], reach[reach > 0.5], atol=1e-6)


@pytest.mark.parametrize("look", ["slab", "shaker", "beaded"])
def test_gaps_between_fronts_are_dark(look: Front) -> None:
    rects = [(a, b, c, d) for b, d in split(0.0, 0.8, 4) for a, c in split(-0.5, 0.5, 2)]
    parts = fronts(rects, 0.2, PLAIN, look=look)
    seen = np.concatenate([part.vertices for part in parts if part.material != DARK])
    gap = ((np.abs(seen[:, 0]) < 0.0029) | (np.abs(seen[:, 1] - 0.4) < 0.0029)) & (seen[:, 2] > 0.2)
    assert not gap.any()
    dark = next(part for part in parts if part.material == DARK)
    low, high = dark.vertices.min(axis=0), dark.vertices.max(axis=0)
    assert (low[:2] < (-0.49, 0.01)).all() and (high[:2] > (0.49, 0.79)).all()
    assert 0.2 < high[2] < seen[:, 2].max()


@settings(max_examples=20, deadline=None)
@given(st.tuples(LENGTH, LENGTH, LENGTH))
def test_what_is_padded_lies_between_a_box_and_its_ellipsoid(size: tuple[float, float, float]) -> None:
    part = padded((0.0, 0.0, 0.0), size, PLAIN, radius_m=0.05)
    assert np.pi / 6 * 0.9 < volume(part) / np.prod(size) < 1.0
    assert (np.abs(part.vertices) <= np.array(size) / 2 + 1e-6).all()


def test_a_pillow_is_thick_in_the_middle_and_thin_at_its_rim() -> None:
    part = pillow((0.6, 0.2, 0.4), PLAIN)
    x, y, z = part.vertices.T
    assert np.allclose([np.ptp(x), np.ptp(y), np.ptp(z)], [0.6, 0.2, 0.4], rtol=0.05)
    rim = (np.abs(x) > 0.295) | (np.abs(z) > 0.195)
    assert np.ptp(y[rim]) < 0.03
    assert 0.5 < volume(part) / (0.6 * 0.2 * 0.4) < 0.9


@pytest.mark.parametrize("shape", ["oval", "heart", "blade"])
def test_leaves_are_thin_and_have_an_inside(shape: Shape) -> None:
    rng = np.random.default_rng(0)
    count = 50
    way = around(rng.uniform(0, 7, count), rng.uniform(-1, 1.2, count))
    part = leaves(rng.random((count, 3)), way, rng.normal(size=(count, 3)), 0.2, 0.08, PLAIN, shape=shape)
    each = part.vertices.reshape(count, 16, 3).astype(np.float64)
    volumes = [volume(replace(part, vertices=leaf, faces=part.faces[:16])) for leaf in each]
    assert min(volumes) > 0
    assert max(volumes) < 0.2 * 0.08 * 0.005


@pytest.mark.parametrize(("family", "style"), cases("door", "window"))
@pytest.mark.parametrize("size", [(0.8, 1.9), (1.3, 1.4), (1.7, 2.3)])
def test_doors_and_windows_fill_their_openings(family: str, style: str, size: tuple[float, float]) -> None:
    asset = made(family, style, width_m=size[0], height_m=size[1])
    points = np.concatenate([part.vertices for part in asset.parts])
    inside = points[points[:, 2] < -0.001]
    low = 0.0 if family == "door" else -size[1] / 2
    assert np.allclose(inside.min(axis=0)[:2], (-size[0] / 2, low), atol=1e-5)
    assert np.allclose(inside.max(axis=0)[:2], (size[0] / 2, low + size[1]), atol=1e-5)
    assert points[:, 2].min() >= -0.12 and points[:, 2].max() <= 0.08


@pytest.mark.parametrize("style", families()["window"].styles)
def test_light_comes_in_through_windows(style: str) -> None:
    asset = made("window", style)
    clear = [part for part in asset.parts if not part.material.casts_shadow]
    assert clear
    (left, bottom, _), (right, top, _) = clear[0].vertices.min(axis=0), clear[0].vertices.max(axis=0)
    low, high = asset.bounds
    assert (right - left) * (top - bottom) > 0.6 * (high[0] - low[0]) * (high[1] - low[1])


@pytest.mark.parametrize(("family", "style"), cases("lamp", "table_lamp", "ceiling_lamp"))
def test_lamps_shine_and_let_their_light_out(family: str, style: str) -> None:
    glowing = [part for part in made(family, style).parts if part.material.emission > 0]
    assert glowing
    assert not any(part.material.casts_shadow for part in glowing)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("style", families()["bookcase"].styles)
def test_books_stand_in_the_case_and_not_in_each_other(style: str, seed: int) -> None:
    params = families()["bookcase"].styles[style](np.random.default_rng(seed))
    asset = bookcase.build(replace(params, contents=("books", "stack", "some")))
    volumes = [part for part in asset.parts if part.material in params.covers]
    boxes = np.concatenate([part.vertices.reshape(-1, 24, 3) for part in volumes]).astype(np.float64)
    low, high = boxes.min(axis=1), boxes.max(axis=1)
    assert len(low) > 20
    assert (low >= asset.bounds[0] - 1e-6).all() and (high <= asset.bounds[1] + 1e-6).all()
    apart = (low[:, None] > high[None] - 1e-6).any(axis=-1)
    apart |= apart.T
    np.fill_diagonal(apart, True)
    assert apart.all()


@pytest.mark.parametrize("size", [(0.4, 0.4), (0.6, 0.3), (0.3, 0.9)])
def test_a_canvas_shows_the_middle_of_its_image_undistorted(size: tuple[float, float]) -> None:
    part = picture.canvas(*size, 0.02, PLAIN)
    low, high = part.uv.min(axis=0), part.uv.max(axis=0)
    assert np.allclose((low + high) / 2, 0.5)
    assert np.allclose(high - low, np.array(size) / max(size))
    assert np.allclose(part.uv[part.vertices[:, 1].argmax(), 1], high[1]), "v grows upward"


@pytest.mark.parametrize("style", families()["bed"].styles)
@pytest.mark.parametrize("seed", range(3))
def test_beds_are_made(style: str, seed: int) -> None:
    """Nothing of the bedding hangs to the floor, and its pillows are at the head."""
    params = families()["bed"].styles[style](np.random.default_rng(seed))
    asset = families()["bed"].build(params)
    linen = [part for part in asset.parts if part.material is params.linen]
    assert min(part.vertices[:, 1].min() for part in linen) > 0.05
    pillows = [part for part in linen if part.vertices[:, 1].min() > params.base_m + 0.5 * params.mattress_m]
    heads = [part.vertices[:, 2].mean() for part in pillows if np.ptp(part.vertices[:, 0]) < 0.8]
    assert len(heads) == params.pillows
    assert max(heads) < -0.2 * params.length_m
