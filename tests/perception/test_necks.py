import numpy as np
import pytest
from scipy import ndimage

from maquette.perception.necks import part

ROWS, COLUMNS = np.mgrid[:60, :100]


def disc(y, x, radius):
    return np.hypot(ROWS - y, COLUMNS - x) <= radius


def box(top, left, bottom, right):
    return (top <= ROWS) & (bottom > ROWS) & (left <= COLUMNS) & (right > COLUMNS)


@pytest.mark.parametrize(
    ("shapes", "parts"),
    [
        ([disc(30, 30, 12), disc(32, 52, 12)], 2),
        ([disc(30, 15, 9), disc(32, 32, 10), disc(30, 50, 9)], 3),
        ([disc(12, 50, 8), disc(36, 50, 17)], 1),  # a head over its body
        ([box(10, 40, 50, 60), box(20, 60, 25, 90)], 1),  # an arm
        ([box(10, 10, 40, 80), box(40, 12, 58, 18), box(40, 70, 58, 76)], 1),  # a table and its legs
        ([disc(30, 30, 4), disc(30, 37, 4)], 1),  # too small to tell
    ],
)
def test_parts_of_drawn_outlines(shapes, parts):
    mask = np.logical_or.reduce(shapes)
    found = part(mask, mask)
    assert found.max() == parts
    assert ((found > 0) == mask).all()
    for number in range(1, parts + 1):
        assert ndimage.label(found == number)[1] == 1
    if parts == len(shapes):
        for shape, other in zip(shapes, [*shapes[1:], shapes[0]], strict=True):
            alone = found[shape & ~other]
            assert (alone == np.bincount(alone).argmax()).mean() > 0.9


def test_a_rider_does_not_cut_the_horse():
    horse = box(20, 10, 50, 90)
    rider = box(5, 44, 45, 56)
    assert part(horse & ~rider, horse & ~rider).max() == 2
    assert part(horse & ~rider, horse | rider).max() == 1


def test_a_region_that_fills_the_picture():
    mask = np.ones((20, 30), bool)
    assert (part(mask, mask) == 1).all()


def test_the_mirror_image_has_the_mirrored_parts():
    mask = disc(30, 30, 12) | disc(32, 52, 12)
    found, mirrored = part(mask, mask), part(mask[:, ::-1], mask[:, ::-1])[:, ::-1]
    assert mirrored.max() == found.max() == 2
    assert min((mirrored[found == n] == np.bincount(mirrored[found == n]).argmax()).mean() for n in (1, 2)) > 0.95
