"""The program as a user runs it: real processes, on pictures that the tests draw."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import maquette
from maquette.cli import main
from maquette.cli.finished import CONTENTS
from maquette.cli.inputs import scene_folders
from maquette.cli.report import Report
from tests.picture_files import bad_files

PACKAGE = Path(maquette.__file__).parent


def run(
    *words: str | Path,
    cwd: Path,
    before: Callable[[], None] | None = None,
    program: tuple[str, ...] = ("-m", "maquette"),
    **env: str,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *program, *map(str, words)],
        cwd=cwd,
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=before,
        check=False,
    )


def draw(path: Path, *, size: tuple[int, int] = (120, 80), hue: int = 0) -> Path:
    """A lawn under a sky with a box on it, a little noisy."""
    width, height = size
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2] = (120, 170, 230)
    picture[height // 2 :] = (90, 150, 60)
    picture[height // 3 : 3 * height // 4, width // 3 : width // 2] = (190, 40 + hue, 40)
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(hue).integers(0, 12, picture.shape, dtype=np.uint8)
    Image.fromarray(picture + noise).save(path)
    return path


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def assert_one_error(done: subprocess.CompletedProcess[str], *parts: str, status: int = 2) -> None:
    assert done.returncode == status, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("maquette: error: ")
    assert "internal error" not in line
    for part in parts:
        assert part in line


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``photo.png`` and the scene ``out`` that the program made of it. Tests only read it."""
    folder = tmp_path_factory.mktemp("made")
    draw(folder / "photo.png")
    done = run("diorama", "photo.png", "-o", "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("photo.png -> out: ")
    assert done.stderr == ""
    return folder


@pytest.fixture
def work(made: Path, tmp_path: Path) -> Path:
    """A copy of ``made`` that a test may change."""
    return shutil.copytree(made, tmp_path / "work")


# -- one photo ---------------------------------------------------------------------------------------------------------


def test_the_folder_of_a_photo(made: Path) -> None:
    assert {path.name for path in (made / "out").iterdir()} == CONTENTS
    scene = json.loads((made / "out" / "scene.json").read_text(encoding="utf-8"))
    assert scene["settings"]["photo"]["sha256"] == hashlib.sha256((made / "photo.png").read_bytes()).hexdigest()
    assert set(scene["settings"]["diorama"]) == {f.name for f in dataclasses.fields(maquette.DioramaOptions)}
    assert set(scene["settings"]["perception"]) == {f.name for f in dataclasses.fields(maquette.PerceptionOptions)}
    assert {path.name for path in made.iterdir()} == {"photo.png", "out"}


def test_the_same_photo_gives_the_same_bytes_on_one_thread_and_two(work: Path) -> None:
    for threads in "12":
        assert run("diorama", "photo.png", "-o", threads, "--threads", threads, cwd=work).returncode == 0
    assert digest(work / "1") == digest(work / "2") == digest(work / "out")


def test_without_out_the_folder_is_named_after_the_photo(work: Path) -> None:
    assert run("diorama", work / "photo.png", cwd=work).returncode == 0
    assert digest(work / "photo_diorama") == digest(work / "out")


def test_a_second_run_skips_what_is_done(work: Path) -> None:
    before = (work / "out").stat().st_mtime_ns
    done = run("diorama", "photo.png", "-o", "out", "--json", cwd=work)
    (scene,) = json.loads(done.stdout)["scenes"]
    assert (done.returncode, scene["status"]) == (0, "skipped")
    assert scene["layers"] >= 1
    assert (work / "out").stat().st_mtime_ns == before


def test_other_options_or_another_photo_need_overwrite(work: Path) -> None:
    before = digest(work / "out")
    assert_one_error(run("diorama", "photo.png", "-o", "out", "--edges", "hard", cwd=work), "out", "--overwrite")
    draw(work / "other.png", hue=60)
    assert_one_error(run("diorama", "other.png", "-o", "out", cwd=work), "out", "--overwrite")
    assert digest(work / "out") == before
    assert run("diorama", "photo.png", "-o", "out", "--edges", "hard", "--overwrite", cwd=work).returncode == 0
    assert json.loads((work / "out" / "scene.json").read_text())["settings"]["diorama"]["edges"] == "hard"
    assert {path.name for path in (work / "out").iterdir()} == CONTENTS


def test_an_edited_map_of_the_users_is_another_request(work: Path) -> None:
    words = ("diorama", "photo.png", "-o", "again", "--segments", "panoptic.png")
    for name in ("panoptic.png", "panoptic.json"):
        shutil.copy(work / "out" / name, work / name)
    assert run(*words, cwd=work).returncode == 0
    assert "there already" in run(*words, cwd=work).stdout
    with Image.open(work / "panoptic.png") as panoptic:
        panoptic.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(work / "panoptic.png")
    assert_one_error(run(*words, cwd=work), "again", "--overwrite")


@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
def test_what_maquette_did_not_make_is_left_alone(
    work: Path, overwrite: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(work)
    (work / "mine").mkdir()
    (work / "mine" / "letter.txt").write_text("dear")
    (work / "note.txt").write_text("note")
    (work / "fake").mkdir()
    (work / "fake" / "scene.json").write_text('{"by": "another program"}')
    (work / "broken").mkdir()
    (work / "broken" / "scene.json").write_text("{")
    before = digest(work)
    for name in ("mine", "note.txt", "fake", "broken", "note.txt/below"):
        assert main(["diorama", "photo.png", "-o", name, *overwrite]) == 2
        error = capsys.readouterr().err
        assert error.startswith("maquette: error: ") and name in error
        assert error.count("\n") == 1
    assert digest(work) == before


def test_a_file_of_the_users_in_a_scene_is_not_lost(work: Path) -> None:
    (work / "out" / "edited.blend").write_text("hours of work")
    assert_one_error(run("diorama", "photo.png", "-o", "out", "--overwrite", cwd=work), "edited.blend")
    assert (work / "out" / "edited.blend").read_text() == "hours of work"


# -- several photos ----------------------------------------------------------------------------------------------------


def test_several_photos_where_one_fails(tmp_path: Path) -> None:
    draw(tmp_path / "in" / "a.png")
    draw(tmp_path / "in" / "a.jpg", hue=30)
    (tmp_path / "in" / "bad.jpg").write_bytes(b"not a picture")
    (tmp_path / "in" / "notes.txt").write_text("not taken from a folder")
    done = run("diorama", "in", "missing.jpg", "-o", "out", "--json", cwd=tmp_path)
    scenes = {scene["input"]: scene for scene in json.loads(done.stdout)["scenes"]}
    assert {name: scene["status"] for name, scene in scenes.items()} == {
        "in/a.jpg": "made",
        "in/a.png": "made",
        "in/bad.jpg": "failed",
        "missing.jpg": "failed",
    }
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 2
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a_jpg", "a_png"}
    for name in ("in/a.jpg", "in/a.png"):
        scene = scenes[name]
        assert (tmp_path / scene["output"] / "scene.glb").is_file()
        assert scene["seconds"]["total"] == pytest.approx(
            sum(value for step, value in scene["seconds"].items() if step != "total"), abs=0.01
        )
        assert all(re.fullmatch("[0-9a-f]{64}", network["sha256"]) for network in scene["networks"])
    assert "bad.jpg" in scenes["in/bad.jpg"]["error"]


def test_every_bad_file_gets_one_line_and_stops_nothing(tmp_path: Path) -> None:
    expected = {}
    for name, (data, word) in bad_files().items():
        (tmp_path / f"{name}.jpg").write_bytes(data)
        expected[f"{name}.jpg"] = word
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "empty folder").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "locked.jpg").write_bytes(b"")
    (tmp_path / "locked.jpg").chmod(0)
    odd = ["loop.jpg", "empty folder", "pipe.jpg", "locked.jpg", "missing.jpg", "no*match.jpg", "/dev/null", "a" * 300]
    expected |= dict.fromkeys(odd, "")
    draw(tmp_path / "good.png")
    done = run("diorama", *expected, "good.png", "-o", "out", "--json", cwd=tmp_path)
    scenes = json.loads(done.stdout)["scenes"]
    assert len(scenes) == len(expected) + 1 >= 28
    assert [scene["status"] for scene in scenes] == ["failed"] * len(expected) + ["made"]
    for scene, (name, word) in zip(scenes, expected.items(), strict=False):
        assert name in scene["error"]
        assert word in scene["error"]
    assert done.returncode == 2
    assert done.stderr.splitlines() == [f"maquette: error: {scene['error']}" for scene in scenes[:-1]]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good"]


def test_a_quoted_pattern_is_expanded_and_a_rerun_says_what_was_done(tmp_path: Path) -> None:
    draw(tmp_path / "in" / "one.png")
    draw(tmp_path / "in" / "sub" / "two.png", hue=30)
    first = run("diorama", "in/**/*.png", "-o", "out", cwd=tmp_path)
    assert first.stdout.splitlines()[-1] == "2 made"
    draw(tmp_path / "in" / "three.png", hue=60)
    second = run("diorama", "in/**/*.png", "-o", "out", cwd=tmp_path)
    assert second.stdout.splitlines()[-1] == "2 skipped, 1 made"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"one", "two", "three"}


def test_one_map_does_not_fit_two_photos(made: Path) -> None:
    done = run("diorama", "photo.png", "--example", "coffee", "--depth", "out/depth.png", cwd=made)
    assert_one_error(done, "--depth", "one photo")


def test_folders_never_collide() -> None:
    photos = [Path(name) for name in ("a/x.jpg", "b/x.jpg", "X.png", "x_jpg.gif", "y.jpg", ".hidden", "z")]
    folders = scene_folders(photos, Path("out"), several=True)
    assert len({str(folder).casefold() for folder in folders}) == len(photos)
    assert all(folder.parent == Path("out") for folder in folders)
    assert folders[4:] == [Path("out/y"), Path("out/.hidden"), Path("out/z")]
    assert scene_folders(photos[:1], Path("out"), several=False) == [Path("out")]
    assert scene_folders(photos[:1], None, several=False) == [Path("x_diorama")]


# -- what it says ------------------------------------------------------------------------------------------------------


def test_quiet_says_nothing(work: Path) -> None:
    done = run("diorama", "photo.png", "-o", "new", "--quiet", cwd=work)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_traceback_only_with_debug(tmp_path: Path) -> None:
    assert_one_error(run("diorama", "missing.jpg", cwd=tmp_path), "missing.jpg")
    done = run("diorama", "missing.jpg", "--debug", cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        "",
        "nonsense",
        "diorama",
        "diorama --fill nonsense --example coffee",
        "diorama --layers many --example coffee",
        "diorama --layers -1 --example coffee",
        "diorama --move 7 --example coffee",
        "diorama --fov 200 --example coffee",
        "diorama --threads -1 --example coffee",
        "diorama --jobs 0 --example coffee",
        "diorama --example nonsense",
        "diorama --unknown photo.jpg",
        "diorama --depth missing.png --example coffee",
        "diorama --segments missing.png --example coffee",
        "diorama --models missing.onnx --example coffee",
        "diorama --models nonsense --example coffee",
        "diorama --models maquette-small, --example coffee",
        "diorama --models depth-anything-v2-small,metric3d-v2-small --example coffee",
        "diorama --models . --example coffee",
        "models",
        "models pull",
        "models pull nonsense",
        "models verify nonsense",
        "view",
        "view missing",
    ],
)
def test_bad_arguments_get_one_line(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words.split()) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("maquette: error: ")
    assert captured.err.count("\n") == 1
    assert "internal error" not in captured.err
    assert list(tmp_path.iterdir()) == []


def test_an_error_as_json(tmp_path: Path) -> None:
    done = run("view", "missing", "--json", cwd=tmp_path)
    assert_one_error(done)
    assert "missing" in json.loads(done.stdout)["error"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (maquette.PhotoError("a.jpg: torn\nin two"), 2),
        (OSError(28, "No space left on device", "out/scene.glb"), 2),
        (OSError("odd"), 2),
        (MemoryError(), 2),
        (ValueError("a bug\nof ours"), 1),
    ],
)
def test_every_error_is_one_line(error: Exception, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert Report().error(error)[0] == status
    captured = capsys.readouterr().err
    assert captured.startswith("maquette: error: ")
    assert captured.count("\n") == 1


def test_every_option_has_a_flag_with_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["diorama", "--help"])
    assert exit_.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for field in dataclasses.fields(maquette.DioramaOptions) + dataclasses.fields(maquette.PerceptionOptions):
        assert f" --{field.name.removesuffix('_deg').replace('_', '-')} " in text
    for sentence in ("Most layers to make; 0 lets the picture decide. [0]", "16-bit PNG in millimetres (0 = unknown)"):
        assert sentence in text


def test_flags_of_both_kinds_reach_the_scene(work: Path) -> None:
    words = "--style paper --planes facing --layers 2 --edges hard --fill spread --move 0.05 --seed 3 --fov 70".split()
    assert run("diorama", "photo.png", "-o", "new", *words, cwd=work).returncode == 0
    settings = json.loads((work / "new" / "scene.json").read_text())["settings"]
    assert settings["diorama"] == {
        "style": "paper",
        "planes": "facing",
        "layers": 2,
        "edges": "hard",
        "fill": "spread",
        "move": 0.05,
        "seed": 3,
    }
    assert settings["perception"]["fov_deg"] == 70


# -- what can happen to it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delay_s", [0.7, 1.2, 2.0])
def test_ctrl_c_leaves_nothing(tmp_path: Path, delay_s: float) -> None:
    draw(tmp_path / "big.png", size=(3000, 2000))
    process = subprocess.Popen(
        [sys.executable, "-m", "maquette", "diorama", "big.png", "-o", "out"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(delay_s)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGINT)  # a shell shows both as 130
    assert errors.splitlines() == ["maquette: interrupted; nothing half-written is left"]
    assert [path.name for path in tmp_path.iterdir()] == ["big.png"]


def test_a_full_disk_leaves_nothing(made: Path, tmp_path: Path) -> None:
    def small_files_only() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))

    done = run("diorama", made / "photo.png", "-o", tmp_path / "out", cwd=tmp_path, before=small_files_only)
    assert_one_error(done, "out")
    assert list(tmp_path.iterdir()) == []


NO_NETWORK = """
import sys
def refuse(event, arguments):
    if event.startswith(("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.bind")):
        raise AssertionError(f"the network is touched: {event} {arguments}")
sys.addaudithook(refuse)
from maquette.cli import main
status = main(sys.argv[1:])
heavy = {"torch", "transformers", "bpy", "ray", "huggingface_hub"} & set(sys.modules)
assert not heavy, heavy
sys.exit(status)
"""


def test_diorama_touches_no_network_and_loads_nothing_heavy(made: Path, tmp_path: Path) -> None:
    done = run("diorama", made / "photo.png", "-o", "out", cwd=tmp_path, program=("-c", NO_NETWORK))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "scene.glb").is_file()


def test_an_altered_network_is_refused(made: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(PACKAGE, tmp_path / "maquette", ignore=shutil.ignore_patterns("__pycache__", "train"))
    network = copy / "models" / "maquette-small.onnx"
    catalogue = json.loads((copy / "models" / "models.json").read_text())
    entry = next(entry for entry in catalogue["models"] if entry["name"] == "maquette-small")
    entry["sha256"] = hashlib.sha256(network.read_bytes()).hexdigest()
    (copy / "models" / "models.json").write_text(json.dumps(catalogue))
    env = {"PYTHONPATH": str(tmp_path)}
    assert run("models", "verify", cwd=tmp_path, **env).returncode == 0
    with network.open("r+b") as file:
        file.seek(5000)
        file.write(b"tampered")
    assert_one_error(run("models", "verify", cwd=tmp_path, **env), str(network))
    assert_one_error(run("diorama", made / "photo.png", "-o", "out", cwd=tmp_path, **env), str(network))
    assert not (tmp_path / "out").exists()


# -- the other verbs ---------------------------------------------------------------------------------------------------


def test_version_is_quick_and_tells_what_matters(tmp_path: Path) -> None:
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        done = run("--version", cwd=tmp_path)
        seconds.append(time.perf_counter() - started)
    assert done.returncode == 0
    for part in (f"maquette {maquette.__version__}", "python 3.", "numpy ", "onnxruntime ", "maquette-small: sha256 "):
        assert part in done.stdout
    assert min(seconds) < 0.8  # 0.4 s is the promise; machines that test are busy


def test_models_list_agrees_with_the_catalogue(tmp_path: Path) -> None:
    listed = json.loads(run("models", "list", "--json", cwd=tmp_path).stdout)["models"]
    catalogue = json.loads((PACKAGE / "models" / "models.json").read_text())["models"]
    assert [model["name"] for model in listed] == [model["name"] for model in catalogue]
    text = run("models", "list", cwd=tmp_path, MAQUETTE_CACHE=str(tmp_path)).stdout
    assert len(text.splitlines()) == len(catalogue)
    embedded = next(model for model in listed if model["name"] == "maquette-small")
    assert Path(embedded["path"]).is_file()


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; '{sys.executable}' -m maquette models list | true"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_view_opens_the_preview_in_the_browser(work: Path) -> None:
    page = (work / "out" / "preview.html").resolve()
    assert run("view", "out", "--print", cwd=work).stdout == f"{page}\n"
    browser = work / "browser"
    browser.write_text(f"#!{sys.executable}\nimport pathlib, sys\npathlib.Path('opened').write_text(sys.argv[1])\n")
    browser.chmod(0o755)
    assert run("view", "out", cwd=work, BROWSER=str(browser)).returncode == 0
    assert (work / "opened").read_text() == page.as_uri()


@pytest.mark.parametrize(("shell", "word"), [("bash", "--overwrite"), ("zsh", "--overwrite"), ("tcsh", "diorama")])
def test_completion_scripts(shell: str, word: str, tmp_path: Path) -> None:
    assert word in run("--print-completion", shell, cwd=tmp_path).stdout


def test_bash_completes_the_choices_of_an_option(tmp_path: Path) -> None:
    ask = """
    source <("$0" -m maquette --print-completion bash)
    COMP_WORDS=(maquette diorama --fill p) COMP_CWORD=3
    "$(complete -p maquette | sed 's/.*-F \\([^ ]*\\).*/\\1/')"
    echo "${COMPREPLY[@]}"
    """
    done = subprocess.run(["bash", "-c", ask, sys.executable], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["pyramid", "patch"]
