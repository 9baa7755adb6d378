"""Both layouts on disk: read back, read by others, and damage told."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maquette.errors import MaquetteError
from maquette.worlds.encode import encode
from maquette.worlds.folders import FolderReader, FolderWriter, paper_files
from maquette.worlds.options import Layout, TruthOptions, WorldOptions
from maquette.worlds.plan import Plan, index_of, scene_name, write_index
from maquette.worlds.record import SceneRecord
from maquette.worlds.run import read
from maquette.worlds.shards import ShardReader, ShardWriter
from tests.worlds.records import random_record
from tests.worlds.same import same


def plan(*, scenes: int = 7, shard: int = 3, layout: Layout = "shards", beside: bool = False) -> Plan:
    return Plan(WorldOptions(), TruthOptions(), 0, scenes, layout, shard, beside)


def records(count: int) -> list[SceneRecord]:
    return [random_record(number) for number in range(count)]


def write_shards(folder: Path, made: list[SceneRecord], shard: int = 3) -> Path:
    of = plan(scenes=len(made), shard=shard)
    folder.mkdir()
    writer = ShardWriter(folder, of)
    for number, record in enumerate(made):
        writer.add(number, encode(record))
    write_index(folder, {**index_of(of), **writer.finish()})
    return folder


def write_folders(folder: Path, made: list[SceneRecord], *, beside: bool) -> Path:
    of = plan(scenes=len(made), layout="folders", beside=beside)
    folder.mkdir()
    writer = FolderWriter(folder, of)
    for number, record in enumerate(made):
        writer.add(number, paper_files(record, beside=beside))
    write_index(folder, index_of(of))
    return folder


def test_shards_give_their_records_back_in_order_and_by_number(tmp_path: Path) -> None:
    made = records(7)
    data = read(write_shards(tmp_path / "out", made))
    assert isinstance(data, ShardReader) and len(data) == 7
    assert all(same(a, b, rounded=("normals_cam",)) for a, b in zip(data, made, strict=True))
    for number in (6, 0, 4, 2):
        assert data[number].name == made[number].name
    for outside in (7, -1):
        with pytest.raises(IndexError):
            data[outside]


def test_the_index_says_what_the_tars_hold(tmp_path: Path) -> None:
    folder = write_shards(tmp_path / "out", records(7))
    shards = json.loads((folder / "index.json").read_bytes())["shards"]
    assert [entry["file"] for entry in shards] == [f"worlds-{number:06d}.tar" for number in range(3)]
    for entry in shards:
        tar = folder / entry["file"]
        assert entry["sha256"] == hashlib.sha256(tar.read_bytes()).hexdigest()
        assert entry["bytes"] == tar.stat().st_size
        scenes = json.loads(tar.with_suffix(".json").read_bytes())["scenes"]
        with tarfile.open(tar) as opened:
            members = opened.getmembers()
        assert list(dict.fromkeys(member.name.partition(".")[0] for member in members)) == [row[0] for row in scenes]
        for name, offset, size in scenes:
            inside = [member for member in members if offset <= member.offset < offset + size]
            assert {member.name.partition(".")[0] for member in inside} == {name}
        assert all((member.mtime, member.uid, member.gid, member.uname) == (0, 0, 0, "") for member in members)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["index.json", *(f"worlds-{n:06d}.{end}" for n in range(3) for end in ("tar", "json"))]
    )


@pytest.mark.slow
def test_webdataset_reads_the_shards(tmp_path: Path) -> None:
    pytest.importorskip("webdataset")
    made = records(5)
    folder = write_shards(tmp_path / "out", made)
    code = """
import json, sys
import webdataset
for sample in webdataset.WebDataset(sys.argv[1:], shardshuffle=False).decode("rgb8"):
    depth = sample["view0.npz"]["depth_m"].tolist()
    print(json.dumps([sample["__key__"], sample["json"]["name"], sample["view1.png"].tolist(), depth]))
"""
    # in a process of its own: it leaves files open
    words = [sys.executable, "-c", code, *map(str, sorted(folder.glob("*.tar")))]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert [json.loads(line) for line in said.splitlines()] == [
        [scene_name(number), record.name, record.pictures[1].tolist(), record.views[0].depth_m.tolist()]
        for number, record in enumerate(made)
    ]


def test_folders_are_the_papers(tmp_path: Path) -> None:
    (made,) = [random_record(1, views=3, size=(224, 224), grid=(80, 96, 64))]
    folder = write_folders(tmp_path / "out", [made], beside=False) / "000000"
    assert sorted(path.name for path in folder.iterdir()) == ["0.png", "1.png", "2.png", "classes.npy", "occupancy.npy"]
    for index in range(3):
        with Image.open(folder / f"{index}.png") as image:
            assert (image.size, image.mode) == ((224, 224), "RGB")
            assert np.array_equal(np.asarray(image), made.pictures[index])
    assert np.load(folder / "occupancy.npy").shape == (80, 96, 64)
    classes = np.load(folder / "classes.npy")
    assert (classes.shape, classes.dtype) == ((80, 96, 64, 6), bool)
    assert np.array_equal(classes, made.classes)


def test_folders_give_back_what_the_paper_keeps(tmp_path: Path) -> None:
    made = records(3)
    data = read(write_folders(tmp_path / "out", made, beside=False))
    assert isinstance(data, FolderReader) and len(data) == 3
    for number, (back, record) in enumerate(zip(data, made, strict=True)):
        kept = SceneRecord(
            scene_name(number), None, (), record.pictures, occupancy=record.occupancy, classes=record.classes
        )
        assert same(back, kept)
    with pytest.raises(IndexError):
        data[3]


def test_both_layouts_give_the_same_records(tmp_path: Path) -> None:
    made = records(3)
    shards = read(write_shards(tmp_path / "shards", made))
    folders = read(write_folders(tmp_path / "folders", made, beside=True))
    assert all(same(a, b) for a, b in zip(shards, folders, strict=True))


def test_folders_without_an_index_are_read_as_the_papers(tmp_path: Path) -> None:
    folder = write_folders(tmp_path / "out", records(2), beside=False)
    (folder / "index.json").unlink()
    (folder / "notes").mkdir()
    assert [record.name for record in read(folder)] == ["000000", "000001"]


@pytest.mark.parametrize("keep", [0, 511, 5000, -1])
def test_a_truncated_shard_is_told_and_made_anew(keep: int, tmp_path: Path) -> None:
    folder = write_shards(tmp_path / "out", records(7))
    tar = folder / "worlds-000001.tar"
    whole = tar.read_bytes()
    tar.write_bytes(whole[:keep])
    data = read(folder)
    assert data[0].name == "scene 0"
    with pytest.raises(MaquetteError, match=r"worlds-000001\.tar: \d+ bytes instead of \d+"):
        data[3]
    writer = ShardWriter(folder, plan())
    assert list(writer.missing()) == [3, 4, 5]
    for number in (3, 4, 5):
        writer.add(number, encode(random_record(number)))
    assert tar.read_bytes() == whole


def test_altered_bytes_are_told(tmp_path: Path) -> None:
    folder = write_shards(tmp_path / "out", records(1))
    tar = folder / "worlds-000000.tar"
    content = bytearray(tar.read_bytes())
    content[content.index(b"IDAT") + 20] ^= 1
    tar.write_bytes(content)
    with pytest.raises(MaquetteError, match=r"scene 000000: damaged"):
        read(folder)[0]


def test_a_damaged_list_of_a_shard_is_told(tmp_path: Path) -> None:
    folder = write_shards(tmp_path / "out", records(2))
    (folder / "worlds-000000.json").write_text("{")
    with pytest.raises(MaquetteError, match=r"worlds-000000\.json: missing or damaged"):
        read(folder)[0]
    assert list(ShardWriter(folder, plan(scenes=2)).missing()) == [0, 1]


def test_unfinished_shards_are_left_out(tmp_path: Path) -> None:
    made = records(7)
    folder = tmp_path / "out"
    folder.mkdir()
    writer = ShardWriter(folder, plan())
    write_index(folder, index_of(plan()))
    for number in range(5):
        writer.add(number, encode(made[number]))
    assert [record.name for record in read(folder)] == ["scene 0", "scene 1", "scene 2"]
    writer.close()
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("damage", ["0.png", "classes.npy", "truth/scene.json", "truth/view0.npz"])
def test_a_damaged_folder_is_told(damage: str, tmp_path: Path) -> None:
    folder = write_folders(tmp_path / "out", records(1), beside=True)
    path = folder / "000000" / damage
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(MaquetteError, match="damaged"):
        read(folder)[0]


def test_what_is_no_data_set_is_told(tmp_path: Path) -> None:
    with pytest.raises(MaquetteError, match="no such folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(MaquetteError, match="neither index"):
        read(tmp_path)
    for content, said in (
        ("{", "damaged"),
        ("[]", "not of maquette"),
        (index_text(version=9), "update maquette"),
        (index_text(plan={"scenes": 1, "mood": "dark"}), "update maquette"),
    ):
        (tmp_path / "index.json").write_text(content)
        with pytest.raises(MaquetteError, match=said):
            read(tmp_path)


def index_text(**changes: object) -> str:
    return json.dumps({**index_of(plan()), **changes})


def test_a_record_without_truth_of_its_pictures_is_kept(tmp_path: Path) -> None:
    bare = replace(random_record(0), views=(), volumes=(), shapes=(), objects=())
    assert same(read(write_shards(tmp_path / "out", [bare]))[0], bare)


def test_pictures_are_ordinary_png(tmp_path: Path) -> None:
    with Image.open(io.BytesIO(encode(random_record(0))["view0.png"])) as image:
        image.verify()
