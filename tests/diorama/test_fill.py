"""Filling: what is known stays, what is unknown does not matter, and what is made continues what is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.sparse.linalg import spsolve

from maquette.diorama.fill import Method, fill
from maquette.photo import load_photo

METHODS: tuple[Method, ...] = ("spread", "pyramid", "patch")
SHAPE = (150, 200)
_y, _x = np.mgrid[: SHAPE[0], : SHAPE[1]]
DISC = (_y - 70) ** 2 + (_x - 90) ** 2 < 35**2


def noise(seed: int, size: tuple[int, ...] = (*SHAPE, 3)) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, size).astype(np.uint8)


def blobs(shape: tuple[int, int], share: float, seed: int) -> NDArray[np.bool_]:
    field = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), min(shape) / 14)
    return np.asarray(field > np.quantile(field, 1 - share))


def skimage_photo(name: str) -> NDArray[np.uint8]:
    data = pytest.importorskip("skimage.data", reason="scikit-image carries the photos")
    return load_photo(next(Path(data.__file__).parent.glob(f"{name}.*g"))).rgb


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_only_the_hole_changes(method: Method, data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 40))
    known = data.draw(hnp.arrays(bool, (height, width)))
    wanted = data.draw(hnp.arrays(bool, (height, width)))
    rgb = noise(data.draw(st.integers(0, 9)), (height, width, 3))
    before = rgb.copy()
    filled = fill(rgb, known, wanted, method)
    assert filled.dtype == np.uint8
    assert filled.shape == rgb.shape
    assert np.array_equal(rgb, before)
    kept = known | ~wanted
    assert np.array_equal(filled[kept], rgb[kept])


@pytest.mark.parametrize("method", METHODS)
def test_hidden_colours_do_not_matter(method: Method) -> None:
    rgb = skimage_photo("coffee")[:150, 200:400]
    other = np.where(DISC[..., None], noise(1), rgb)
    wanted = ndimage.binary_erosion(DISC, iterations=8)  # so that some unknown pixels are not wanted either
    first, second = fill(rgb, ~DISC, wanted, method), fill(other, ~DISC, wanted, method)
    assert np.array_equal(first[wanted], second[wanted])


@pytest.mark.parametrize("method", METHODS)
def test_one_colour_stays_one_colour(method: Method) -> None:
    rgb = np.full((*SHAPE, 3), (200, 17, 90), np.uint8)
    garbled = np.where(DISC[..., None], noise(2), rgb)
    assert np.array_equal(fill(garbled, ~DISC, DISC, method), rgb)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_known_or_nothing_wanted(method: Method) -> None:
    rgb = noise(3)
    none, every = np.zeros(SHAPE, bool), np.ones(SHAPE, bool)
    assert np.array_equal(fill(rgb, none, every, method), rgb)
    assert np.array_equal(fill(rgb, every, every, method), rgb)
    assert np.array_equal(fill(rgb, every, none, method), rgb)


@pytest.mark.parametrize("method", METHODS)
def test_one_known_pixel_far_away_colours_all(method: Method) -> None:
    rgb = noise(4, (900, 900, 3))
    known = np.zeros((900, 900), bool)
    known[0, 0] = True
    wanted = np.zeros_like(known)
    wanted[700:, 700:] = True
    assert np.array_equal(np.unique(fill(rgb, known, wanted, method)[wanted], axis=0), rgb[:1, 0])


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_same_bytes(method: Method) -> None:
    rgb = skimage_photo("chelsea")
    hole = blobs(rgb.shape[:2], 0.2, 0)
    first = fill(rgb, ~hole, hole, method, seed=5)
    assert np.array_equal(first, fill(rgb, ~hole, hole, method, seed=5))


def test_seed_changes_the_grain() -> None:
    rgb = skimage_photo("chelsea")
    hole = blobs(rgb.shape[:2], 0.2, 0)
    assert not np.array_equal(fill(rgb, ~hole, hole, seed=0), fill(rgb, ~hole, hole, seed=1))


def test_pyramid_continues_a_gradient_and_spread_does_not() -> None:
    rgb = np.stack([_x, _y, 255 - _x // 2], axis=-1).astype(np.uint8)
    error = {m: np.abs(fill(rgb, ~DISC, DISC, m)[DISC].astype(int) - rgb[DISC]).mean() for m in METHODS}
    assert error["pyramid"] < 2
    assert error["pyramid"] < error["spread"] / 3


def test_pyramid_without_grain_is_near_the_exact_membrane() -> None:
    # Laplace's equation with the rim as its boundary, solved directly; smooth pictures have hardly any grain.
    smooth = ndimage.gaussian_filter(noise(6).astype(float), (12, 12, 0))
    rgb = np.clip((smooth - 127.5) * 12 + 127.5, 0, 255).round().astype(np.uint8)
    index = np.full(SHAPE, -1)
    index[DISC] = np.arange(DISC.sum())
    matrix = sparse.lil_matrix((DISC.sum(), DISC.sum()))
    right = np.zeros((DISC.sum(), 3))
    for y, x in np.argwhere(DISC):
        row = index[y, x]
        matrix[row, row] = 4
        for there in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if DISC[there]:
                matrix[row, index[there]] = -1
            else:
                right[row] += rgb[there]
    exact = np.stack([spsolve(matrix.tocsr(), right[:, channel]) for channel in range(3)], axis=1)
    assert exact.std(axis=0).min() > 5  # there is something to interpolate
    off = np.abs(fill(rgb, ~DISC, DISC)[DISC] - exact)
    assert off.mean() < 3
    assert off.mean() < 0.2 * np.abs(exact - exact.mean(axis=0)).mean()


@pytest.mark.parametrize("sigma", [0.0, 2.0, 4.0])
def test_grain_is_as_strong_as_the_pictures(sigma: float) -> None:
    random = np.random.default_rng(7)
    flat = 128 + sigma * random.standard_normal(SHAPE)
    rgb = np.repeat(np.rint(flat)[..., None], 3, axis=2).astype(np.uint8)
    inner = ndimage.binary_erosion(DISC, iterations=6)
    made = fill(rgb, ~DISC, DISC)[inner][:, 0].std()
    assert 0.5 * sigma <= made <= 1.15 * sigma


def test_an_edge_beside_the_hole_is_no_grain() -> None:
    rgb = np.where(_x < 30, 30, 200)[..., None].repeat(3, axis=2).astype(np.uint8)
    filled = fill(rgb, ~DISC, DISC)[DISC].astype(float)
    assert filled.std() < 2


def test_patch_continues_a_texture_that_the_others_blur() -> None:
    stripes = np.where((_x + _y) % 16 < 8, 60, 190)[..., None].repeat(3, axis=2).astype(np.uint8)
    inner = ndimage.binary_erosion(DISC, iterations=8)
    error = {m: np.abs(fill(stripes, ~DISC, DISC, m)[inner].astype(int) - stripes[inner]).mean() for m in METHODS}
    assert error["patch"] < 0.5 * min(error["pyramid"], error["spread"])


def sharpness(rgb: NDArray[Any], where: NDArray[np.bool_]) -> float:
    grey = rgb.astype(float).mean(axis=2)
    return float(np.median(np.hypot(*np.gradient(grey))[where]))


@pytest.mark.parametrize("name", ["coffee", "chelsea", "astronaut"])
def test_on_photos_every_method_beats_one_mean_colour(name: str) -> None:
    rgb = skimage_photo(name)
    errors: dict[str, list[float]] = {method: [] for method in (*METHODS, "mean")}
    for seed in range(3):
        hole = blobs((rgb.shape[0], rgb.shape[1]), 0.15, seed)
        for method in METHODS:
            filled = fill(rgb, ~hole, hole, method)
            errors[method].append(float(np.abs(filled[hole].astype(int) - rgb[hole]).mean()))
        errors["mean"].append(float(np.abs(rgb[hole] - rgb[~hole].mean(axis=0)).mean()))
    for method in METHODS:
        assert np.mean(errors[method]) < 0.85 * np.mean(errors["mean"])


def test_patch_and_grain_look_less_blurred_than_spreading() -> None:
    rgb = skimage_photo("chelsea")
    hole = blobs((rgb.shape[0], rgb.shape[1]), 0.15, 1)
    inner = ndimage.binary_erosion(hole, iterations=4)
    true = sharpness(rgb, inner)
    off = {m: abs(np.log(sharpness(fill(rgb, ~hole, hole, m), inner) / true)) for m in METHODS}
    assert off["patch"] < off["pyramid"] < off["spread"]


def test_what_is_far_from_the_hole_does_not_matter() -> None:
    small = skimage_photo("coffee")[:150, 200:400]
    hole = np.zeros((600, 600), bool)
    hole[200:350, 200:400] = DISC
    large = np.full((600, 600, 3), 128, np.uint8)
    large[200:350, 200:400] = small
    filled = fill(large, ~hole, hole, "spread")
    assert np.array_equal(filled[~hole], large[~hole])
    assert np.array_equal(filled[hole], fill(small, ~DISC, DISC, "spread")[DISC])
