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
    assert m.delta(np.array([1.25]), np.array([1.0]), 1) == 0.0
    assert m.delta(np.array([1.2499]), np.array([1.0]), 1) == 1.0


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
        m.abs_rel(predicted, truth)


def test_an_empty_mean_is_refused():
    with pytest.raises(ValueError, match="no picture"):
        m.mean_over_images([])
