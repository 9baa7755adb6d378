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


CATEGORY = {1: 10, 2: 10, 3: 20}


@settings(max_examples=50)
@given(MAPS, MAPS)
def test_one_pass_over_all_categories_is_one_pass_over_each(truth, predicted):
    found = m.panoptic_qualities(truth, predicted, CATEGORY, CATEGORY)
    for category in (10, 20):
        ours = [i for i, c in CATEGORY.items() if c == category]
        each = m.panoptic_quality(
            np.where(np.isin(truth, ours), truth, 0), np.where(np.isin(predicted, ours), predicted, 0), truth == 0
        )
        got = found.get(category, m.PanopticQuality())
        assert (got.matched, got.missed, got.spurious) == (each.matched, each.missed, each.spurious)
        assert got.iou_sum == pytest.approx(each.iou_sum)


@settings(max_examples=30)
@given(MAPS, st.permutations([5, 70_000, 16_777_215]))
def test_names_of_segments_do_not_matter(truth, names):
    renamed = np.array([0, *names])[truth]
    found = m.panoptic_qualities(truth, renamed, CATEGORY, dict(zip(names, CATEGORY.values(), strict=True)))
    for quality in found.values():
        assert (quality.pq, quality.missed, quality.spurious) == (1.0, 0, 0)
    assert set(found) == {CATEGORY[i] for i in np.unique(truth) if i}


def test_a_category_mistaken_is_missed_and_spurious():
    ids = np.ones((4, 4), int)
    found = m.panoptic_qualities(ids, ids, {1: 10}, {1: 20})
    assert found == {10: m.PanopticQuality(missed=1), 20: m.PanopticQuality(spurious=1)}


def test_a_group_is_neither_found_nor_missed_and_excuses_what_lies_in_it():
    truth = np.array([[1] * 6 + [2] * 4])
    predicted = np.array([[7] * 4 + [0] * 2 + [8] * 4])
    categories = {1: 10, 2: 20}
    assert m.panoptic_qualities(truth, predicted, categories, {7: 10, 8: 20}, [1]) == {
        20: m.PanopticQuality(iou_sum=1.0, matched=1)
    }
    other = m.panoptic_qualities(truth, predicted, categories, {7: 20, 8: 20}, [1])
    assert other[20] == m.PanopticQuality(iou_sum=1.0, matched=1, spurious=1)


def test_averages_leave_out_what_does_not_occur():
    total = m.add_qualities(
        [
            {1: m.PanopticQuality(iou_sum=0.8, matched=1), 3: m.PanopticQuality(missed=2)},
            {1: m.PanopticQuality(iou_sum=0.6, matched=1, spurious=2), 9: m.PanopticQuality()},
        ]
    )
    found = m.panoptic_averages(total, things=[1, 9])
    assert found["things"] == m.PanopticAverage(pytest.approx(0.7 * 2 / 3), pytest.approx(0.7), pytest.approx(2 / 3), 1)
    assert found["stuff"] == m.PanopticAverage(0.0, 0.0, 0.0, 1)
    assert found["all"].pq == pytest.approx(0.7 / 3) and found["all"].categories == 2
    assert m.panoptic_averages({}, [])["all"] == m.PanopticAverage(0.0, 0.0, 0.0, 0)


def test_maps_of_other_sizes_are_refused():
    with pytest.raises(ValueError, match="truth is"):
        m.panoptic_quality(np.ones((2, 2), int), np.ones((2, 3), int))
