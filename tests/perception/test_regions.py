import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from maquette.perception.regions import absorb, connected, neighbours

maps = hnp.arrays(
    np.int32, hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=9), elements=st.integers(0, 3)
)


@given(maps)
def test_connected_agrees_with_scipy_value_by_value(labels):
    regions = connected(labels)
    for value in np.unique(labels):
        theirs, count = ndimage.label(labels == value)
        ours = regions[labels == value]
        assert len(np.unique(ours)) == count
        pairs = np.unique(np.stack([ours, theirs[labels == value]]), axis=1)
        assert pairs.shape[1] == count  # one to one
    assert sorted(np.unique(regions)) == list(range(regions.max() + 1))


@given(maps)
def test_neighbours_agree_with_a_walk_over_every_pixel(labels):
    regions = connected(labels)
    border: dict[tuple[int, int], int] = {}
    height, width = regions.shape
    for y in range(height):
        for x in range(width):
            for other in ((y + 1, x), (y, x + 1), (y - 1, x), (y, x - 1)):
                if 0 <= other[0] < height and 0 <= other[1] < width and regions[other] != regions[y, x]:
                    pair = int(regions[y, x]), int(regions[other])
                    border[pair] = border.get(pair, 0) + 1
    first, second, length = neighbours(regions)
    assert dict(zip(zip(first.tolist(), second.tolist(), strict=True), length.tolist(), strict=True)) == border


@given(maps, st.randoms(use_true_random=False))
def test_absorb_keeps_what_is_kept_and_leaves_connected_regions(labels, random):
    regions = connected(labels)
    keep = np.array([random.random() < 0.4 for _ in range(regions.max() + 1)])
    target = absorb(regions, keep)
    assert (target[keep] == np.flatnonzero(keep)).all()
    survivors = set(target.tolist())
    assert survivors == set(np.flatnonzero(keep).tolist()) if keep.any() else len(survivors) == 1
    merged = target[regions]
    for region in survivors:
        assert ndimage.label(merged == region)[1] == 1


def test_absorb_goes_to_the_longest_border():
    labels = np.array([[1, 1, 1, 2], [1, 3, 3, 2], [1, 1, 1, 2]])
    regions = connected(labels)
    target = absorb(regions, np.array([True, True, False]))
    assert (target[regions][labels == 3] == regions[0, 0]).all()
