from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from maquette.labels import BY_NAME, LABELS  # noqa: E402
from maquette.train import augment, loop  # noqa: E402
from maquette.train.data import Sample, photo_paths, working_size  # noqa: E402
from maquette.train.export import difference, export, round_weights  # noqa: E402
from maquette.train.nets.perception import CAUTION, SURE, MaquetteSmall, Residual, rays  # noqa: E402
from maquette.train.targets import worlds  # noqa: E402
from maquette.train.targets.geometry import weak_depth  # noqa: E402
from maquette.train.targets.instances import pseudo_instances  # noqa: E402
from maquette.train.targets.nanodet import Box  # noqa: E402

pytestmark = pytest.mark.train


def sample(name="a", group="photo", focal_px=128.0, noise=0.0):
    rng = np.random.default_rng(len(name))
    ids = np.full((48, 64), BY_NAME["floor"].id)
    ids[:16] = BY_NAME["wall"].id
    ids[10:34, 20:40] = BY_NAME["chair"].id
    instances = np.where(ids == BY_NAME["chair"].id, 1, 0).astype(np.int16)
    image = rng.integers(0, 255, (96, 128, 3)).astype(np.uint8)
    depth = np.broadcast_to(np.linspace(4, 1, 96, dtype=np.float32)[:, None], (96, 128)).copy()
    return Sample(name, group, image, augment.one_hot_ids(ids), instances, depth, noise, focal_px)


def exact(soft):
    """The same sample, its semantics given as ids."""
    return Sample(**(vars(soft) | {"semantic": (soft.semantic.argmax(0) + 1).astype(np.uint8)}))


def tiny(monkeypatch):
    monkeypatch.setattr(loop, "WORLDS", 1)
    monkeypatch.setattr(loop, "SHAPES", ((2, (64, 96)), (2, (96, 64))))
    samples = [sample("a"), sample("bb", "osd"), sample("ccc", noise=0.3), exact(sample("dddd", "room"))]
    torch.manual_seed(3)
    rounds = (
        loop.Round(0, 1e-3, 1e-3, False, {"photo": 0.5, "osd": 0.5}),
        loop.Round(3, 1e-3, 1e-3, True, {"photo": 0.4, "osd": 0.3, "room": 0.3}),
    )
    options = loop.Options(steps=4, rounds=rounds, frozen_steps=1, trunk_until=3, refine_after=0, save_every=100)
    return loop.Trainer(MaquetteSmall(), samples, augment.cutouts(samples, 50), options)


def worlds_record():
    from maquette.worlds.options import TruthOptions, WorldOptions
    from maquette.worlds.render import make_renderer
    from maquette.worlds.run import produce

    with make_renderer("gl", 1) as renderer:
        options = WorldOptions("room", width=96, height=80)
        return produce(options, TruthOptions(amodal=False, grid="no"), 0, 0, renderer)


def same_state(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_training_goes_on_exactly(tmp_path, monkeypatch):
    whole = tiny(monkeypatch)
    whole.run(tmp_path / "whole")
    first = tiny(monkeypatch)
    first.run(tmp_path / "parts", until=2)
    second = tiny(monkeypatch)
    second.load(tmp_path / "parts" / "checkpoint.pt")
    second.run(tmp_path / "parts")
    assert second.step == whole.step == 4
    assert same_state(whole.net.state_dict(), second.net.state_dict())
    assert same_state(whole.average, second.average)


def test_training_moves_what_it_should(tmp_path, monkeypatch):
    trainer = tiny(monkeypatch)
    before = {name: value.clone() for name, value in trainer.net.state_dict().items()}
    trainer.run(tmp_path)
    moved = {name for name, value in trainer.net.state_dict().items() if not torch.equal(value, before[name])}
    assert any(name.startswith("depth.") for name in moved)
    assert any(name.startswith("refine.") for name in moved)
    assert any(name.startswith("ade.backbone.blocks.16.") for name in moved)
    assert not any(name.startswith(("ade.backbone.stem.", "voc.backbone.blocks.3.")) for name in moved)


def test_the_exported_network_is_the_network(tmp_path):
    torch.manual_seed(0)
    net = MaquetteSmall()
    torch.nn.init.normal_(net.depth[1].weight, std=0.3)
    path = tmp_path / "net.onnx"
    export(net, path)
    round_weights(net)
    assert path.stat().st_size <= 12_000_000
    assert difference(net, path, ((64, 96), (160, 64))) < 1e-4


def test_an_exported_network_is_trained_on(tmp_path, monkeypatch):
    first = tiny(monkeypatch)
    first.run(tmp_path)
    export(first.averaged(), tmp_path / "net.onnx")
    second = tiny(monkeypatch)
    second.begin_worlds(tmp_path / "net.onnx")
    expected = first.averaged()
    round_weights(expected)
    assert second.step == 3
    assert same_state(second.net.state_dict(), expected.state_dict())
    assert same_state(second.average, expected.state_dict())


def test_the_weights_of_another_network_are_refused(tmp_path):
    export(torch.nn.Conv2d(3, 4, 4, 4), tmp_path / "other.onnx", ("semantic",))
    with pytest.raises(ValueError, match="not this network"):
        MaquetteSmall().load_onnx(tmp_path / "other.onnx")


def test_residual_parts_start_as_nothing():
    x = torch.randn(1, 4, 9, 7)
    assert torch.equal(Residual(4, 2)(x), x)


def test_what_is_not_sure_is_corrected_with_caution():
    torch.manual_seed(0)
    net = MaquetteSmall()
    image = torch.rand(1, 3, 64, 96) * 2 - 1
    with torch.no_grad():
        evidence = net.eval()(image)[0]
        torch.nn.init.normal_(net.refine.weight, std=30.0)
        whole, cautious = net.train()(image)[0], net.eval()(image)[0]
    probability = whole.softmax(1).amax(1, keepdim=True).expand_as(whole)
    sure, unsure = probability >= SURE[1], probability <= SURE[0]
    assert sure.any() and unsure.any()
    assert torch.allclose(cautious[sure], whole[sure], atol=1e-4)
    expected = evidence + CAUTION * (whole - evidence)
    assert torch.allclose(cautious[unsure], expected[unsure], atol=1e-4)


def test_learning_rates_rise_once_a_round(monkeypatch):
    trainer = tiny(monkeypatch)
    trainer.options = loop.Options(
        steps=400, rounds=(trainer.options.rounds[0], replace(trainer.options.rounds[1], start=200))
    )
    rates = []
    for trainer.step in range(400):
        trainer.rates()
        rates.append(trainer.optimiser.param_groups[0]["lr"])
    for part in (rates[:200], rates[200:]):
        top = int(np.argmax(part))
        assert 0 < top <= 50
        assert (np.diff(part[:top]) > 0).all() and (np.diff(part[top:]) < 0).all()
        assert part[-1] < 0.02 * part[top]


@pytest.mark.parametrize("flip", [False, True])
def test_ids_are_cropped_as_soft_targets_are(flip):
    soft = sample()
    cut = [augment.crop(s, (64, 80), np.random.default_rng(5), (1.0, 1.4), flip)[1] for s in (soft, exact(soft))]
    assert torch.equal(cut[0], cut[1])


def test_a_world_becomes_a_sample():
    record = worlds_record()
    view = record.views[0]
    got = worlds.to_sample(record, "w", "room")
    ids = view.semantic[::2, ::2]
    things = np.isin(ids, [label.id for label in LABELS if label.isthing])
    assert (got.semantic == ids).all()
    assert ((got.instances > 0) == things).all() and things.any() and not things.all()
    assert all(len(np.unique(ids[got.instances == thing])) == 1 for thing in np.unique(got.instances[things]))
    seen = view.depth_m > 0
    assert np.allclose(got.depth_m[seen], view.depth_m[seen], rtol=1e-3)
    assert got.focal_px == view.camera.focal_px


def test_rays_are_those_of_the_canonical_camera():
    got = rays(torch.zeros(1, 1, 2, 4))[0]
    assert torch.allclose(got[0, 0], torch.tensor([-1.5, -0.5, 0.5, 1.5]) / 4)
    assert torch.allclose(got[1, :, 0], torch.tensor([-0.5, 0.5]) / 4)


@pytest.mark.parametrize("zoom", [1.0, 2.0])
def test_a_crop_is_a_picture_of_another_canonical_camera(zoom):
    """A longer lens at the same place sees the same metres; the canonical camera would have to stand nearer."""
    whole = sample()
    uniform = Sample(**(vars(whole) | {"depth_m": np.full((96, 128), 2.0, np.float32)}))
    rng = np.random.default_rng(0)
    _, semantic, _, depth = augment.crop(uniform, (96, 128), rng, (zoom, zoom), flip=False)
    assert np.allclose(depth, 2.0 / zoom)
    assert torch.allclose(semantic.sum(0), torch.ones(24, 32), atol=1e-4)


def test_offsets_lead_to_the_centre():
    instances = np.zeros((20, 30), np.int16)
    instances[4:11, 5:16] = 3
    heat, offset = augment.centres(instances)
    assert np.unravel_index(heat.argmax(), heat.shape) == (7, 10)
    assert heat.max() == 1.0
    y, x = np.nonzero(instances)
    assert np.allclose(x + offset[0, y, x] / augment.STRIDE, 10)
    assert np.allclose(y + offset[1, y, x] / augment.STRIDE, 7)


def test_a_pasted_thing_hides_depth_and_has_an_id():
    base = sample()
    rng = np.random.default_rng(1)
    parts = augment.crop(base, (96, 128), rng, (1.0, 1.0), flip=False)
    square = np.full((40, 40, 4), 255, np.uint8)
    _, semantic, instances, depth = augment.paste(*parts, [augment.Cutout(square, BY_NAME["car"].id)], rng)
    new = instances == 2
    assert new.any()
    assert (depth[new] == 0).all()
    assert (semantic.argmax(0).numpy()[new] == BY_NAME["car"].id - 1).all()
    assert (depth[semantic[BY_NAME["car"].id - 1].numpy() == 0] > 0).all()


def test_weak_depth_is_ordered():
    ids = np.full((60, 80), BY_NAME["sky"].id)
    ids[30:] = BY_NAME["grass"].id
    ids[20:45, 30:40] = BY_NAME["person"].id
    instances = np.where(ids == BY_NAME["person"].id, 1, 0).astype(np.int16)
    depth, grounded = weak_depth(ids, instances, 80.0)
    assert grounded
    column = depth[30:, 0]
    assert (np.diff(column) <= 0).all()
    assert depth[0, 0] == 100.0
    person = depth[20:45, 30:40]
    assert person.min() == person.max() == pytest.approx(depth[44, 0], rel=0.05)


def test_boxes_tell_two_people_apart():
    ids = np.full((40, 80), BY_NAME["wall"].id)
    ids[5:35, 10:70] = BY_NAME["person"].id
    person = BY_NAME["person"]
    boxes = [Box(person, 0.9, (20.0, 10.0, 80.0, 70.0)), Box(person, 0.8, (80.0, 10.0, 140.0, 70.0))]
    got = pseudo_instances(ids, boxes, 0.5)
    assert len(set(got[20, 12:38])) == 1
    assert len(set(got[20, 42:68])) == 1
    assert got[20, 12] != got[20, 60]
    assert (got[ids == BY_NAME["wall"].id] == 0).all()


def test_working_sizes_keep_aspect_and_area():
    for width, height in ((4000, 3000), (1280, 853), (300, 900)):
        w, h = working_size(width, height)
        assert w % 32 == h % 32 == 0
        assert w * h == pytest.approx(640 * 480, rel=0.1)
        assert w / h == pytest.approx(width / height, rel=0.1)


def test_a_second_copy_of_a_held_out_photo_is_not_trained_on(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 255, (8, 8, 3)).astype(np.uint8) for _ in range(6)]
    pictures[5] = pictures[4]
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).resize((64, 64), Image.Resampling.NEAREST).save(tmp_path / f"{i}.jpg", quality=90 - i)
    train, held = photo_paths(tmp_path)
    assert [path.stem for path in held] == ["4"]
    assert [path.stem for path in train] == ["0", "1", "2", "3"]
