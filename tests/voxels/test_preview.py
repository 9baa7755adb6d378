"""The picture of a room of cells."""

from __future__ import annotations

import numpy as np
import pytest

from maquette.voxels.preview import preview
from maquette.voxels.types import CLASSES, COLORS


def hues(picture: np.ndarray) -> set[str]:
    """Classes whose colour, in any light, at least one pixel has."""
    pixels = picture.reshape(-1, 3).astype(float)
    pixels = pixels[np.linalg.norm(pixels, axis=1) > 40]
    pixels /= np.linalg.norm(pixels, axis=1, keepdims=True)
    colors = {name: np.array(color) / np.linalg.norm(color) for name, color in COLORS.items() if name != "laptop"}
    return {name for name, color in colors.items() if (pixels @ color).max() > 0.9995}


def test_every_class_has_its_color() -> None:
    label = np.zeros((24, 24, 12), np.uint8)
    for at in range(len(CLASSES)):
        label[4 * at : 4 * at + 3, 20 - 4 * at : 23 - 4 * at, :3] = 1 + at
    assert hues(preview(label, 200)) == set(CLASSES) - {"laptop"}
    label[label != 1 + CLASSES.index("bag")] = 0
    assert hues(preview(label, 200)) == {"bag"}


def test_what_is_near_hides_what_is_far() -> None:
    label = np.zeros((20, 20, 20), np.uint8)
    label[12:15, 12:15, :3] = 1
    assert hues(preview(label, 160)) == {"chair"}
    label[4:9, 4:9, :14] = 2
    assert hues(preview(label, 160)) == {"table"}


def test_three_faces_in_three_lights() -> None:
    label = np.zeros((8, 8, 8), np.uint8)
    label[3, 3, 3] = 1
    red = preview(label, 512).astype(int)
    shown = red[(red[..., 0] > 2 * red[..., 1]) & (red[..., 0] > 60)]
    lights, count = np.unique(shown[:, 0], return_counts=True)
    left, right, top = np.sort(lights[np.argsort(count)[-3:]])
    assert left < right < top


@pytest.mark.parametrize("shape", [(80, 96, 64), (1, 1, 1), (7, 3, 40)])
def test_a_full_room_fits(shape: tuple[int, int, int]) -> None:
    full = preview(np.full(shape, 6, np.uint8), 320)
    assert full.shape[1:] == (320, 3) and full.dtype == np.uint8
    assert full.shape == preview(np.zeros(shape, np.uint8), 320).shape


def test_an_empty_room_is_grey() -> None:
    picture = preview(np.zeros((80, 96, 64), np.uint8)).astype(int)
    assert picture.shape == (picture.shape[0], 640, 3)
    assert (np.ptp(picture, axis=2) == 0).all() and picture.min() > 225
