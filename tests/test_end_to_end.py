"""The main job on real photographs: those in scikit-image's wheel and, where they are, those in
``../shared/photos``."""

from __future__ import annotations

import filecmp
import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import maquette
from maquette.examples import FILES, example
from maquette.export.folder import write_bundle

PHOTOS = Path(__file__).resolve().parents[1] / ".." / "shared" / "photos"


def psnr(one: np.ndarray, two: np.ndarray) -> float:
    error = float(np.mean((one.astype(float) - two.astype(float)) ** 2))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def check(path: Path) -> None:
    photo = maquette.load_photo(path)
    perception = maquette.perceive(photo)
    scene = maquette.diorama(path, perception=perception)
    painted = scene.render()
    assert painted[..., 3].min() == 255
    assert psnr(painted[..., :3], photo.rgb) > 48
    near, far = np.quantile(perception.depth_m, [0.05, 0.95])
    assert len(scene.nodes) >= 3 or far < 1.15 * near
    assert len({node.name for node in scene.nodes}) == len(scene.nodes)
    sky = [node for node in scene.nodes if node.label == "sky"]
    assert len(sky) <= 1
    if sky:
        assert sky[0].order == 0
        assert all(node.depth_range_m[1] < sky[0].depth_range_m[0] for node in scene.nodes[1:])


@pytest.mark.parametrize("name", ["coffee", "rocket"])
def test_a_photo_comes_back_from_its_own_camera(name):
    check(example(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(FILES) - {"coffee", "rocket"}))
def test_every_example_comes_back_from_its_own_camera(name):
    check(example(name))


@pytest.mark.slow
@pytest.mark.skipif(not PHOTOS.is_dir(), reason="../shared/photos is not there")
def test_varied_photos_come_back_from_their_own_camera():
    for path in sorted(PHOTOS.glob("*.jpg"))[::8]:
        check(path)


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """The rocket at a size that is quick to work on."""
    path = tmp_path_factory.mktemp("photo") / "rocket.png"
    Image.open(example("rocket")).resize((320, 214), Image.Resampling.LANCZOS).save(path)
    return path


def bundle(photo: Path, folder: Path, threads: int) -> Path:
    perception = maquette.perceive(maquette.load_photo(photo), threads=threads)
    scene = maquette.diorama(photo, perception=perception, threads=threads)
    write_bundle(scene, perception, folder)
    return folder


def files_of(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_photo_gives_the_same_bytes(small, tmp_path, threads):
    one, two = bundle(small, tmp_path / "one", 1), bundle(small, tmp_path / "two", threads)
    names = files_of(one)
    assert names == files_of(two) and len(names) > 8
    _, different, missing = filecmp.cmpfiles(one, two, names, shallow=False)
    assert different == [] and missing == []


def test_what_perception_saved_gives_the_same_layers_when_read_back(small, tmp_path):
    first = bundle(small, tmp_path / "first", 1)
    given = maquette.PerceptionOptions(depth=first / "depth.png", segments=first / "panoptic.png")
    perception = maquette.perceive(maquette.load_photo(small), given)
    again = maquette.diorama(small, perception=perception)
    before = json.loads((first / "scene.json").read_text())["nodes"]
    assert {i for node in before for i in node["segment_ids"]} == {s.id for s in perception.segments}
    assert again.nodes[0].label == before[0]["label"]
    assert {node.label for node in again.nodes} == {node["label"] for node in before}


def test_a_corrected_segment_becomes_its_own_layer(small, tmp_path):
    first = bundle(small, tmp_path / "first", 1)
    picture = np.array(Image.open(first / "panoptic.png"))
    record = json.loads((first / "panoptic.json").read_text())
    picture[60:120, 40:90] = (200, 0, 0)
    annotation = record["annotations"][0]
    category = next(c["id"] for c in record["categories"] if c["name"] == "car")
    annotation["segments_info"].append(
        {"id": 200, "category_id": category, "area": 3000, "bbox": [40, 60, 50, 60], "iscrowd": 0}
    )
    Image.fromarray(picture).save(first / "panoptic.png")
    (first / "panoptic.json").write_text(json.dumps(record))
    scene = maquette.diorama(small, perception=maquette.PerceptionOptions(segments=first / "panoptic.png"))
    car = next(node for node in scene.nodes if node.label == "car")
    left, top, right, bottom = car.plane.bounds
    assert abs(left - 40) < 8 and abs(top - 60) < 8 and abs(right - 90) < 8 and abs(bottom - 120) < 8
