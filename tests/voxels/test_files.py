"""The folder of a room, its files one by one, and what is refused."""

from __future__ import annotations

import hashlib
import io
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from maquette.camera import Camera
from maquette.errors import ExportError, MaquetteError
from maquette.scene import Scene
from maquette.voxels.files import check_target, encode_npz, read_npz, write
from maquette.voxels.instances import separate
from maquette.voxels.surface import smooth_bodies
from maquette.voxels.types import CLASSES, VoxelGrid
from tests.export.test_vox import placed, read_vox
from tests.voxels.rooms import ROOM, predict

SETTINGS = {"photos": ["1.png"], "seed": 3}
FILES = ["blocks.glb", "preview.png", "scene.glb", "scene.vox", "voxels.json", "voxels.npz"]


@cache
def make_room() -> tuple[VoxelGrid, Scene]:
    voxels = separate(predict(ROOM), 0.5)
    camera = Camera.from_fov(224, 224, 70.0, height_m=1.6)
    return voxels, Scene((), camera, "room", settings=SETTINGS, bodies=smooth_bodies(voxels), notes=("a note",))


def save(target: Path, **flags: bool) -> VoxelGrid:
    voxels, scene = make_room()
    write(voxels, scene, target, SETTINGS, **flags)
    return voxels


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def same(a: VoxelGrid, b: VoxelGrid) -> None:
    assert a.grid.shape == b.grid.shape and a.grid.cell_m == b.grid.cell_m
    for name in ("label", "instance", "probability"):
        mine, theirs = getattr(a, name), getattr(b, name)
        assert mine.dtype == theirs.dtype and np.array_equal(mine, theirs)
    assert np.array_equal(a.grid.T_world_grid, b.grid.T_world_grid)
    for one, other in zip(a.objects, b.objects, strict=True):
        assert (one.id, one.label, one.cells, one.confidence) == (other.id, other.label, other.cells, other.confidence)
        assert np.array_equal(one.low, other.low) and np.array_equal(one.high, other.high)


def test_a_folder_has_everything_and_the_same_bytes(tmp_path: Path) -> None:
    voxels = save(tmp_path / "room")
    save(tmp_path / "again")
    assert [path.name for path in sorted((tmp_path / "room").iterdir())] == FILES
    assert digests(tmp_path / "room") == digests(tmp_path / "again")
    same(read_npz(tmp_path / "room" / "voxels.npz"), voxels)
    names = [f"{name} 1" for name in CLASSES]
    for file in ("scene.glb", "blocks.glb"):
        loaded = trimesh.load(tmp_path / "room" / file)
        assert set(names) <= set(loaded.graph.nodes)
    found = placed(read_vox((tmp_path / "room" / "scene.vox").read_bytes()))
    assert list(found) == names
    assert {(x + 20, y + 24, z) for cells in found.values() for x, y, z in cells} == set(
        map(tuple, np.argwhere(voxels.label).tolist())
    )
    with Image.open(tmp_path / "room" / "preview.png") as picture:
        assert picture.size[0] == 640
    said = json.loads((tmp_path / "room" / "voxels.json").read_text())
    assert said["settings"] == SETTINGS and said["notes"] == ["a note"] and said["classes"] == list(CLASSES)
    assert said["grid"]["shape"] == [40, 48, 40]
    chair = said["objects"][0]
    assert chair["box"]["center"] == pytest.approx([-0.65, 0.45, 0.85])
    assert chair["box"]["size"] == pytest.approx([0.5, 0.9, 0.5])
    assert (chair["name"], chair["class"], chair["cells"]) == ("chair 1", "chair", 1800)
    assert chair["confidence"] == pytest.approx(0.8)


@pytest.mark.parametrize(("name", "twin"), [("a.npz", 5), ("a.GLB", 2), ("a.vox", 3), ("a.png", 1)])
def test_a_single_file_is_that_of_the_folder(tmp_path: Path, name: str, twin: int) -> None:
    save(tmp_path / "room")
    save(tmp_path / name)
    assert (tmp_path / name).read_bytes() == (tmp_path / "room" / FILES[twin]).read_bytes()


def test_overwriting_must_be_asked_for(tmp_path: Path) -> None:
    for target in (tmp_path / "room", tmp_path / "room.npz"):
        save(target)
        with pytest.raises(ExportError, match="already there; choose another name, or ask to overwrite"):
            save(target)
        save(target, overwrite=True)
    (tmp_path / "empty").mkdir()
    save(tmp_path / "empty")


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    save(tmp_path / "room")
    (tmp_path / "room" / "diary.txt").write_text("mine")
    with pytest.raises(ExportError, match=r"holds diary\.txt, which maquette did not make"):
        save(tmp_path / "room", overwrite=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "preview.png").write_bytes(b"")
    with pytest.raises(ExportError, match=r"holds files but no voxels\.json"):
        save(tmp_path / "other", overwrite=True)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ExportError, match="a file stands there"):
        save(tmp_path / "file", overwrite=True)
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "folder.npz" / "diary.txt").write_text("mine")
    with pytest.raises(ExportError, match="a folder stands there"):
        save(tmp_path / "folder.npz", overwrite=True)
    with pytest.raises(ExportError, match=r"unknown format '\.obj'; use \.npz, \.glb, \.vox, \.png, or no ending"):
        check_target(tmp_path / "a.obj", overwrite=False)
    assert (tmp_path / "room" / "diary.txt").read_text() == (tmp_path / "file").read_text() == "mine"


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    voxels, scene = make_room()
    with pytest.raises(TypeError):
        write(voxels, scene, tmp_path / "room", {"what": object()})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["room", "a.npz", "a.glb", "a.vox", "a.png"])
def test_a_room_of_nothing(tmp_path: Path, name: str) -> None:
    voxels = separate(predict([]), 0.5)
    scene = Scene((), Camera.from_fov(224, 224, 70.0), "room")
    write(voxels, scene, tmp_path / name, {})
    if name == "a.npz":
        same(read_npz(tmp_path / name), voxels)


def damaged(tmp_path: Path, **changes: object) -> Path:
    voxels, _ = make_room()
    with np.load(io.BytesIO(encode_npz(voxels))) as file:
        arrays = {name: file[name] for name in file.files} | changes
    kept = {name: array for name, array in arrays.items() if array is not None}
    np.savez(tmp_path / "bad.npz", **kept)
    return tmp_path / "bad.npz"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"label": None}, "label"),
        ({"classes": np.array(["cat"])}, "its classes are cat"),
        ({"label": np.zeros((2, 2), np.uint8)}, "label is uint8"),
        ({"probability": np.zeros((40, 48, 40))}, "probability is float64"),
        ({"instance": np.zeros((40, 48, 40), np.uint16)}, "its objects and labels do not agree"),
        ({"confidence": np.zeros(2)}, "its objects and labels do not agree"),
        ({"T_world_grid": np.eye(3)}, "it has no grid"),
        ({"cell_m": np.array([-1.0])}, "it has no grid"),
        ({"label": np.array({"a": 1}, dtype=object)}, "Object arrays cannot be loaded"),
    ],
)
def test_damaged_arrays(tmp_path: Path, changes: dict[str, object], reason: str) -> None:
    path = damaged(tmp_path, **changes)
    with pytest.raises(MaquetteError, match=reason) as caught:
        read_npz(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_no_arrays(tmp_path: Path) -> None:
    with pytest.raises(MaquetteError, match="cannot be read"):
        read_npz(tmp_path / "none.npz")
    with pytest.raises(MaquetteError, match="cannot be read"):
        read_npz(tmp_path)
    save(tmp_path / "a.npz")
    whole = (tmp_path / "a.npz").read_bytes()
    for content in (b"", b"junk", whole[: len(whole) // 2], whole[:1000] + bytes(500) + whole[1500:]):
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(MaquetteError, match=r"name a voxels\.npz"):
            read_npz(tmp_path / "a.npz")
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(MaquetteError, match="no voxels of maquette"):
        read_npz(tmp_path / "one.npy")
