import dataclasses
import math

import numpy as np
import pytest
from scipy import ndimage

from maquette.camera import Camera
from maquette.diorama.build import build
from maquette.diorama.cut import SEAM, SEAM_ROOM
from maquette.diorama.options import DioramaOptions
from maquette.diorama.planes import evaluate
from maquette.errors import MaquetteError
from maquette.labels import BY_NAME
from maquette.perception.types import SKY_DEPTH_M, Perception, Segment
from maquette.photo import Photo
from tests.diorama.drawn import EYE_M, draw, paint

VARIANTS = {
    "default": DioramaOptions(),
    "facing": DioramaOptions(planes="facing"),
    "hard": DioramaOptions(edges="hard"),
    "patch": DioramaOptions(fill="patch"),
    "still": DioramaOptions(move=0),
    "paper": DioramaOptions(style="paper", fill="spread"),
}


def by_name(scene):
    return {node.name: node for node in scene.nodes}


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS.keys())
def test_painted_from_its_own_camera_it_gives_the_photo_back(options):
    photo, perception = draw()
    painted = paint(build(photo, perception, options), photo.rgb.shape[:2])
    assert painted[..., 3].min() > 0.999
    error = painted[..., :3] - photo.rgb
    assert np.abs(error).max() <= 2.5
    assert np.mean(error**2) < 1


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS.keys())
def test_no_layer_cuts_through_one_that_it_covers(options):
    photo, perception = draw()
    nodes = build(photo, perception, options).nodes
    height, width = photo.rgb.shape[:2]
    nearest = np.zeros((height, width))
    ids = perception.segment_ids
    borders = ndimage.maximum_filter(ids, 3) != ndimage.minimum_filter(ids, 3)
    seam = ndimage.binary_dilation(borders, iterations=2 * math.ceil(SEAM * max(height, width)) + 2)
    for node in nodes:
        left, top, right, bottom = node.plane.bounds
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
        x, y = np.meshgrid(np.arange(x0, x1) + 0.5, np.arange(y0, y1) + 0.5)
        inverse = evaluate(node.plane.inverse_depth, x, y)
        opacity = node.plane.texture[y0 - top : y1 - top, x0 - left : x1 - left, 3]
        here = opacity > 12
        ratio = inverse[here] / np.maximum(nearest[y0:y1, x0:x1][here], 1e-9)
        assert ratio.min() >= SEAM_ROOM, node.name
        assert np.all((ratio >= 1) | seam[y0:y1, x0:x1][here]), node.name
        nearest[y0:y1, x0:x1][here] = np.maximum(nearest[y0:y1, x0:x1], inverse)[here]


def test_known_geometry_comes_back():
    photo, perception = draw()
    nodes = by_name(build(photo, perception))
    assert [n for n in nodes if n.startswith("person")] == ["person 2", "person 1"]
    focal = perception.camera.focal_px
    # Ground: 1 / z = v / EYE_M, tilted; wall: 1 / z = -u / 2.2; people: at their depth.
    a, b, _ = nodes["road"].plane.inverse_depth
    assert b == pytest.approx(1 / EYE_M / focal, rel=0.05) and abs(a) < 0.05 * b
    a, b, _ = nodes["building"].plane.inverse_depth
    assert a == pytest.approx(-1 / 2.2 / focal, rel=0.05) and abs(b) < 0.05 * abs(a)
    assert nodes["person 1"].depth_range_m == pytest.approx((5, 5), rel=0.05)
    assert nodes["person 2"].depth_range_m == pytest.approx((8, 8), rel=0.05)


def test_layers_continue_behind_what_covers_them_as_far_as_the_move_shows():
    photo, perception = draw()
    nearest = float(perception.depth_m.min())
    for move in (0.03, 0.1):
        scene = build(photo, perception, DioramaOptions(move=move))
        nodes = by_name(scene)
        far = nodes["person 2"].plane
        hidden = perception.segment_ids == 5
        touching = ndimage.binary_dilation(perception.segment_ids == 4, iterations=2) & hidden
        touching[np.nonzero(perception.segment_ids == 4)[0].max() - 1 :] = False  # below its feet the ground hides it
        rows, cols = np.nonzero(touching)
        assert rows.size > 20
        alpha = far.texture[rows - far.y, cols - far.x, 3]
        assert (alpha > 250).mean() > 0.95
        shift_px = move * nearest * perception.camera.focal_px * (1 / 5.0 - 1 / 8.0)
        deep = ndimage.binary_erosion(hidden, iterations=1) & (
            ndimage.distance_transform_edt(perception.segment_ids != 4) > shift_px + 16
        )
        rows, cols = np.nonzero(deep)
        inside = (cols - far.x >= 0) & (cols - far.x < far.texture.shape[1])
        inside &= (rows - far.y >= 0) & (rows - far.y < far.texture.shape[0])
        assert not far.texture[rows[inside] - far.y, cols[inside] - far.x, 3].any()


def test_sky_is_a_backdrop_behind_all_that_covers_the_frame():
    photo, perception = draw()
    node = build(photo, perception).nodes[0]
    assert node.label == "sky" and node.plane.facing
    assert node.depth_range_m == pytest.approx((SKY_DEPTH_M, SKY_DEPTH_M))
    assert node.plane.bounds == (0, 0, photo.width, photo.height)
    assert node.plane.texture[..., 3].min() == 255


def test_sky_stays_behind_even_if_depth_says_otherwise():
    photo, perception = draw()
    near_sky = np.where(perception.segment_ids == 1, np.float32(0.5), perception.depth_m)
    nodes = build(photo, dataclasses.replace(perception, depth_m=near_sky)).nodes
    assert nodes[0].label == "sky"
    assert all(n.depth_range_m[1] < nodes[0].depth_range_m[0] for n in nodes[1:])


@pytest.mark.parametrize("confidence", [0.3, 1.0])
def test_paper_style_is_one_facing_plane_a_segment_at_its_mean_depth(confidence):
    photo, perception = draw()
    perception = dataclasses.replace(perception, confidence=np.full_like(perception.confidence, confidence))
    scene = build(photo, perception, DioramaOptions(style="paper", fill="spread"))
    assert sorted(i for n in scene.nodes for i in n.segment_ids) == [s.id for s in perception.segments]
    for node in scene.nodes:
        assert node.plane.facing
        if node.label != "sky":
            mean = perception.depth_m[perception.segment_ids == node.segment_ids[0]].mean()
            assert 1 / node.plane.inverse_depth[2] == pytest.approx(mean, rel=0.02)
        assert set(np.unique(node.plane.texture[..., 3])) <= {0, 255}


def test_paper_style_spreads_colours_whatever_the_filler():
    photo, perception = draw()
    one, two = (build(photo, perception, DioramaOptions(style="paper", fill=f)).nodes for f in ("spread", "pyramid"))
    assert [n.plane.texture.tobytes() for n in one] == [n.plane.texture.tobytes() for n in two]


def two_walls() -> tuple[Photo, Perception]:
    """One wall segment that is two walls meeting in a corner, and a third piece of it far away behind a person."""
    height, width = 120, 200
    camera = Camera.from_fov(width, height, 60)
    x = np.broadcast_to(np.arange(width) + 0.5, (height, width))
    inverse = np.where(x < 90, 0.5 - 0.004 * x, 0.14 + 0.003 * (x - 90))
    ids = np.ones((height, width), np.int32)
    rgb = np.repeat((np.arange(height * width).reshape(height, width) % 251)[..., None], 3, axis=2).astype(np.uint8)
    segments = (Segment(1, BY_NAME["wall"], 1.0),)
    return Photo(rgb, "walls"), Perception(
        ids, segments, (1 / inverse).astype(np.float32), np.ones((height, width), np.float32), camera, 60.0
    )


def test_one_wall_segment_with_two_walls_becomes_two_tilted_planes():
    photo, perception = two_walls()
    nodes = build(photo, perception).nodes
    slopes = sorted(round(n.plane.inverse_depth[0], 4) for n in nodes)
    assert slopes[0] == pytest.approx(-0.004, rel=0.1) and slopes[-1] == pytest.approx(0.003, rel=0.1)


@pytest.mark.parametrize("budget", [1, 2, 4])
def test_the_budget_of_layers_holds_and_sky_is_never_merged(budget):
    photo, perception = draw()
    scene = build(photo, perception, DioramaOptions(layers=budget))
    assert len(scene.nodes) == max(budget, 2)
    assert scene.nodes[0].label == "sky"
    assert {i for n in scene.nodes for i in n.segment_ids} == {1, 2, 3, 4, 5}


def test_mirrored_photo_gives_mirrored_layers():
    photo, perception = draw()
    flipped = dataclasses.replace(
        perception,
        segment_ids=np.ascontiguousarray(perception.segment_ids[:, ::-1]),
        depth_m=np.ascontiguousarray(perception.depth_m[:, ::-1]),
    )
    there = build(photo, perception).nodes
    back = build(dataclasses.replace(photo, rgb=np.ascontiguousarray(photo.rgb[:, ::-1])), flipped).nodes
    assert [n.name for n in there] == [n.name for n in back]
    for one, two in zip(there, back, strict=True):
        assert one.depth_range_m == pytest.approx(two.depth_range_m, rel=0.03)


def test_scaled_depth_scales_the_scene_and_nothing_else():
    photo, perception = draw()
    halved = dataclasses.replace(
        perception, depth_m=np.where(perception.segment_ids == 1, perception.depth_m, perception.depth_m / 2)
    )
    for one, two in zip(build(photo, perception).nodes[1:], build(photo, halved).nodes[1:], strict=True):
        assert np.array(two.depth_range_m) == pytest.approx(0.5 * np.array(one.depth_range_m), rel=0.05)
        assert one.name == two.name


def test_same_input_same_bytes():
    photo, perception = draw()
    first, second = build(photo, perception), build(photo, perception)
    for one, two in zip(first.nodes, second.nodes, strict=True):
        assert one.plane.texture.tobytes() == two.plane.texture.tobytes()
        assert one.plane.inverse_depth == two.plane.inverse_depth


@pytest.mark.parametrize("options", [DioramaOptions(layers=-1), DioramaOptions(move=-0.1), DioramaOptions(move=3)])
def test_bad_options_are_refused(options):
    photo, perception = draw()
    with pytest.raises(MaquetteError):
        build(photo, perception, options)


def test_a_photo_of_another_size_is_refused():
    photo, perception = draw()
    with pytest.raises(MaquetteError, match="size"):
        build(dataclasses.replace(photo, rgb=photo.rgb[:-1]), perception)


@pytest.mark.parametrize("size", [(2, 2), (3, 70), (70, 3), (17, 19)])
def test_tiny_photos_of_noise_do_not_break_it(size):
    height, width = size
    rng = np.random.default_rng(height * width)
    ids = rng.integers(0, 6, size).astype(np.int32)
    present = [int(i) for i in np.unique(ids) if i]
    labels = ["wall", "floor", "person", "tree", "car"]
    perception = Perception(
        ids,
        tuple(Segment(i, BY_NAME[labels[i - 1]], 1.0) for i in present),
        rng.uniform(0.3, 140, size).astype(np.float32),
        np.ones(size, np.float32),
        Camera.from_fov(width, height, 55),
        height / 2,
    )
    photo = Photo(rng.integers(0, 256, (*size, 3), dtype=np.uint8), "noise")
    painted = paint(build(photo, perception), size)
    assert np.abs(painted[..., :3] - photo.rgb).max() <= 2.5
