import numpy as np
from scipy import ndimage

from maquette.diorama.order import MOST_FORWARD, meet, paint_order
from maquette.diorama.planes import evaluate
from maquette.diorama.regions import Grid, Region
from maquette.labels import BY_NAME


def grid_of(depth: np.ndarray, confidence: float = 0.5) -> Grid:
    height, width = depth.shape
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return Grid(np.arange(height), np.arange(width), x, y, 1 / depth, np.full(depth.shape, confidence))


def region(name: str, mask: np.ndarray) -> Region:
    return Region(BY_NAME[name], (1,), mask)


def test_overlapping_cards_are_painted_far_to_near_whatever_their_list_order():
    depth = np.full((60, 80), 9.0)
    regions = [region("wall", np.ones((60, 80), bool))]
    for index, z in enumerate((7.0, 5.0, 3.0, 2.0)):
        box = np.s_[10 + 4 * index : 50, 10 + 12 * index : 30 + 12 * index]
        for r in regions:
            r.mask[box] = False
        mask = np.zeros((60, 80), bool)
        mask[box] = True
        depth[box] = z
        regions.append(region("car", mask))
    grid = grid_of(depth)
    rng = np.random.default_rng(0)
    for _ in range(10):
        shuffled = [regions[i] for i in rng.permutation(5)]
        order = [depth[shuffled[i].mask][0] for i in paint_order(shuffled, grid)]
        assert order == [9.0, 7.0, 5.0, 3.0, 2.0]


def test_a_thing_is_painted_over_ground_that_is_on_average_nearer():
    y = np.arange(60)[:, None] + np.zeros((1, 80))
    depth = 60 / (y + 1)
    person = np.zeros((60, 80), bool)
    person[5:12, 30:50] = True
    depth[person] = depth[11, 0]
    ground = region("floor", ~person)
    thing = region("person", person)
    assert depth[~person].mean() > 0 and np.median(depth[~person]) < depth[11, 0]
    assert paint_order([ground, thing], grid_of(depth)) == [0, 1]
    assert paint_order([thing, ground], grid_of(depth)) == [1, 0]


def test_a_thing_behind_a_wall_stays_behind():
    depth = np.full((40, 60), 2.0)
    person = np.zeros((40, 60), bool)
    person[:, 40:] = True
    depth[person] = 6.0
    assert paint_order([region("person", person), region("wall", ~person)], grid_of(depth)) == [0, 1]


def test_layers_meet_what_they_cover_and_move_no_farther_than_allowed():
    y = np.arange(60)[:, None] + np.zeros((1, 80))
    grid = grid_of(60 / (y + 1))
    sofa = np.zeros((60, 80), bool)
    sofa[20:50, 20:60] = True
    ground_plane, regions = (0.0, 1 / 60, 0.5 / 60), [region("floor", ~sofa), region("sofa", sofa)]
    for level, expected in ((51 / 60, 1.0), (40 / 60, None), (5 / 60, MOST_FORWARD)):
        plane = meet([ground_plane, (0.0, 0.0, level)], regions, grid)[1]
        if expected is None:
            edge = sofa & ~ndimage.binary_erosion(sofa)
            ground = evaluate(ground_plane, grid.x[edge], grid.y[edge])
            assert 0.8 < (ground <= plane[2]).mean() <= 1
        else:
            assert np.isclose(plane[2], level * expected)


def test_measured_layers_stay_where_they_are():
    y = np.arange(60)[:, None] + np.zeros((1, 80))
    sofa = np.zeros((60, 80), bool)
    sofa[20:50, 20:60] = True
    planes = [(0.0, 1 / 60, 0.5 / 60), (0.0, 0.0, 5 / 60)]
    regions = [region("floor", ~sofa), region("sofa", sofa)]
    assert meet(planes, regions, grid_of(60 / (y + 1), confidence=1.0)) == planes
