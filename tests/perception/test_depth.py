import numpy as np
import pytest

from maquette.labels import BY_NAME
from maquette.perception.depth import align, fill, to_metres
from maquette.perception.types import MAX_DEPTH_M, Segment

ROOM = (Segment(1, BY_NAME["wall"], 1.0), Segment(2, BY_NAME["sky"], 1.0))


def truth(seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(1, 20, (30, 40)).astype(np.float32)


@pytest.mark.parametrize("kind", ["inverse", "relative"])
def test_alignment_finds_scale_and_shift_through_outliers(kind):
    depth = truth()
    x = (1 / depth - 0.02) / 3
    own = depth.copy()
    own[:8] *= 5  # a quarter of our own depth is wrong
    found = align(x if kind == "inverse" else 1 / x, kind, own, np.ones_like(depth))
    np.testing.assert_allclose(found, (3, 0.02), rtol=1e-3, atol=1e-3)


def test_alignment_refuses_what_is_upside_down_or_flat():
    depth = truth()
    assert align(depth, "inverse", depth, np.ones_like(depth)) is None
    assert align(np.ones_like(depth), "inverse", depth, np.ones_like(depth)) is None


def test_metres_come_back_on_the_grid_of_the_network_and_sky_does_not_count():
    depth = truth()
    raw = (5 / depth).repeat(2, 0).repeat(2, 1)
    ids = np.ones(depth.shape, np.int32)
    ids[:10] = 2
    own = depth.copy()
    own[:10] = 1000
    metres, said = to_metres(raw, "inverse", own, np.ones_like(depth), ids, ROOM)
    np.testing.assert_allclose(metres, depth.repeat(2, 0).repeat(2, 1), rtol=1e-3)
    assert "scaled" in said


def test_a_network_that_contradicts_is_scaled_by_its_middle_and_stays_positive():
    depth = truth()
    metres, said = to_metres(depth, "inverse", depth, np.ones_like(depth), np.ones(depth.shape, np.int32), ROOM)
    assert (metres > 0).all() and (metres <= MAX_DEPTH_M).all() and "contradicts" in said
    assert 0.3 < np.median(metres) / np.median(depth) < 3


def test_unknown_depth_is_that_of_the_nearest_known_pixel_of_the_segment():
    rng = np.random.default_rng(1)
    depth = rng.uniform(1, 9, (12, 15)).astype(np.float32)
    ids = rng.integers(1, 4, (3, 5)).repeat(4, 0).repeat(3, 1).astype(np.int32)
    unknown = rng.random(depth.shape) < 0.5
    unknown[ids == 3] = True
    holed = np.where(unknown, np.nan, depth).astype(np.float32)
    filled = fill(holed, ids, np.full(depth.shape, 77, np.float32))
    np.testing.assert_array_equal(filled[~unknown], depth[~unknown])
    assert (filled[ids == 3] == 77).all()
    known = np.argwhere(~unknown)
    for y, x in np.argwhere(unknown & (ids != 3)):
        mine = known[ids[known[:, 0], known[:, 1]] == ids[y, x]]
        distance = np.hypot(*(mine - (y, x)).T)
        nearest = mine[distance == distance.min()]
        assert filled[y, x] in depth[nearest[:, 0], nearest[:, 1]]
