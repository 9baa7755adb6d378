"""Tiles: that they repeat, look alike every time, and fail clearly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maquette.errors import MaquetteError
from maquette.worlds.textures import TILES, tile

ONCE = {"screen", "keyboard", "persian", "view_garden", "view_city"} | {f"picture_{letter}" for letter in "abcde"}
TINTED = "plain paint weave knit velvet leather carpet plaster brushed skin wallpaper_stripes".split()


@pytest.mark.parametrize("name", TILES)
def test_a_tile_has_colours_and_relief(name: str) -> None:
    rgba = tile(name)
    assert rgba.dtype == np.uint8 and rgba.shape == (256, 256, 4)
    assert not rgba.flags.writeable
    if name != "plain":
        assert rgba[..., :3].std() > 1


@pytest.mark.parametrize("name", sorted(set(TILES) - ONCE))
def test_a_tile_repeats_without_a_seam(name: str) -> None:
    """Where it meets itself, rows and columns differ no more than they do somewhere within."""
    rgba = tile(name).astype(np.float64)
    for axis in (0, 1):
        steps = np.abs(np.diff(rgba, axis=axis, append=np.take(rgba, [0], axis=axis))).mean(axis=(1 - axis, 2))
        assert steps[-1] <= steps[:-1].max() * 1.05 + 0.5


@pytest.mark.parametrize("name", TINTED)
def test_what_a_material_colours_is_light_and_grey(name: str) -> None:
    rgb = tile(name)[..., :3].astype(np.float64)
    assert rgb.mean() > 150
    assert np.ptp(rgb.mean(axis=(0, 1))) < 20


def test_a_tile_is_drawn_alike_in_any_order() -> None:
    first = {name: tile(name).copy() for name in ("oak", "grass", "persian")}
    tile.cache_clear()
    for name in reversed(tuple(first)):
        assert np.array_equal(tile(name), first[name])


def test_a_photo_becomes_a_tile(tmp_path: Path) -> None:
    path = tmp_path / "wall.png"
    across, down = np.meshgrid(np.linspace(0, 255, 500), np.linspace(0, 255, 300))
    Image.fromarray(np.stack([across, down, 0 * across], axis=-1).astype(np.uint8)).save(path)
    rgba = tile(f"photo:{path}").astype(np.float64)
    assert rgba.shape == (256, 256, 4)
    assert np.abs(rgba[0] - rgba[-1]).max() < 12
    assert np.abs(rgba[:, 0] - rgba[:, -1]).max() < 12
    assert 80 < rgba[128, 128, 0] < 175


@pytest.mark.parametrize("name", ["oaks", "photo:", "photo:/nowhere/to/be/found.png"])
def test_a_missing_tile_is_one_clear_line(name: str) -> None:
    with pytest.raises(MaquetteError) as caught:
        tile(name)
    assert "\n" not in str(caught.value)


def test_a_broken_photo_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0 no picture")
    with pytest.raises(MaquetteError, match=r"broken\.jpg"):
        tile(f"photo:{path}")
