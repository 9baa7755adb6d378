import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from scipy import stats

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")
pytest.importorskip("tensorboard")

from accelerate.state import AcceleratorState  # noqa: E402

from maquette.datasets import open_depth_set  # noqa: E402
from maquette.metrics.depth import all_metrics, mean_over_images  # noqa: E402
from maquette.train.depth.evaluate import compare, score, summary  # noqa: E402
from maquette.train.depth.predict import predict  # noqa: E402
from maquette.train.nets.glpn import Glpn, GlpnConfig, load_folder, save_folder  # noqa: E402
from maquette.train.nets.mit import MitConfig  # noqa: E402
from maquette.train.recipes import depth  # noqa: E402

pytestmark = pytest.mark.train

TINY = GlpnConfig(MitConfig((8, 16, 24, 32), (1, 1, 1, 1), (1, 2, 3, 4)), 16, 10.0)
SMALL = "--height 32 --width 64 --batch 2 --epochs 1"


@pytest.fixture(autouse=True)
def fresh_accelerate():
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture
def network(tmp_path):
    torch.manual_seed(5)
    save_folder(Glpn(TINY), tmp_path / "start")
    return tmp_path / "start"


def write_diode(folder, indoors, outdoors):
    """Pictures in DIODE's own layout: rooms of 2 to 12 m, streets of 3 to 200 m, their upper rows masked out."""
    rng = np.random.default_rng(indoors)
    for place, count, most in (("indoors", indoors, 12), ("outdoor", outdoors, 200)):
        scan = folder / place / "scene_00019" / "scan_00183"
        scan.mkdir(parents=True)
        for number in range(count):
            depth_m = np.linspace(rng.uniform(2, 3), most, 96 * 128, dtype=np.float32).reshape(96, 128)
            stem = f"00019_00183_{place}_{number:03d}_000"
            grey = np.clip(depth_m * (250 / most) + rng.normal(0, 4, depth_m.shape), 0, 255).astype(np.uint8)
            Image.fromarray(grey).convert("RGB").save(scan / f"{stem}.png")
            mask = np.ones(depth_m.shape, np.float32)
            mask[: rng.integers(1, 20)] = 0
            np.save(scan / f"{stem}_depth.npy", depth_m[..., None])
            np.save(scan / f"{stem}_depth_mask.npy", mask)
    return folder


def test_scores_are_those_of_each_picture(tmp_path):
    frames = open_depth_set(write_diode(tmp_path / "val", 3, 2))
    torch.manual_seed(0)
    nets = {"near": Glpn(TINY), "far": Glpn(TINY).with_range(150.0)}
    scores, _ = score(nets, [frames], (32, 64), 150.0)
    expected = {name: [] for name in nets}
    for frame in frames:
        truth = np.where(frame.depth_m <= 150, frame.depth_m, 0)
        for name, net in nets.items():
            expected[name].append(all_metrics(predict(net, frame.rgb, (32, 64)), truth))
    found = summary(scores)
    for subset, rows in (("indoor", slice(3)), ("outdoor", slice(3, 5)), ("all", slice(5))):
        for name, all_rows in expected.items():
            for metric, value in mean_over_images(all_rows[rows]).items():
                assert found[subset][name][metric] == pytest.approx(value)
    first, second = ([row["silog_1"] for row in expected[name]] for name in nets)
    assert compare(scores, *nets)["all"].p_two_sided == pytest.approx(stats.wilcoxon(first, second).pvalue)


def test_fine_tuning_from_a_folder(tmp_path, network, capsys):
    """Train, stop, go on, evaluate two networks, each by its verb."""
    data = write_diode(tmp_path / "data", 6, 6)
    command = f"train --data {data} --work {tmp_path}/work --start {network} --max-depth 150 --rate 1e-3 {SMALL}"
    assert depth.main([*command.split(), "--until", "2"]) == 0
    assert not (tmp_path / "work" / "network").exists()
    assert depth.main(command.split()) == 0
    tuned = tmp_path / "work" / "network"
    assert load_folder(tuned).config.max_depth == 150
    assert json.loads((tmp_path / "work" / "training.json").read_text())["steps"] == 6
    capsys.readouterr()
    assert (
        depth.main(f"evaluate --data {data} --network {network} --network {tuned} --height 32 --width 64".split()) == 0
    )
    out = capsys.readouterr().out
    assert [line.split("|")[1:3] for line in out.splitlines()[2:8]] == [
        [f" {subset} ", f" {name} "] for subset in ("indoor", "outdoor", "all") for name in ("1 start", "2 network")
    ]
    assert out.count("p = ") == 3


@pytest.mark.parametrize("pretrained", [True, False])
def test_the_experiment_on_diode(tmp_path, network, pretrained, capsys):
    write_diode(tmp_path / "diode" / "train", 8, 8)
    write_diode(tmp_path / "diode" / "val", 3, 3)
    command = f"experiment --diode {tmp_path}/diode --work {tmp_path}/work {SMALL} --size b0 --pretrain-epochs 1"
    command += f" --start {network}" if pretrained else ""
    assert depth.main(command.split()) == 0
    table = capsys.readouterr().out.strip()
    assert (tmp_path / "work" / "report.md").read_text().strip() == table
    report = json.loads((tmp_path / "work" / "report.json").read_text())
    assert report["tested_on"]["frames"] == 6
    assert (tmp_path / "work" / "pre-trained").exists() is not pretrained
    for subset in ("indoor", "outdoor", "all"):
        for net in ("pre-trained", "fine-tuned"):
            rows = [row[net]["silog_1"] for row in report["pictures"] if subset in (row["place"], "all")]
            assert report["metrics"][subset][net]["silog_1"] == pytest.approx(np.mean(rows))
    checkpoint = (tmp_path / "work" / "fine-tuned" / "checkpoint.pt").stat().st_mtime_ns
    assert depth.main(command.split()) == 0
    assert (tmp_path / "work" / "fine-tuned" / "checkpoint.pt").stat().st_mtime_ns == checkpoint
    assert capsys.readouterr().out.strip() == table


@pytest.mark.slow
def test_the_experiment_makes_its_worlds(tmp_path, capsys):
    pytest.importorskip("moderngl")
    command = f"experiment --work {tmp_path} --scenes 12 --size b0 --pretrain-epochs 1 {SMALL}"
    assert depth.main(command.split()) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert {name: entry["frames"] for name, entry in report["learned_from"].items()} == {
        "room": 12,
        "street": 6,
        "landscape": 6,
    }
    assert [row["place"] for row in report["pictures"]] == ["indoor", "indoor", "outdoor", "outdoor"]
    again = depth.main(f"experiment --work {tmp_path}/again --worlds {tmp_path}/worlds --size b0 {SMALL}".split())
    assert again == 0
    assert capsys.readouterr().out.count("| fine-tuned |") == 6


@pytest.mark.slow
def test_two_processes_share_a_training(tmp_path):
    data = write_diode(tmp_path / "data", 6, 6)
    launch = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--cpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
    ]
    command = f"-m maquette.train depth train --data {data} --work {tmp_path}/work --size b0 {SMALL}"
    done = subprocess.run([*launch, *command.split()], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "work" / "training.json").read_text())["steps"] == 6
    assert load_folder(tmp_path / "work" / "network").config.max_depth == 150


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("train --data {0}/none --work {0}/work --start {0}/start", "none: no such folder"),
        ("train --data {0} --work {0}/work --height 40", "--height must be a multiple of 32, not 40"),
        (
            "train --data {0} --work {0}/work --crop-width 672",
            "--crop-width must be a multiple of 32 up to 640",
        ),
        ("train --data {0} --work {0}/work --batch 0", "--batch must be 1 or more, not 0"),
        ("evaluate --data {0} --network {0}/none", "config.json: cannot be read"),
        ("export --network {0}/start --out {0}/net.onnx --width 65", "--width must be a multiple of 32, not 65"),
    ],
)
def test_what_cannot_be_done_is_one_line(command, message, tmp_path, network, capsys):
    assert depth.main(command.format(tmp_path).split()) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line
