"""``maquette voxels`` as a user runs it, and ``maquette.voxels``: drawn rooms, and networks without training."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import maquette
from maquette.cli import main
from maquette.examples import studio_example
from maquette.voxels.rig import on_photo, studio_rig
from maquette.voxels.types import CLASSES
from tests.voxels import tiny
from tests.voxels.tiny import document

HULL = ("--network", "hull.onnx")
HEART = ("--network", "heart.onnx")
ABC = ("a.png", "b.png", "c.png")


def draw(folder: Path, names: Sequence[str] = ("a", "b", "c"), size: tuple[int, int] = (224, 224)) -> list[Path]:
    """The studio's three photos of two boxes."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.png" for name in names]
    for path, camera in zip(paths, studio_rig().cameras, strict=True):
        Image.fromarray(tiny.draw(on_photo(camera, *size))).save(path)
    return paths


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three photos, the networks ``hull.onnx`` and ``heart.onnx``, and ``out``, made of them."""
    folder = tmp_path_factory.mktemp("drawn")
    draw(folder)
    tiny.hull(folder / "hull.onnx")
    tiny.by_heart(folder / "heart.onnx")
    photos = [str(folder / name) for name in ABC]
    assert main(["voxels", *photos, "--network", str(folder / "hull.onnx"), "-o", str(folder / "out")]) == 0
    return folder


@pytest.fixture
def work(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of ``drawn`` that a test may change, as the current folder."""
    copy = shutil.copytree(drawn, tmp_path / "work")
    monkeypatch.chdir(copy)
    return copy


def run(*words: str | Path, capsys: pytest.CaptureFixture[str]) -> dict:
    """What the program says as JSON; it must succeed."""
    capsys.readouterr()
    status = main(["voxels", "--json", *map(str, words)])
    captured = capsys.readouterr()
    assert status == 0, captured.err
    return json.loads(captured.out)


def refused(*words: str | Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of an error that the user can mend."""
    capsys.readouterr()
    assert main(["voxels", *map(str, words)]) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("maquette: error: ")
    assert "internal error" not in line
    assert captured.out == ""
    return line


def settings(folder: Path) -> dict:
    return json.loads((folder / "voxels.json").read_text(encoding="utf-8"))["settings"]


def label(folder: Path) -> np.ndarray:
    with np.load(folder / "voxels.npz") as arrays:
        return arrays["label"]


# -- what it makes -----------------------------------------------------------------------------------------------------


def test_a_drawn_room_becomes_its_two_objects(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(*ABC, *HULL, "-o", "again", capsys=capsys)
    assert said["objects"] == {"chair": 1, "table": 1}
    assert said["notes"] == []
    assert said["networks"][0]["name"] == "hull"
    assert set(said["seconds"]) >= {"photos", "voxels", "objects", "meshes", "files", "total"}
    cells = label(work / "again")
    assert cells.shape == (80, 96, 64)
    assert set(np.unique(cells)) == {0, 1 + CLASSES.index("chair"), 1 + CLASSES.index("table")}
    assert {path.name for path in (work / "again").iterdir()} == {path.name for path in (work / "out").iterdir()}
    for path in (work / "again").iterdir():
        assert path.read_bytes() == (work / "out" / path.name).read_bytes(), path.name


def test_what_it_says_to_a_person(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voxels", *ABC, *HULL, "-o", "again", "--threads", "1"]) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("a.png b.png c.png -> again: 1 x chair, 1 x table; ")
    assert last.startswith("hull local (") and "learned from nothing" in last
    assert main(["voxels", *ABC, *HULL, "-o", "quiet", "--quiet"]) == 0
    assert capsys.readouterr().out == ""


def test_the_record_of_a_run_names_all_that_it_depends_on(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "rig.json").write_text(json.dumps(document()))
    run(*ABC, *HEART, "-o", "new", "--rig", "rig.json", "--occupied", "0.05", capsys=capsys)
    record = settings(work / "new")
    assert record["maquette"] == maquette.__version__
    assert [(photo["name"], photo["camera"], len(photo["sha256"])) for photo in record["photos"]] == [
        ("a", 1, 64), ("b", 2, 64), ("c", 3, 64)
    ]  # fmt: skip
    assert record["voxels"]["occupied"] == 0.05
    assert record["voxels"]["rig"]["file"] == "rig.json" and len(record["voxels"]["rig"]["sha256"]) == 64
    assert record["voxels"]["network"] == "heart.onnx"
    assert len(record["networks"][0]["sha256"]) == 64
    assert str(work) not in json.dumps(record)


@pytest.mark.parametrize("ending", [".glb", ".npz", ".vox", ".png"])
def test_out_may_be_one_file(work: Path, ending: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(*ABC, *HULL, "-o", f"room{ending}", capsys=capsys)
    assert (work / f"room{ending}").stat().st_size > 100


def test_from_python_it_is_the_same(work: Path) -> None:
    options = maquette.VoxelOptions(network="hull.onnx")
    steps: list[str] = []
    made = maquette.voxels(ABC, options=options, progress=steps.append)
    assert steps == ["voxels", "objects", "meshes"]
    assert np.array_equal(made.voxels.label, label(work / "out"))
    assert [body.label for body in made.scene.bodies] == ["chair", "table"]
    assert made.prediction.occupancy.shape == (80, 96, 64)
    arrays = [np.asarray(Image.open(name)) for name in ABC]
    again = maquette.voxels(arrays, options=options, threads=1)
    assert np.array_equal(made.prediction.classes, again.prediction.classes)
    assert made.export("room.glb").read_bytes()[:4] == b"glTF"


# -- which camera took which photo -------------------------------------------------------------------------------------


def cameras(out: Path) -> list[int]:
    return [photo["camera"] for photo in settings(out)["photos"]]


def test_photos_come_in_the_order_of_the_cameras_unless_said_otherwise(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("c.png", "a.png", "b.png", *HULL, "--cameras", "3,1,2", "-o", "turned", capsys=capsys)
    assert cameras(work / "turned") == [3, 1, 2]
    assert (work / "turned" / "voxels.npz").read_bytes() == (work / "out" / "voxels.npz").read_bytes()


def test_a_missing_camera_is_no_hindrance(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = run("a.png", "c.png", *HULL, "--cameras", "1,3", "-o", "two", capsys=capsys)
    assert said["objects"].keys() == {"chair", "table"}
    assert said["notes"] == ["No photo is from camera 2: what only such a photo would show is guessed."]
    said = run("a.png", *HULL, "-o", "one", capsys=capsys)
    assert cameras(work / "one") == [1]
    assert "first cameras" in said["notes"][0] and "camera 2 or 3" in said["notes"][1]


def test_the_file_of_a_rig_knows_its_photos_by_their_names(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "rig.json").write_text(json.dumps(document()))
    run("b.png", "c.png", "a.png", *HULL, "--rig", "rig.json", "-o", "named", capsys=capsys)
    assert cameras(work / "named") == [2, 3, 1]
    assert np.array_equal(label(work / "named"), label(work / "out"))
    for old, new in zip("abc", "xyz", strict=True):
        (work / f"{old}.png").rename(work / f"{new}.png")
    said = run("x.png", "y.png", "z.png", *HULL, "--rig", "rig.json", "-o", "unnamed", capsys=capsys)
    assert cameras(work / "unnamed") == [1, 2, 3]
    assert said["notes"] == ["No photo bears a name that the rig has; they are taken to be in its order."]


def test_a_folder_with_its_rig(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw(work / "shoot" / "images", ("c", "b", "a"))
    content = document()
    for entry, name in zip(content["frames"], "cba", strict=True):
        entry["file_path"] = f"images/{name}.png"
    (work / "shoot" / "transforms.json").write_text(json.dumps(content))
    said = run("shoot", *HULL, "-o", "new", capsys=capsys)
    assert [Path(path).name for path in said["inputs"]] == ["c.png", "b.png", "a.png"]
    assert np.array_equal(label(work / "new"), label(work / "out"))
    (work / "shoot" / "images" / "b.png").unlink()
    run("shoot", *HULL, "-o", "fewer", capsys=capsys)
    assert cameras(work / "fewer") == [1, 3]


def test_a_folder_of_a_rendered_world(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw(work / "scene", "012")
    shutil.copy(work / "a.png", work / "scene" / "sheet.png")
    (work / "scene" / "occupancy.npy").write_bytes(b"")
    said = run("scene", *HULL, "-o", "new", capsys=capsys)
    assert [Path(path).name for path in said["inputs"]] == ["0.png", "1.png", "2.png"]
    assert np.array_equal(label(work / "new"), label(work / "out"))


def test_the_example_has_three_photos(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in studio_example():
        assert path.stat().st_size < 60_000
        with Image.open(path) as picture:
            assert picture.size == (224, 224)
    said = run("--example", *HEART, "--occupied", "0.99", "-o", "new.npz", capsys=capsys)
    assert len(said["inputs"]) == 3 and said["notes"] == []


@pytest.mark.slow
def test_the_example_is_the_render_that_the_documentation_names(tmp_path: Path) -> None:
    pytest.importorskip("moderngl")
    words = "worlds render --kind studio --styles unseen --seed 7 --number 244 -o".split()
    assert main([*words, str(tmp_path / "world")]) == 0
    for number, path in enumerate(studio_example()):
        with Image.open(path) as ours, Image.open(tmp_path / "world" / f"{number}.png") as rendered:
            difference = np.asarray(ours.convert("RGB"), int) - np.asarray(rendered.convert("RGB"), int)
        assert np.abs(difference).mean() < 0.5  # drivers differ in the last digit


# -- photos and grids of other kinds -----------------------------------------------------------------------------------


def test_photos_of_any_size_and_kind(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b, c = draw(work / "wide", size=(480, 360))
    turned = Image.open(b).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[274] = 6
    turned.save(work / "wide" / "b.jpg", quality=95, exif=exif)
    with_alpha = Image.open(c).convert("RGBA")
    with_alpha.save(work / "wide" / "c.webp", lossless=True)
    said = run(a, work / "wide" / "b.jpg", work / "wide" / "c.webp", *HULL, "-o", "new", capsys=capsys)
    assert said["objects"] == {"chair": 1, "table": 1}
    assert said["notes"][0] == (
        "a: 480 x 360 pixels are not the shape of the rig's pictures; 70 degrees are taken across the longer side."
    )
    assert said["notes"][-1].startswith("The cameras are taken to be where those of the studio are; --rig")


def test_another_grid_of_the_same_space(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(*ABC, *HULL, "--cell", "0.1", "-o", "coarse", capsys=capsys)
    assert label(work / "coarse").shape == (40, 48, 32)
    assert said["objects"] == {"chair": 1, "table": 1}
    run(*ABC, *HULL, "--grid-shape", "20,30,10", "-o", "corner", capsys=capsys)
    assert label(work / "corner").shape == (20, 30, 10)


def test_nothing_there(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ABC:
        Image.new("RGB", (224, 224)).save(work / name)
    said = run(*ABC, *HULL, "-o", "empty", capsys=capsys)
    assert said["objects"] == {}
    assert not label(work / "empty").any()


# -- what cannot be done -----------------------------------------------------------------------------------------------


def _text(path: Path) -> None:
    path.write_text("no picture")


def _one_pixel(path: Path) -> None:
    Image.new("RGB", (1, 1)).save(path)


def _torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-500])


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_text, "b.png: not a picture"),
        (_one_pixel, "b.png: 1 x 1 pixels is too small"),
        (_torn, "b.png: damaged"),
        (Path.unlink, "b.png: no such file"),
    ],
)
def test_a_photo_that_is_none(
    work: Path, spoil: Callable[[Path], None], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(work / "b.png")
    assert says in refused(*ABC, *HULL, "-o", "new", capsys=capsys)
    assert not (work / "new").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("", "no photo is named"),
        ("a.png --example", "--example brings its own"),
        ("empty", "empty: a folder without pictures"),
        ("a.png empty", "empty: a folder"),
        ("a.png b.png c.png other.png", "4 photos, and the rig has 3 cameras"),
        ("a.png sub/../a.png", "a.png: named twice"),
        ("a.png b.png --cameras 1", "--cameras names 1 for 2 photos"),
        ("a.png b.png --cameras 1,4", "there is no camera 4, the rig has 3"),
        ("a.png b.png --cameras 0,1", "from 1 on"),
        ("a.png b.png --cameras 2,2", "each named once"),
        ("a.png --cameras one", "must be whole numbers"),
        ("a.png --rig missing.json", "missing.json: cannot be read"),
        ("a.png --rig a.png", "a.png: not a JSON file"),
        ("a.png --rig nan.json", "nan.json: frame 1 (a.png): transform_matrix must be 4 x 4 numbers"),
        ("other.png b.png --rig rig.json", "other: none of the rig's pictures have this name"),
        ("sub/b.png b.png --rig rig.json", "two photos bear the same name"),
        ("a.png --rig zero.json", "80 x 0 x 64 cells is empty"),
        ("a.png --rig huge.json", "is too large; at most 4,000,000"),
        ("a.png --grid-shape 0,96,64", "0 x 96 x 64 cells is empty"),
        ("a.png --grid-shape 80,96", "three numbers"),
        ("a.png --cell 0.002", "too large; at most 4,000,000 can be held; change --grid-shape or --cell"),
        ("a.png --cell 0", "--cell must be from 0.001 to 10 metres"),
        ("a.png --cell nan", "--cell must be from 0.001 to 10 metres"),
        ("a.png --occupied 1.5", "--occupied must lie between 0 and 1"),
        ("a.png --threads -1", "--threads must be 0 or more"),
        ("a.png --network nonsense", "nonsense: no such network"),
        ("a.png --network maquette-small", "maquette-small: a network for perception"),
        ("a.png --network missing.onnx", "missing.onnx: no such file"),
        ("a.png --network heart.onnx --cell 0.1", "heart: knows the studio's cameras and cells alone"),
        ("a.png --network heart.onnx --rig turned.json", "heart: knows the studio's cameras and cells alone"),
        ("a.png --network tampered.onnx", "tampered.onnx: not the file of network tampered"),
        ("a.png --network torn.onnx", "torn.onnx: not a usable ONNX network"),
        ("a.png --network wrong.onnx", "output occupancy runs from 1 to"),
    ],
)
def test_a_request_that_makes_no_sense(work: Path, words: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "empty").mkdir()
    (work / "sub").mkdir()
    shutil.copy("b.png", "sub/b.png")
    shutil.copy("b.png", "other.png")
    rig = json.dumps(document())
    (work / "rig.json").write_text(rig)
    (work / "nan.json").write_text(json.dumps(document() | {"frames": [{"file_path": "a.png"}]}))
    (work / "zero.json").write_text(rig.replace("[80, 96, 64]", "[80, 0, 64]"))
    (work / "huge.json").write_text(rig.replace("[80, 96, 64]", "[1000, 1000, 1000]"))
    turned = document()
    turned["frames"].reverse()
    (work / "turned.json").write_text(json.dumps(turned | {"frames": turned["frames"][:1]}))
    for name in ("tampered", "torn"):
        shutil.copy("hull.onnx", f"{name}.onnx")
        (work / f"{name}.json").write_text(json.dumps(tiny.CARD | ({"sha256": "0" * 64} if name == "tampered" else {})))
    (work / "torn.onnx").write_bytes((work / "torn.onnx").read_bytes()[:300])
    tiny.hull(work / "wrong.onnx", occupancy="Add least one > more; Reshape more shape > occupancy")
    before = sorted(path.name for path in work.iterdir())
    network = () if "--network" in words else HULL
    assert says in refused(*words.split(), *network, "-o", "new", capsys=capsys)
    assert sorted(path.name for path in work.iterdir()) == before


def test_out_that_is_not_ours_is_left_alone(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "mine").mkdir()
    (work / "mine" / "thesis.txt").write_text("years of work")
    for words in ((), ("--overwrite",)):
        assert "mine" in refused(*ABC, *HULL, "-o", "mine", *words, capsys=capsys)
    assert (work / "mine" / "thesis.txt").read_text() == "years of work"
    assert "a.png" in refused(*ABC, *HULL, "-o", "a.png/deeper", capsys=capsys)
    (work / "file").write_text("mine too")
    refused(*ABC, *HULL, "-o", "file", capsys=capsys)
    assert (work / "file").read_text() == "mine too"


def test_out_that_is_there_is_replaced_only_when_asked(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = (work / "out" / "voxels.json").read_bytes()
    assert "out" in refused("a.png", *HULL, "-o", "out", capsys=capsys)
    assert (work / "out" / "voxels.json").read_bytes() == old
    run("a.png", *HULL, "-o", "out", "--overwrite", capsys=capsys)
    assert cameras(work / "out") == [1]


def test_out_is_required(capsys: pytest.CaptureFixture[str]) -> None:
    assert "-o" in refused("a.png", capsys=capsys)


# -- in a process of its own -------------------------------------------------------------------------------------------


def program(*words: str, cwd: Path, before: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, capture_output=True, text=True, timeout=120, preexec_fn=before, check=False
    )


@pytest.mark.slow
def test_a_full_disk_leaves_nothing(work: Path) -> None:
    def small_files_only() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))

    before = sorted(os.listdir(work))
    done = program("-m", "maquette", "voxels", *ABC, *HULL, "-o", "new", cwd=work, before=small_files_only)
    assert done.returncode == 2
    assert "new: cannot be written" in done.stderr and len(done.stderr.splitlines()) == 1
    assert sorted(os.listdir(work)) == before


@pytest.mark.slow
def test_it_loads_nothing_heavy(work: Path) -> None:
    code = """
import sys
from maquette.cli import main
assert main(sys.argv[1:]) == 0
heavy = {"torch", "transformers", "bpy", "ray", "numba", "moderngl", "trimesh", "huggingface_hub"} & set(sys.modules)
assert not heavy, heavy
"""
    done = program("-c", code, "voxels", *ABC, *HULL, "-o", "new", cwd=work)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
