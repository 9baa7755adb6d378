import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maquette.diorama.planes import FARTHEST_M, closer, evaluate, fit_facing, fit_tilted, fit_two, keep_in_front

RNG = np.random.default_rng(1)
X, Y = RNG.uniform(0, 640, 900), RNG.uniform(0, 480, 900)
ONES = np.ones(900)
GROUND = (1e-5, 8e-4, -0.1)
WALL = (-4e-4, 0.0, 0.4)


def test_a_plane_in_space_has_affine_inverse_depth():
    """The premise of this module, from the plane n . X = d and the pinhole rays X = z K^-1 (x, y, 1)."""
    focal, normal, distance = 500.0, np.array([0.2, -0.7, 0.4]), 3.0
    rays = np.stack([(X - 320) / focal, (Y - 240) / focal, ONES], axis=1)
    inverse = rays @ normal / distance
    keep = inverse > 0.01
    fit = fit_tilted(X[keep], Y[keep], inverse[keep], ONES[keep])
    np.testing.assert_allclose(evaluate(fit.inverse_depth, X, Y)[keep], inverse[keep], rtol=1e-9)
    assert fit.error < 1e-9


def test_a_third_of_outliers_does_not_move_the_fit():
    inverse = evaluate(GROUND, X, np.clip(Y, 200, None))
    bad = np.arange(900) % 3 == 0
    spoiled = np.where(bad, inverse * 3, inverse)
    fit = fit_tilted(X, np.clip(Y, 200, None), spoiled, ONES)
    np.testing.assert_allclose(evaluate(fit.inverse_depth, X, np.clip(Y, 200, None)), inverse, rtol=0.01)


def test_facing_is_the_median():
    assert fit_facing(np.array([0.1, 0.2, 0.2, 0.9])).inverse_depth == (0.0, 0.0, pytest.approx(0.2))


def test_two_planes_come_apart():
    wall = X < 300
    inverse = np.where(wall, evaluate(WALL, X, Y), 0.1)
    pair = fit_two(X, Y, inverse, ONES)
    first = closer(pair, X, Y, inverse)
    assert np.array_equal(first, wall) or np.array_equal(~first, wall)
    for plane, here in zip(pair, (first, ~first), strict=True):
        np.testing.assert_allclose(evaluate(plane, X[here], Y[here]), inverse[here], rtol=1e-6)


@given(st.floats(-1e-2, 1e-2), st.floats(-1e-2, 1e-2), st.floats(1e-4, 2), st.floats(0, 640), st.floats(0, 480))
def test_keep_in_front_holds_at_every_corner_and_keeps_the_pivot(a, b, level, px, py):
    plane = (a, b, level - a * px - b * py)
    bounds = (0.0, 0.0, 640.0, 480.0)
    kept = keep_in_front(plane, bounds, (px, py))
    corners = np.array([(x, y) for x in (0.0, 640.0) for y in (0.0, 480.0)])
    assert np.all(evaluate(kept, corners[:, 0], corners[:, 1]) >= 1 / FARTHEST_M * (1 - 1e-6))
    assert evaluate(kept, np.array([px]), np.array([py]))[0] == pytest.approx(max(level, 1 / FARTHEST_M), rel=1e-6)
    assert abs(kept[0]) <= abs(a) and abs(kept[1]) <= abs(b)
