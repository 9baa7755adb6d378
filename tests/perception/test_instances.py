import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maquette.perception.instances import split


def discs(centres, radius, size=(40, 60)):
    """Mask, centre heatmap and offsets (as a perfect network gives them) of discs; a cell goes to the nearest
    centre."""
    y, x = np.mgrid[: size[0], : size[1]]
    distance = np.stack([np.hypot(y - cy, x - cx) for cy, cx in centres])
    owner = distance.argmin(0)
    mask = distance.min(0) <= radius
    heat = np.exp(-(distance.min(0) ** 2) / 8).astype(np.float32)
    points = np.array(centres)
    offset = np.stack([points[owner, 1] - x, points[owner, 0] - y]).astype(np.float32)
    return mask, heat, offset, np.where(mask, owner + 1, 0)


def same_partition(a, b):
    pairs = np.unique(np.stack([a.ravel(), b.ravel()]), axis=1)
    return pairs.shape[1] == len(np.unique(a)) == len(np.unique(b))


@pytest.mark.parametrize(
    "centres", [[(20, 20), (20, 34)], [(12, 12), (14, 27), (20, 42)], [(10, 10), (30, 45)], [(20, 30)]]
)
def test_touching_discs_come_apart_at_their_centres(centres):
    mask, heat, offset, truth = discs(centres, 9)
    assert same_partition(split(mask, mask, heat, offset), truth)


def test_noise_in_offsets_leaves_two_things():
    mask, heat, offset, truth = discs([(20, 20), (20, 34)], 9)
    noisy = offset + np.random.default_rng(0).normal(0, 3, offset.shape).astype(np.float32)
    things = split(mask, mask, heat, noisy)
    assert things.max() == 2
    agree = max((things == truth)[mask].mean(), (3 - things == truth)[mask].mean())
    assert agree > 0.9


def test_a_broad_hill_with_two_tops_is_one_centre():
    mask, _, offset, _ = discs([(20, 20), (20, 34)], 9)
    columns = np.arange(mask.shape[1])
    hill = 0.3 + 0.05 * np.cos((columns - 20) / 14 * 2 * np.pi)
    assert split(mask, mask, hill[None].repeat(mask.shape[0], 0).astype(np.float32), offset * 0).max() == 1


@pytest.mark.parametrize(("probability", "things"), [(0.9, 1), (0.2, 2)])
def test_a_sure_centre_alone_outweighs_the_outline_and_a_weak_one_does_not(probability, things):
    mask, _, offset, _ = discs([(20, 18), (20, 34)], 9)
    centre = np.zeros(mask.shape, np.float32)
    centre[20, 26] = probability
    assert split(mask, mask, centre, offset * 0).max() == things


def test_without_centres_each_region_is_one_thing():
    mask, heat, offset, truth = discs([(10, 10), (30, 45)], 9)
    assert same_partition(split(mask, mask, heat * 0, offset * 0), truth)


def test_a_part_cut_off_by_something_in_front_belongs_to_the_thing_it_points_to():
    mask, heat, offset, _ = discs([(20, 30)], 15)
    mask[:, 36:39] = False
    assert split(mask, mask, heat, offset).max() == 1


def test_a_far_region_without_a_centre_is_a_thing_of_its_own():
    mask, heat, offset, _ = discs([(20, 15)], 8)
    mask[15:25, 45:55] = True
    offset[:, 15:25, 45:55] = 0
    assert split(mask, mask, heat, offset).max() == 2


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_numbers_have_no_gap_and_cover_the_mask_alone(seed, share):
    rng = np.random.default_rng(seed)
    mask = rng.random((16, 20)) < share
    things = split(
        mask, mask, rng.random(mask.shape).astype(np.float32), rng.normal(0, 9, (2, *mask.shape)).astype(np.float32)
    )
    assert ((things > 0) == mask).all()
    assert set(np.unique(things[mask])) == set(range(1, things.max() + 1))


def test_mirrored_input_gives_the_mirrored_partition():
    mask, heat, offset, _ = discs([(12, 12), (14, 27), (20, 42)], 9)
    things = split(mask, mask, heat, offset)
    flipped = split(
        mask[:, ::-1], mask[:, ::-1], heat[:, ::-1], (offset * [[[-1]], [[1]]])[:, :, ::-1].astype(np.float32)
    )
    assert same_partition(things, flipped[:, ::-1])


def test_two_weak_peaks_in_a_thing_that_points_to_its_middle_do_not_tear_it():
    mask = np.zeros((40, 60), bool)
    mask[10:30, 8:52] = True
    rows, columns = np.indices(mask.shape)
    centre = np.zeros(mask.shape, np.float32)
    centre[20, 19] = centre[20, 41] = 0.12
    own = np.where(columns < 30, 19, 41)
    for target, count in ((np.full(mask.shape, 30), 1), (own, 2)):
        offset = np.stack([target - columns, 20 - rows]).astype(np.float32) * 0.8
        assert split(mask, mask, centre, offset).max() == count
