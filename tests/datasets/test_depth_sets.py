"""Every reader on files in the set's own format, made by other means than the reader's."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maquette.datasets import DepthSet, open_depth_set
from maquette.errors import MaquetteError
from maquette.worlds.folders import paper_files
from tests.datasets.tiny import (
    Truth,
    depth,
    make_diode,
    make_labelled_nyu,
    make_synced_nyu,
    make_worlds,
    picture,
    save_millimetres,
    save_rgb,
)
from tests.worlds.records import random_record

RGBD = Path(__file__).parents[3] / "shared" / "rgbd"


def assert_holds(found: DepthSet, truth: Truth) -> None:
    assert [source.name for source in found.sources] == sorted(truth)
    for frame in found:
        rgb, metres = truth[frame.name]
        np.testing.assert_array_equal(frame.rgb, rgb)
        np.testing.assert_array_equal(frame.depth_m, metres)
        assert (frame.rgb.dtype, frame.depth_m.dtype) == (np.uint8, np.float32)
        assert frame.rgb.flags.writeable and frame.depth_m.flags.writeable


def test_diode(tmp_path: Path) -> None:
    truth = make_diode(tmp_path)
    found = open_depth_set(tmp_path)
    assert (found.layout, found.places) == ("diode", ("indoor", "indoor", "outdoor"))
    assert_holds(found, truth)
    scan = open_depth_set(tmp_path / "val/outdoor/scene_00022/scan_00193")
    assert (scan.layout, scan.places, scan.name) == ("diode", ("outdoor",), "scan_00193")


def test_diodes_mask_may_be_of_any_numbers(tmp_path: Path) -> None:
    truth = make_diode(tmp_path)
    for mask in tmp_path.rglob("*_mask.npy"):
        np.save(mask, np.load(mask).astype(bool))
    assert_holds(open_depth_set(tmp_path), truth)


def test_labelled_nyu(tmp_path: Path) -> None:
    pytest.importorskip("h5py", reason="the extra `datasets` is not installed")
    path = tmp_path / "nyu_depth_v2_labeled.mat"
    truth = make_labelled_nyu(path)
    for place in (path, tmp_path):
        found = open_depth_set(place)
        assert (found.layout, set(found.places)) == ("nyu", {"indoor"})
        assert_holds(found, truth)


def test_synchronised_nyu(tmp_path: Path) -> None:
    truth = make_synced_nyu(tmp_path)
    found = open_depth_set(tmp_path)
    assert (found.layout, set(found.places)) == ("nyu", {"indoor"})
    assert_holds(found, truth)


@pytest.mark.parametrize("kind", ["street", "mixed"])
def test_worlds_in_shards(tmp_path: Path, kind: str) -> None:
    records = [random_record(seed) for seed in range(5)]
    make_worlds(tmp_path / "set", records, kind)
    found = open_depth_set(tmp_path / "set")
    assert found.layout == "worlds"
    places = ["indoor", "outdoor", "outdoor", "indoor", "outdoor"] if kind == "mixed" else ["outdoor"] * 5
    assert list(found.places) == [place for place in places for _ in range(2)]
    truth = {
        f"{number:06d}.view{view}": (record.pictures[view], record.views[view].depth_m)
        for number, record in enumerate(records)
        for view in range(2)
    }
    assert_holds(found, truth)
    np.testing.assert_array_equal(found[7].rgb, truth["000003.view1"][0])


def test_a_missing_shard_moves_no_place(tmp_path: Path) -> None:
    make_worlds(tmp_path / "set", [random_record(seed, views=1) for seed in range(5)], "mixed")
    (tmp_path / "set" / "worlds-000000.tar").unlink()
    found = open_depth_set(tmp_path / "set")
    assert [(source.name, source.place) for source in found.sources] == [
        ("000002.view0", "outdoor"),
        ("000003.view0", "indoor"),
        ("000004.view0", "outdoor"),
    ]


def test_worlds_in_folders(tmp_path: Path) -> None:
    record = random_record(0)
    for name, content in paper_files(record, beside=True).items():
        file = tmp_path / "000000" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    found = open_depth_set(tmp_path)
    assert (found.layout, found.places) == ("worlds", ("indoor", "indoor"))
    np.testing.assert_array_equal(found[1].depth_m, record.views[1].depth_m)


@pytest.mark.parametrize(
    ("rgb", "metres"),
    [
        ("{}.jpg", "{}.depth.png"),
        ("{}.png", "{}_depth.png"),
        ("{}.png", "{}_depth.npy"),
        ("rgb/{}.png", "depth/{}.png"),
        ("images/{}.jpg", "depth/{}.npy"),
        ("kitchen/color/{}.png", "kitchen/depths/{}.png"),
    ],
)
def test_plain_folders(tmp_path: Path, rgb: str, metres: str) -> None:
    rng = np.random.default_rng(0)
    truth = {}
    for name in ("a", "b.2", "c_3"):
        image, wanted = tmp_path / rgb.format(name), tmp_path / metres.format(name)
        save_rgb(image, picture(rng))
        known = depth(rng)
        if metres.endswith("npy"):
            wanted.parent.mkdir(parents=True, exist_ok=True)
            np.save(wanted, np.where(known > 0, known, np.nan))
        else:
            save_millimetres(wanted, known)
        with Image.open(image) as read:
            truth[rgb.format(name).rpartition(".")[0]] = np.array(read), known
    save_rgb(tmp_path / Path(rgb).parent / "a.instances.png", picture(rng))
    found = open_depth_set(tmp_path)
    assert (found.layout, set(found.places)) == ("folder", {None})
    assert_holds(found, truth)


def test_folders_give_the_place(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for place in ("indoor/rgb", "outdoor/rgb", "rgb"):
        save_rgb(tmp_path / place / "a.png", picture(rng))
        save_millimetres(tmp_path / place.replace("rgb", "depth") / "a.png", depth(rng))
    assert open_depth_set(tmp_path).places == ("indoor", "outdoor", None)
    assert open_depth_set(tmp_path / "outdoor").places == ("outdoor",)


@pytest.mark.skipif(not RGBD.is_dir(), reason="../shared/rgbd is not there")
@pytest.mark.parametrize(("name", "count"), [("osd", 107), ("aims", 99)])
def test_real_rgbd_as_plain_folders(name: str, count: int) -> None:
    found = open_depth_set(RGBD / name)
    assert (found.layout, len(found)) == ("folder", count)
    frame = found[5]
    with Image.open(RGBD / name / f"{frame.name}.depth.png") as image:
        np.testing.assert_allclose(frame.depth_m * 1000, np.asarray(image), atol=1e-2)
    with Image.open(RGBD / name / f"{frame.name}.jpg") as image:
        np.testing.assert_array_equal(frame.rgb, np.asarray(image))


def test_frames_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    truth = make_diode(tmp_path)
    found = open_depth_set(tmp_path)
    last = sorted(truth)[-1]
    (tmp_path / f"{last}.png").write_bytes(b"no picture")
    assert found[0].name == sorted(truth)[0] and len(found.places) == 3
    with pytest.raises(MaquetteError, match="cannot be read as a picture"):
        found[2]
    with pytest.raises(IndexError):
        found[3]


def test_data_sets_can_go_to_other_processes(tmp_path: Path) -> None:
    truth = make_diode(tmp_path / "diode")
    assert_holds(pickle.loads(pickle.dumps(open_depth_set(tmp_path / "diode"))), truth)
    make_worlds(tmp_path / "worlds", [random_record(0)], "room")
    found = open_depth_set(tmp_path / "worlds")
    found[0]
    assert pickle.loads(pickle.dumps(found))[1].name == "000000.view1"


def damage(folder: Path, how: str) -> str | None:
    """Make a data set with one thing wrong, and return the layout to name."""
    rng = np.random.default_rng(0)
    if how.startswith("diode"):
        make_diode(folder)
        file = next(folder.rglob("*_indoors_*.png"))
        depth_file, mask = (file.with_name(f"{file.stem}_depth{end}.npy") for end in ("", "_mask"))
        if how == "diode without depth":
            depth_file.unlink()
        elif how == "diode without mask":
            mask.unlink()
        elif how == "diode of another size":
            np.save(depth_file, np.ones((6, 8, 1), np.float32))
            np.save(mask, np.ones((6, 8), np.float32))
        elif how == "diode with a mask of another size":
            np.save(mask, np.ones((6, 8), np.float32))
        elif how == "diode of text":
            np.save(depth_file, np.array([["far"]]))
        elif how == "diode of objects":
            np.save(depth_file, np.array([[{}]], dtype=object), allow_pickle=True)
        elif how == "diode cut":
            depth_file.write_bytes(depth_file.read_bytes()[:200])
        elif how == "diode with a cut picture":
            file.write_bytes(file.read_bytes()[:300])
        return "diode"
    if how.startswith("nyu"):
        make_synced_nyu(folder)
        if how == "nyu without depth":
            next(folder.rglob("sync_depth_00045.png")).unlink()
        elif how == "nyu of 8 bit":
            save_rgb(next(folder.rglob("sync_depth_00000.png")), picture(rng))
        return "nyu"
    save_rgb(folder / "a.png", picture(rng))
    save_millimetres(folder / "a.depth.png", depth(rng))
    if how == "no picture":
        (folder / "a.png").unlink()
    elif how == "no depth":
        save_rgb(folder / "b.png", picture(rng))
    elif how == "two depths":
        np.save(folder / "a.depth.npy", depth(rng))
    elif how == "another size":
        save_millimetres(folder / "a.depth.png", depth(rng, 11, 16))
    elif how == "empty depth":
        (folder / "a.depth.png").write_bytes(b"")
    elif how == "no depth at all":
        (folder / "a.depth.png").unlink()
    return None


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("diode without depth", "_depth.npy: missing"),
        ("diode without mask", "_depth_mask.npy: missing"),
        ("diode of another size", "16x12 with a depth map of 8x6"),
        ("diode with a mask of another size", "its depth map has the shape"),
        ("diode of text", "one number a pixel"),
        ("diode of objects", "cannot be read as .npy"),
        ("diode cut", "cannot be read as .npy"),
        ("diode with a cut picture", "cannot be read as a picture"),
        ("nyu without depth", "sync_depth_00045.png: missing"),
        ("nyu of 8 bit", "16-bit grey PNG"),
        ("no picture", "a depth map without a picture"),
        ("no depth", "b.png: has no depth map"),
        ("two depths", "a second depth map"),
        ("another size", "16x12 with a depth map of 16x11"),
        ("empty depth", "cannot be read as a picture"),
        ("no depth at all", "holds no depth map"),
    ],
)
def test_what_is_wrong_is_one_clear_line(tmp_path: Path, how: str, said: str) -> None:
    layout = damage(tmp_path, how)
    with pytest.raises(MaquetteError) as raised:
        list(open_depth_set(tmp_path, layout))
    assert said in str(raised.value) and str(tmp_path) in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        (None, "holds no depth map"),
        ("folder", "holds no depth map"),
        ("diode", "holds no PNG"),
        ("nyu", "neither a .mat file nor"),
        ("worlds", "holds neither index.json nor"),
    ],
)
def test_an_empty_folder_is_refused(tmp_path: Path, layout: str | None, said: str) -> None:
    with pytest.raises(MaquetteError, match=said):
        open_depth_set(tmp_path, layout)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MaquetteError, match="no such folder"):
        open_depth_set(tmp_path / "none")
    (tmp_path / "file.jpg").write_bytes(b"")
    with pytest.raises(MaquetteError, match=r"file\.jpg: a file"):
        open_depth_set(tmp_path / "file.jpg")


def test_a_mat_file_that_is_none_is_refused(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="the extra `datasets` is not installed")
    path = tmp_path / "nyu.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(600))
    with pytest.raises(MaquetteError, match="damaged, or not the labelled NYU"):
        open_depth_set(path)
    with h5py.File(path, "w") as file:
        file["depths"] = np.zeros((1, 640, 480), np.float32)
    with pytest.raises(MaquetteError, match="damaged, or not the labelled NYU"):
        open_depth_set(path)
    make_labelled_nyu(path, 1)
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(MaquetteError, match="damaged, or not the labelled NYU"):
        list(open_depth_set(path))
    with h5py.File(path, "w") as file:
        file["depths"] = np.zeros((1, 640, 480), np.float32)
        file["images"] = np.zeros((1, 640, 480, 3), np.uint8)
    with pytest.raises(MaquetteError, match=r"images are uint8 \(1, 640, 480, 3\)"):
        open_depth_set(path)


def test_worlds_without_depth_are_refused(tmp_path: Path) -> None:
    for name, content in paper_files(random_record(0), beside=False).items():
        file = tmp_path / "000000" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    with pytest.raises(MaquetteError, match="pictures without truth"):
        open_depth_set(tmp_path, "worlds")
    make_worlds(tmp_path / "set", [random_record(0)], "room")
    (tmp_path / "set" / "worlds-000000.tar").unlink()
    with pytest.raises(MaquetteError, match="no shard is finished"):
        open_depth_set(tmp_path / "set")
