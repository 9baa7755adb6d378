"""The whole way from a photo to its perception, with the network that ships and with tiny ones made here."""

import dataclasses
import hashlib
import json
import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from maquette.errors import MaquetteError, ModelError
from maquette.labels import BY_NAME
from maquette.models.catalogue import resolve
from maquette.perception import MAX_DEPTH_M, SKY_DEPTH_M, Perception, PerceptionOptions, perceive
from maquette.perception.files import write_perception
from maquette.photo import Photo

from . import tiny

MODELS = Path(str(files("maquette") / "models"))
PICTURES = ("astronaut", "coffee", "rocket", "chelsea")


def photo_of(rgb, **fields):
    return Photo(np.ascontiguousarray(rgb), "picture", **fields)


def picture(name, scale=1.0):
    image = Image.fromarray(getattr(skimage.data, name)())
    size = round(image.width * scale), round(image.height * scale)
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS) if scale != 1 else image)


def colour_room(width=160, height=120):
    """Sky over a wall over a floor, two people apart, in the colours that the tiny networks know."""
    truth = np.empty((height, width), object)
    truth[: height // 4], truth[height // 4 : height // 2], truth[height // 2 :] = "sky", "wall", "floor"
    truth[height // 3 : -height // 8, width // 8 : width // 4] = "person"
    truth[height // 3 : -height // 8, width // 2 : -width // 4] = "person"
    rgb = np.zeros((height, width, 3), np.uint8)
    for name, colour in tiny.COLOURS.items():
        rgb[truth == name] = colour
    return rgb, truth


def check(found: Perception, photo: Photo) -> None:
    shape = (photo.height, photo.width)
    assert found.segment_ids.shape == found.depth_m.shape == found.confidence.shape == shape
    assert (found.segment_ids.dtype, found.depth_m.dtype, found.confidence.dtype) == (np.int32, np.float32, np.float32)
    listed = [segment.id for segment in found.segments]
    area = np.bincount(found.segment_ids.ravel())
    assert listed == sorted(set(listed)) and min(listed) >= 1
    assert area[listed].all() and area[0] + area[listed].sum() == photo.width * photo.height
    assert np.isfinite(found.depth_m).all() and found.depth_m.min() > 0
    sky = np.isin(found.segment_ids, [segment.id for segment in found.segments if segment.label.role == "sky"])
    assert (found.depth_m[sky] == SKY_DEPTH_M).all() and (found.depth_m[~sky] <= MAX_DEPTH_M * 1.0001).all()
    assert found.confidence.min() >= 0 and found.confidence.max() <= 1
    assert (found.camera.width, found.camera.height) == (photo.width, photo.height)
    assert np.isfinite(found.horizon_px)
    assert all(note.endswith(".") for note in found.notes)


def labels(found: Perception) -> np.ndarray:
    lut = np.zeros(int(found.segment_ids.max()) + 1, int)
    for segment in found.segments:
        lut[segment.id] = segment.label.id
    return lut[found.segment_ids]


@pytest.mark.parametrize("name", PICTURES)
def test_a_real_picture_keeps_the_contract(name):
    photo = photo_of(picture(name))
    found = perceive(photo)
    check(found, photo)
    assert found.segment_ids.all()
    assert [network.name for network in found.networks] == ["maquette-small"]


@pytest.mark.parametrize("size", [(2, 2), (2, 700), (900, 3), (31, 33)])
def test_odd_sizes(size):
    photo = photo_of(np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8))
    check(perceive(photo), photo)


def same(a: Perception, b: Perception) -> bool:
    arrays = ("segment_ids", "depth_m", "confidence")
    return all(getattr(a, name).tobytes() == getattr(b, name).tobytes() for name in arrays) and a.segments == b.segments


def test_the_same_bytes_again_and_on_one_thread():
    photo = photo_of(picture("coffee"))
    once = perceive(photo, threads=2)
    assert same(once, perceive(photo, threads=2))
    assert same(once, perceive(photo, threads=1))


@pytest.mark.parametrize("name", PICTURES)
def test_a_mirrored_photo_is_seen_mirrored(name):
    rgb = picture(name)
    here, mirrored = labels(perceive(photo_of(rgb))), labels(perceive(photo_of(rgb[:, ::-1])))[:, ::-1]
    assert (here == mirrored).mean() > 0.75


def test_a_photo_four_times_as_large_has_the_same_segments():
    small, large = perceive(photo_of(picture("astronaut"))), perceive(photo_of(picture("astronaut", 2)))
    theirs = labels(large).reshape(512, 2, 512, 2)[:, 0, :, 0]
    assert (labels(small) == theirs).mean() > 0.93


def test_progress_names_its_steps():
    steps: list[str] = []
    perceive(photo_of(picture("coffee", 0.2)), progress=steps.append)
    assert steps == ["segments", "depth"]


@pytest.mark.parametrize(
    ("focal_px", "fov_deg", "degrees", "says"),
    [(None, None, 55, "assumed"), (200.0, None, 53.13, "in the file"), (200.0, 90.0, 90, "as given")],
)
def test_where_the_field_of_view_comes_from(focal_px, fov_deg, degrees, says):
    photo = photo_of(picture("coffee", 1 / 3), focal_px=focal_px)
    assert photo.width == 200
    found = perceive(photo, PerceptionOptions(fov_deg=fov_deg))
    assert found.camera.fov_deg == pytest.approx(degrees, abs=0.01)
    assert says in found.notes[0]


@pytest.mark.parametrize("fov_deg", [0, -20, 180, float("nan")])
def test_a_field_of_view_out_of_range(fov_deg):
    with pytest.raises(MaquetteError, match="field of view"):
        perceive(photo_of(picture("coffee", 0.1)), PerceptionOptions(fov_deg=fov_deg))


def test_what_perception_writes_can_be_given_back(tmp_path):
    photo = photo_of(picture("astronaut", 0.5))
    first = perceive(photo)
    write_perception(first, tmp_path)
    options = PerceptionOptions(depth=tmp_path / "depth.png", segments=tmp_path / "panoptic.png")
    again = perceive(photo, options)
    check(again, photo)
    assert again.segments == first.segments
    np.testing.assert_array_equal(again.segment_ids, first.segment_ids)
    known = first.depth_m < 65
    np.testing.assert_allclose(again.depth_m[known], first.depth_m[known], atol=6e-4)
    assert (again.confidence[known] == 1).all()


def test_a_corrected_segment_is_obeyed(tmp_path):
    photo = photo_of(picture("astronaut", 0.5))
    write_perception(perceive(photo), tmp_path)
    document = json.loads((tmp_path / "panoptic.json").read_text())
    info = document["annotations"][0]["segments_info"][0]
    info["category_id"] = BY_NAME["sky"].id
    (tmp_path / "panoptic.json").write_text(json.dumps(document))
    found = perceive(photo, PerceptionOptions(segments=tmp_path / "panoptic.png"))
    check(found, photo)
    assert (found.depth_m[found.segment_ids == info["id"]] == SKY_DEPTH_M).all()


def test_given_depth_with_holes_is_filled_within_segments(tmp_path):
    rgb, truth = colour_room()
    values = np.select([truth == name for name in tiny.COLOURS], [1, 2, 3, 4]).astype(np.uint8)
    Image.fromarray(values).save(tmp_path / "index.png")
    categories = [{"id": index + 1, "name": name} for index, name in enumerate(tiny.COLOURS)]
    (tmp_path / "index.json").write_text(json.dumps({"categories": categories}))
    depth = np.select([truth == "wall", truth == "floor"], [9.0, 4.0], 2.0)
    holes = np.random.default_rng(0).random(depth.shape) < 0.6
    np.save(tmp_path / "depth.npy", np.where(holes, np.nan, depth))
    photo = photo_of(rgb)
    found = perceive(photo, PerceptionOptions(depth=tmp_path / "depth.npy", segments=tmp_path / "index.png"))
    check(found, photo)
    assert (found.depth_m[truth == "sky"] == SKY_DEPTH_M).all()
    np.testing.assert_array_equal(found.depth_m[truth != "sky"], depth[truth != "sky"].astype(np.float32))
    assert (found.confidence[~holes] == 1).all() and (found.confidence[holes] < 1).all()
    assert sum(segment.label.name == "person" for segment in found.segments) == 2


@pytest.mark.parametrize("make", [tiny.label_logits, tiny.label_indices, tiny.query_masks])
def test_a_panoptic_network_by_path(tmp_path, make):
    rgb, truth = colour_room()
    photo = photo_of(rgb)
    found = perceive(photo, PerceptionOptions(models=(str(make(tmp_path / "net.onnx")),)))
    check(found, photo)
    want = np.vectorize(lambda name: BY_NAME[name].id)(truth)
    assert (labels(found) == want).mean() > 0.98
    names = [segment.label.name for segment in found.segments]
    people = 1 if make is tiny.query_masks else 2  # its one query of people holds both
    assert sorted(names) == sorted(["sky", "wall", "floor"] + ["person"] * people)
    assert [network.name for network in found.networks] == ["maquette-small", "net"]


def test_a_panoptic_network_that_finds_nothing_says_so(tmp_path):
    model = tiny.query_masks(tmp_path / "net.onnx", nothing=True)
    with pytest.raises(ModelError, match="found no segment in picture"):
        perceive(photo_of(colour_room()[0]), PerceptionOptions(models=(str(model),)))


def test_the_embedded_network_by_name_is_the_default():
    photo = photo_of(picture("coffee", 0.3))
    named = perceive(photo, PerceptionOptions(models=("maquette-small",)))
    assert same(named, perceive(photo)) and len(named.networks) == 1


def red_ramp(height=90, width=160):
    """A picture whose red runs from 20 to 235, left to right, under a texture that the ramp does not see."""
    red = np.linspace(20, 235, width)[None].repeat(height, 0)
    other = np.random.default_rng(0).integers(60, 200, (height, width, 2))
    return np.concatenate([red[..., None], other], 2).astype(np.uint8)


def one_segment(folder, rgb):
    Image.fromarray(np.ones(rgb.shape[:2], np.uint8)).save(folder / "one.png")
    return folder / "one.png"


def test_a_metric_depth_network_by_path(tmp_path):
    rgb = red_ramp()
    model = str(tiny.depth(tmp_path / "net.onnx", "metric"))
    options = PerceptionOptions(models=(model,), segments=one_segment(tmp_path, rgb))
    photo = photo_of(rgb)
    found = perceive(photo, options)
    check(found, photo)
    np.testing.assert_allclose(found.depth_m, 1 + 10 * (rgb[..., 0] / 255), rtol=0.05)
    assert [network.name for network in found.networks] == ["maquette-small", "net"]


def test_metric_depth_of_a_canonical_camera_scales_with_the_focal_length(tmp_path):
    rgb = red_ramp()
    model = str(tiny.depth(tmp_path / "net.onnx", "metric", focal_px=100.0))
    segments = one_segment(tmp_path, rgb)
    wide, narrow = (
        perceive(photo_of(rgb, focal_px=focal), PerceptionOptions(models=(model,), segments=segments))
        for focal in (100.0, 200.0)
    )
    np.testing.assert_allclose(narrow.depth_m, 2 * wide.depth_m, rtol=1e-5)
    seen = 168 / 160  # 160 x 90 is seen as 168 x 96 by a network of 128 * 128 pixels in steps of 8
    np.testing.assert_allclose(wide.depth_m, seen * (1 + 10 * (rgb[..., 0] / 255)), rtol=0.05)


@pytest.mark.parametrize("kind", ["inverse", "relative"])
def test_relative_depth_becomes_metres_and_keeps_its_order(tmp_path, kind):
    rgb = red_ramp()
    model = str(tiny.depth(tmp_path / "net.onnx", kind))
    options = PerceptionOptions(models=(model,), segments=one_segment(tmp_path, rgb))
    photo = photo_of(rgb)
    own, found = perceive(photo, dataclasses.replace(options, models=())), perceive(photo, options)
    check(found, photo)
    columns = np.median(found.depth_m, 0)[5:-5]
    steps = np.diff(columns)
    assert (steps <= 1e-6).all() if kind == "inverse" else (steps >= -1e-6).all()
    assert 0.4 < np.median(found.depth_m) / np.median(own.depth_m) < 2.5


@pytest.mark.parametrize(("fov_deg", "focal_px"), [(None, None), (None, tiny.FOCAL * 160), (48.9, None)])
def test_a_network_of_points_tells_depth_and_the_field_of_view_where_nothing_else_does(tmp_path, fov_deg, focal_px):
    rgb = np.full((120, 160, 3), (250, 20, 20), np.uint8)
    rgb[:20, :, 0] = 0
    options = PerceptionOptions(
        models=(str(tiny.points(tmp_path / "net.onnx")),), segments=one_segment(tmp_path, rgb), fov_deg=fov_deg
    )
    photo = photo_of(rgb, focal_px=focal_px)
    found = perceive(photo, options)
    check(found, photo)
    assert found.camera.focal_px == pytest.approx(tiny.FOCAL * 160, rel=1e-3)
    assert ("as net sees it" in found.notes[0]) == (fov_deg is None and focal_px is None)
    level, slope_x, slope_y = tiny.PLANE
    x, y = ((np.arange(n) + 0.5 - n / 2) / (tiny.FOCAL * 160) for n in (160, 120))
    truth = 1 / (level + slope_x * x + slope_y * y[:, None])
    np.testing.assert_allclose(found.depth_m[24:], truth[24:], rtol=0.02)


def test_one_network_a_task(tmp_path):
    one, two = (str(tiny.depth(tmp_path / name, "metric")) for name in ("one.onnx", "two.onnx"))
    with pytest.raises(ModelError, match=r"two\.onnx: does depth, as one does"):
        perceive(photo_of(picture("coffee", 0.1)), PerceptionOptions(models=(one, two)))


def test_networks_for_both_tasks_and_their_terms(tmp_path):
    rgb, truth = colour_room()
    depth, segments = tiny.depth(tmp_path / "far.onnx", "metric"), tiny.label_logits(tmp_path / "what.onnx")
    depth.with_suffix(".json").write_text(
        json.dumps(json.loads(depth.with_suffix(".json").read_text()) | {"tag": "v7", "licence_weights": "MIT"})
    )
    found = perceive(photo_of(rgb), PerceptionOptions(models=(str(depth), str(segments))))
    check(found, photo_of(rgb))
    used = {network.name: network for network in found.networks}
    assert set(used) == {"maquette-small", "far", "what"}
    assert (used["far"].tag, used["far"].licence_weights, used["far"].licence_code) == ("v7", "MIT", "unknown")
    assert used["far"].sha256 == hashlib.sha256(depth.read_bytes()).hexdigest()
    assert used["maquette-small"].training_data == resolve("maquette-small").training_data
    ground = (truth == "floor") & (labels(found) == BY_NAME["floor"].id)
    np.testing.assert_allclose(np.median(found.depth_m[ground]), 1 + 10 * 120 / 255, rtol=0.02)


def test_another_network_of_our_own_kind_takes_the_place_of_ours(tmp_path):
    shutil.copy(MODELS / "maquette-small.onnx", tmp_path / "mine.onnx")
    entry = next(e for e in json.loads((MODELS / "models.json").read_text())["models"] if e["name"] == "maquette-small")
    card = {name: entry[name] for name in ("task", "input", "licence_weights")}
    (tmp_path / "mine.json").write_text(json.dumps(card))
    photo = photo_of(picture("coffee", 0.3))
    found = perceive(photo, PerceptionOptions(models=(str(tmp_path / "mine.onnx"),)))
    assert same(found, perceive(photo)) and [network.name for network in found.networks] == ["mine"]


def test_a_user_map_that_is_missing_costs_no_work(tmp_path):
    steps: list[str] = []
    with pytest.raises(MaquetteError, match="no such file"):
        perceive(photo_of(picture("coffee")), PerceptionOptions(segments=tmp_path / "no.png"), progress=steps.append)
    assert steps == []
