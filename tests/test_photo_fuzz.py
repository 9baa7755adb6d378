"""Whatever the bytes, the photo loader gives a sane photo or one clear line, soon and in little memory."""

from __future__ import annotations

import sys
import time
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maquette.errors import PhotoError
from maquette.photo import MIN_SIDE, load_photo
from tests.picture_files import RGB, small_files

FILES = small_files()
LIMIT = 1_000_000
PATIENCE = settings(max_examples=150, deadline=timedelta(seconds=5))


def load(data: bytes) -> bool:
    """Whether the bytes are a photo, which then is a sane one."""
    try:
        photo = load_photo(data, max_pixels=LIMIT)
    except PhotoError as error:
        assert "\n" not in str(error)
        assert str(error).startswith("the picture's bytes: ")
        return False
    assert photo.rgb.dtype == np.uint8
    assert photo.rgb.shape == (photo.height, photo.width, 3)
    assert min(photo.width, photo.height) >= MIN_SIDE
    assert photo.width * photo.height <= LIMIT
    assert photo.focal_px is None or 0 < photo.focal_px < 1e6
    return True


@PATIENCE
@given(st.binary(max_size=4096))
def test_any_bytes(data: bytes) -> None:
    load(data)


HEADS = [
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a",
    b"RIFF\x10\0\0\0WEBPVP8 ",
    b"II*\0",
    b"MM\0*",
    b"BM",
    b"P6 ",
    b"Pf ",
    b"8BPS\0\1",
    b"\0\0\1\0",
    b"icns",
    b"\0\0\0\x0cjP  \r\n\x87\n",
    b"qoif",
    b"DDS ",
    b"\x01\xda",
    b"SIMPLE  =",
    b"FORM",
    b"\x0a\x05\x01\x08",
    b"\0\0\0\x18ftypavif",
    b"#define a_width 99",
    b"/* XPM */",
    b"\xd7\xcd\xc6\x9a",
    b"gimp",
    b"DanM",
]


@PATIENCE
@given(st.sampled_from(HEADS), st.binary(max_size=2048))
def test_any_bytes_behind_a_known_head(head: bytes, data: bytes) -> None:
    load(head + data)


@pytest.mark.parametrize("kind", FILES)
def test_cut_short_anywhere(kind: str) -> None:
    data = FILES[kind]
    whole = load_photo(data).rgb
    for end in range(0, len(data), max(1, len(data) // 200)):
        # Only what comes after the last pixel (checksums, an end mark, EXIF) may be missing.
        if load(data[:end]):
            assert np.array_equal(load_photo(data[:end]).rgb, whole), f"{kind} cut at {end} of {len(data)}"


@pytest.mark.parametrize("kind", FILES)
@PATIENCE
@given(st.data())
def test_flipped_bits(kind: str, data: st.DataObject) -> None:
    damaged = bytearray(FILES[kind])
    # Half of the flips hit the first 200 bytes: sizes, offsets and counts are there.
    places = st.one_of(st.integers(0, min(200, len(damaged) - 1)), st.integers(0, len(damaged) - 1))
    for place, bit in data.draw(st.lists(st.tuples(places, st.integers(0, 7)), min_size=1, max_size=12)):
        damaged[place] ^= 1 << bit
    load(bytes(damaged))


@pytest.mark.parametrize("kind", FILES)
@PATIENCE
@given(st.data())
def test_pieces_removed_or_repeated(kind: str, data: st.DataObject) -> None:
    whole = FILES[kind]
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    load(whole[:start] + whole[start:end] * data.draw(st.sampled_from([0, 2, 3])) + whole[end:])


def test_memory_and_time_stay_small() -> None:
    resource = pytest.importorskip("resource", reason="peak memory is read from getrusage, which this system lacks")
    random = np.random.default_rng(0)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    for data in FILES.values():
        for _ in range(100):
            damaged = np.frombuffer(data, np.uint8).copy()
            damaged[random.integers(0, 64, 4)] = random.integers(0, 256, 4)
            load(damaged.tobytes())
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * (1 if sys.platform == "darwin" else 1024) < 100e6
    assert time.monotonic() - start < 60


def test_what_the_fuzz_starts_from_is_sound() -> None:
    for data in FILES.values():
        assert load_photo(data).rgb.shape in (RGB.shape, (RGB.shape[1], RGB.shape[0], 3))
