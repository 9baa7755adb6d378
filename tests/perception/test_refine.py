import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from maquette.labels import BY_NAME
from maquette.perception import refine
from maquette.perception.panoptic import SoftSegments, soften
from maquette.perception.refine import GuidedMasks, refine_segments, upsample_within

WALL, PERSON, CAT = (BY_NAME[name] for name in ("wall", "person", "cat"))


def grid_of(truth, labels, cell=8):
    """What a perfect network of one cell for ``cell`` pixels says of a picture."""
    rows, columns = truth.shape[0] // cell, truth.shape[1] // cell
    share = np.stack(
        [(truth == n).reshape(rows, cell, columns, cell).mean((1, 3)) for n in range(1, len(labels) + 1)]
    ).astype(np.float32)
    return soften(share.argmax(0).astype(np.int32) + 1, share, labels)


def drawing(size=256, noise=6.0):
    """A picture with a disc and a slanted bar on a background, and its true segments."""
    y, x = np.mgrid[:size, :size] + 0.5
    truth = np.ones((size, size), np.int32)
    truth[np.hypot(x - 0.35 * size, y - 0.4 * size) < 0.2 * size] = 2
    truth[np.abs(0.8 * (x - 0.75 * size) - 0.6 * (y - 0.5 * size)) < 0.06 * size] = 3
    colours = np.array([(0, 0, 0), (180, 170, 150), (70, 40, 30), (40, 90, 160)], float)
    shade = 20 * np.sin(x / 40)[..., None]
    rng = np.random.default_rng(0)
    picture = colours[truth] + shade + rng.normal(0, noise, (size, size, 3))
    return np.clip(picture, 0, 255).astype(np.uint8), truth


def nearest(ids, shape):
    return np.asarray(Image.fromarray(ids).resize(shape[::-1], Image.Resampling.NEAREST))


def test_edges_of_the_grid_move_to_the_edges_of_the_picture():
    rgb, truth = drawing()
    soft = grid_of(truth, [WALL, PERSON, CAT])
    refined = (refine_segments(rgb, soft) != truth).mean()
    assert refined < 0.004
    assert refined < 0.2 * (nearest(soft.ids, truth.shape) != truth).mean()


def test_a_post_of_half_a_cell_keeps_its_straight_edges():
    rgb, truth = drawing(noise=3)
    truth[:] = 1
    truth[40:, 121:126] = 2
    rgb[:] = np.where(truth[..., None] == 2, (40, 30, 30), (190, 190, 180))
    soft = grid_of(truth, [WALL, PERSON])
    soft = soften(np.where(soft.masks[1] > 0.3, 2, 1).astype(np.int32), soft.masks, [WALL, PERSON])
    ids = refine_segments(rgb, soft)
    assert ((ids == 2) & (truth == 2)).sum() / ((ids == 2) | (truth == 2)).sum() > 0.9


def test_guided_masks_are_least_squares_in_every_window():
    """He, Sun and Tang (2013), equations 19 to 21, written out window by window."""
    rng = np.random.default_rng(3)
    guide = rng.random((11, 13, 3)).astype(np.float32)
    target = rng.random((11, 13)).astype(np.float32)
    radius = refine.RADIUS
    rows = np.clip(np.arange(-radius, 11 + radius), 0, 10)
    columns = np.clip(np.arange(-radius, 13 + radius), 0, 12)
    padded = guide[rows][:, columns].astype(float), target[rows][:, columns].astype(float)
    slopes, offsets = np.zeros((11, 13, 3)), np.zeros((11, 13))
    window = 2 * radius + 1
    for y in range(11):
        for x in range(13):
            colours = padded[0][y : y + window, x : x + window].reshape(-1, 3)
            values = padded[1][y : y + window, x : x + window].ravel()
            centred = colours - colours.mean(0)
            matrix = centred.T @ centred / len(values) + refine.EPSILON * np.eye(3)
            slopes[y, x] = np.linalg.solve(matrix, centred.T @ values / len(values))
            offsets[y, x] = values.mean() - slopes[y, x] @ colours.mean(0)
    want = np.zeros((11, 13))
    for y in range(11):
        for x in range(13):
            ys = np.clip(np.arange(y - radius, y + radius + 1), 0, 10)
            xs = np.clip(np.arange(x - radius, x + radius + 1), 0, 12)
            want[y, x] = slopes[np.ix_(ys, xs)].mean((0, 1)) @ guide[y, x] + offsets[np.ix_(ys, xs)].mean()
    want = refine.TRUST * want + (1 - refine.TRUST) * target
    np.testing.assert_allclose(GuidedMasks(guide, target[None]).value[0], want, atol=1e-4)


def test_tiles_leave_no_seam(monkeypatch):
    rgb, truth = drawing()
    soft = grid_of(truth, [WALL, PERSON, CAT])
    tiled = refine_segments(rgb, soft)
    monkeypatch.setattr(refine, "TILE", 10_000)
    assert (refine_segments(rgb, soft) != tiled).mean() < 1e-4


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_no_segment_is_lost_or_invented(seed, count):
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, count + 1, (10, 14)).astype(np.int32)
    present = np.unique(ids[ids > 0])
    ids = np.where(ids > 0, np.searchsorted(present, ids) + 1, 0).astype(np.int32)
    soft = soften(ids, rng.random((len(present), 10, 14)).astype(np.float32), [WALL] * len(present))
    rgb = rng.integers(0, 256, (53, 71, 3)).astype(np.uint8)
    refined = refine_segments(rgb, soft)
    assert {s.id for s in soft.segments} == set(np.unique(refined[refined > 0]).tolist())
    assert refined.all() or not ids.all()


@pytest.mark.parametrize("size", [(2, 2), (3, 50), (400, 2)])
def test_a_picture_smaller_than_the_grid(size):
    soft = soften(
        np.repeat([[1], [2]], 6, 0).repeat(8, 1).astype(np.int32), np.ones((2, 12, 8), np.float32), [WALL, CAT]
    )
    ids = refine_segments(np.zeros((*size, 3), np.uint8), soft)
    assert ids.shape == size and set(np.unique(ids)) <= {1, 2}


def test_a_single_segment_fills_the_picture():
    soft = SoftSegments(np.ones((4, 4), np.int32), np.ones((1, 4, 4), np.float32), soften_one())
    assert (refine_segments(drawing()[0], soft) == 1).all()


def soften_one():
    return soften(np.ones((4, 4), np.int32), np.ones((1, 4, 4), np.float32), [WALL]).segments


def test_depth_of_one_segment_never_reaches_another():
    ids = np.where(np.arange(100) < 43, 7, 16_000_000)[None].repeat(80, 0).astype(np.int32)
    coarse = np.where(np.arange(25) < 11, 7, 16_000_000)[None].repeat(20, 0).astype(np.int32)
    fine = upsample_within(np.where(coarse == 7, 2.0, 9.0).astype(np.float32), coarse, ids)
    np.testing.assert_array_equal(fine, np.where(ids == 7, 2, 9))


def test_a_plane_comes_back_exactly_inside_its_segment():
    y, x = np.mgrid[:30, :40] + 0.5
    value = (0.1 + 0.002 * x + 0.005 * y).astype(np.float32)
    big_y, big_x = (np.mgrid[:300, :400] + 0.5) / 10
    fine = upsample_within(value, np.ones((30, 40), np.int32), np.ones((300, 400), np.int32))
    want = 0.1 + 0.002 * big_x + 0.005 * big_y
    np.testing.assert_allclose(fine[5:-5, 5:-5], want[5:-5, 5:-5], rtol=1e-5)


def test_a_segment_too_small_for_the_coarse_map_takes_the_values_there():
    ids = np.ones((40, 40), np.int32)
    ids[20, 20] = 2
    fine = upsample_within(np.full((10, 10), 3, np.float32), np.ones((10, 10), np.int32), ids)
    assert fine[20, 20] == 3
