import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maquette.camera import FLIP_YZ, Camera
from maquette.errors import ExportError
from maquette.export import export, write_bundle
from maquette.labels import BY_NAME
from maquette.perception.types import Perception, Segment
from maquette.scene import Node, Plane, Relief, Scene
from tests.export.scenes import bent, make_scene, photo_like, psnr

ROOT = Path(__file__).parents[2]
MADE = {
    "layers",
    "parallax.webp",
    "preview.html",
    "preview.png",
    "scene.glb",
    "scene.json",
    "source.jpg",
    "transforms.json",
}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def load(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(path.read_bytes()))


def rebuilt(folder: Path) -> Scene:
    """A scene from ``scene.json`` and the files that it names."""
    described = json.loads((folder / "scene.json").read_text("utf-8"))
    nodes = []
    for node in described["nodes"]:
        left, top, right, bottom = node["bounds_px"]
        texture = np.asarray(load(folder / node["texture"]))
        if node["texture"] == node["layer"]:
            texture = texture[top:bottom, left:right]
        assert texture.shape == (bottom - top, right - left, 4)
        plane = Plane(left, top, texture, tuple(node["inverse_depth"]))
        if "relief" in node:
            lattice = node["relief"]
            departure = np.load(folder / lattice["file"], allow_pickle=False)
            plane = replace(plane, relief=Relief(lattice["x"], lattice["y"], lattice["step"], departure))
        ids, depths = tuple(node["segment_ids"]), tuple(node["depth_range_m"])
        nodes.append(Node(node["name"], node["label"], ids, node["order"], depths, plane))
    c = described["camera"]
    pose = np.array(c["T_world_camera"])
    camera = Camera(c["width"], c["height"], c["focal_px"], tuple(c["center_px"]), pose)
    return Scene(tuple(nodes), camera, described["name"], described["settings"], tuple(described["notes"]))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "out"
    write_bundle(make_scene(), None, folder)
    return folder


def test_holds_everything(bundle: Path) -> None:
    assert {path.name for path in bundle.iterdir()} == MADE
    layers = sorted(path.name for path in (bundle / "layers").glob("*.png"))
    names = ["00_sky", "01_floor", "02_wall", "03_person_1", "04_person_2", "05_person_3"]
    assert layers == [f"{name}.png" for name in names]
    assert [path.name for path in bundle.parent.iterdir()] == ["out"]


def test_layers_painted_in_order_are_the_photo(bundle: Path) -> None:
    stacked = Image.new("RGBA", (320, 200))
    for path in sorted((bundle / "layers").glob("*.png")):
        layer = load(path)
        assert (layer.mode, layer.size) == ("RGBA", stacked.size)
        stacked = Image.alpha_composite(stacked, layer)
    assert np.array_equal(np.asarray(stacked), make_scene().render())
    assert psnr(np.asarray(load(bundle / "source.jpg")), photo_like(320, 200)) > 38


@pytest.mark.parametrize(
    "made",
    [make_scene(), make_scene(overscan=False), bent(make_scene())],
    ids=["overscan", "in frame", "relief"],
)
def test_scene_json_and_layers_make_an_equal_scene(tmp_path: Path, made: Scene) -> None:
    scene = replace(made, notes=("Ü, 猫 and \u2028.",), name="名")
    scene.export(tmp_path / "out")
    again = rebuilt(tmp_path / "out")
    assert np.array_equal(again.camera.T_world_camera, scene.camera.T_world_camera)
    for field in ("width", "height", "focal_px", "center_px"):
        assert getattr(again.camera, field) == getattr(scene.camera, field)
    assert (again.name, again.settings, again.notes) == (scene.name, scene.settings, scene.notes)
    for node, original in zip(again.nodes, scene.nodes, strict=True):
        for field in ("name", "label", "segment_ids", "order", "depth_range_m"):
            assert getattr(node, field) == getattr(original, field)
        assert node.plane.inverse_depth == original.plane.inverse_depth
    for camera in (scene.camera, scene.camera.moved((0.1, 0.05, 0.2))):
        assert np.array_equal(again.render(camera), scene.render(camera))
    for original in scene.nodes:
        left, top, right, bottom = original.plane.bounds
        in_frame = left >= 0 and top >= 0 and right <= 320 and bottom <= 200
        assert (tmp_path / "out/layers/overscan" / f"{original.order:02d}_{original.name}.png").exists() <= (
            not in_frame
        )


def test_transforms_is_the_camera_in_opengl_axes(bundle: Path) -> None:
    written = json.loads((bundle / "transforms.json").read_text())
    camera = make_scene().camera
    frame = written["frames"][0]
    assert np.array_equal(np.array(frame["transform_matrix"]) @ FLIP_YZ, camera.T_world_camera)
    assert load(bundle / frame["file_path"]).size == (written["w"], written["h"]) == (320, 200)
    # A point is projected as OpenGL does it: y up, looking along -z.
    point = camera.to_world(np.array([0.3, -0.2, 2.0]))
    x, y, z = (np.linalg.inv(frame["transform_matrix"]) @ [*point, 1])[:3]
    pixel = (written["cx"] + written["fl_x"] * x / -z, written["cy"] - written["fl_y"] * y / -z)
    assert np.allclose(pixel, camera.project(np.array([0.3, -0.2, 2.0])))


def test_saves_what_perception_saw(tmp_path: Path) -> None:
    scene = make_scene(overscan=False)
    segment_ids = np.ones((200, 320), np.int32)
    segment_ids[:90] = 2
    segments = (Segment(1, BY_NAME["floor"], 0.9), Segment(2, BY_NAME["wall"], 0.8))
    depth_m = np.linspace(9, 2, 200, dtype=np.float32)[:, None].repeat(320, 1)
    seen = Perception(segment_ids, segments, depth_m, np.ones_like(depth_m), scene.camera, 50.0)
    write_bundle(scene, seen, tmp_path / "out")
    assert {p.name for p in (tmp_path / "out").iterdir()} == MADE | {"depth.png", "panoptic.png", "panoptic.json"}
    frame = json.loads((tmp_path / "out/transforms.json").read_text())["frames"][0]
    assert np.abs(np.asarray(load(tmp_path / "out" / frame["depth_file_path"])) / 1000 - depth_m).max() < 0.001


def test_the_loop_goes_round(bundle: Path) -> None:
    loop = load(bundle / "parallax.webp")
    assert (loop.n_frames, loop.info["loop"]) == (24, 0)
    frames = []
    for index in range(loop.n_frames):
        loop.seek(index)
        frames.append(np.asarray(loop.convert("RGB")).astype(float))
    steps = [np.abs(frames[i] - frames[i - 1]).mean() for i in range(24)]
    assert max(steps) < 2 * np.median(steps)  # the last step, back to the first frame, is like all others
    assert np.abs(frames[0] - frames[12]).mean() > 1.5 * max(steps)


def test_the_still_has_no_holes(bundle: Path) -> None:
    still = load(bundle / "preview.png")
    assert (still.mode, still.size) == ("RGB", (320, 200))
    assert 12 < psnr(np.asarray(still), photo_like(320, 200)) < 30


def test_two_runs_write_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    write_bundle(make_scene(), None, tmp_path / "again")
    assert contents(tmp_path / "again") == contents(bundle)


@pytest.mark.parametrize("ending", ["glb", "html", "png", "gif", "webp", "GLB"])
def test_one_file_by_its_ending(tmp_path: Path, ending: str) -> None:
    target = tmp_path / "new" / f"scene.{ending}"
    assert make_scene().export(str(target)) == target
    first = target.read_bytes()
    assert make_scene().export(target) == target
    assert target.read_bytes() == first
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    if ending in ("png", "gif", "webp"):
        image = Image.open(io.BytesIO(first))
        assert image.format == ending.upper()
        assert getattr(image, "n_frames", 1) == (1 if ending == "png" else 24)


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"scene\.obj: unknown format '\.obj'; use \.glb"):
        make_scene().export(tmp_path / "scene.obj")
    assert not any(tmp_path.iterdir())


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    write_bundle(make_scene(), None, folder)  # an empty folder is free
    before = contents(folder)
    for write in (lambda: write_bundle(make_scene(cards=1), None, folder), lambda: export(make_scene(cards=1), folder)):
        with pytest.raises(ExportError, match="already there"):
            write()
    assert contents(folder) == before

    write_bundle(make_scene(cards=1), None, folder, overwrite=True)
    assert len(json.loads((folder / "scene.json").read_text())["nodes"]) == 4
    assert not (folder / "layers" / "05_person_3.png").exists()

    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "diary.txt").write_text("dear diary")
    with pytest.raises(ExportError, match=r"holds files but no scene\.json"):
        write_bundle(make_scene(), None, mine, overwrite=True)
    with pytest.raises(ExportError, match="is a directory"):
        (mine / "x.glb").mkdir()
        make_scene().export(mine / "x.glb")
    assert (mine / "diary.txt").read_text() == "dear diary"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "out"]


def test_a_file_stands_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for target in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ExportError, match="cannot be written"):
            write_bundle(make_scene(), None, target)
    assert (tmp_path / "file").read_text() == "x"
    assert len(list(tmp_path.iterdir())) == 1


def test_an_error_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    scene = make_scene()
    broken = replace(scene, settings={"x": object()})
    with pytest.raises(TypeError):
        write_bundle(broken, None, tmp_path / "out")
    assert not any(tmp_path.iterdir())


def run(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start Python with code that finds ``scene`` and ``write_bundle`` ready."""
    prelude = (
        "import os, resource, sys, time; from pathlib import Path; from tests.export.scenes import make_scene;"
        "from maquette.errors import ExportError; from maquette.export import write_bundle; scene = make_scene();"
    )
    command = [sys.executable, "-c", f"{prelude}\n{code}", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


REPORT = """
try:
    write_bundle(scene, None, Path(sys.argv[1]))
except ExportError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX limits")
def test_a_file_too_large_leaves_nothing(tmp_path: Path) -> None:
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
    said, errors = run(limit + REPORT, tmp_path / "out").communicate(timeout=60)
    assert (
        said == f"{tmp_path / 'out'}: cannot be written (file too large); write to a place that takes larger files\n"
    ), errors
    assert not any(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX permissions")
def test_no_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        nobody = "os.geteuid() or os.setuid(65534)"
        said, errors = run(nobody + REPORT, tmp_path / "out").communicate(timeout=60)
    finally:
        tmp_path.chmod(0o700)
    assert said == f"{tmp_path / 'out'}: cannot be written (permission denied); choose a place where you may write\n", (
        errors
    )
    assert not any(tmp_path.iterdir())


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small disk can only be mounted by root on Linux")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_disk_full(small_disk: Path) -> None:
    with pytest.raises(ExportError, match=r"out: cannot be written \(no space left on device\); free some space"):
        write_bundle(make_scene(), None, small_disk / "out")
    assert not any(small_disk.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_run_leaves_no_half_folder(tmp_path: Path) -> None:
    """Killed at any moment, the folder is whole or absent; what is left aside goes with the next run."""
    target = tmp_path / "out"
    write_bundle(make_scene(), None, target)
    whole = contents(target)
    code = (
        "print('ready', flush=True)\nfor _ in range(99): write_bundle(scene, None, Path(sys.argv[1]), overwrite=True)"
    )
    rng = random.Random(0)
    left_aside = 0
    for _ in range(6):
        process = run(code, target)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.uniform(0.05, 0.8))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        left_aside += sum(path.name.startswith(".out.") for path in tmp_path.iterdir())
        assert {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")} <= {"out"}
        assert not target.exists() or contents(target) == whole
    assert left_aside > 0
    write_bundle(make_scene(), None, target, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs file locks")
def test_a_running_run_is_left_alone(tmp_path: Path) -> None:
    hold = """
from maquette.export.atomic import whole
with whole(Path(sys.argv[1])) as fresh:
    fresh.mkdir(); print(fresh, flush=True); time.sleep(60)
"""
    process = run(hold, tmp_path / "out")
    assert process.stdout is not None
    fresh = Path(process.stdout.readline().strip())
    try:
        write_bundle(make_scene(), None, tmp_path / "out")
        assert fresh.is_dir()
    finally:
        process.kill()
        process.communicate()
    write_bundle(make_scene(), None, tmp_path / "out", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
