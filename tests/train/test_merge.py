import pytest

torch = pytest.importorskip("torch")

from maquette.labels import BY_NAME  # noqa: E402
from maquette.train.nets.merge import ADE_CLASSES, VOC_CLASSES, Merge  # noqa: E402

pytestmark = pytest.mark.train


def certain(names, name, share=1.0):
    p = torch.full((1, len(names), 1, 1), (1 - share) / (len(names) - 1))
    p[0, names.index(name)] = share
    return p


def winner(ade, voc, near=(0.0, 0.0)):
    merged = Merge()(ade, voc, torch.tensor(near).reshape(1, 2, 1, 1))
    assert merged.min() >= 0
    assert merged.sum().item() == pytest.approx(1.0, abs=1e-5)
    return merged[0, :, 0, 0].argmax().item() + 1


@pytest.mark.parametrize(
    ("ade", "voc", "near", "expected"),
    [
        ("house", "background", 0.0, "building"),
        ("sea", "background", 0.0, "water"),
        ("void", "background", 0.0, "object"),
        ("grass", "cow", 0.0, "cow"),
        ("floor", "tvmonitor", 0.0, "tv"),
        ("person", "person", 1.0, "person"),
        ("person", "background", 0.0, "object"),
        ("sofa", "background", 0.0, "sofa"),
    ],
)
def test_who_wins(ade, voc, near, expected):
    got = winner(certain(ADE_CLASSES, ade, 0.98), certain(VOC_CLASSES, voc, 0.98), (near, 0.0))
    assert got == BY_NAME[expected].id


def test_the_border_of_a_person_follows_ade():
    unsure = torch.zeros(1, len(VOC_CLASSES), 1, 1)
    unsure[0, VOC_CLASSES.index("person")] = unsure[0, 0] = 0.5
    assert winner(certain(ADE_CLASSES, "person", 0.9), unsure, (1.0, 0.0)) == BY_NAME["person"].id
    assert winner(certain(ADE_CLASSES, "grass", 0.9), unsure, (1.0, 0.0)) == BY_NAME["grass"].id


def test_any_two_distributions_merge_to_one():
    generator = torch.Generator().manual_seed(0)
    ade = torch.randn(2, 32, 5, 6, generator=generator).softmax(1)
    voc = (4 * torch.randn(2, 21, 5, 6, generator=generator)).softmax(1)
    merge = Merge()
    merged = merge(ade, voc, merge.neighbourhood(voc))
    assert merged.min() >= 0
    assert torch.allclose(merged.sum(1), torch.ones(2, 5, 6), atol=1e-5)
