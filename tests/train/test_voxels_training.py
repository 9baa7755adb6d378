import dataclasses
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from maquette.errors import MaquetteError  # noqa: E402
from maquette.train.nets.extractor import MobileNet  # noqa: E402
from maquette.train.recipes import voxels as recipe  # noqa: E402
from maquette.train.voxels import files  # noqa: E402
from maquette.train.voxels.data import Rooms, prepare, to_bytes  # noqa: E402
from maquette.train.voxels.loop import Trainer, make_network  # noqa: E402
from maquette.train.voxels.options import LAPTOP, TrainOptions  # noqa: E402
from maquette.voxels.rig import fit, studio_cameras, studio_grid  # noqa: E402
from maquette.worlds.record import CLASSES  # noqa: E402

pytestmark = pytest.mark.train

CHANNELS = (2, 3, 4)
TINY = TrainOptions(widths=(4, 4, 4, 4), fusion_width=2, fusion_depth=1, epochs=2, batch=2, batch_segment=2, patience=9)


def made_rooms(count, seed=0, channels=CHANNELS, extractor="noise"):
    """Rooms with one block each, whose pictures show noise."""
    rng = np.random.default_rng(seed)
    cells = np.zeros((count, 80, 96, 64), np.uint8)
    for room in cells:
        x, y, kind = rng.integers(60), rng.integers(70), rng.integers(6)
        room[x : x + 20, y : y + 20, :12] = 1 | 2 << kind
    blank = np.zeros((224, 224, 3), np.uint8)
    projection = [fit(blank, camera, studio_grid())[1] for camera in studio_cameras(224, 224)]
    features = [
        rng.standard_normal((count, 3, width, side, side)).astype(np.float16)
        for width, side in zip(channels, (56, 28, 14), strict=True)
    ]
    return Rooms(
        *features,
        image=rng.integers(0, 256, (count, 3, 3, 224, 224), np.uint8),
        projection=np.repeat(np.stack(projection)[None], count, 0),
        cells=cells,
        depth=rng.uniform(1, 5, (count, 3, 112, 112)).astype(np.float16),
        label=rng.integers(0, 7, (count, 3, 112, 112), np.uint8),
        extractor=extractor,
        source="made",
    )


ROOMS, VALIDATION = made_rooms(4), made_rooms(2, seed=1)


def options(network, **kwargs):
    return dataclasses.replace(TINY, network=network, **kwargs)


def bits(net):
    return {name: value.numpy().tobytes() for name, value in net.state_dict().items()}


# Loop


@pytest.mark.slow
@pytest.mark.parametrize(
    "given",
    [options("lifting", dice=1.0, auxiliary=0.3, precision="bf16"), options("everted", epochs=1)],
    ids=["lifting", "everted"],
)
def test_training_goes_on_bit_by_bit(given, tmp_path):
    whole = Trainer(ROOMS, VALIDATION, given)
    whole.run(tmp_path / "whole")
    epochs = len(whole.history)
    assert whole.finished and epochs == given.epochs * len(given.stages())
    for _ in range(epochs):
        part = Trainer(ROOMS, VALIDATION, given)
        if (tmp_path / "part" / "checkpoint.pt").exists():
            part.load(tmp_path / "part" / "checkpoint.pt")
        part.run(tmp_path / "part", until=len(part.history) + 1)
    assert part.finished and part.rooms_seen == whole.rooms_seen
    assert bits(part.net) == bits(whole.net)
    losses = [[record["loss"] for record in trainer.history] for trainer in (part, whole)]
    assert losses[0] == losses[1]


def test_a_checkpoint_of_other_options_is_refused(tmp_path):
    trainer = Trainer(ROOMS, VALIDATION, options("lifting"))
    trainer.save(tmp_path / "checkpoint.pt")
    with pytest.raises(MaquetteError, match="other values of rate"):
        Trainer(ROOMS, VALIDATION, options("lifting", rate=0.5)).load(tmp_path / "checkpoint.pt")


@pytest.mark.slow
def test_segmentation_leaves_reconstruction_as_it_is(tmp_path):
    trainer = Trainer(ROOMS, VALIDATION, options("everted", epochs=1))
    trainer.run(tmp_path, until=2)
    assert trainer.stages[trainer.stage].part == "segment"
    before = {name: value.clone() for name, value in trainer.net.state_dict().items()}
    trainer.run(tmp_path)
    changed = {
        name.partition(".")[0] for name, value in trainer.net.state_dict().items() if not value.equal(before[name])
    }
    assert changed == {"segment", "fuse_classes"}


def test_lifting_learns_from_the_pictures_alone_at_first(tmp_path):
    trainer = Trainer(ROOMS, VALIDATION, options("lifting", auxiliary=0.3, epochs=1))
    before = {name: value.clone() for name, value in trainer.net.state_dict().items()}
    trainer.run(tmp_path, until=1)
    changed = {
        name.partition(".")[0] for name, value in trainer.net.state_dict().items() if not value.equal(before[name])
    }
    assert changed == {"pictures"} and "iou" not in trainer.history[0]
    assert trainer.stages[trainer.stage].part == "both"


def test_the_papers_stages():
    stages = options("everted", epochs=100, batch=16, batch_segment=8).stages()
    assert [(stage.part, stage.views, stage.batch) for stage in stages] == [
        ("reconstruct", (1,), 16),
        ("reconstruct", (3,), 16),
        ("segment", (1,), 8),
        ("segment", (3,), 8),
    ]


def test_an_epoch_is_a_pass_over_its_rooms():
    trainer = Trainer(made_rooms(7), VALIDATION, options("lifting", epoch_rooms=5))
    for trainer.epoch, expected in ((0, 4), (1, 4)):  # five rooms make two batches of two
        found = [batch.cells[row].numpy().tobytes() for batch in trainer.batches() for row in range(2)]
        assert len(found) == len(set(found)) == expected


def test_the_rate_is_halved_and_patience_ends_a_stage(tmp_path, monkeypatch):
    trainer = Trainer(ROOMS, VALIDATION, options("lifting", epochs=9, step=2, patience=3, rate=1e-3))
    rates, losses = [], iter([3.0, 1.0, 2.0, 2.0, 2.0, 0.5])
    weights = []

    def learn():
        rates.append(trainer.rate)
        with torch.no_grad():
            trainer.net.decide[-1].bias.fill_(float(trainer.epoch))
        weights.append(trainer.epoch)
        return 0.0

    monkeypatch.setattr(trainer, "learn", learn)
    monkeypatch.setattr(trainer, "validate", lambda: {"loss": next(losses)})
    trainer.run(tmp_path)
    assert trainer.finished and weights == [0, 1, 2, 3, 4] and rates[:4] == [1e-3, 1e-3, 5e-4, 5e-4]
    assert (trainer.net.decide[-1].bias == 1).all()  # those of the lowest error


def test_options_that_mean_nothing_are_refused():
    for wrong in (
        {"epochs": 0},
        {"percent": (100, 50)},
        {"widths": (8, 8)},
        {"batch": 0},
        {"rate": 0.0},
        {"dropout": 1.0},
        {"cameras": 2},
        {"epoch_rooms": -1},
    ):
        with pytest.raises(MaquetteError):
            Trainer(ROOMS, VALIDATION, options("lifting", **wrong))
    with pytest.raises(MaquetteError, match="make no batch"):
        Trainer(ROOMS, VALIDATION, options("lifting", batch=5))


# Data


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    pytest.importorskip("moderngl")
    from maquette.worlds.options import TruthOptions, WorldOptions
    from maquette.worlds.run import generate

    folder = tmp_path_factory.mktemp("worlds") / "two"
    try:
        generate(WorldOptions("studio"), TruthOptions(amodal=False), folder, scenes=2, seed=3, workers=1)
    except MaquetteError as error:
        pytest.skip(str(error))
    return folder


def test_rooms_hold_what_the_worlds_do(dataset, tmp_path):
    from maquette.worlds.run import read

    extractor = MobileNet()
    rooms = prepare(dataset, tmp_path / "kept", extractor)
    assert len(rooms) == 2
    for number, record in enumerate(read(dataset)):
        assert ((rooms.cells[number] & 1 > 0) == record.occupancy).all()
        for index in range(len(CLASSES)):
            assert (((rooms.cells[number] >> (index + 1)) & 1 > 0) == record.classes[..., index]).all()
        families = {thing.id: thing.family for thing in record.objects}
        for at, view in enumerate(record.views):
            np.testing.assert_array_equal(rooms.image[number, at], view.rgb.transpose(2, 0, 1))
            names = ["", *CLASSES]
            for row, column in np.random.default_rng(at).integers(0, 112, (50, 2)):
                family = families.get(int(view.instance[2 * row + 1, 2 * column + 1]), "")
                assert names[rooms.label[number, at, row, column]] == (family if family in CLASSES else "")
                depth_m = view.depth_m[2 * row + 1, 2 * column + 1]
                assert rooms.depth[number, at, row, column] == pytest.approx(depth_m, rel=1e-3)
        image = torch.from_numpy(rooms.image[number].astype(np.float32)) / 127.5 - 1
        np.testing.assert_allclose(rooms.f16[number], extractor(image).f16.numpy(), atol=0.05)
    written = (tmp_path / "kept" / "f4.npy").stat().st_mtime_ns
    prepare(dataset, tmp_path / "kept", extractor)
    assert (tmp_path / "kept" / "f4.npy").stat().st_mtime_ns == written


def test_pixels_survive():
    values = np.arange(256, dtype=np.uint8)
    assert (to_bytes(values.astype(np.float32) / np.float32(127.5) - 1) == values).all()


def test_other_worlds_are_refused(tmp_path):
    from PIL import Image

    scene = tmp_path / "data" / "scene"
    scene.mkdir(parents=True)
    for name in ("0.png", "1.png", "2.png"):
        Image.new("RGB", (224, 224)).save(scene / name)
    with pytest.raises(MaquetteError):
        prepare(tmp_path / "data", tmp_path / "kept", MobileNet(trained=False))


# Files


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lifting", "everted"])
def test_onnx_is_pytorch_and_comes_back(kind, tmp_path):
    extractor = MobileNet(trained=False)
    net = make_network(dataclasses.replace(LAPTOP[kind], fusion_width=3, fusion_depth=1), extractor.channels)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm3d | torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    whole = files.complete(extractor, net)
    path = tmp_path / "net.onnx"
    files.write(whole, path)
    assert files.difference(whole, path) < recipe.PARITY
    inputs = files.sample(kind, 2, (80, 96, 64))
    for ours, back in zip(whole(*inputs), files.load(path)(*inputs), strict=True):
        assert torch.equal(ours, back)
    assert path.stat().st_size < 12e6


def test_a_foreign_onnx_file_is_no_voxel_network():
    from maquette.models.catalogue import resolve, verified_path

    with pytest.raises(ValueError, match="not a voxel network"):
        files.load(verified_path(resolve("maquette-small")))


# Recipe


@pytest.mark.slow
def test_search_keeps_what_helps_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "SEARCHED", (("rate", (1e-4, 1e-2)), ("batch", (1, 2))))
    start = options("lifting", epochs=1, batch=2, rate=1e-3)
    best = recipe.search(ROOMS, VALIDATION, start, tmp_path)
    trials = json.loads((tmp_path / "search.json").read_text())
    assert len(trials) == 4 and trials[0]["rate"] == 1e-3
    assert min(trial["loss"]["both"] for trial in trials) == next(
        trial["loss"]["both"] for trial in trials if (trial["rate"], trial["batch"]) == (best.rate, best.batch)
    )
    before = (tmp_path / "0.001-2" / "checkpoint.pt").stat().st_mtime_ns
    assert recipe.search(ROOMS, VALIDATION, start, tmp_path) == best
    assert (tmp_path / "0.001-2" / "checkpoint.pt").stat().st_mtime_ns == before


@pytest.mark.slow
def test_a_trained_network_is_exported_with_what_its_card_says(tmp_path):
    extractor = MobileNet(trained=False)
    rooms = made_rooms(2, channels=extractor.channels, extractor=extractor.name)
    given = dataclasses.replace(LAPTOP["lifting"], epochs=1, epoch_rooms=2, validation_rooms=1)
    trainer = recipe.fit(rooms, rooms, given, tmp_path / "work")
    told = recipe.export(tmp_path / "work", tmp_path / "net.onnx", extractor)
    assert told["file"]["bytes"] == (tmp_path / "net.onnx").stat().st_size
    assert told["training"]["samples"] == sum(trainer.rooms_seen) == 4
    assert [stage["epochs"] for stage in told["training"]["stages"]] == [1, 1]
    back = files.load(tmp_path / "net.onnx")
    weight = trainer.net.split.weight.detach()  # no batch normalisation follows it
    torch.testing.assert_close(back.net.split.weight, weight.half().float())
    with pytest.raises(MaquetteError, match="has not ended"):
        recipe.fit(rooms, rooms, given, tmp_path / "begun", until=1)
        recipe.export(tmp_path / "begun", tmp_path / "none.onnx", extractor)
    with pytest.raises(MaquetteError, match="features of"):
        extractor.name = "another"
        recipe.export(tmp_path / "work", tmp_path / "none.onnx", extractor)
    assert not (tmp_path / "none.onnx").exists()


def test_presets_are_where_flags_start(capsys):
    start = recipe._start(["train", "--network", "everted"])
    assert start == LAPTOP["everted"]
    assert recipe._start(["train", "--network", "everted", "--preset", "paper"]) == TrainOptions("everted")
    words = ["train", "--network", "everted", "--data", "a", "--validation", "b", "--work", "c", "--rate", "0.001"]
    given = recipe._parser(recipe._start(words)).parse_args(words)
    assert (given.rate, given.batch, given.widths) == (0.001, 8, (96, 64, 32, 8))


def test_bad_input_is_one_line_and_status_2(tmp_path, capsys):
    data = ["--validation", str(tmp_path / "none"), "--work", str(tmp_path)]
    assert recipe.main(["train", "--data", str(tmp_path / "none"), *data]) == 2
    assert recipe.main(["export", *data, "--out", str(tmp_path / "o.onnx")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and "no such folder" in lines[0] and "train there first" in lines[1]
    assert not (tmp_path / "o.onnx").exists()
