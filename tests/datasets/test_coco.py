"""COCO's panoptic format: written and read again, and against pycocotools."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maquette.cli import main
from maquette.datasets.coco import PanopticFrame, PanopticSegment, open_panoptic, write_panoptic
from maquette.errors import ExportError, MaquetteError
from maquette.perception.files import id_to_rgb
from tests.datasets.panoptic import CATEGORIES, random_frame
from tests.datasets.tiny import make_worlds
from tests.worlds.records import random_record


def write(folder: Path, count: int = 3) -> Path:
    write_panoptic(folder, (random_frame(seed, crowds=True) for seed in range(count)), CATEGORIES)
    return folder / "panoptic.json"


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    found = open_panoptic(write(tmp_path / "out"))
    assert found.categories == CATEGORIES and len(found) == 3
    for seed, frame in enumerate(found):
        wanted = random_frame(seed, crowds=True)
        np.testing.assert_array_equal(frame.ids, wanted.ids)
        assert (frame.image_id, frame.picture, frame.segments) == (wanted.image_id, wanted.picture, wanted.segments)


def test_a_second_round_trip_changes_no_byte(tmp_path: Path) -> None:
    first = write(tmp_path / "first").parent
    found = open_panoptic(first / "panoptic.json")
    write_panoptic(tmp_path / "second", found, found.categories)
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert len(files) == 4
    for file in files:
        assert (tmp_path / "second" / file).read_bytes() == (first / file).read_bytes()


def test_the_format_is_cocos(tmp_path: Path) -> None:
    path = write(tmp_path / "out")
    document = json.loads(path.read_text())
    images = {image["id"]: image for image in document["images"]}
    things = {category["id"]: category["isthing"] for category in document["categories"]}
    assert set(things.values()) == {0, 1}
    for annotation in document["annotations"]:
        image = images[annotation["image_id"]]
        with Image.open(path.parent / "panoptic" / annotation["file_name"]) as png:
            colours = np.asarray(png)
        assert colours.shape == (image["height"], image["width"], 3)
        assert Path(annotation["file_name"]).stem == Path(image["file_name"]).stem
        for info in annotation["segments_info"]:
            here = (colours == list(int(info["id"]).to_bytes(3, "little"))).all(-1)
            rows, columns = np.nonzero(here)
            left, top, width, height = info["bbox"]
            assert info["area"] == here.sum()
            assert (left, left + width - 1) == (columns.min(), columns.max())
            assert (top, top + height - 1) == (rows.min(), rows.max())
            assert info["iscrowd"] in (0, 1) and info["category_id"] in things


def test_areas_and_boxes_are_those_of_pycocotools(tmp_path: Path) -> None:
    masks = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")
    path = write(tmp_path / "out")
    infos = [a["segments_info"] for a in json.loads(path.read_text())["annotations"]]
    for frame, listed in zip(open_panoptic(path), infos, strict=True):
        for info in listed:
            packed = masks.encode(np.asfortranarray(frame.ids == info["id"], dtype=np.uint8))
            assert info["area"] == masks.area(packed)
            assert info["bbox"] == masks.toBbox(packed).tolist()


def test_maps_may_lie_beside_the_json_and_ids_of_pictures_be_names(tmp_path: Path) -> None:
    ids = np.array([[0, 5], [5, 16_777_215]], np.int32)
    Image.fromarray(id_to_rgb(ids)).save(tmp_path / "street_gtFine_panoptic.png")
    document = {
        "annotations": [
            {
                "image_id": "street",
                "file_name": "street_gtFine_panoptic.png",
                "segments_info": [{"id": 5, "category_id": 7}, {"id": 16_777_215, "category_id": 7, "iscrowd": 1}],
            }
        ],
        "categories": [{"id": 7, "name": "road", "isthing": 0}],
    }
    (tmp_path / "cityscapes.json").write_text(json.dumps(document))
    (frame,) = open_panoptic(tmp_path / "cityscapes.json")
    assert frame.image_id == "street"
    assert frame.segments == (PanopticSegment(5, 7), PanopticSegment(16_777_215, 7, True))
    np.testing.assert_array_equal(frame.ids, ids)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda d: d.pop("categories"), "not COCO's panoptic format"),
        (lambda d: d["annotations"][0].pop("image_id"), "KeyError: 'image_id'"),
        (lambda d: d["annotations"][0]["segments_info"][0].pop("category_id"), "KeyError: 'category_id'"),
        (lambda d: d.update(annotations=[]), "lists no picture"),
        (lambda d: d.update(annotations=[3]), "not COCO's panoptic format"),
        (lambda d: d["annotations"][0]["segments_info"][0].update(category_id=5), "has the category 5"),
        (lambda d: d["annotations"][0]["segments_info"].pop(), "1 ids"),
        (lambda d: d["annotations"][0].update(file_name="none.png"), "no such file"),
    ],
)
def test_a_bad_json_is_one_clear_line(tmp_path: Path, edit, said: str) -> None:
    path = write(tmp_path / "out")
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))
    with pytest.raises(MaquetteError) as raised:
        list(open_panoptic(path))
    assert said in str(raised.value) and str(path.parent) in str(raised.value) and "\n" not in str(raised.value)


def test_a_bad_png_is_one_clear_line(tmp_path: Path) -> None:
    path = write(tmp_path / "out")
    png = next((path.parent / "panoptic").iterdir())
    Image.fromarray(np.zeros((24, 32), np.uint8)).save(png)
    with pytest.raises(MaquetteError, match="a COCO panoptic PNG is RGB"):
        list(open_panoptic(path))
    png.write_bytes(b"torn")
    with pytest.raises(MaquetteError, match="cannot be read as a picture"):
        list(open_panoptic(path))


def test_nothing_half_written_stays(tmp_path: Path) -> None:
    def torn():
        yield random_frame(0)
        yield PanopticFrame(1, "b.jpg", np.zeros((4, 4), np.int32), (PanopticSegment(5, 1),))

    with pytest.raises(KeyError):
        write_panoptic(tmp_path / "out", torn(), CATEGORIES)
    assert list(tmp_path.iterdir()) == []
    write(tmp_path / "out")
    with pytest.raises(ExportError, match="already there"):
        write(tmp_path / "out")


def test_worlds_become_coco_panoptic(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = [random_record(seed) for seed in range(3)]
    make_worlds(tmp_path / "worlds", records, "studio")
    words = ["datasets", "panoptic", str(tmp_path / "worlds"), "-o", str(tmp_path / "out")]
    assert main(words) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'out'}: 6 pictures\n"
    found = open_panoptic(tmp_path / "out" / "panoptic.json")
    labels = {category.id: category for category in found.categories}
    views = [(record, view) for record in records for view in record.views]
    for frame, (record, view) in zip(found, views, strict=True):
        with Image.open(tmp_path / "out" / "images" / frame.picture) as image:
            np.testing.assert_array_equal(np.asarray(image), view.rgb)
        things = {entry.id: entry.label for entry in record.objects}
        for segment in frame.segments:
            here = frame.ids == segment.id
            label = labels[segment.category_id]
            if set(np.unique(view.instance[here])) <= set(things):
                assert label.isthing and label.name == things[segment.id]
            else:
                assert set(np.unique(view.semantic[here])) == {label.id}
        np.testing.assert_array_equal(frame.ids == 0, (view.semantic == 0) & ~np.isin(view.instance, list(things)))
    assert main(words) == 2
    assert "already there" in capsys.readouterr().err
