"""``maquette diorama --models`` and ``maquette models`` as a user runs them, on networks of a few dozen weights."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from maquette.cli import main
from maquette.models.catalogue import EMBEDDED, cached_file, resolve
from tests.perception import tiny


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a picture of a wall over a floor, in which the program runs, and an empty cache."""
    rgb = np.empty((60, 80, 3), np.uint8)
    rgb[:30], rgb[30:] = tiny.COLOURS["wall"], tiny.COLOURS["floor"]
    Image.fromarray(rgb).save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAQUETTE_CACHE", str(tmp_path / "cache"))
    return tmp_path


def diorama(*words: str) -> int:
    return main(["diorama", "photo.png", "-o", "out", *words])


def glb_extras(path: Path) -> dict:
    data = path.read_bytes()
    length = int.from_bytes(data[12:16], "little")
    return json.loads(data[20 : 20 + length])["asset"]["extras"]


def test_the_terms_of_what_was_used_are_printed_and_saved(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    depth = tiny.depth(work / "far.onnx", "metric")
    card = json.loads(depth.with_suffix(".json").read_text())
    terms = {"licence_code": "MIT", "licence_weights": "CC0-1.0", "training_data": "a ramp " * 50}
    depth.with_suffix(".json").write_text(json.dumps(card | terms | {"tag": "v3"}))
    segments = tiny.label_logits(work / "what.onnx")
    assert diorama("--models", "far.onnx,what.onnx") == 0
    lines = capsys.readouterr().out.splitlines()
    digest = hashlib.sha256(depth.read_bytes()).hexdigest()
    (line,) = (line for line in lines if line.startswith("far v3"))
    assert line.startswith(f"far v3 ({digest[:12]}): code MIT, weights CC0-1.0, learned from a ramp a ramp")
    assert len(line) < 180
    assert {line.split()[0] for line in lines if "learned from" in line} == {EMBEDDED, "far", "what"}

    saved = json.loads((work / "out" / "scene.json").read_text())["settings"]
    assert glb_extras(work / "out" / "scene.glb")["settings"] == saved
    networks = {network["name"]: network for network in saved["networks"]}
    assert networks["far"] == {"name": "far", "tag": "v3", "sha256": digest, **terms}
    assert networks["what"]["sha256"] == hashlib.sha256(segments.read_bytes()).hexdigest()
    own = resolve(EMBEDDED)
    assert networks[EMBEDDED]["training_data"] == own.training_data
    files = [[file["file"] for file in model] for model in saved["perception"]["models"]]
    assert files == [["far.onnx", "far.json"], ["what.onnx", "what.json"]]

    assert main(["diorama", "photo.png", "-o", "out", "--models", "far.onnx,what.onnx", "--json"]) == 0
    (scene,) = json.loads(capsys.readouterr().out)["scenes"]
    assert (scene["status"], scene["networks"]) == ("skipped", saved["networks"])
    assert main(["diorama", "photo.png", "-o", "again", "--models", "far.onnx,what.onnx"]) == 0
    for file in (work / "out").rglob("*"):
        assert file.is_dir() or file.read_bytes() == (work / "again" / file.relative_to(work / "out")).read_bytes()


def test_a_scene_of_another_network_is_not_taken_for_done(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny.depth(work / "net.onnx", "metric")
    assert diorama("--models", "net.onnx") == 0
    tiny.depth(work / "net.onnx", "metric", scale=7)
    assert diorama("--models", "net.onnx") == 2
    assert "--overwrite" in capsys.readouterr().err


def not_onnx(path: Path) -> None:
    path.write_text("a text that somebody named so")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def gone(path: Path) -> None:
    path.unlink()


def tampered(path: Path) -> None:
    card = path.with_suffix(".json")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    card.write_text(json.dumps(json.loads(card.read_text()) | {"sha256": digest}))
    path.write_bytes(path.read_bytes()[:-20] + bytes([path.read_bytes()[-20] ^ 1]) + path.read_bytes()[-19:])


def without_weights(path: Path) -> None:
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    (path.parent / "weights.bin").unlink()


def other_output(path: Path) -> None:
    shutil.copy(tiny.label_indices(path.with_name("other.onnx")), path)


def three_maps(path: Path) -> None:
    card = path.with_suffix(".json").read_text()
    tiny.label_logits(path)
    path.with_suffix(".json").write_text(card.replace('"name": "depth"', '"name": "logits"'))


def not_a_number(path: Path) -> None:
    tiny.depth(path, "metric", scale=float("nan"))


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (not_onnx, "not a usable ONNX network"),
        (empty, "not a usable ONNX network"),
        (truncated, "not a usable ONNX network"),
        (a_folder, "a folder; give the path of an ONNX file"),
        (gone, "no such file"),
        (tampered, "not the file of network net"),
        (without_weights, "not a usable ONNX network"),
        (other_output, "has no output depth; it has labels"),
        (three_maps, "output logits has shape (1, 4,"),
        (not_a_number, "no usable depth"),
    ],
)
def test_a_file_that_is_no_network_gets_one_line_and_leaves_nothing(
    work: Path, capsys: pytest.CaptureFixture[str], harm, says: str
) -> None:
    path = tiny.depth(work / "net.onnx", "metric")
    harm(path)
    assert diorama("--models", "net.onnx") == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("maquette: error: net") and says in captured.err
    assert captured.err.count("\n") == 1 and "internal error" not in captured.err
    assert captured.out == ""
    assert not [entry.name for entry in work.iterdir() if "out" in entry.name]


def test_a_wrong_name_costs_one_line_however_many_photos(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy("photo.png", "second.png")
    assert main(["diorama", ".", "-o", "out", "--models", "missing.onnx"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_listing_says_what_nobody_has_verified(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def listed() -> dict[str, dict]:
        assert main(["models", "list", "--json"]) == 0
        return {model["name"]: model for model in json.loads(capsys.readouterr().out)["models"]}

    before = listed()
    for name, model in before.items():
        ours = resolve(name).source is None
        assert model["verified"] == ours and (model["sha256"] is not None) == ours
    pulled = cached_file(resolve("moge-2-small"))
    pulled.parent.mkdir()
    pulled.write_bytes(b"x")
    digest = hashlib.sha256(b"x").hexdigest()
    (pulled.parent / "lock.json").write_text(json.dumps({pulled.name: digest}))
    after = listed()
    assert (after["moge-2-small"]["verified"], after["moge-2-small"]["sha256"]) == (True, digest)
    assert main(["models", "list"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert " verified" in lines["moge-2-small"] and "on this machine" in lines["moge-2-small"]
    assert "unverified" in lines["moge-2-base"] and "not pulled" in lines["moge-2-base"]
    assert main(["models", "verify"]) == 0
    capsys.readouterr()


@pytest.mark.parametrize("harm", [truncated, a_folder, empty])
def test_verify_finds_what_is_not_the_file_that_was_pulled(
    work: Path, capsys: pytest.CaptureFixture[str], harm
) -> None:
    pulled = cached_file(resolve("moge-2-small"))
    pulled.parent.mkdir()
    pulled.write_bytes(b"true bytes")
    (pulled.parent / "lock.json").write_text(json.dumps({pulled.name: hashlib.sha256(b"true bytes").hexdigest()}))
    harm(pulled)
    for verb in (["models", "verify"], ["models", "verify", "moge-2-small"], ["models", "pull", "moge-2-small"]):
        assert main(verb) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and str(pulled) in error and "maquette models pull moge-2-small" in error
    assert diorama("--models", "moge-2-small") == 2
    assert str(pulled) in capsys.readouterr().err


def test_the_licence_is_shown_before_anything_is_fetched(work: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "maquette", "models", "pull", "depth-anything-v2-base"],
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "CC-BY-NC-4.0" in done.stdout and "learned from" in done.stdout
    assert done.stderr.count("\n") == 1 and "HF_HUB_OFFLINE" in done.stderr
