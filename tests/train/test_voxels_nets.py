import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from maquette.train.nets.everted import LATENT, Everted  # noqa: E402
from maquette.train.nets.extractor import MobileNet, ResNet, Scales  # noqa: E402
from maquette.train.nets.lifting import OCTANTS, Lifting, project, project_points  # noqa: E402
from maquette.train.voxels import losses  # noqa: E402
from maquette.train.voxels.data import UNKNOWN, unpack  # noqa: E402
from maquette.train.voxels.loop import axes, choose, eighths  # noqa: E402
from maquette.voxels.rig import fit, studio_cameras, studio_grid  # noqa: E402

pytestmark = pytest.mark.train

CHANNELS = (3, 4, 5)
WIDTHS = (4, 4, 4, 4)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def projection():
    blank = np.zeros((224, 224, 3), np.uint8)
    grid = studio_grid()
    return torch.from_numpy(np.stack([fit(blank, camera, grid)[1] for camera in studio_cameras(224, 224)]))


def pictures(views):
    """Pictures and features of one scene."""
    sides = ((CHANNELS[0], 56), (CHANNELS[1], 28), (CHANNELS[2], 14))
    return torch.randn(1, views, 3, 224, 224), Scales(*(torch.randn(views, c, side, side) for c, side in sides))


def lifting():
    net = Lifting(CHANNELS, WIDTHS).eval()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm3d | torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    return net


def small_axes(x=32, y=16, z=48):
    return tuple((torch.arange(count) + 0.5) * 0.1 for count in (x, y, z))


# Lifting


def test_projection_is_the_camera_of_the_rig(projection):
    grid = studio_grid()
    points = np.random.default_rng(0).uniform((0.5, 0.5, 0), (3.5, 4.3, 2), (50, 3))
    place = project_points(projection[None], torch.from_numpy(points.T.astype(np.float32))[None, :, :, None])
    world = points @ grid.T_world_grid[:3, :3].T + grid.T_world_grid[:3, 3]
    for view, camera in enumerate(studio_cameras(224, 224)):
        inverse = np.linalg.inv(camera.T_world_camera)
        cam = world @ inverse[:3, :3].T + inverse[:3, 3]
        expected_px = cam[:, :2] / cam[:, 2:] * camera.focal_px + camera.center_px
        u, v, depth = place[0, view, :, :, 0].numpy()
        np.testing.assert_allclose(np.stack([u, v], 1), expected_px / 112 - 1, atol=1e-4)
        np.testing.assert_allclose(depth, cam[:, 2], atol=1e-4)


def test_a_lattice_projects_as_its_points_do(projection):
    x, y, z = small_axes(4, 5, 6)
    dense = project(projection[None], x[:, None, None], y[:, None], z)
    points = torch.stack(torch.meshgrid(x, y, z, indexing="ij")).flatten(2)[None]
    torch.testing.assert_close(dense.flatten(4), project_points(projection[None], points), atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_chosen_cells_get_what_the_whole_grid_gets(projection):
    net, (image, features) = lifting(), pictures(3)
    cells = small_axes()
    whole = net(image, features, projection[None], *cells)
    count = 16 * 8 * 24
    chosen = torch.randperm(count)[None, :100]
    some = net.at_cells(net.look(image, features), projection[None], *cells, chosen)
    grouped = torch.stack([eighths(channel[None])[0] for channel in whole[0]])
    torch.testing.assert_close(some[0], grouped[:, chosen[0]], atol=1e-5, rtol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_order_of_views_means_nothing_to_lifting(projection, order):
    net, (image, features) = lifting(), pictures(3)
    order = list(order)
    first = net(image, features, projection[None], *small_axes())
    other = net(image[:, order], Scales(*(f[order] for f in features)), projection[None, order], *small_axes())
    torch.testing.assert_close(first, other, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_a_view_that_sees_nothing_of_the_room_changes_nothing(projection):
    net, (image, features) = lifting(), pictures(3)
    away = projection.clone()
    away[2] *= -1  # all of the room is behind it
    two = net(image[:, :2], Scales(*(f[:2] for f in features)), away[None, :2], *small_axes())
    three = net(image, features, away[None], *small_axes())
    torch.testing.assert_close(two, three, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_lifting_knows_places_only_through_the_cameras(projection):
    """A grid that is shifted along the floor together with the cameras' projections is the same grid."""
    net, (image, features) = lifting(), pictures(2)
    x, y, z = small_axes()
    moved = projection[:2].clone()
    moved[..., 3] -= moved[..., 0] * 1.7
    first = net(image, features, projection[None, :2], x, y, z)
    torch.testing.assert_close(first, net(image, features, moved[None], x + 1.7, y, z), atol=1e-4, rtol=1e-4)


# Everted U-Net


def everted(**kwargs):
    return Everted(CHANNELS[2], WIDTHS, fusion=(4, 2), **kwargs)


def test_sizes_are_the_papers():
    net = everted().eval()
    made = net(torch.randn(1, 2, CHANNELS[2], 14, 14), torch.tensor([[0, 1]]))
    assert made.occupancy.shape == (1, 1, 80, 96, 64) and made.classes.shape == (1, 6, 80, 96, 64)
    assert LATENT == (98, 5, 6, 4)
    kernels = [layer[0].kernel_size + layer[0].stride for layer in net.reconstruct.layers]
    assert kernels == [(4, 4, 4, 2, 2, 2)] * 4
    wide = [layer[0].in_channels for layer in net.segment.layers]
    assert wide == [98, 8, 8, 8] and net.segment.last.in_channels == 8  # its own and the parallel layer's


@torch.inference_mode()
def test_the_same_view_thrice_is_that_view():
    net = everted().eval()
    feature = torch.randn(1, 1, CHANNELS[2], 14, 14)
    once = net(feature, torch.tensor([[1]]))
    thrice = net(feature.expand(-1, 3, -1, -1, -1), torch.tensor([[1, 1, 1]]))
    torch.testing.assert_close(once.occupancy, thrice.occupancy, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(once.classes, thrice.classes, atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_fusion_is_a_convex_mean_of_the_views():
    net = everted(cameras=0).eval()
    features = torch.randn(1, 3, CHANNELS[2], 14, 14)
    view = torch.zeros(1, 3, dtype=torch.int64)
    alone = torch.stack([net(features[:, at : at + 1], view[:, :1]).classes for at in range(3)])
    together = net(features, view).classes
    assert (together <= alone.amax(0) + 1e-5).all() and (together >= alone.amin(0) - 1e-5).all()
    swapped = net(features[:, [2, 0, 1]], view).classes
    torch.testing.assert_close(together, swapped, atol=1e-5, rtol=1e-4)


def test_segmentation_sees_the_parallel_layers_of_reconstruction():
    net = everted().eval()
    made = net(torch.randn(1, 1, CHANNELS[2], 14, 14), torch.tensor([[0]]))
    made.classes.sum().backward()
    assert net.reconstruct.layers[3][0].weight.grad.abs().sum() > 0
    assert net.reconstruct.last.weight.grad is None


# Extractors


def test_the_embedded_extractor_is_frozen_and_has_the_sizes_it_says():
    net = MobileNet()
    found = net(torch.randn(1, 3, 224, 224))
    assert [f.shape[1:] for f in found] == [
        (c, 224 // s, 224 // s) for c, s in zip(net.channels, (4, 8, 16), strict=True)
    ]
    assert not any(parameter.requires_grad for parameter in net.parameters())


def test_resnet_features_come_from_a_folder_of_transformers(tmp_path):
    transformers = pytest.importorskip("transformers")
    config = transformers.ResNetConfig(depths=[1, 1, 1, 1])
    transformers.ResNetModel(config).save_pretrained(tmp_path)
    net = ResNet(tmp_path).train()
    image = torch.rand(2, 3, 224, 224) * 2 - 1
    found = net(image)
    assert [f.shape[1:] for f in found] == [
        (c, 224 // s, 224 // s) for c, s in zip(net.channels, (4, 8, 16), strict=True)
    ]
    torch.testing.assert_close(found.f16, net(image).f16)
    assert not any(module.training for module in net.modules())


# Losses


def test_chosen_groups_stand_for_all_without_bias():
    cells = torch.zeros(1, 80, 96, 64, dtype=torch.uint8)
    cells[0, 10:14, 20:30, :8] = 1
    values = torch.rand(40 * 48 * 32, dtype=torch.float64) + 5 * (eighths(cells)[0] > 0).any(1)
    rng = np.random.default_rng(0)
    means = []
    for _ in range(40):
        chosen, share = choose(cells, rng)
        assert share.mean() == pytest.approx(1, abs=1e-5)
        means.append(float((values[chosen[0]] * share[0]).mean()))
    assert np.mean(means) == pytest.approx(float(values.mean()), rel=0.005)


@pytest.mark.parametrize("fill", [0, 1])
def test_an_empty_and_a_full_room_can_be_learned_from(fill):
    chosen, share = choose(torch.full((2, 80, 96, 64), fill, dtype=torch.uint8), np.random.default_rng(0))
    mixed, _ = choose(
        torch.stack([torch.zeros(80, 96, 64), torch.eye(96)[:80, :, None].expand(-1, -1, 64)]).byte(),
        np.random.default_rng(0),
    )
    assert chosen.shape == share.shape == mixed.shape and (share == 1).all()


def test_all_cells_cost_what_the_dense_cross_entropy_says():
    logits, truth = torch.randn(2, 7, 30, 8), torch.rand(2, 7, 30, 8) > 0.8
    sampled = losses.cells(logits, truth, torch.ones(2, 30), weight=3.0, dice=0.0)
    dense = losses.cross_entropy(logits.sigmoid(), truth, 3.0)
    assert float(sampled) == pytest.approx(losses.CROSS_ENTROPY * float(dense), rel=1e-4)


def test_dice_in_closed_form():
    truth = torch.zeros(1, 7, 4, 8, dtype=torch.bool)
    truth[:, 2, 0] = True  # eight cells of one channel
    logits = torch.zeros(1, 7, 4, 8)  # 0.5 everywhere: 2 * 4 / (16 + 8)
    with_dice = losses.cells(logits, truth, torch.ones(1, 4), 1.0, dice=1.0)
    without = losses.cells(logits, truth, torch.ones(1, 4), 1.0, dice=0.0)
    assert float(with_dice - without) == pytest.approx(1 - 8 / 24)


def test_losses_in_the_pictures_in_closed_form():
    surface = torch.zeros(1, 9, 112, 112)  # a metre deep, scale 1, all labels alike
    seen = type("", (), {"surface2": surface, "surface4": surface[..., ::2, ::2]})
    depth = torch.full((1, 112, 112), float(np.e**2))
    label = torch.full((1, 112, 112), 3)
    assert float(losses.pictures(seen, depth, label)) == pytest.approx(2 * (losses.DEPTH * 2 + np.log(7)), rel=1e-4)
    nothing = losses.pictures(seen, torch.zeros_like(depth), torch.full_like(label, UNKNOWN))
    assert float(nothing) == 0


def test_cells_unpack_bit_by_bit():
    cells = torch.tensor([[0b0000000, 0b0000001, 0b1000011]], dtype=torch.uint8)
    assert unpack(cells)[0, :, 2].tolist() == [True, True, False, False, False, False, True]
    assert not unpack(cells)[0, :, 0].any()


def test_groups_of_eight_follow_the_octants():
    cells = torch.arange(4 * 4 * 2).view(1, 4, 4, 2)
    grouped = eighths(cells)[0]
    for step, (a, b, c) in enumerate(zip(*OCTANTS, strict=True)):
        assert grouped[0, step] == cells[0, a, b, c]
    assert sorted(grouped.flatten().tolist()) == list(range(32))


def test_axes_are_the_middles_of_the_studios_cells():
    assert [float(axis[-1]) for axis in axes(torch.device("cpu"))] == pytest.approx([3.975, 4.775, 3.175])
