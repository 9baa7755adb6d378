"""Contact sheets: every pass has its place, and its colours say what they should."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from maquette.labels import BY_NAME
from maquette.voxels.types import COLORS
from maquette.worlds.preview import (
    GAP_PX,
    TITLE_PX,
    depth_colors,
    from_above,
    object_colors,
    sheet,
    write_sheet,
)
from maquette.worlds.record import CLASSES
from tests.worlds.records import random_record


def test_a_sheet_has_a_row_a_view_and_a_column_a_pass() -> None:
    records = [random_record(number, views=2, size=(40, 30), grid=(80, 96, 64)) for number in range(3)]
    picture = sheet(records)
    height, width, channels = picture.shape
    assert channels == 3 and picture.dtype == np.uint8
    above = 2 * 96  # the grid from above, in whole pixels a cell
    assert height == 3 * (above + GAP_PX + 30 + GAP_PX) + TITLE_PX + GAP_PX
    assert width == 6 * (40 + GAP_PX) + 2 * 80 + GAP_PX
    top = TITLE_PX + GAP_PX
    assert np.array_equal(picture[top : top + 30, :40], records[0].pictures[0])
    below = top + above + GAP_PX
    assert np.array_equal(picture[below : below + 30, :40], records[0].pictures[1])
    labels = picture[top : top + 30, 2 * (40 + GAP_PX) :][:, :40]
    semantic = records[0].views[0].semantic
    semantic_of = BY_NAME["chair"].id
    assert (labels[semantic == semantic_of] == BY_NAME["chair"].color).all()


def test_records_of_pictures_alone_have_a_column() -> None:
    bare = replace(random_record(0, views=3, size=(40, 30)), views=(), occupancy=None, classes=None)
    assert sheet([bare]).shape == (TITLE_PX + GAP_PX + 3 * (30 + GAP_PX), 40 + GAP_PX, 3)


def test_large_pictures_are_thinned_out() -> None:
    picture = sheet([random_record(0, views=1, size=(600, 400), grid=None)])
    assert picture.shape[0] < 300 and picture.shape[1] < 6 * 260


def test_near_is_red_far_is_blue_and_the_sky_is_black() -> None:
    depth = np.tile(np.geomspace(1, 50, 200, dtype=np.float32), (4, 1))
    depth[0] = 0
    colors = depth_colors(depth).astype(int)
    assert not colors[0].any()
    assert colors[1, 5, 0] > colors[1, 5, 2] and colors[1, -5, 2] > colors[1, -5, 0]
    assert not depth_colors(np.zeros((2, 2), np.float32)).any()


def test_neighbouring_ids_look_different() -> None:
    colors = object_colors(np.arange(60, dtype=np.uint16)).astype(int)
    assert not colors[0].any()
    distances = np.abs(colors[1:, None] - colors[None, 1:]).sum(axis=-1)
    near = np.abs(np.subtract.outer(np.arange(59), np.arange(59)))
    assert distances[(near > 0) & (near < 5)].min() > 60


def test_what_is_highest_is_seen_from_above() -> None:
    occupancy = np.zeros((80, 96, 64), bool)
    classes = np.zeros((80, 96, 64, 6), bool)
    table, laptop = CLASSES.index("table"), CLASSES.index("laptop")
    occupancy[10:30, 10:20, :15] = classes[10:30, 10:20, :15, table] = True
    occupancy[12:14, 12:14, 15] = classes[12:14, 12:14, 15, laptop] = True
    occupancy[60, 90, 63] = True
    picture = from_above(occupancy, classes)
    assert picture.shape == (192, 160, 3)
    cells = picture[::2, ::2][::-1].transpose(1, 0, 2).astype(float)  # back to [first axis, second axis]
    shade = 0.45 + 0.55 * np.array([14, 15]) / 63
    assert np.allclose(cells[20, 15], np.array(COLORS["table"]) * shade[0], atol=1)
    assert np.allclose(cells[12, 13], np.array(COLORS["laptop"]) * shade[1], atol=1)
    assert (cells[60, 90] == 150).all() and (cells[0, 0] == 45).all()


def test_a_sheet_is_written_as_png(tmp_path: Path) -> None:
    record = random_record(3)
    write_sheet([record], tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        assert np.array_equal(np.asarray(image), sheet([record]))
