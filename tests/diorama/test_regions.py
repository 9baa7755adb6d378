import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from maquette.camera import Camera
from maquette.diorama.placing import place_regions
from maquette.diorama.regions import Grid, find_regions
from maquette.labels import BY_NAME, LABELS
from maquette.perception.types import Perception, Segment
from tests.diorama.drawn import draw


def perception_of(ids: np.ndarray, labels: dict[int, str], depth: np.ndarray, confidence: float = 0.5) -> Perception:
    height, width = ids.shape
    segments = tuple(Segment(i, BY_NAME[n], 1.0) for i, n in labels.items() if (ids == i).any())
    return Perception(
        ids.astype(np.int32),
        segments,
        depth.astype(np.float32),
        np.full(ids.shape, confidence, np.float32),
        Camera.from_fov(width, height, 55),
        height / 2,
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(4, 90), st.integers(4, 90), st.integers(0, 6), st.booleans())
def test_regions_cover_the_picture_once(seed, height, width, budget, split):
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 5, (height // 4 + 1, width // 4 + 1)).repeat(4, 0).repeat(4, 1)[:height, :width]
    labels = {i: LABELS[rng.integers(len(LABELS))].name for i in range(1, 5)}
    perception = perception_of(ids, labels, rng.uniform(0.5, 50, ids.shape))
    grid = Grid.sample(perception)
    regions = find_regions(perception, grid, budget=budget, split=split)
    assert np.array_equal(sum(r.mask.astype(int) for r in regions), np.ones(regions[0].mask.shape))
    level = place_regions(perception, grid, regions)
    assert level.shape == ids.shape and level.min() >= 0 and level.max() < len(regions)
    for segment, name in labels.items():
        for index in np.unique(level[ids == segment]):
            assert segment in regions[index].segment_ids, name


def test_placing_follows_the_photos_own_pixels_not_the_grid():
    photo, perception = draw(width=1500, height=1000)
    grid = Grid.sample(perception)
    assert max(grid.x.shape) < 600
    regions = find_regions(perception, grid, budget=0, split=True)
    level = place_regions(perception, grid, regions)
    for segment in perception.segments:
        owners = np.unique(level[perception.segment_ids == segment.id])
        assert len(owners) == 1, segment.label.name
    assert photo.width == level.shape[1]


def test_stuff_is_cut_into_its_parts_but_a_hidden_thing_stays_whole():
    ids = np.full((80, 120), 1)
    ids[20:60, 20:35] = ids[20:60, 80:95] = 2
    ids[20:60, 45:70] = 3
    depth = np.where(ids == 1, 6.0, np.where(ids == 2, 4.0, 2.5))
    for label, parts in (("tree", 2), ("person", 1)):
        perception = perception_of(ids, {1: "wall", 2: label, 3: "cabinet"}, depth + (np.arange(120) > 75))
        regions = find_regions(perception, Grid.sample(perception), budget=0, split=True)
        assert sum(r.label.name == label for r in regions) == parts


def test_a_thing_is_cut_only_where_its_depth_was_measured():
    ids = np.full((80, 120), 1)
    ids[20:70, 30:90] = 2
    ids[70:] = 3
    depth = np.choose(ids, [0, 6.0, np.where(np.arange(120) < 60, 2.0, 3.0) * np.ones((80, 1)), 1.5])
    for confidence, parts in ((0.5, 1), (1.0, 2)):
        perception = perception_of(ids, {1: "wall", 2: "motorcycle", 3: "floor"}, depth, confidence)
        regions = find_regions(perception, Grid.sample(perception), budget=0, split=True)
        assert sum(r.label.name == "motorcycle" for r in regions) == parts


def test_a_wall_is_cut_where_depth_jumps():
    ids = np.ones((80, 120), int)
    ids[60:] = 2
    far = np.arange(120) > 50
    depth = np.where(far, 8.0, 3.0) * np.ones((80, 1))
    perception = perception_of(ids, {1: "wall", 2: "table"}, depth)
    walls = [
        r for r in find_regions(perception, Grid.sample(perception), budget=0, split=True) if r.label.name == "wall"
    ]
    assert len(walls) == 2
    for wall in walls:
        assert np.unique(depth[wall.mask]).size == 1


def test_the_budget_merges_what_loses_least_first():
    ids = np.full((100, 150), 1)
    ids[70:] = 2
    ids[40:70, 20:60] = 3
    ids[45:75, 100:106] = 4
    depth = np.choose(ids, [0, 6.0, 3.0, 4.0, 5.8])
    perception = perception_of(ids, {1: "wall", 2: "floor", 3: "sofa", 4: "curtain"}, depth)
    regions = find_regions(perception, Grid.sample(perception), budget=3, split=True)
    assert sorted(r.label.name for r in regions) == ["floor", "sofa", "wall"]
    assert next(r for r in regions if r.label.name == "wall").segment_ids == (1, 4)
