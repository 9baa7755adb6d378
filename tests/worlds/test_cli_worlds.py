"""``maquette worlds``: every verb, what it prints, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maquette.cli import main
from maquette.cli.flags import from_flags
from maquette.cli.parser import make_parser
from maquette.worlds.options import TruthOptions
from maquette.worlds.run import read

pytest.importorskip("moderngl")

SMALL = ("--counts", "table=1", "--width", "48", "--height", "40")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cli") / "data"
    assert main(["worlds", "generate", "-o", str(out), "--scenes", "3", "--workers", "1", "--quiet", *SMALL]) == 0
    return out


def refused(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """The one line of an error."""
    assert main(["worlds", *map(str, words)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("maquette: error: ") and "internal error" not in line
    return line


def test_generate_says_what_it_did(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["worlds", "generate", "-o", str(data), "--scenes", "3", *SMALL]
    assert main(words) == 0
    assert capsys.readouterr().out == f"{data}: 3 scenes, there already\n"
    assert main([*words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["output"], document["scenes"], document["made"]) == (str(data), 3, 0)


def test_flags_reach_the_data_set(data: Path) -> None:
    settings = read(data)[0].settings
    assert (settings["options"]["counts"], settings["options"]["width"]) == ("table=1", 48)


def test_flags_that_are_yes_or_no() -> None:
    words = ["worlds", "generate", "-o", "x", "--no-amodal", "--shapes", "--grid", "no"]
    truth = from_flags(TruthOptions, make_parser().parse_args(words))
    assert truth == TruthOptions(amodal=False, shapes=True, grid="no")
    assert from_flags(TruthOptions, make_parser().parse_args(words[:4])) == TruthOptions()


def test_inspect_counts(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worlds", "inspect", str(data)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("3 scenes (3 studio), 9 pictures\n") and "Q 0.5" in text
    assert main(["worlds", "inspect", str(data), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    depths = np.concatenate([view.depth_m.ravel() for record in read(data) for view in record.views])
    assert document["depth_m"]["studio"]["maximum"] == pytest.approx(float(depths.max()))
    tables = sum(entry.family == "table" for record in read(data) for entry in record.objects)
    assert document["families"].get("table", {"count": 0})["count"] == tables


def test_preview_of_a_data_set_and_of_options_are_the_same_picture(data: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one.png", tmp_path / "other.png"
    assert main(["worlds", "preview", str(data), "-o", str(one), "--scenes", "2", "--first", "1", "--quiet"]) == 0
    assert main(["worlds", "preview", "-o", str(other), "--scenes", "2", "--first", "1", "--quiet", *SMALL]) == 0
    with Image.open(one) as a, Image.open(other) as b:
        # normals are stored as float16, which may round a colour the other way
        assert np.abs(np.asarray(a).astype(int) - np.asarray(b)).max() <= 1


def test_render_writes_one_world_larger(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from maquette.perception.files import read_depth, read_segments

    out = tmp_path / "out"
    assert main(["worlds", "render", str(data), "--number", "2", "--scale", "2", "-o", str(out), "--json"]) == 0
    record = read(data)[2]
    assert json.loads(capsys.readouterr().out) == {
        "output": str(out),
        "name": record.name,
        "kind": "studio",
        "objects": len(record.objects),
        "pictures": 3,
    }
    larger = read(out.parent)[0]
    assert larger.pictures.shape == (3, 80, 96, 3)
    assert [entry.box for entry in larger.objects] == [entry.box for entry in record.objects]
    view = larger.views[1]
    depth = read_depth(out / "view1" / "depth.png", 96, 80)
    assert np.nanmax(np.abs(depth - view.depth_m)) <= 0.0005 + 1e-6
    ids, segments = read_segments(out / "view1" / "panoptic.png", 96, 80)
    labels = {segment.id: segment.label.id for segment in segments}
    assert np.array_equal(np.vectorize(labels.__getitem__)(ids), view.semantic)
    things = [entry.id for entry in larger.objects if entry.isthing]
    assert np.array_equal(np.where(np.isin(view.instance, things), view.instance, 0), np.where(ids < 60000, ids, 0))
    trimesh = pytest.importorskip("trimesh")
    scene = trimesh.load_scene(out / "scene.glb")
    assert len(scene.geometry) >= len(record.objects)
    assert (out / "sheet.png").stat().st_size


def test_what_cannot_be_is_refused(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = tmp_path / "new"
    for words, said in (
        (("generate", "-o", data, "--scenes", "4", *SMALL), "begun with scenes 3, not 4"),
        (("generate", "-o", new, "--scenes", "0"), "--scenes must be 1 or more"),
        (("generate", "-o", new, "--workers", "0"), "--workers must be 1 or more"),
        (("generate", "-o", new, "--kind", "palace"), "invalid choice"),
        (("generate", "-o", new, "--assets", tmp_path / "none"), "cannot be read"),
        (("generate",), "-o"),
        (("inspect", tmp_path / "none"), "no such folder"),
        (("preview", data, "--first", "3"), "holds 3 scenes"),
        (("preview", data, "--kind", "room"), "leave out --kind"),
        (("preview", "--scenes", "0"), "--scenes must be 1"),
        (("render", data, "-o", new, "--no-amodal"), "leave out --amodal"),
        (("render", data, "-o", data), "already there"),
        (("render", "-o", new, "--scale", "0"), "--scale must be 1"),
        (("render", tmp_path, "-o", new), "index.json: cannot be read"),
    ):
        assert said in refused(capsys, *words), words
    assert not new.exists()
