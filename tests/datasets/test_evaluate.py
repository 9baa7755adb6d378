"""Predictions against whole data sets: what is counted, found by name, refused and printed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from maquette.cli import main
from maquette.datasets import open_depth_set
from maquette.datasets.coco import PanopticFrame, PanopticSegment, open_panoptic, write_panoptic
from maquette.datasets.evaluate import compare_depth, depth_summary, measure_depth, measure_panoptic
from maquette.datasets.types import DepthOptions
from maquette.errors import MaquetteError
from maquette.metrics.depth import EIGEN_CROP, all_metrics
from tests.datasets.panoptic import CATEGORIES, disturbed, random_frame
from tests.datasets.tiny import Truth, make_diode, make_synced_nyu, save_millimetres, save_rgb


def predict(truth: Truth, folder: Path, seed: int, spread: float = 0.2) -> dict[str, np.ndarray]:
    """Save a noisy depth map for each frame as .npy, and return them."""
    rng = np.random.default_rng(seed)
    made = {}
    for name, (_, metres) in truth.items():
        made[name] = np.where(metres > 0, metres, 5) * np.exp(rng.normal(0.1, spread, metres.shape))
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(folder / f"{name}.npy", made[name])
    return made


def test_metrics_are_those_of_the_maps(tmp_path: Path) -> None:
    truth = make_diode(tmp_path / "diode")
    made = predict(truth, tmp_path / "ours", 0)
    found = depth_summary(measure_depth(open_depth_set(tmp_path / "diode"), tmp_path / "ours", DepthOptions(150)))
    for place, row in found.items():
        near = {
            name: np.where(metres <= 150, metres, 0) for name, (_, metres) in truth.items() if place in f"all {name}"
        }
        assert row["pictures"] == len(near) == {"indoor": 2, "outdoor": 1, "all": 3}[place]
        each = [all_metrics(made[name].astype(np.float32).clip(1e-3, 150), metres) for name, metres in near.items()]
        pooled = all_metrics(
            np.concatenate([made[name].astype(np.float32).clip(1e-3, 150) for name in near]),
            np.concatenate(list(near.values())),
        )
        for metric, value in pooled.items():
            assert row["metrics"][f"{metric}_pooled"] == pytest.approx(value)
            assert row["metrics"][metric] == pytest.approx(np.mean([one[metric] for one in each]))
        assert row["unknown"] == 0


def test_every_name_of_a_prediction_is_found(tmp_path: Path) -> None:
    truth = make_synced_nyu(tmp_path / "nyu")
    (a, (_, depth_a)), (b, (_, depth_b)), (c, (_, depth_c)) = truth.items()
    save_millimetres(tmp_path / "ours" / f"{a}.png", depth_a + (depth_a == 0))
    save_millimetres(tmp_path / "ours" / b / "depth.png", depth_b + (depth_b == 0))
    save_millimetres(tmp_path / "ours" / f"{Path(c).name}.png", depth_c + (depth_c == 0))
    measured = measure_depth(open_depth_set(tmp_path / "nyu"), tmp_path / "ours", DepthOptions(10))
    assert [row.name for row in measured] == [a, b, c]
    assert all(row.errors[""].rmse_m == pytest.approx(0, abs=1e-6) for row in measured)


def test_pixels_without_prediction_are_farthest_and_told(tmp_path: Path) -> None:
    save_rgb(tmp_path / "set" / "a.png", np.zeros((2, 2, 3), np.uint8))
    np.save(tmp_path / "set" / "a.depth.npy", np.array([[1.0, 2.0], [0.0, 40.0]]))
    (tmp_path / "ours").mkdir()
    np.save(tmp_path / "ours" / "a.npy", np.array([[1.0, 0.0], [0.0, np.nan]]))
    found = open_depth_set(tmp_path / "set")
    (row,) = measure_depth(found, tmp_path / "ours", DepthOptions(20))
    assert (row.errors[""].pixels, row.unknown) == (2, 1)
    assert row.errors[""].rmse_m == pytest.approx((18**2 / 2) ** 0.5)
    with pytest.raises(MaquetteError, match=r"no picture has a depth up to 0\.5 m"):
        measure_depth(found, tmp_path / "ours", DepthOptions(0.5))


def test_eigens_crop(tmp_path: Path) -> None:
    truth = np.ones((480, 640))
    save_rgb(tmp_path / "set" / "a.png", np.zeros((480, 640, 3), np.uint8))
    np.save(tmp_path / "set" / "a.depth.npy", truth)
    wrong_outside = truth * 2
    wrong_outside[EIGEN_CROP] = 1
    (tmp_path / "ours").mkdir()
    np.save(tmp_path / "ours" / "a.npy", wrong_outside)
    (row,) = measure_depth(open_depth_set(tmp_path / "set"), tmp_path / "ours", DepthOptions(crop="eigen"))
    assert (row.errors[""].pixels, row.errors[""].rmse_m) == (426 * 560, 0)
    make_diode(tmp_path / "diode")
    predict(make_diode(tmp_path / "diode"), tmp_path / "diodes", 0)
    with pytest.raises(MaquetteError, match="crop is of 640x480 pictures, this one is 16x12"):
        measure_depth(open_depth_set(tmp_path / "diode"), tmp_path / "diodes", DepthOptions(crop="eigen"))


def test_two_predictions_are_compared_picture_by_picture(tmp_path: Path) -> None:
    truth = make_diode(tmp_path / "diode")
    found = open_depth_set(tmp_path / "diode")
    measured = []
    for name, spread in (("worse", 0.4), ("better", 0.1)):
        predict(truth, tmp_path / name, 0, spread)
        measured.append(measure_depth(found, tmp_path / name, DepthOptions(300)))
    tests = compare_depth(*measured)
    assert {place: (test["pairs"], test["lower"]) for place, test in tests.items()} == {
        "indoor": (2, 2),
        "outdoor": (1, 1),
        "all": (3, 3),
    }
    before, after = ([row.errors[""].silog(1.0) for row in rows] for rows in measured)
    assert tests["all"]["p_two_sided"] == pytest.approx(stats.wilcoxon(before, after).pvalue)


def test_the_command_prints_every_metric(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = make_diode(tmp_path / "diode")
    predict(truth, tmp_path / "ours", 0)
    predict(truth, tmp_path / "theirs", 1, 0.3)
    words = [str(tmp_path / "diode"), str(tmp_path / "ours"), "--against", str(tmp_path / "theirs"), "--farthest", "80"]
    assert main(["datasets", "evaluate", *words]) == 0
    text = capsys.readouterr().out
    assert text.count("median scaled, pooled") == 6 and "silog_1" in text and "Wilcoxon p" in text
    assert main(["datasets", "evaluate", *words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["options"] == {"farthest_m": 80.0, "crop": "none"}
    metrics = document["predictions"][words[1]]["all"]["metrics"]
    assert len(metrics) == 8 * 4 * 2
    expected = depth_summary(measure_depth(open_depth_set(Path(words[0])), tmp_path / "ours", DepthOptions(80)))
    assert metrics == pytest.approx(expected["all"]["metrics"])
    assert document["wilcoxon"]["all"]["pairs"] == 3


def brute_force(pictures: list[tuple[PanopticFrame, PanopticFrame]]) -> dict[int, tuple[float, int, int, int]]:
    """Sum of IoU, matches, misses and spurious segments by category, with sets of pixels."""
    counts: dict[int, list[float]] = {}
    for truth, ours in pictures:
        void = set(np.flatnonzero(truth.ids == 0))
        theirs = {s: set(np.flatnonzero(truth.ids == s.id)) for s in truth.segments}
        found = {s: set(np.flatnonzero(ours.ids == s.id)) for s in ours.segments}
        used = set()
        for t, pixels in theirs.items():
            row = counts.setdefault(t.category_id, [0, 0, 0, 0])
            if t.iscrowd:
                continue
            for p, guess in found.items():
                iou = len(pixels & guess) / len(pixels | (guess - void))
                if p.category_id == t.category_id and iou > 0.5:
                    row[0] += iou
                    row[1] += 1
                    used.add(p)
                    break
            else:
                row[2] += 1
        for p, guess in found.items():
            if p not in used:
                groups = [pix for t, pix in theirs.items() if t.iscrowd and t.category_id == p.category_id]
                excused = void.union(*groups)
                counts.setdefault(p.category_id, [0, 0, 0, 0])[3] += len(guess & excused) <= 0.5 * len(guess)
    return {category: tuple(row) for category, row in counts.items()}


@pytest.mark.parametrize("crowds", [False, True])
def test_panoptic_quality_of_a_set_by_brute_force(tmp_path: Path, crowds: bool) -> None:
    pairs = [(frame, disturbed(frame, seed)) for seed in range(6) for frame in [random_frame(seed, crowds=crowds)]]
    write_panoptic(tmp_path / "truth", (truth for truth, _ in pairs), CATEGORIES)
    write_panoptic(tmp_path / "ours", (ours for _, ours in reversed(pairs)), CATEGORIES)
    found = measure_panoptic(*(open_panoptic(tmp_path / name / "panoptic.json") for name in ("truth", "ours")))
    expected = {category: row for category, row in brute_force(pairs).items() if sum(row[1:])}
    rows = {row["id"]: row for row in found["categories"] if row["matched"] + row["missed"] + row["spurious"]}
    assert set(rows) == set(expected)
    pq = {}
    for category, (iou_sum, matched, missed, spurious) in expected.items():
        row = rows[category]
        assert (row["matched"], row["missed"], row["spurious"]) == (matched, missed, spurious)
        pq[category] = iou_sum / (matched + (missed + spurious) / 2)
        assert row["pq"] == pytest.approx(pq[category])
    things = [category.id for category in CATEGORIES if category.isthing]
    assert found["all"]["pq"] == pytest.approx(np.mean(list(pq.values())))
    assert found["things"]["pq"] == pytest.approx(np.mean([pq[c] for c in pq if c in things]))
    assert found["stuff"]["pq"] == pytest.approx(np.mean([pq[c] for c in pq if c not in things]))
    assert 0.1 < found["all"]["pq"] < 0.9


def test_the_truth_is_perfect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_panoptic(tmp_path / "out", (random_frame(seed) for seed in range(3)), CATEGORIES)
    path = str(tmp_path / "out" / "panoptic.json")
    assert main(["datasets", "evaluate", path, path, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [found[group][key] for group in ("all", "things", "stuff") for key in ("pq", "sq", "rq")] == [1.0] * 9
    assert main(["datasets", "evaluate", path, path]) == 0
    assert "tree-merged" in capsys.readouterr().out


def test_what_cannot_be_compared_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = make_diode(tmp_path / "diode")
    predict(truth, tmp_path / "ours", 0)
    next((tmp_path / "ours").rglob("*outdoor*.npy")).unlink()
    frames = [random_frame(seed) for seed in range(2)]
    write_panoptic(tmp_path / "truth", frames, CATEGORIES)
    write_panoptic(tmp_path / "fewer", frames[:1], CATEGORIES)
    smaller = PanopticFrame(1001, "1.jpg", np.full((4, 4), 3, np.int32), (PanopticSegment(3, 1),))
    write_panoptic(tmp_path / "smaller", [frames[0], smaller], CATEGORIES)
    Image.new("L", (4, 4)).save(tmp_path / "grey.png")
    json_of = {name: tmp_path / name / "panoptic.json" for name in ("truth", "fewer", "smaller")}
    for words, said in (
        ((tmp_path / "diode", tmp_path / "ours"), "has no depth map for val/outdoor"),
        ((tmp_path / "diode", tmp_path / "none"), "has no depth map for"),
        ((tmp_path / "none", tmp_path / "ours"), "no such folder"),
        ((tmp_path / "diode", tmp_path / "ours", "--farthest", "x"), "--farthest"),
        ((json_of["truth"], json_of["fewer"]), "has no prediction for image 1001"),
        ((json_of["truth"], json_of["smaller"]), "another size"),
        ((json_of["truth"], tmp_path / "none.json"), "cannot be read as JSON"),
        ((json_of["truth"], tmp_path / "grey.png"), "cannot be read as JSON"),
        ((json_of["truth"], json_of["fewer"], "--against", json_of["truth"]), "--against compares depth"),
    ):
        assert main(["datasets", "evaluate", *map(str, words)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("maquette: error: ") and said in line, line


def test_a_category_that_the_truth_lacks_is_refused(tmp_path: Path) -> None:
    write_panoptic(tmp_path / "truth", [random_frame(0)], CATEGORIES)
    document = json.loads((tmp_path / "truth" / "panoptic.json").read_text())
    for entry in (*document["categories"], *document["annotations"][0]["segments_info"]):
        key = "id" if "name" in entry else "category_id"
        entry[key] += 1000
    (tmp_path / "truth" / "other.json").write_text(json.dumps(document))
    (tmp_path / "truth" / "panoptic").rename(tmp_path / "truth" / "other")
    ours = open_panoptic(tmp_path / "truth" / "other.json")
    (tmp_path / "truth" / "panoptic").symlink_to(tmp_path / "truth" / "other")
    with pytest.raises(MaquetteError, match="which the truth lacks"):
        measure_panoptic(open_panoptic(tmp_path / "truth" / "panoptic.json"), ours)
