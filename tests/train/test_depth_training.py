import colorsys
import dataclasses
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")
pytest.importorskip("tensorboard")

from accelerate.state import AcceleratorState  # noqa: E402
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402

from maquette.datasets import DepthSet  # noqa: E402
from maquette.datasets.types import Source  # noqa: E402
from maquette.errors import MaquetteError  # noqa: E402
from maquette.metrics.depth import errors  # noqa: E402
from maquette.train.depth.augment import augment, cutdepth, jitter  # noqa: E402
from maquette.train.depth.frames import Division, cached, divided  # noqa: E402
from maquette.train.depth.loop import Trainer, fit  # noqa: E402
from maquette.train.depth.losses import silog  # noqa: E402
from maquette.train.depth.options import AugmentOptions, TrainOptions  # noqa: E402
from maquette.train.nets.glpn import Glpn, GlpnConfig, load_folder  # noqa: E402
from maquette.train.nets.mit import MitConfig  # noqa: E402

pytestmark = pytest.mark.train

TINY = GlpnConfig(MitConfig((8, 16, 24, 32), (1, 1, 1, 1), (1, 2, 3, 4)), 16, 10.0)
OPTIONS = TrainOptions(height=32, width=64, epochs=2, batch=2, rate=1e-3, validate_every=3, save_every=100)


def pairs(count, seed=0):
    """Grey pictures whose brightness is their depth, up to 12 m, with some unknown."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        row = np.linspace(rng.uniform(0.5, 2), rng.uniform(5, 12), 64, dtype=np.float32)
        depth_m = np.broadcast_to(row, (32, 64)).copy()
        rgb = np.repeat((depth_m * 20).astype(np.uint8)[..., None], 3, 2)
        depth_m[: rng.integers(8)] = 0
        found.append((rgb, depth_m))
    return found


DATA = Division(pairs(6), pairs(3, seed=1), {"grey": "0"})


def tiny():
    torch.manual_seed(3)
    return Glpn(TINY)


@pytest.fixture(autouse=True)
def fresh_accelerate():
    AcceleratorState._reset_state(reset_partial_state=True)


# Loss


def depths(seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0.5, 9, (3, 8, 12)).astype(np.float32)
    truth[rng.random(truth.shape) < 0.3] = 0
    return rng.uniform(0.5, 9, truth.shape).astype(np.float32), truth


@pytest.mark.parametrize("lam", [0.0, 0.5, 1.0])
def test_the_equation_is_the_metric_of_each_picture(lam):
    made, truth = depths()
    expected = np.mean([errors(made[i], truth[i]).silog(lam) for i in range(3)])
    assert silog(torch.tensor(made), torch.tensor(truth), "equation", lam).item() == pytest.approx(expected, rel=1e-4)


def test_the_root_is_the_loss_of_transformers():
    glpn = pytest.importorskip("transformers.models.glpn.modeling_glpn")
    made, truth = (torch.tensor(x) for x in depths())
    expected = glpn.SiLogLoss()(made, truth).item()
    assert silog(made, truth, "root", 0.5).item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("form", ["equation", "root"])
def test_lambda_one_ignores_scale(form):
    made, truth = (torch.tensor(x) for x in depths())
    assert silog(7 * made, truth, form, 1.0).item() == pytest.approx(silog(made, truth, form, 1.0).item(), rel=1e-4)


@pytest.mark.parametrize("form", ["equation", "root"])
def test_unknown_depth_teaches_nothing(form):
    made = torch.tensor(depths()[0]).requires_grad_()
    truth = torch.tensor(depths()[1])
    silog(made, truth, form, 0.5).backward()
    assert (made.grad[truth == 0] == 0).all()
    assert (made.grad[truth > 0] != 0).all()
    made.grad = None
    loss = silog(made, torch.zeros_like(truth), form, 0.5)
    loss.backward()
    assert loss.item() == pytest.approx(0.0, abs=1e-2)
    assert (made.grad == 0).all()


# Augmentation

STILL = AugmentOptions(flip=0.0, brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0)


def coded(height=32, width=64):
    """A picture that shows its depth in red and green, to tell whether both move together."""
    depth_m = np.arange(1, height * width + 1, dtype=np.float32).reshape(height, width)
    whole = depth_m.astype(np.uint16)
    return np.dstack([whole // 256, whole % 256, whole * 0]).astype(np.uint8), depth_m


def decoded(rgb):
    return (rgb[..., 0].astype(np.float32) * 256 + rgb[..., 1]).astype(np.float32)


@pytest.mark.parametrize("seed", range(8))
def test_picture_and_depth_move_together(seed):
    rgb, depth_m = coded(64, 96)
    options = dataclasses.replace(STILL, flip=0.5, crop_height=32, crop_width=64)
    made, moved = augment(rgb, depth_m, 1, 10.0, options, np.random.default_rng(seed))
    assert made.shape == (32, 64, 3)
    assert np.array_equal(decoded(made), moved)


def test_half_of_the_pictures_are_mirrored():
    rgb, depth_m = coded()
    rng = np.random.default_rng(0)
    flips = [augment(rgb, depth_m, 1, 10.0, AugmentOptions(), rng)[1][0, 0] != depth_m[0, 0] for _ in range(200)]
    assert 70 < sum(flips) < 130


def test_no_change_is_no_change():
    rgb, depth_m = coded()
    made, kept = augment(rgb, depth_m, 0, 10.0, STILL, np.random.default_rng(0))
    assert np.array_equal(made, rgb)
    assert np.array_equal(kept, depth_m)


def test_hue_turns_and_keeps_saturation_and_value():
    rgb = np.full((4, 4, 3), (200, 40, 40), np.uint8)
    turns = set()
    for seed in range(20):
        r, g, b = jitter(rgb, dataclasses.replace(STILL, hue=0.2), np.random.default_rng(seed))[0, 0] / 255
        hue, saturation, value = colorsys.rgb_to_hsv(r, g, b)
        assert saturation == pytest.approx(0.8, abs=0.02)
        assert value == pytest.approx(200 / 255, abs=0.01)
        assert min(hue, 1 - hue) <= 0.21
        turns.add(round(hue, 2))
    assert len(turns) > 5


@pytest.mark.parametrize(("name", "spread"), [("brightness", 0.2), ("contrast", 0.2)])
def test_brightness_and_contrast_stay_within_their_spread(name, spread):
    rgb = np.zeros((4, 8, 3), np.uint8)
    rgb[:, :4], rgb[:, 4:] = 60, 120
    middle = 0 if name == "brightness" else 90
    for seed in range(20):
        made = jitter(rgb, dataclasses.replace(STILL, **{name: spread}), np.random.default_rng(seed)).astype(float)
        factor = (made - middle) / (rgb.astype(float) - middle)
        assert np.allclose(factor, factor[0, 0, 0], atol=0.04)
        assert 1 - spread - 0.04 <= factor[0, 0, 0] <= 1 + spread + 0.04


def test_cutdepth_shows_depth_in_a_strip_of_all_rows():
    rgb = np.zeros((32, 64, 3), np.uint8)
    depth_m = np.full((32, 64), 5.0, np.float32)
    widths = []
    for seed in range(200):
        made = cutdepth(rgb, depth_m, 10.0, np.random.default_rng(seed))
        assert set(np.unique(made)) == {0, 127}
        columns = np.flatnonzero(made[0, :, 0])
        assert (made == made[:1]).all()
        assert np.array_equal(columns, np.arange(columns[0], columns[-1] + 1))
        assert len(columns) <= max(1, 0.75 * (64 - columns[0]) + 1)
        widths.append(len(columns))
    assert np.mean(widths) == pytest.approx(64 * 0.5 * 0.5 * 0.75, rel=0.15)


def test_cutdepth_is_in_every_fourth_picture():
    rgb, depth_m = coded()
    options = dataclasses.replace(STILL, cutdepth=True)
    changed = [
        not np.array_equal(augment(rgb, depth_m, n, 1e9, options, np.random.default_rng(n))[0], rgb) for n in range(12)
    ]
    assert changed == [n % 4 == 0 for n in range(12)]


# Frames


def listed(path, count=20, size=(96, 192), fails=False):
    def read(number):
        if fails:
            raise AssertionError("read again")
        rgb, depth_m = coded(*size)
        return rgb, depth_m + number

    sources = tuple(
        Source(f"{n:03d}", "indoor" if n < count // 2 else "outdoor", lambda n=n: read(n)) for n in range(count)
    )
    return DepthSet(path, "folder", sources)


def test_frames_are_read_once(tmp_path):
    first = cached(listed(tmp_path / "set"), (32, 64), tmp_path / "cache")
    again = cached(listed(tmp_path / "set", fails=True), (32, 64), tmp_path / "cache")
    assert first.sha256 == again.sha256
    assert len(again) == 20
    assert all(
        np.array_equal(a, b) for one, other in zip(first, again, strict=True) for a, b in zip(one, other, strict=True)
    )
    assert len(cached(listed(tmp_path / "set", count=4), (32, 64), tmp_path / "cache")) == 4


def test_depth_is_that_of_the_middle_pixel(tmp_path):
    frames = cached(listed(tmp_path / "set", count=2), (32, 64), tmp_path / "cache")
    assert np.array_equal(frames.depth_m[1], coded(96, 192)[1][1::3, 1::3] + 1)


def test_the_last_of_each_place_are_held_out(tmp_path):
    frames = cached(listed(tmp_path / "set"), (32, 64), tmp_path / "cache")
    first = [float(depth_m[0, 0] - frames.depth_m[0, 0, 0]) for _, depth_m in divided([frames], 0.2).validate]
    assert first == [8, 9, 18, 19]
    indoors = divided([frames], 0.2, ["indoor"])
    assert (len(indoors.learn), len(indoors.validate)) == (8, 2)


# The loop


def same_state(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_training_goes_on_exactly(tmp_path):
    whole = fit(tiny(), DATA, OPTIONS, AugmentOptions(), tmp_path / "whole")
    fit(tiny(), DATA, OPTIONS, AugmentOptions(), tmp_path / "parts", until=2)
    assert not (tmp_path / "parts" / "network").exists()
    parts = fit(Glpn(TINY), DATA, OPTIONS, AugmentOptions(), tmp_path / "parts")
    assert same_state(whole.state_dict(), parts.state_dict())
    one, other = (torch.load(tmp_path / name / "checkpoint.pt", weights_only=True) for name in ("whole", "parts"))
    assert one["step"] == other["step"] == 6
    assert one["schedule"] == other["schedule"]
    for number, state in one["optimiser"]["state"].items():
        assert same_state(state, other["optimiser"]["state"][number])
    assert same_state(load_folder(tmp_path / "parts" / "network").state_dict(), whole.state_dict())
    assert json.loads((tmp_path / "parts" / "training.json").read_text())["rate"] == OPTIONS.rate


def test_another_training_is_not_gone_on_with(tmp_path):
    fit(tiny(), DATA, OPTIONS, AugmentOptions(), tmp_path, until=1)
    with pytest.raises(MaquetteError, match=r"checkpoint\.pt: was begun with other values of rate, flip;"):
        fit(tiny(), DATA, dataclasses.replace(OPTIONS, rate=1e-4), AugmentOptions(flip=0.0), tmp_path)
    with pytest.raises(MaquetteError, match="other values of data"):
        fit(tiny(), dataclasses.replace(DATA, sha256={"grey": "1"}), OPTIONS, AugmentOptions(), tmp_path)


def test_every_picture_is_seen_once_an_epoch_and_far_depth_is_unknown():
    numbered = [(np.full((32, 64, 3), n, np.uint8), np.full((32, 64), 4.0 * n, np.float32)) for n in range(7)]
    trainer = Trainer(tiny(), Division(numbered, [], {}), OPTIONS, STILL)
    assert trainer.steps == 6
    for epoch in (0, 1):
        seen = []
        for step in range(3):
            image, truth = trainer.batch(3 * epoch + step)
            for picture, depth_m in zip((image * 255).round(), truth, strict=True):
                number = int(picture[0, 0, 0])
                seen.append(number)
                assert depth_m.unique().item() == (4.0 * number if number <= 2 else 0.0)
        assert len(set(seen)) == 6


def test_it_learns(tmp_path):
    options = dataclasses.replace(OPTIONS, epochs=12, rate=3e-3, validate_every=1000)
    fit(tiny(), DATA, options, STILL, tmp_path)
    log = EventAccumulator(str(tmp_path / "tensorboard"))
    log.Reload()
    before, after = (event.value for event in log.Scalars("validation/silog_half"))
    assert after < 0.3 * before
    rates = [event.value for event in log.Scalars("rate")]
    assert max(rates) <= options.rate
    assert {"validation"} == set(log.Tags()["images"])


def test_the_rate_is_that_of_1cycle():
    trainer = Trainer(tiny(), DATA, dataclasses.replace(OPTIONS, epochs=10), STILL)
    rates = []
    for step in range(trainer.steps):
        rates.append(trainer.schedule.get_last_lr()[0])
        trainer.learn_from(trainer.batch(step))
    assert rates[0] == pytest.approx(OPTIONS.rate / 25)
    assert max(rates) == pytest.approx(OPTIONS.rate)
    assert rates.index(max(rates)) == pytest.approx(0.3 * trainer.steps, abs=1)
    assert rates[-1] < rates[0] / 100


def test_half_precision_learns_in_float32_weights():
    trainer = Trainer(tiny(), DATA, dataclasses.replace(OPTIONS, precision="bf16"), STILL)
    loss = trainer.learn_from(trainer.batch(0))
    assert np.isfinite(loss)
    assert {parameter.dtype for parameter in trainer.unwrapped.parameters()} == {torch.float32}


def test_what_cannot_be_trained_is_refused():
    with pytest.raises(MaquetteError, match="6 pictures make no batch of 8"):
        Trainer(tiny(), DATA, dataclasses.replace(OPTIONS, batch=8), STILL)
