import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from maquette.export.png import encode_png, spread_colors
from tests.export.scenes import disc, photo_like


@settings(deadline=None)
@given(width=st.integers(1, 70), height=st.integers(1, 70), channels=st.sampled_from([3, 4]), seed=st.integers(0, 99))
def test_pillow_reads_what_was_written(width: int, height: int, channels: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
    image = Image.open(io.BytesIO(encode_png(pixels)))
    assert image.mode == {3: "RGB", 4: "RGBA"}[channels]
    assert np.array_equal(np.asarray(image), pixels)


def test_bands_join_up() -> None:
    """Pictures larger than a band, and rows longer than one."""
    for shape in ((700, 900, 4), (3, 400_000, 3)):
        pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode_png(pixels)))), pixels)


def test_is_hardly_larger_than_pillow_in_a_hurry() -> None:
    for photo in (data.coffee(), data.chelsea(), data.rocket()):
        stream = io.BytesIO()
        Image.fromarray(photo).save(stream, "png", compress_level=1)
        assert len(encode_png(photo)) < 1.1 * len(stream.getvalue())


def test_spreading_keeps_all_that_is_seen() -> None:
    texture = np.dstack([photo_like(101, 67), disc(101, 67)])
    spread = spread_colors(texture)
    seen = texture[..., 3] > 0
    assert np.array_equal(spread[..., 3], texture[..., 3])
    assert np.array_equal(spread[seen], texture[seen])


def test_no_dark_fringe_at_any_mipmap() -> None:
    """Black lies under the transparent part of a bright disc; straight-alpha averages of what is spread stay bright."""
    alpha = disc(150, 90)
    texture = np.dstack([np.broadcast_to(np.array([250, 200, 150], np.uint8), (90, 150, 3)), alpha])
    texture[alpha == 0] = 0
    level = Image.fromarray(spread_colors(texture))
    for _ in range(6):
        channels = [channel.reduce(2) for channel in level.split()]
        level = Image.merge("RGBA", channels)
        assert np.abs(np.asarray(level)[..., :3].astype(int) - (250, 200, 150)).max() <= 5


def test_spreading_takes_the_colour_that_is_near() -> None:
    texture = np.zeros((64, 64, 4), np.uint8)
    texture[:, :8] = (255, 0, 0, 255)
    texture[:, 56:] = (0, 0, 255, 255)
    spread = spread_colors(texture)
    assert (spread[:, 8:12, 0] > 200).all()
    assert (spread[:, 52:56, 2] > 200).all()


def test_nothing_to_spread() -> None:
    for texture in (np.zeros((5, 7, 4), np.uint8), np.full((5, 7, 4), 255, np.uint8), np.full((1, 1, 4), 9, np.uint8)):
        assert np.array_equal(spread_colors(texture), texture)
