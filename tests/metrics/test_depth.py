import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maquette.metrics import depth as m

RNG = np.random.default_rng(0)
TRUTH = RNG.uniform(0.5, 5.0, (12, 15))
TRUTH[2:4, 3:9] = 0.0
TRUTH[0, 0] = np.nan
PREDICTED = np.where(np.isfinite(TRUTH), np.abs(TRUTH), 1.0) * np.exp(RNG.normal(0, 0.3, TRUTH.shape)) + 0.1


def brute_force(predicted, truth):
    pairs = [(p, t) for p, t in zip(predicted.ravel(), truth.ravel(), strict=True) if math.isfinite(t) and t > 0]
    n = len(pairs)
    logs = [math.log(p) - math.log(t) for p, t in pairs]
    square, mean = sum(d * d for d in logs) / n, sum(logs) / n
    return {
        "abs_rel": sum(abs(p - t) / t for p, t in pairs) / n,
        "rmse_m": math.sqrt(sum((p - t) ** 2 for p, t in pairs) / n),
        "rmse_log": math.sqrt(square),
        "silog_1": square - mean**2,
        "silog_half": square - 0.5 * mean**2,
        **{f"delta{k}": sum(max(p / t, t / p) < 1.25**k for p, t in pairs) / n for k in (1, 2, 3)},
    }


def test_every_metric_against_loops():
    assert m.all_metrics(PREDICTED, TRUTH) == pytest.approx(brute_force(PREDICTED, TRUTH))


def test_a_perfect_prediction():
    truth = np.array([[1.0, 2.0], [0.0, 4.0]])
    perfect = m.all_metrics(np.where(truth > 0, truth, 7.0), truth)
    assert [perfect[f"delta{k}"] for k in (1, 2, 3)] == [1.0, 1.0, 1.0]
    assert all(value == 0.0 for name, value in perfect.items() if not name.startswith("delta"))


@given(st.floats(0.01, 100.0))
def test_a_uniform_factor_in_closed_form(factor):
    truth = np.array([0.5, 1.0, 3.0, 8.0])
    got = m.all_metrics(truth * factor, truth)
    log = math.log(factor)
    assert got["abs_rel"] == pytest.approx(abs(factor - 1))
    assert got["silog_1"] == pytest.approx(0.0, abs=1e-9)
    assert got["silog_half"] == pytest.approx(0.5 * log**2, abs=1e-9)
    assert got["rmse_log"] == pytest.approx(abs(log), abs=1e-9)


@given(st.floats(0.01, 100.0))
def test_median_scaling_removes_any_factor(factor):
    reference = m.all_metrics_median_scaled(PREDICTED, TRUTH)
    assert m.all_metrics_median_scaled(PREDICTED * factor, TRUTH) == pytest.approx(reference)
    scaled = m.median_scaled(PREDICTED * factor, TRUTH)
    valid = np.isfinite(TRUTH) & (TRUTH > 0)
    assert np.median(scaled[valid]) == pytest.approx(np.median(TRUTH[valid]))


def test_thresholds_are_strict():
    assert m.errors(np.array([1.25]), np.array([1.0])).delta(1) == 0.0
    assert m.errors(np.array([1.2499]), np.array([1.0])).delta(1) == 1.0


def test_lambda_0_is_the_square_of_the_log_error():
    found = m.errors(PREDICTED, TRUTH)
    assert found.silog(0.0) == pytest.approx(found.rmse_log**2)


def test_sums_of_pictures_are_those_of_all_their_pixels():
    halves = [(PREDICTED[:5], TRUTH[:5]), (PREDICTED[5:], TRUTH[5:])]
    together = m.errors(*halves[0]) + m.errors(*halves[1])
    assert together.metrics() == pytest.approx(brute_force(PREDICTED, TRUTH))


def least_squares(x, y):
    valid = np.isfinite(TRUTH) & (TRUTH > 0)
    (scale, shift), *_ = np.linalg.lstsq(np.stack([x[valid], np.ones(valid.sum())], 1), y[valid], rcond=None)
    return scale * x + shift


def test_alignment_is_numpys_least_squares():
    farthest = 4.0
    in_depth = least_squares(PREDICTED, TRUTH).clip(m.LEAST_DEPTH_M, farthest)
    np.testing.assert_allclose(m.affine_depth(PREDICTED, TRUTH, farthest), in_depth)
    with np.errstate(divide="ignore"):
        disparity = least_squares(1 / PREDICTED, 1 / TRUTH)
    in_disparity = np.where(disparity > 0, 1 / disparity, np.inf).clip(m.LEAST_DEPTH_M, farthest)
    np.testing.assert_allclose(m.affine_disparity(PREDICTED, TRUTH, farthest), in_disparity)


@given(st.floats(0.1, 10.0), st.floats(-0.5, 0.5))
def test_alignment_undoes_any_scale_and_shift(scale, shift):
    truth = np.array([[1.0, 2.0, 3.5], [0.0, 8.0, 5.0]])
    known = truth > 0
    of_depth = np.where(known, scale * (truth - shift), 1.0)
    np.testing.assert_allclose(m.affine_depth(of_depth, truth, 100)[known], truth[known], rtol=1e-7)
    disparity = 1 / np.where(known, truth, 1.0)
    of_disparity = 1 / (scale * (disparity + 0.6 + shift))
    np.testing.assert_allclose(m.affine_disparity(of_disparity, truth, 100)[known], truth[known], rtol=1e-6)


def test_alignment_is_cut_to_what_is_possible():
    truth = np.array([1.0, 1.1, 50.0, 1.2, 60.0])
    predicted = np.array([10.0, 1.0, 30.0, 2.0, 35.0])
    for align in (m.affine_depth, m.affine_disparity):
        aligned = align(predicted, truth, 40.0)
        assert aligned.min() >= m.LEAST_DEPTH_M and aligned.max() <= 40 * (1 + 1e-12)
    assert m.affine_depth(predicted, truth, 40.0).min() == m.LEAST_DEPTH_M
    assert m.affine_disparity(np.array([1.0, 1.0]), np.array([1.0, 1.0]), 40.0).tolist() == [1.0, 1.0]


def test_a_constant_prediction_becomes_the_mean():
    truth = np.array([1.0, 2.0, 6.0])
    assert m.affine_depth(np.full(3, 4.0), truth, 99).tolist() == [3.0, 3.0, 3.0]
    np.testing.assert_allclose(m.affine_disparity(np.full(3, 4.0), truth, 99), 3 / (1 + 1 / 2 + 1 / 6))


def test_every_variant_has_a_name_of_its_own():
    rng = np.random.default_rng(1)
    pairs = [(TRUTH * 0 + rng.uniform(0.5, 5, TRUTH.shape), TRUTH) for _ in range(3)]
    pairs = [(np.where(np.isfinite(p), p, 1.0), t) for p, t in pairs]
    found = m.all_metrics_over_images([m.errors_by_alignment(p, t, 10) for p, t in pairs])
    aligned = {
        "": [p for p, _ in pairs],
        "_median_scaled": [m.median_scaled(p, t) for p, t in pairs],
        "_affine_depth": [m.affine_depth(p, t, 10) for p, t in pairs],
        "_affine_disparity": [m.affine_disparity(p, t, 10) for p, t in pairs],
    }
    expected = {}
    for alignment, maps in aligned.items():
        each = [brute_force(p, TRUTH) for p in maps]
        pooled = brute_force(np.concatenate(maps), np.concatenate([TRUTH] * 3))
        for name in pooled:
            expected[name + alignment] = np.mean([one[name] for one in each])
            expected[f"{name}{alignment}_pooled"] = pooled[name]
    assert len(expected) == 64
    assert found == pytest.approx(expected)


def test_eigens_crop_is_where_it_is():
    cropped = m.eigen_crop(np.ones((480, 640), np.float32))
    rows, columns = np.nonzero(cropped)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (45, 470, 41, 600)
    assert cropped.sum() == 426 * 560
    with pytest.raises(ValueError, match="this one is 3x2"):
        m.eigen_crop(np.ones((2, 3), np.float32))


def test_pictures_count_the_same_whatever_their_size():
    rows = [m.all_metrics(np.full(size, 2.0), np.ones(size)) for size in (1, 1000)]
    rows.append(m.all_metrics(np.ones(10), np.ones(10)))
    assert m.mean_over_images(rows)["abs_rel"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("predicted", "truth", "message"),
    [
        (np.ones(3), np.ones(4), "prediction is"),
        (np.ones(3), np.zeros(3), "no pixel"),
        (np.array([1.0, 0.0]), np.ones(2), "not finite"),
        (np.array([1.0, np.nan]), np.ones(2), "not finite"),
    ],
)
def test_what_cannot_be_compared_is_refused(predicted, truth, message):
    with pytest.raises(ValueError, match=message):
        m.errors(predicted, truth)


def test_an_empty_mean_is_refused():
    with pytest.raises(ValueError, match="no picture"):
        m.mean_over_images([])
