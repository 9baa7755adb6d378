import math

import pytest

torch = pytest.importorskip("torch")

from maquette.train import losses  # noqa: E402

pytestmark = pytest.mark.train


def test_distillation_is_the_divergence():
    target = torch.tensor([0.7, 0.2, 0.1]).reshape(1, 3, 1, 1)
    logits = torch.tensor([0.1, 0.5, 0.4]).log().reshape(1, 3, 1, 1) + 3.0
    expected = 0.7 * math.log(0.7 / 0.1) + 0.2 * math.log(0.2 / 0.5) + 0.1 * math.log(0.1 / 0.4)
    assert losses.distillation(logits, target).item() == pytest.approx(expected, abs=1e-5)
    assert losses.distillation(target.log(), target).item() == pytest.approx(0.0, abs=1e-6)


def test_pixels_without_a_target_do_not_count():
    target = torch.zeros(1, 2, 1, 3)
    target[0, :, 0, 0] = torch.tensor([0.3, 0.7])
    target[0, :, 0, 1] = torch.tensor([0.15, 0.35])
    logits = torch.randn(1, 2, 1, 3, generator=torch.Generator().manual_seed(1))
    alone = [losses.distillation(logits[..., i : i + 1], target[..., i : i + 1] * (1 + i)) for i in (0, 1)]
    assert losses.distillation(logits, target).item() == pytest.approx(float(alone[0] + 0.5 * alone[1]) / 1.5, abs=1e-5)


def test_laplace_is_least_where_the_scale_is_the_error():
    error, scales = 0.3, torch.linspace(-3, 1, 401)
    zero, one = torch.zeros(1, 1, 1), torch.ones(1, 1, 1)
    values = [losses.laplace(zero + error, s.reshape(1, 1, 1), zero, one).item() for s in scales]
    best = scales[min(range(401), key=values.__getitem__)].item()
    assert math.exp(best) == pytest.approx(error, rel=0.02)
    assert min(values) == pytest.approx(1 + math.log(2 * error), abs=1e-3)


def test_the_scale_invariant_loss_in_closed_form():
    d = torch.tensor([[[0.1, 0.3], [0.5, 9.0]]])
    weight = torch.tensor([[[1.0, 1.0], [1.0, 0.0]]])
    square, mean = (0.01 + 0.09 + 0.25) / 3, 0.9 / 3
    for lam in (0.5, 0.85, 1.0):
        got = losses.scale_invariant(d, torch.zeros_like(d), weight, lam).item()
        assert got == pytest.approx(math.sqrt(square - lam * mean**2 + 1e-6), abs=1e-6)


def test_edges_of_a_slope():
    d = torch.arange(16.0).expand(1, 16, 16) * 0.1
    expected = (0.1 + 0.2 + 0.4) / 6
    assert losses.edges(d, torch.zeros_like(d), torch.ones_like(d)).item() == pytest.approx(expected, abs=1e-6)


def test_offsets_and_centres():
    predicted, target = torch.zeros(1, 2, 1, 2), torch.full((1, 2, 1, 2), 32.0)
    assert losses.offsets(predicted, target, torch.tensor([[[1.0, 0.0]]])).item() == pytest.approx(1.0)
    peak = torch.tensor([[[1.0, 0.0]]])
    known = torch.ones(1, 1, 2)
    p = torch.tensor([[[0.8, 0.3]]])
    expected = -(0.2**2 * math.log(0.8) + 0.3**2 * math.log(0.7))
    assert losses.heatmap(p, peak, known).item() == pytest.approx(expected, abs=1e-6)
    assert losses.heatmap(peak, peak, known).item() == pytest.approx(0.0, abs=1e-5)
