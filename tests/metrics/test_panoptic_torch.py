"""Panoptic quality against torchmetrics, an implementation of other people."""

import numpy as np
import pytest

from maquette.metrics.segmentation import PanopticQuality, add_qualities, panoptic_averages, panoptic_qualities

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
detection = pytest.importorskip("torchmetrics.detection", reason="torchmetrics is not installed")

pytestmark = pytest.mark.train
THINGS, STUFF, VOID = (3, 8, 11), (1, 6), 0


def random_maps(seed):
    """(24, 24, 2) truth and prediction of blocks: category (void among them) and instance."""
    rng = np.random.default_rng(seed)
    truth = np.stack([rng.choice([VOID, *THINGS, *STUFF], (6, 6)), rng.integers(0, 3, (6, 6))], -1)
    truth = truth.repeat(4, 0).repeat(4, 1)
    predicted = truth.copy()
    wrong = rng.random((24, 24)) < rng.uniform(0.05, 0.5)
    other = np.stack([rng.choice([*THINGS, *STUFF], (24, 24)), rng.integers(0, 3, (24, 24))], -1)
    predicted[wrong | (predicted[..., 0] == VOID)] = other[wrong | (predicted[..., 0] == VOID)]
    return truth, predicted


def segments(maps):
    """Ids, and the category of each: stuff has one segment a category, void none."""
    category, instance = maps[..., 0], np.where(np.isin(maps[..., 0], STUFF), 0, maps[..., 1])
    ids = np.where(category == VOID, 0, 1 + category * 10 + instance)
    return ids, {int(i): int(i - 1) // 10 for i in np.unique(ids) if i}


@pytest.mark.parametrize("seed", range(8))
def test_every_category_is_that_of_torchmetrics(seed):
    pairs = [random_maps(1000 * seed + number) for number in range(4)]
    metric = detection.PanopticQuality(
        set(THINGS), set(STUFF), allow_unknown_preds_category=True, return_sq_and_rq=True, return_per_class=True
    )
    for truth, predicted in pairs:
        metric.update(torch.from_numpy(predicted[None]), torch.from_numpy(truth[None]))
    expected = metric.compute().numpy()

    pictures = []
    for truth, predicted in pairs:
        (theirs, theirs_of), (ours, ours_of) = segments(truth), segments(predicted)
        pictures.append(panoptic_qualities(theirs, ours, theirs_of, ours_of))
    found = add_qualities(pictures)
    got = [found.get(category, PanopticQuality()) for category in (*THINGS, *STUFF)]
    np.testing.assert_allclose([(q.pq, q.sq, q.rq) for q in got], expected, rtol=1e-6)
    assert panoptic_averages(found, THINGS)["all"].pq == pytest.approx(expected[:, 0].mean())
