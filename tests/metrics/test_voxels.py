import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from maquette.metrics import voxels as m
from maquette.metrics.segmentation import panoptic_qualities

SHAPE = (3, 4, 2, 3)
TENTHS = tuple(n / 10 for n in range(1, 10))
TRUTHS = hnp.arrays(np.bool_, SHAPE)
GUESSES = hnp.arrays(np.float32, SHAPE, elements=st.sampled_from([np.float32(n / 20) for n in range(21)]))
SCENES = st.lists(st.tuples(TRUTHS, GUESSES), min_size=1, max_size=4)


def counted(scenes, thresholds=TENTHS):
    return m.joined(m.curve(truth, guess, thresholds) for truth, guess in scenes)


def sets(truth, guess, threshold):
    return set(np.flatnonzero(truth)), set(np.flatnonzero(guess >= np.float32(threshold)))


def approx(value):
    return pytest.approx(value, nan_ok=True)


@given(SCENES)
def test_one_pass_counts_what_sets_count(scenes):
    got = counted(scenes)
    assert got.shared.shape == got.either.shape == (len(scenes), len(TENTHS), SHAPE[0])
    for s, (truth, guess) in enumerate(scenes):
        for t, threshold in enumerate(TENTHS):
            for c in range(SHAPE[0]):
                a, b = sets(truth[c], guess[c], threshold)
                assert got.shared[s, t, c] == len(a & b)
                assert got.either[s, t, c] == len(a | b)
                assert got.by_scene[s, t, c] == approx(len(a & b) / len(a | b) if a | b else np.nan)


@given(SCENES)
def test_pooled_is_the_iou_of_all_scenes_in_a_row(scenes):
    row = m.curve(np.concatenate([t for t, _ in scenes], 1), np.concatenate([g for _, g in scenes], 1), TENTHS)
    assert counted(scenes).pooled == approx(row.by_scene[0])


@given(SCENES)
def test_together_is_the_iou_of_one_grid_of_all_classes(scenes):
    one = counted([(truth[None], guess[None]) for truth, guess in scenes])
    both = counted(scenes).together()
    assert both.by_scene == approx(one.by_scene)
    assert both.pooled == approx(one.pooled)


@given(SCENES, st.randoms())
def test_the_order_of_scenes_does_not_matter(scenes, random):
    mixed = random.sample(scenes, len(scenes))
    one, two = counted(scenes), counted(mixed)
    assert one.pooled == approx(two.pooled)
    assert one.per_sample == approx(two.per_sample)


@given(SCENES)
def test_a_higher_threshold_finds_less(scenes):
    got = counted(scenes)
    assert (np.diff(got.shared, axis=1) <= 0).all()
    assert (np.diff(got.either, axis=1) <= 0).all()
    assert (got.shared <= got.either).all()


@given(TRUTHS)
def test_the_truth_is_right_at_every_threshold(truth):
    got = m.curve(truth, truth.astype(np.float32), m.THRESHOLDS)
    assert set(got.pooled[:, truth.any((1, 2, 3))].ravel()) <= {1.0}
    assert np.isnan(got.pooled[:, ~truth.any((1, 2, 3))]).all()


@settings(max_examples=30)
@given(SCENES, st.sampled_from(TENTHS))
def test_one_threshold_is_a_point_of_the_curve(scenes, threshold):
    assert counted(scenes, [threshold]).pooled[0] == approx(counted(scenes).pooled[TENTHS.index(threshold)])


def grid(*cells):
    """(1, 10) with those of its cells that are named."""
    return np.isin(np.arange(10), cells)[None]


def test_large_scenes_weigh_more_where_cells_are_pooled():
    scenes = [(grid(*range(8)), grid(*range(4))), (grid(9), grid(9))]
    got = counted([(truth, guess.astype(np.float32)) for truth, guess in scenes], [0.5])
    assert got.pooled[0, 0] == pytest.approx(5 / 9)
    assert got.per_sample[0, 0] == pytest.approx((4 / 8 + 1) / 2)


def test_a_scene_without_a_class_does_not_count_unless_it_is_found_there():
    nothing, something = grid(), grid(2, 3)
    right, silent, wrong = (something, something), (nothing, nothing), (nothing, something)
    values = [
        counted([(t, g.astype(np.float32)) for t, g in scenes], [0.5]).per_sample[0, 0]
        for scenes in ([right, silent], [right, wrong], [silent, silent])
    ]
    assert values == approx([1.0, 0.5, np.nan])


def test_classes_weigh_the_same_in_the_mean_and_by_their_cells_together():
    truth = np.concatenate([grid(*range(9)), grid(0), grid()])
    guess = np.concatenate([grid(*range(9)), grid(1), grid()]).astype(np.float32)
    got = m.curve(truth, guess, [0.5])
    assert m.mean_over_classes(got.pooled) == pytest.approx([0.5])  # the third is nowhere
    assert got.together().pooled == pytest.approx(9 / 11)


def test_the_threshold_with_the_best_score_is_chosen_and_of_equals_the_lowest():
    truth = grid(7, 8, 9)
    guess = (np.arange(10, dtype=np.float32) / 10)[None]
    scores = m.curve(truth, guess, m.THRESHOLDS).pooled[:, 0]
    assert m.best_threshold(scores, m.THRESHOLDS) == 0.61  # the first above that of cell 6
    assert m.best_threshold(np.array([np.nan, 0.2, 0.4]), [0.1, 0.2, 0.3]) == 0.3
    with pytest.raises(ValueError, match="NaN"):
        m.best_threshold(np.array([np.nan]), [0.1])


def test_a_cell_at_the_threshold_is_taken_as_numpy_would():
    guess = np.full((1, 100), 0.35, np.float32)
    assert m.curve(guess > 0, guess, [0.35]).shared[0, 0, 0] == np.count_nonzero(guess >= 0.35) == 100


@pytest.mark.parametrize(
    ("truth", "guess", "thresholds", "said"),
    [
        (np.zeros((1, 3), bool), np.zeros((1, 4), np.float32), [0.5], "truth is"),
        (np.zeros((1, 3), bool), np.full((1, 3), np.nan, np.float32), [0.5], "no numbers"),
        (np.zeros((1, 3), bool), np.zeros((1, 3), np.float32), [0.5, 0.4], "ascend"),
        (np.zeros((1, 3), bool), np.zeros((1, 3), np.float32), [], "ascend"),
    ],
)
def test_what_cannot_be_counted_is_refused(truth, guess, thresholds, said):
    with pytest.raises(ValueError, match=said):
        m.curve(truth, guess, thresholds)


def test_objects_of_a_grid_are_matched_as_segments_of_a_picture_are():
    truth = np.zeros((6, 6, 6), np.int64)
    truth[:3, :3, :3], truth[3:, 3:, 3:] = 1, 2
    predicted = np.where(truth == 1, 5, 0)
    predicted[0, 0, 0] = 0
    found = panoptic_qualities(truth, predicted, {1: 0, 2: 0}, {5: 0})[0]
    assert (found.matched, found.missed, found.spurious) == (1, 1, 0)
    assert found.iou_sum == pytest.approx(26 / 27)


@pytest.mark.train
def test_torchmetrics_counts_the_same():
    torch = pytest.importorskip("torch")
    classification = pytest.importorskip("torchmetrics").classification
    rng = np.random.default_rng(0)
    scenes = [(rng.random((6, 8, 9, 7)) < 0.1, rng.random((6, 8, 9, 7), np.float32)) for _ in range(5)]
    got = counted(scenes, [0.4])
    for channel in range(6):
        pooled = classification.BinaryJaccardIndex(threshold=0.4 - 1e-6)  # it takes what is above
        own = []
        for truth, guess in scenes:
            own.append(pooled(torch.from_numpy(guess[channel]), torch.from_numpy(truth[channel]).int()).item())
        assert got.pooled[0, channel] == pytest.approx(pooled.compute().item(), rel=1e-5)
        assert got.per_sample[0, channel] == pytest.approx(np.mean(own), rel=1e-5)
