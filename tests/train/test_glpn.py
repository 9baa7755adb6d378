import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from maquette.camera import Camera  # noqa: E402
from maquette.errors import ModelError  # noqa: E402
from maquette.models.catalogue import resolve  # noqa: E402
from maquette.perception.network import run_depth  # noqa: E402
from maquette.train.depth.predict import predict  # noqa: E402
from maquette.train.nets.glpn import Glpn, GlpnConfig, load_folder, save_folder  # noqa: E402
from maquette.train.nets.mit import SIZES, MitConfig  # noqa: E402
from maquette.train.recipes import depth  # noqa: E402

pytestmark = pytest.mark.train

TINY = MitConfig((8, 16, 24, 32), (1, 2, 1, 1), (1, 2, 3, 4), mlp_ratios=(2, 4, 3, 4))


def theirs(encoder, max_depth=10):
    """A network of ``transformers``' with random weights and statistics."""
    names = ("hidden_sizes", "depths", "num_attention_heads", "sr_ratios", "mlp_ratios")
    shape = {name: list(getattr(encoder, name)) for name in names}
    torch.manual_seed(1)
    config = transformers.GLPNConfig(**shape, decoder_hidden_size=16, max_depth=max_depth, initializer_range=0.2)
    net = transformers.GLPNForDepthEstimation(config).eval()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return net


def same(ours, other, size=(64, 96)):
    image = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        expected = other(image).predicted_depth
        made = ours.eval()(image)[:, 0]
    assert expected.std() > 1e-3 * expected.mean()
    assert torch.allclose(made, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("encoder", [TINY, SIZES["b0"], SIZES["b4"]], ids=["tiny", "b0", "b4"])
def test_weights_of_transformers_load_unchanged_and_give_the_same(encoder, tmp_path):
    other = theirs(encoder)
    other.save_pretrained(tmp_path)
    ours = load_folder(tmp_path)
    assert ours.config.encoder == encoder
    same(ours, other)


@pytest.mark.parametrize("size", SIZES)
def test_every_published_size_has_the_tensors_of_transformers(size):
    with torch.device("meta"):
        ours = Glpn(GlpnConfig(SIZES[size], decoder_hidden_size=16)).state_dict()
        other = theirs(SIZES[size]).state_dict()
    assert {name: value.shape for name, value in ours.items()} == {name: value.shape for name, value in other.items()}


def test_transformers_reads_what_is_written(tmp_path):
    torch.manual_seed(0)
    ours = Glpn(GlpnConfig(TINY, 16, 150.0))
    save_folder(ours, tmp_path / "net")
    other = transformers.GLPNForDepthEstimation.from_pretrained(tmp_path / "net")
    assert other.config.max_depth == 150
    same(ours, other)
    assert load_folder(tmp_path / "net").config == ours.config


def test_another_range_scales_depth_and_keeps_the_weights():
    torch.manual_seed(0)
    near = Glpn(GlpnConfig(TINY, 16, 10.0)).eval()
    far = near.with_range(150.0).eval()
    image = torch.rand(1, 3, 32, 64)
    with torch.no_grad():
        assert torch.allclose(far(image), 15 * near(image))
    assert far.state_dict().keys() == near.state_dict().keys()


def test_stochastic_depth_keeps_the_mean():
    torch.manual_seed(0)
    net = Glpn(GlpnConfig(MitConfig((8, 16, 24, 32), (1, 1, 1, 1), (1, 2, 3, 4), drop_path_rate=0.5), 16))
    block = net.glpn["encoder"].block[3][0].train()
    assert block.drop_rate == 0.5
    x = block._dropped(torch.ones(20000, 1, 1))
    assert set(x.unique().tolist()) == {0.0, 2.0}
    assert x.mean().item() == pytest.approx(1.0, abs=0.05)


def test_folders_that_hold_no_such_network(tmp_path):
    with pytest.raises(ModelError, match=r"config\.json: cannot be read"):
        load_folder(tmp_path)
    save_folder(Glpn(GlpnConfig(TINY, 16)), tmp_path / "net")
    config, weights = tmp_path / "net" / "config.json", tmp_path / "net" / "model.safetensors"
    entry = json.loads(config.read_text())
    config.write_text(json.dumps({**entry, "decoder_hidden_size": 32}))
    with pytest.raises(ModelError, match="does not fit"):
        load_folder(tmp_path / "net")
    config.write_text(json.dumps({**entry, "model_type": "dpt"}))
    with pytest.raises(ModelError, match="describes no GLPN"):
        load_folder(tmp_path / "net")
    config.write_text(json.dumps(entry))
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelError, match="missing or damaged"):
        load_folder(tmp_path / "net")


def test_the_exported_network_is_the_network(tmp_path):
    torch.manual_seed(0)
    save_folder(Glpn(GlpnConfig(TINY, 16, 150.0)), tmp_path / "net")
    out = tmp_path / "out" / "net.onnx"
    assert (
        depth.main(f"export --network {tmp_path}/net --out {out} --height 64 --width 96 --licence CC0-1.0".split()) == 0
    )
    model = resolve(str(out))
    assert (model.task, model.licence_weights) == ("depth", "CC0-1.0")
    rgb = np.random.default_rng(0).integers(0, 256, (64, 96, 3)).astype(np.uint8)
    made, _ = run_depth(rgb, model, Camera.from_fov(96, 64, 60.0))
    assert np.abs(made - predict(load_folder(tmp_path / "net"), rgb)).max() < 1e-3
