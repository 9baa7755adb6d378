import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from maquette.metrics import segmentation as m

MAPS = hnp.arrays(np.int64, (6, 7), elements=st.integers(0, 3))


@given(MAPS, MAPS)
def test_iou_against_sets(truth, predicted):
    matrix = m.confusion(truth, predicted, 4)
    assert matrix.sum() == truth.size
    got = m.iou_per_class(matrix)
    for label in range(4):
        a, b = set(np.flatnonzero(truth == label)), set(np.flatnonzero(predicted == label))
        if a | b:
            assert got[label] == pytest.approx(len(a & b) / len(a | b))
        else:
            assert np.isnan(got[label])
    assert m.mean_iou(matrix) == pytest.approx(np.nanmean(got))


def test_ids_outside_the_classes_are_left_out():
    matrix = m.confusion(np.array([0, 255, 1, 1]), np.array([0, 0, -1, 1]), 2)
    assert matrix.tolist() == [[1, 0], [0, 1]]


def test_agreement_over_a_part():
    a, b = np.array([[1, 2], [3, 4]]), np.array([[1, 2], [0, 0]])
    assert m.agreement(a, b) == 0.5
    assert m.agreement(a, b, np.array([[True, True], [True, False]])) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="no pixel"):
        m.agreement(a, b, np.zeros((2, 2), bool))
    with pytest.raises(ValueError, match="shapes"):
        m.agreement(a, b[:1])


def brute_force(truth, predicted, unknown):
    theirs = np.where(unknown, 0, truth)
    truths = {t: set(np.flatnonzero(theirs == t)) for t in np.unique(theirs) if t}
    ours = {p: set(np.flatnonzero(predicted == p)) for p in np.unique(predicted) if p}
    void = set(np.flatnonzero(unknown))
    total, hit = 0.0, set()
    for t in truths.values():
        for name, p in ours.items():
            iou = len(t & p) / len(t | (p - void))
            if iou > 0.5:
                total += iou
                hit.add(name)
    spurious = [name for name, p in ours.items() if name not in hit and len(p & void) <= 0.5 * len(p)]
    return total, len(hit), len(truths) - len(hit), len(spurious)


@settings(max_examples=200)
@given(MAPS, MAPS, hnp.arrays(bool, (6, 7)))
def test_panoptic_quality_against_sets(truth, predicted, unknown):
    got = m.panoptic_quality(truth, predicted, unknown)
    total, matched, missed, spurious = brute_force(truth, predicted, unknown)
    assert got.iou_sum == pytest.approx(total)
    assert (got.matched, got.missed, got.spurious) == (matched, missed, spurious)


def test_panoptic_quality_in_closed_form():
    truth = np.array([1] * 4 + [2] * 4 + [0] * 4)
    predicted = np.array([7] * 3 + [0] + [8] + [0] * 5 + [9] * 2)
    got = m.panoptic_quality(truth, predicted)
    assert (got.matched, got.missed, got.spurious) == (1, 1, 2)
    assert got.sq == pytest.approx(0.75)
    assert got.rq == pytest.approx(1 / 2.5)
    assert got.pq == pytest.approx(got.sq * got.rq)
    both = got + m.panoptic_quality(truth, truth)
    assert (both.matched, both.iou_sum) == (3, pytest.approx(2.75))


def test_nothing_at_all_is_zero():
    empty = m.panoptic_quality(np.zeros(4, int), np.zeros(4, int))
    assert (empty.pq, empty.sq, empty.rq) == (0.0, 0.0, 0.0)
