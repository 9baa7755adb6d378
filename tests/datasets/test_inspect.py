"""The table of depths, against NumPy's own quantiles of all values at once."""

from __future__ import annotations

import json
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from maquette.cli import main
from maquette.datasets import DepthFrame, open_depth_set
from maquette.datasets.inspect import summarize, table
from maquette.datasets.statistics import QUANTILES
from tests.datasets.tiny import depth, make_diode, picture


def frames() -> list[DepthFrame]:
    rng = np.random.default_rng(0)
    return [
        DepthFrame(str(number), place, picture(rng, 40, 50), depth(rng, 40, 50, farthest))
        for number, (place, farthest) in enumerate([("indoor", 10), ("outdoor", 300), ("indoor", 5), (None, 90)])
    ]


def test_the_table_is_numpys() -> None:
    made = frames()
    found = summarize(made)
    assert list(found) == ["indoor", "outdoor", "all"]
    for place, row in found.items():
        chosen = [frame.depth_m for frame in made if place in (frame.place, "all")]
        known = np.concatenate([metres[metres > 0] for metres in chosen]).astype(np.float64)
        assert row["pictures"] == len(chosen)
        assert row["valid"] == pytest.approx(known.size / (2000 * len(chosen)))
        assert (row["minimum"], row["maximum"]) == (known.min(), known.max())
        assert row["average"] == pytest.approx(known.mean())
        exact = np.quantile(known, QUANTILES, method="inverted_cdf")
        assert list(row["quantiles"].values()) == pytest.approx(exact, rel=7e-4)


def test_no_frame_is_kept() -> None:
    alive: weakref.WeakSet[DepthFrame] = weakref.WeakSet()

    def one_by_one() -> Iterator[DepthFrame]:
        for number in range(20):
            frame = DepthFrame(str(number), "indoor", np.zeros((4, 4, 3), np.uint8), np.ones((4, 4), np.float32))
            alive.add(frame)
            assert len(alive) <= 3
            yield frame

    assert summarize(one_by_one())["all"]["pictures"] == 20


def test_every_row_of_the_papers_table_is_printed() -> None:
    lines = table(summarize(frames())).splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        "pictures", "valid", "depth in m", "minimum", "average", "maximum", *(f"Q {share:g}" for share in QUANTILES),
    ]  # fmt: skip
    assert lines[0].split() == ["pictures", "2", "1", "4"]


def test_a_set_without_any_depth_has_zeros() -> None:
    empty = DepthFrame("a", None, np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.float32))
    assert summarize([empty])["all"]["valid"] == 0.0


def test_the_command_prints_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_diode(tmp_path)
    assert main(["datasets", "inspect", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path}: diode\n{table(summarize(open_depth_set(tmp_path)))}\n"
    assert main(["datasets", "inspect", str(tmp_path), "--layout", "diode", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == {
        "dataset": str(tmp_path),
        "layout": "diode",
        "depth_m": summarize(open_depth_set(tmp_path)),
    }


def test_a_bad_file_is_one_line_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_diode(tmp_path)
    next(tmp_path.rglob("*outdoor*_depth.npy")).write_bytes(b"torn")
    for words in ((tmp_path,), (tmp_path / "none",), (tmp_path, "--layout", "nyu"), (tmp_path, "--layout", "kitti")):
        assert main(["datasets", "inspect", *map(str, words)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("maquette: error: ") and "internal error" not in line
