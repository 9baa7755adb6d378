import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from maquette.camera import Camera
from maquette.errors import ExportError, MaquetteError
from maquette.labels import BY_NAME, LABELS
from maquette.perception.files import id_to_rgb, read_depth, read_segments, rgb_to_id, write_perception
from maquette.perception.types import SKY_DEPTH_M, Perception, Segment


def perception(seed=0, height=30, width=40):
    rng = np.random.default_rng(seed)
    numbers = np.array([1, 2, 300, 70_000, 16_777_215])
    ids = numbers[rng.integers(0, len(numbers), (height // 2, width // 2))].repeat(2, 0).repeat(2, 1).astype(np.int32)
    ids[0, 0] = 0
    labels = [BY_NAME["sky"], *(LABELS[i] for i in rng.integers(3, len(LABELS), len(numbers) - 1))]
    segments = tuple(
        Segment(int(number), label, float(score))
        for number, label, score in zip(numbers, labels, rng.random(len(numbers)), strict=True)
    )
    depth = rng.uniform(0.2, 60, ids.shape).astype(np.float32)
    depth[ids == 1] = SKY_DEPTH_M
    depth[3, 3] = 120 if ids[3, 3] != 1 else SKY_DEPTH_M
    camera = Camera.from_fov(width, height, 55)
    return Perception(ids, segments, depth, np.ones_like(depth), camera, 10.0)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_written_comes_back(tmp_path, seed):
    before = perception(seed)
    write_perception(before, tmp_path)
    ids, segments = read_segments(tmp_path / "panoptic.png", 40, 30)
    np.testing.assert_array_equal(ids, before.segment_ids)
    assert segments == before.segments
    depth = read_depth(tmp_path / "depth.png", 40, 30)
    sky = before.segment_ids == 1
    assert np.isnan(depth[sky]).all()
    want = np.minimum(before.depth_m, 65.535)
    np.testing.assert_allclose(depth[~sky], want[~sky], atol=0.00051, rtol=0)


def test_a_second_round_trip_changes_no_byte(tmp_path):
    write_perception(perception(), tmp_path)
    first = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    ids, segments = read_segments(tmp_path / "panoptic.json", 40, 30)
    depth = read_depth(tmp_path / "depth.png", 40, 30)
    again = Perception(
        ids, segments, np.nan_to_num(depth, nan=SKY_DEPTH_M), np.ones_like(depth), Camera.from_fov(40, 30, 55), 10.0
    )
    write_perception(again, tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == first


@given(hnp.arrays(np.int32, (3, 4), elements=st.integers(0, 2**24 - 1)))
def test_colours_are_the_bytes_of_the_id(ids):
    rgb = id_to_rgb(ids)
    for place in np.ndindex(ids.shape):
        assert bytes(rgb[place]) == int(ids[place]).to_bytes(3, "little")
    np.testing.assert_array_equal(rgb_to_id(rgb), ids)


def test_the_written_json_is_coco(tmp_path):
    before = perception()
    write_perception(before, tmp_path)
    document = json.loads((tmp_path / "panoptic.json").read_text())
    things = {category["id"]: category["isthing"] for category in document["categories"]}
    (annotation,) = document["annotations"]
    for info in annotation["segments_info"]:
        here = np.argwhere(before.segment_ids == info["id"])
        top, left = here.min(0)
        bottom, right = here.max(0) + 1
        assert info["area"] == len(here)
        assert info["bbox"] == [left, top, right - left, bottom - top]
        assert info["iscrowd"] == 0 and info["category_id"] in things


def save_coco(folder, ids, infos, categories, name="map.png"):
    Image.fromarray(id_to_rgb(ids)).save(folder / name)
    document = {"annotations": [{"file_name": name, "segments_info": infos}], "categories": categories}
    (folder / name).with_suffix(".json").write_text(json.dumps(document))
    return folder / name


def test_coco_names_become_our_labels_and_absent_segments_are_left_out(tmp_path):
    ids = np.array([[5, 5, 0], [9, 9, 9]], np.int32)
    categories = [
        {"id": 184, "name": "tree-merged", "isthing": 0},
        {"id": 3, "name": "car", "isthing": 1},
        {"id": 77, "name": "flux capacitor", "isthing": 1},
    ]
    infos = [{"id": 5, "category_id": 184}, {"id": 9, "category_id": 77}, {"id": 11, "category_id": 3}]
    read, segments = read_segments(save_coco(tmp_path, ids, infos, categories), 3, 2)
    np.testing.assert_array_equal(read, ids)
    assert segments == (Segment(5, BY_NAME["tree"], 1.0), Segment(9, BY_NAME["object"], 1.0))


def test_the_right_picture_of_a_data_set_is_taken(tmp_path):
    path = save_coco(tmp_path, np.full((2, 2), 4, np.int32), [{"id": 4, "category_id": 1}], [{"id": 1, "name": "sky"}])
    card = path.with_suffix(".json")
    document = json.loads(card.read_text())
    document["annotations"].insert(0, {"file_name": "other.png", "segments_info": []})
    card.write_text(json.dumps(document))
    assert read_segments(path, 2, 2)[1][0].label is BY_NAME["sky"]


@pytest.mark.parametrize("mode", ["L", "P", "I;16"])
def test_an_index_png_gives_a_segment_for_each_value(tmp_path, mode):
    values = np.array([[0, 3], [7, 7]], np.uint16 if mode == "I;16" else np.uint8)
    image = Image.fromarray(values)
    if mode == "P":
        image = Image.frombytes("P", (2, 2), values.tobytes())
        image.putpalette([value % 256 for value in range(768)])
    image.save(tmp_path / "index.png")
    ids, segments = read_segments(tmp_path / "index.png", 2, 2)
    np.testing.assert_array_equal(ids, values)
    assert segments == tuple(Segment(number, BY_NAME["object"], 1.0) for number in (3, 7))


def test_an_index_png_with_categories_parts_things_and_not_stuff(tmp_path):
    values = np.array([[1, 2, 1, 2], [1, 1, 1, 0]], np.uint8)
    Image.fromarray(values).save(tmp_path / "index.png")
    (tmp_path / "index.json").write_text(
        json.dumps({"categories": [{"id": 1, "name": "wall"}, {"id": 2, "name": "person"}]})
    )
    ids, segments = read_segments(tmp_path / "index.png", 4, 2)
    assert [segment.label.name for segment in segments] == ["wall", "person", "person"]
    np.testing.assert_array_equal(ids, [[1, 2, 1, 3], [1, 1, 1, 0]])


def test_another_size_of_the_same_shape_is_resized_by_nearest(tmp_path):
    values = np.array([[1, 2], [3, 4]], np.uint8)
    Image.fromarray(values).save(tmp_path / "index.png")
    np.testing.assert_array_equal(read_segments(tmp_path / "index.png", 6, 6)[0], values.repeat(3, 0).repeat(3, 1))
    np.save(tmp_path / "depth.npy", values.astype(float))
    np.testing.assert_array_equal(read_depth(tmp_path / "depth.npy", 4, 4), values.repeat(2, 0).repeat(2, 1))
    with pytest.raises(MaquetteError, match="2x2, the photo 9x4"):
        read_segments(tmp_path / "index.png", 9, 4)


def test_unknown_depth_is_nan(tmp_path):
    np.save(tmp_path / "d.npy", np.array([[1.5, 0, -1], [np.nan, np.inf, 80]], np.float64))
    np.testing.assert_array_equal(read_depth(tmp_path / "d.npy", 3, 2), [[1.5, np.nan, np.nan], [np.nan, np.nan, 80]])
    Image.fromarray(np.array([[0, 1500], [65535, 1]], np.uint16)).save(tmp_path / "d.png")
    np.testing.assert_allclose(read_depth(tmp_path / "d.png", 2, 2), [[np.nan, 1.5], [65.535, 0.001]])


def bad_depth(folder, kind):
    path = folder / ("bad.npy" if "npy" in kind else "bad.png")
    if kind == "8 bit":
        Image.fromarray(np.ones((4, 4), np.uint8)).save(path)
    elif kind == "colour":
        Image.fromarray(np.ones((4, 4, 3), np.uint8)).save(path)
    elif kind == "all unknown":
        Image.fromarray(np.zeros((4, 4), np.uint16)).save(path)
    elif kind == "npy of text":
        np.save(path, np.array([["a"]]))
    elif kind == "npy of objects":
        np.save(path, np.array([[{}]], dtype=object), allow_pickle=True)
    elif kind == "npy of three axes":
        np.save(path, np.ones((4, 4, 3)))
    elif kind != "missing":
        path.write_bytes({"no picture": b"hello", "empty npy": b"", "cut npy": b"\x93NUMPY\x01\x00"}[kind])
    return path


@pytest.mark.parametrize(
    "kind",
    [
        "8 bit", "colour", "all unknown", "npy of text", "npy of objects", "npy of three axes", "no picture",
        "empty npy", "cut npy", "missing",
    ],
)  # fmt: skip
def test_a_bad_depth_map_is_one_clear_line(tmp_path, kind):
    path = bad_depth(tmp_path, kind)
    with pytest.raises(MaquetteError) as raised:
        read_depth(path, 4, 4)
    assert str(path) in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("infos", "categories", "says"),
    [
        ([], [], "lacks 1 ids"),
        ([{"id": 4}], [{"id": 1, "name": "sky"}], "category_id"),
        ([{"id": 4, "category_id": 2}], [{"id": 1, "name": "sky"}], "2"),
        ([{"id": 4, "category_id": 1}], [{"name": "sky"}], "id"),
        ([{"id": "x", "category_id": 1}], [{"id": 1, "name": "sky"}], "segments_info"),
    ],
)
def test_a_bad_coco_json_is_one_clear_line(tmp_path, infos, categories, says):
    path = save_coco(tmp_path, np.full((2, 2), 4, np.int32), infos, categories)
    with pytest.raises(MaquetteError, match=says) as raised:
        read_segments(path, 2, 2)
    assert str(path.with_suffix(".json")) in str(raised.value)


@pytest.mark.parametrize("text", ["[1, 2]", "{", '{"annotations": 3}', '{"annotations": []}', "\xff"])
def test_json_that_is_no_coco(tmp_path, text):
    Image.fromarray(np.ones((2, 2, 3), np.uint8)).save(tmp_path / "map.png")
    (tmp_path / "map.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(MaquetteError, match=r"map\.json"):
        read_segments(tmp_path / "map.png", 2, 2)


def test_segments_that_are_none(tmp_path):
    Image.fromarray(np.ones((2, 2, 3), np.uint8)).save(tmp_path / "colour.png")
    with pytest.raises(MaquetteError, match=r"colour\.json"):
        read_segments(tmp_path / "colour.png", 2, 2)
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "empty.png")
    with pytest.raises(MaquetteError, match="no segment"):
        read_segments(tmp_path / "empty.png", 2, 2)


def test_a_folder_that_is_none_is_an_export_error(tmp_path):
    with pytest.raises(ExportError, match="nowhere"):
        write_perception(perception(), tmp_path / "nowhere")
