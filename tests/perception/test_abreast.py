import numpy as np
import pytest

from maquette.perception.abreast import SPACING, part


def people(
    centers: list[float], width: float = 9.0, shape: tuple[int, int] = (60, 120)
) -> tuple[np.ndarray, np.ndarray]:
    """Bodies from row 15 to 55 with narrower heads above, and a blurred ridge of heat along each axis."""
    shape = (60, 120)
    y, x = np.mgrid[: shape[0], : shape[1]]
    mask = np.zeros(shape, bool)
    heat = np.zeros(shape, np.float32)
    for center in centers:
        half = np.where(y < 15, width / 3, width)
        body = (np.abs(x - center) <= half) & (y > 5) & (y < 55)
        mask |= body
        heat = np.maximum(heat, 0.15 * np.exp(-(((x - center) / width) ** 2)) * (y > 5) * (y < 55))
    return mask, heat.astype(np.float32)


@pytest.mark.parametrize("centers", [[40.0], [35.0, 53.0], [25.0, 43.0, 61.0], [20.0, 38.0, 56.0, 74.0, 92.0]])
def test_people_who_touch_come_apart_between_their_bodies(centers):
    mask, heat = people(centers)
    things = part(mask, heat, SPACING["person"])
    assert np.array_equal(things > 0, mask)
    assert things.max() == len(centers)
    nearest = np.argmin(np.abs(np.arange(mask.shape[1])[:, None] - np.array(centers)), axis=1) + 1
    assert (things[mask] == np.broadcast_to(nearest, mask.shape)[mask]).mean() > 0.97


def test_one_thing_with_an_even_heat_stays_one():
    mask, _ = people([60.0], width=20.0)
    assert part(mask, np.full(mask.shape, 0.12, np.float32), SPACING["person"]).max() == 1


def test_mirrored_regions_come_apart_in_the_same_places():
    mask, heat = people([30.0, 50.0, 66.0])
    there = part(mask, heat, SPACING["person"])
    back = part(mask[:, ::-1].copy(), heat[:, ::-1].copy(), SPACING["person"])[:, ::-1]
    renumbered = np.where(back > 0, back.max() + 1 - back, 0)
    assert (there != renumbered).mean() < 0.01


def test_a_region_of_one_column_or_one_cell_is_one_thing():
    for where in (np.s_[10:40, 7:8], np.s_[5:6, 5:6]):
        mask = np.zeros((50, 50), bool)
        mask[where] = True
        assert part(mask, np.full(mask.shape, 0.1, np.float32), SPACING["person"]).max() == 1
