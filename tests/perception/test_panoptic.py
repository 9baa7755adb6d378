import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maquette.labels import BY_NAME, LABELS
from maquette.models.types import PanopticContract
from maquette.perception.network import Embedded, softmax
from maquette.perception.panoptic import (
    category,
    from_embedded,
    from_label_map,
    from_query_masks,
    group_queries,
    soften,
)


def oracle(class_logits, mask_logits, is_thing):
    """Panoptic inference as Mask2Former's code does it, query by query and pixel by pixel."""
    count, height, width = mask_logits.shape
    probability = np.exp(class_logits) / np.exp(class_logits).sum(1, keepdims=True)
    sigmoid = 1 / (1 + np.exp(-mask_logits))
    kept = [
        q for q in range(count) if probability[q].argmax() != class_logits.shape[1] - 1 and probability[q].max() > 0.5
    ]
    owner = [[-1] * width for _ in range(height)]
    for y in range(height):
        for x in range(width):
            if kept:
                owner[y][x] = max(kept, key=lambda q: (probability[q].max() * sigmoid[q, y, x], -q))
    ids = np.zeros((height, width), int)
    segments: list[int] = []
    stuff: dict[int, int] = {}
    for q in kept:
        won = [(y, x) for y in range(height) for x in range(width) if owner[y][x] == q]
        own = [(y, x) for y in range(height) for x in range(width) if sigmoid[q, y, x] >= 0.5]
        both = [place for place in won if sigmoid[(q, *place)] >= 0.5]
        if not won or not own or not both or len(won) / len(own) < 0.8:
            continue
        label = int(probability[q].argmax())
        if not is_thing[label] and label in stuff:
            number = stuff[label]
        else:
            segments.append(label)
            number = stuff[label] = len(segments)
        for place in both:
            ids[place] = number
    return ids, segments


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 7), st.booleans())
def test_query_masks_agree_with_a_pixel_by_pixel_oracle(seed, queries, smooth):
    rng = np.random.default_rng(seed)
    classes = rng.normal(0, 3, (queries, 5))
    masks = rng.normal(0, 1, (queries, 6, 8))
    if smooth:  # blobs that keep most of their own mask, so that the overlap rule passes as often as it fails
        centre = rng.uniform(0, 8, (queries, 2, 1, 1))
        y, x = np.mgrid[:6, :8]
        masks = rng.uniform(1, 4, (queries, 1, 1)) - np.hypot(y - centre[:, 0], x - centre[:, 1])
    is_thing = [True, False, True, False]
    ids, kept = group_queries(classes, masks, is_thing)
    want, labels = oracle(classes, masks, is_thing)
    np.testing.assert_array_equal(ids, want)
    assert [index for index, _ in kept] == labels


def contract(*categories, kind="label_map"):
    return PanopticContract(kind, "classes", "masks", categories, None)


def test_stuff_is_fused_and_things_are_not():
    masks = np.full((4, 4, 8), -9.0)
    for query in range(4):
        masks[query, :, 2 * query : 2 * query + 2] = 9
    classes = np.full((4, 3), -9.0)
    classes[[0, 1], 0] = classes[[2, 3], 1] = 9
    found = from_query_masks(classes, masks, contract("wall", "person", kind="query_masks"))
    assert [segment.label.name for segment in found.segments] == ["wall", "person", "person"]
    np.testing.assert_array_equal(found.ids[0], [1, 1, 1, 1, 2, 2, 3, 3])


def test_a_void_query_leaves_no_segment_and_nothing_is_no_segment():
    masks = np.full((2, 4, 4), 9.0)
    classes = np.array([[9.0, 0, 0], [0, 0, 9.0]])
    found = from_query_masks(classes, masks, contract("void", "wall", kind="query_masks"))
    assert found.segments == () and not found.ids.any() and found.masks.shape == (0, 4, 4)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("tree-merged", "tree"),
        ("dining table", "table"),
        ("Vegetation", "tree"),
        ("warp drive", "object"),
        ("void", None),
    ],
)
def test_categories_of_other_vocabularies(name, ours):
    assert category(name, None) is (BY_NAME[ours] if ours else None)


def network(labels, centre=None, offset=None, sure=4.0):
    """What maquette's network says of a picture whose truth is ``labels`` (ids of ours)."""
    one_hot = (np.arange(1, len(LABELS) + 1)[:, None, None] == labels).astype(np.float32)
    flat = np.zeros(labels.shape, np.float32)
    return Embedded(
        softmax(sure * one_hot),
        flat + 1,
        flat,
        flat if centre is None else centre,
        np.zeros((2, *labels.shape), np.float32) if offset is None else offset,
    )


def random_labels(seed, size=(24, 32)):
    rng = np.random.default_rng(seed)
    blocks = rng.integers(1, len(LABELS) + 1, (size[0] // 4, size[1] // 4))
    labels = np.kron(blocks, np.ones((4, 4), int))
    noise = rng.random(size) < 0.1
    return np.where(noise, rng.integers(1, len(LABELS) + 1, size), labels)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_cell_has_a_listed_segment_and_masks_agree_with_ids(seed):
    soft = from_embedded(network(random_labels(seed)))
    assert [segment.id for segment in soft.segments] == list(range(1, len(soft.segments) + 1))
    assert set(np.unique(soft.ids)) == {segment.id for segment in soft.segments}
    np.testing.assert_array_equal(soft.masks.argmax(0) + 1, soft.ids)
    np.testing.assert_allclose(soft.masks.sum(0), 1, atol=1e-5)
    assert all(0 <= segment.score <= 1 for segment in soft.segments)


def test_stuff_is_one_segment_and_separate_things_are_several():
    labels = np.full((30, 40), BY_NAME["wall"].id)
    labels[20:] = BY_NAME["floor"].id
    labels[5:25, 5:10] = labels[5:25, 20:25] = BY_NAME["person"].id
    soft = from_embedded(network(labels))
    assert sorted(segment.label.name for segment in soft.segments) == ["floor", "person", "person", "wall"]
    people = [segment.id for segment in soft.segments if segment.label.name == "person"]
    assert {soft.ids[10, 7], soft.ids[10, 22]} == set(people)


def test_specks_go_and_small_sure_things_stay():
    labels = np.full((40, 40), BY_NAME["wall"].id)
    labels[10, 10:12] = BY_NAME["car"].id
    labels[20:26, 20:26] = BY_NAME["cat"].id
    soft = from_embedded(network(labels))
    assert [segment.label.name for segment in soft.segments] == ["wall", "cat"]
    assert (soft.ids[10, 10:12] == 1).all()


def test_label_map_sums_categories_that_are_one_of_ours_and_leaves_void():
    probability = np.zeros((4, 12, 12), np.float32)
    probability[0, :, :6] = probability[1, :6, :6] = 0.5  # two words for one category
    probability[2, :, 6:] = 1.0
    found = from_label_map(probability, contract("tree-merged", "vegetation", "void", "person"))
    assert [segment.label.name for segment in found.segments] == ["tree"]
    assert (found.ids[:, :6] == 1).all() and not found.ids[:, 6:].any()


def test_soften_lets_the_decision_win_over_the_probability():
    ids = np.array([[1, 1, 2, 2]] * 4, np.int32)
    probability = np.stack([np.full((4, 4), 0.1), np.full((4, 4), 0.9)]).astype(np.float32)
    soft = soften(ids, probability, [BY_NAME["wall"], BY_NAME["floor"]])
    np.testing.assert_array_equal(soft.masks.argmax(0) + 1, ids)
    assert soft.segments[0].score == pytest.approx(0.1)
