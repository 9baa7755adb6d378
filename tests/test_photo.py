"""The photo loader: every kind of good file gives the right pixels, every kind of bad file one clear line."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from maquette.errors import PhotoError
from maquette.photo import MIN_SIDE, Photo, load_photo
from tests.picture_files import (
    DISPLAY_P3,
    GREY,
    GREY_AS_RGB,
    RGB,
    bad_files,
    good_files,
    icc_profile,
    png_16,
    save,
    small_files,
)

GOOD = good_files()
BAD = bad_files()


def difference(photo: Photo, expected: np.ndarray[Any, Any]) -> float:
    assert photo.rgb.dtype == np.uint8
    assert photo.rgb.shape == expected.shape
    assert photo.rgb.flags.c_contiguous
    return float(np.abs(photo.rgb.astype(np.float64) - expected).max())


@pytest.mark.parametrize("name", GOOD)
def test_good_file(name: str, tmp_path: Path) -> None:
    data, expected, allowed = GOOD[name]
    path = tmp_path / "picture"
    path.write_bytes(data)
    photo = load_photo(path)
    assert difference(photo, expected) <= allowed
    assert photo.name == "picture"
    assert np.array_equal(load_photo(data).rgb, photo.rgb)
    with Image.open(path) as image:
        assert np.array_equal(load_photo(image).rgb, photo.rgb)


@pytest.mark.parametrize("name", BAD)
def test_bad_file(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data, word = BAD[name]
    path = tmp_path / "holiday photo.jpg"
    path.write_bytes(data)
    with pytest.raises(PhotoError) as caught:
        load_photo(path)
    message = str(caught.value)
    assert "holiday photo.jpg" in message
    assert word in message
    assert "\n" not in message
    assert capfd.readouterr() == ("", "")
    with pytest.raises(PhotoError, match="bytes"):
        load_photo(data)


def test_limit_is_checked_before_decoding() -> None:
    # 110 megapixels of zeros compress to a few kilobytes; the decoded picture would need 110 MB.
    code = (
        "import resource, sys; from maquette.photo import load_photo; from maquette.errors import PhotoError\n"
        "data = sys.stdin.buffer.read(); before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: load_photo(data)\n"
        "except PhotoError: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    pytest.importorskip("resource", reason="peak memory is read from getrusage, which this system lacks")
    done = subprocess.run([sys.executable, "-c", code], input=BAD["110 megapixels"][0], capture_output=True, check=True)
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(done.stdout) * unit < 30e6


def test_limit_is_the_callers() -> None:
    data = save(Image.fromarray(RGB), "PNG")
    assert load_photo(data, max_pixels=RGB.shape[0] * RGB.shape[1]).width == RGB.shape[1]
    with pytest.raises(PhotoError, match="megapixels"):
        load_photo(data, max_pixels=RGB.shape[0] * RGB.shape[1] - 1)


def test_no_warning_of_pillow_leaks(monkeypatch: pytest.MonkeyPatch) -> None:
    data = save(Image.fromarray(RGB), "PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", RGB.shape[0] * RGB.shape[1] - 1)
    with pytest.warns(Image.DecompressionBombWarning):
        Image.open(io.BytesIO(data)).close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_photo(data)


def test_smallest_photo() -> None:
    assert load_photo(np.zeros((MIN_SIDE, MIN_SIDE, 3), np.uint8)).height == MIN_SIDE


def test_missing_folder_and_pipe(tmp_path: Path) -> None:
    for path, word in ((tmp_path / "none.jpg", "no such file"), (tmp_path, "folder"), ("a\0b.jpg", "no such file")):
        with pytest.raises(PhotoError, match=word) as caught:
            load_photo(path)
        assert "\n" not in str(caught.value)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.jpg")
        with pytest.raises(PhotoError, match=r"pipe\.jpg"):
            load_photo(tmp_path / "pipe.jpg")


def test_name_of_the_file_stays_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "two\nlines.jpg"
    try:
        path.write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes no line feed in a name")
    with pytest.raises(PhotoError) as caught:
        load_photo(path)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_no_permission(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(save(Image.fromarray(RGB), "PNG"))
    path.chmod(0)
    user = os.geteuid()
    if user == 0:  # root may read everything, so be nobody for a moment
        os.seteuid(65534)
    try:
        with pytest.raises(PhotoError, match=r"secret\.png.*permission"):
            load_photo(path)
    finally:
        os.seteuid(user)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (RGB, RGB),
        (GREY, GREY_AS_RGB),
        (GREY[..., None], GREY_AS_RGB),
        (np.dstack([RGB, np.full_like(GREY, 255)]), RGB),
        (np.dstack([RGB, np.zeros_like(GREY)]), np.full_like(RGB, 255)),
        (np.dstack([GREY, np.zeros_like(GREY)]), np.full_like(RGB, 255)),
        (RGB.astype(np.uint16) * 257, RGB),
        (RGB / 255, RGB),
        ((RGB / 255).astype(np.float32), RGB),
        (GREY > 127, np.where(GREY_AS_RGB > 127, 255, 0)),
        (RGB[:, ::-1], RGB[:, ::-1]),
        (np.asfortranarray(RGB), RGB),
    ],
    ids=["rgb", "grey", "grey 1", "opaque", "clear", "grey clear", "16", "64f", "32f", "bool", "view", "fortran"],
)
def test_arrays(array: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> None:
    before = array.copy()
    assert difference(load_photo(array), expected) == 0
    assert np.array_equal(array, before)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 0, 3), np.uint8),
        np.zeros(100, np.uint8),
        np.zeros((50, 50, 5), np.uint8),
        np.zeros((2, 50, 50, 3), np.uint8),
        np.zeros((50, 50, 3), np.int32),
        np.zeros((50, 50, 3), np.complex64),
        np.full((50, 50), "a"),
        np.full((50, 50, 3), 255.0),
        np.full((50, 50, 3), -0.5),
        np.full((50, 50, 3), np.nan),
        np.full((50, 50, 3), np.inf),
        np.zeros((5, 500), np.uint8),
    ],
)
def test_bad_arrays(array: np.ndarray[Any, Any]) -> None:
    with pytest.raises(PhotoError, match="array"):
        load_photo(array)


def test_what_is_no_photo_at_all() -> None:
    with pytest.raises(PhotoError, match="NoneType"):
        load_photo(None)  # type: ignore[arg-type]


def test_array_is_not_shared() -> None:
    array = RGB.copy()
    photo = load_photo(array)
    array[:] = 0
    assert np.array_equal(photo.rgb, RGB)


def test_pillow_image_is_left_alone() -> None:
    image = Image.fromarray(np.dstack([RGB, RGB[..., 0]]))
    before = image.tobytes()
    load_photo(image)
    assert image.mode == "RGBA"
    assert image.tobytes() == before


@pytest.mark.parametrize("mode", ["HSV", "La", "RGBa", "RGBX", "PA", "YCbCr"])
def test_modes_without_a_file_format(mode: str) -> None:
    if mode == "La":
        source = Image.fromarray(np.dstack([GREY, np.full_like(GREY, 255)])).convert("La")
        assert difference(load_photo(source), GREY_AS_RGB) == 0
    elif mode == "PA":
        source = Image.fromarray(GREY).convert("P").convert("PA")
        assert difference(load_photo(source), GREY_AS_RGB) == 0
    else:
        step = "RGBA" if mode == "RGBa" else "RGB"
        source = Image.fromarray(RGB).convert(step).convert(mode)
        assert difference(load_photo(source), RGB) <= {"HSV": 8, "YCbCr": 3}.get(mode, 0)


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 64 * 1024).round().astype(np.uint16).reshape(64, 1024)
    levels = load_photo(png_16(ramp[..., None])).rgb[..., 0]
    assert np.array_equal(levels, np.round(ramp / 257).astype(np.uint8))
    assert (np.diff(levels.ravel().astype(int)) >= 0).all()
    assert len(np.unique(levels)) == 256


def encoded(linear: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """IEC 61966-2-1."""
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


SRGB_TO_XYZ = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
"""Linear sRGB to XYZ relative to D50 (Bradford), from the colorants of the ICC's own sRGB profile."""


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_colour_profile_is_converted(kind: str) -> None:
    source = RGB // 2 + 64  # inside the gamut, so that the closed form holds
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    photo = load_photo(save(Image.fromarray(source), kind, icc_profile=icc_profile(DISPLAY_P3, 2.2), **options))
    linear = (source / 255) ** 2.2 @ DISPLAY_P3.T @ np.linalg.inv(SRGB_TO_XYZ).T
    inside = ((linear > 0.001) & (linear < 0.999)).all(axis=-1)
    assert inside.mean() > 0.5
    off = np.abs(photo.rgb - encoded(linear))[inside]
    assert np.percentile(off, 99) <= (6 if kind == "JPEG" else 2)
    assert np.abs(photo.rgb.astype(int) - source)[inside].max() > 12  # it did change
    assert any("hand made" in note for note in photo.notes)


def test_profile_of_srgb_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = load_photo(save(Image.fromarray(RGB), "PNG", icc_profile=profile))
    assert np.array_equal(photo.rgb, RGB)
    assert photo.notes == ()


@pytest.mark.parametrize("profile", [b"nonsense", icc_profile(DISPLAY_P3, 2.2)[:200], b"\0" * 500])
def test_broken_profile_is_ignored_and_said(profile: bytes) -> None:
    photo = load_photo(save(Image.fromarray(RGB), "PNG", icc_profile=profile))
    assert np.array_equal(photo.rgb, RGB)
    assert any("profile" in note for note in photo.notes)


def test_profile_that_does_not_fit_is_ignored_and_said() -> None:
    photo = load_photo(save(Image.fromarray(GREY), "PNG", icc_profile=icc_profile(DISPLAY_P3, 2.2)))
    assert np.array_equal(photo.rgb, GREY_AS_RGB)
    assert any("profile" in note for note in photo.notes)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("rgba", "transparency"),
        ("cmyk", "CMYK"),
        ("first of an animated gif", "first"),
        ("first page of a tiff", "first"),
        ("grey float tiff of any range", "range"),
    ],
)
def test_what_was_assumed_is_said(name: str, word: str) -> None:
    assert any(word in note for note in load_photo(GOOD[name][0]).notes)


@pytest.mark.parametrize("name", ["png", "jpeg", "rgba, all opaque", "grey 16-bit png", "mpo", "jpeg orientation 6"])
def test_nothing_to_say_of_an_ordinary_file(name: str) -> None:
    assert load_photo(GOOD[name][0]).notes == ()


def with_camera(orientation: int = 1, size: tuple[int, int] = (360, 240), **tags: Any) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    numbers = {"focal_35mm": 0xA405, "focal_mm": 0x920A, "plane_x": 0xA20E, "plane_unit": 0xA210, "wide": 0xA002}
    camera = exif.get_ifd(0x8769)
    for name, value in tags.items():
        camera[numbers[name]] = value
    return save(Image.new("RGB", size), "JPEG", exif=exif)


def test_focal_length_from_the_equivalent() -> None:
    # On a 3:2 picture, which is the shape of film, 36 mm are as wide as the longer side.
    assert load_photo(with_camera(focal_35mm=50)).focal_px == pytest.approx(50 / 36 * 360)
    # On any other shape the diagonal counts: 400 x 300 has a diagonal of 500 px for 43.267 mm.
    assert load_photo(with_camera(size=(400, 300), focal_35mm=28)).focal_px == pytest.approx(
        28 / 43.2666 * 500, rel=1e-5
    )
    for orientation in range(1, 9):
        photo = load_photo(with_camera(orientation, focal_35mm=50))
        assert photo.focal_px == pytest.approx(500)
        assert (photo.width < photo.height) == (orientation >= 5)


def test_focal_length_from_the_sensor() -> None:
    # 6000 px on a sensor 36 mm wide, taken with 50 mm, then made smaller to 360 px.
    tags = {"focal_mm": 50.0, "plane_x": 6000 / 3.6, "plane_unit": 3, "wide": 6000}
    assert load_photo(with_camera(**tags)).focal_px == pytest.approx(500, rel=1e-3)
    assert load_photo(with_camera(**{**tags, "plane_x": 6000 / 36 * 25.4, "plane_unit": 2})).focal_px == pytest.approx(
        500, rel=1e-3
    )
    assert load_photo(with_camera(8, **tags)).focal_px == pytest.approx(500, rel=1e-3)


@pytest.mark.parametrize("focal", [1, 7, 3001, 65535])
def test_a_mad_focal_length_is_ignored_and_said(focal: int) -> None:
    photo = load_photo(with_camera(focal_35mm=focal))
    assert photo.focal_px is None
    assert any("focal length" in note for note in photo.notes)


@pytest.mark.parametrize(
    "tags", [{}, {"focal_35mm": 0}, {"focal_mm": 50.0}, {"plane_x": 100.0}, {"focal_mm": 50.0, "plane_x": 0.0}]
)
def test_no_focal_length(tags: dict[str, Any]) -> None:
    photo = load_photo(with_camera(**tags))
    assert photo.focal_px is None
    assert photo.notes == ()


def test_a_broken_exif_block_does_not_matter() -> None:
    for exif in (b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0" + bytes(range(256)), b"nonsense"):
        photo = load_photo(save(Image.fromarray(RGB), "JPEG", quality=100, subsampling=0, exif=exif))
        assert difference(photo, RGB) <= 6
        assert photo.focal_px is None


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("IMG_0001", "IMG_0001"),
        ("Grüße aus Köln", "Grüße aus Köln"),
        ("北京 2024", "北京 2024"),
        ("a.b", "a.b"),
        ("tab\there", "tabhere"),
        ("what? <yes> | no: *", "what yes  no"),
        ("right\u202eleft", "rightleft"),
        ("CON", "CON_"),
        (" .hidden. ", "hidden"),
        ("???", "photo"),
        ("../../etc/passwd", "etcpasswd"),
        ("e\u0301", "\u00e9"),
    ],
)
def test_names(stem: str, name: str) -> None:
    assert load_photo(RGB, name=stem).name == name


def test_long_names_fit_a_file_system() -> None:
    name = load_photo(RGB, name="猫" * 300).name
    assert set(name) == {"猫"}
    assert len(name.encode()) <= 120


def test_name_comes_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "my cat.old.jpeg"
    path.write_bytes(small_files()["jpeg"])
    assert load_photo(path).name == "my cat.old"
    assert load_photo(str(path)).name == "my cat.old"
    assert load_photo(path, name="other").name == "other"
    assert load_photo(path.read_bytes()).name == "photo"
    with Image.open(path) as image:
        assert load_photo(image).name == "my cat.old"
    assert load_photo(RGB).name == "photo"


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_jpeg_cut_and_closed_again_is_no_photo(mode: str) -> None:
    data = save(Image.fromarray(np.tile(RGB, (6, 6, 1))).convert(mode), "JPEG", quality=95)
    load_photo(data)
    for share in (0.4, 0.7, 0.9, 0.97):
        with pytest.raises(PhotoError, match="ends before"):
            load_photo(data[: int(len(data) * share)] + b"\xff\xd9")


def test_a_jpeg_that_is_grey_at_the_bottom_is_a_photo() -> None:
    rgb = np.concatenate([RGB, np.full((64, 64, 3), 128, np.uint8)])
    for options in ({}, {"progressive": True}, {"optimize": True}, {"restart_marker_blocks": 4}):
        photo = load_photo(save(Image.fromarray(rgb), "JPEG", quality=95, **options))
        assert (photo.rgb[-32:] == 128).all()


@pytest.mark.parametrize("orientation", [1, 6])
def test_heif(orientation: int) -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="HEIF needs the extra `heif`")
    pillow_heif.register_heif_opener()
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = RGB if orientation == 1 else np.ascontiguousarray(np.rot90(RGB))
    data = save(Image.fromarray(stored), "HEIF", quality=100, chroma=444, exif=exif.tobytes())
    assert difference(load_photo(data), RGB) <= 12


def test_the_same_file_gives_the_same_photo() -> None:
    for data, _, _ in GOOD.values():
        first, second = load_photo(data), load_photo(data)
        assert np.array_equal(first.rgb, second.rgb)
        assert (first.focal_px, first.notes) == (second.focal_px, second.notes)


ADOBE_RGB = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
"""Linear Adobe RGB (1998) to XYZ relative to D50."""


def test_real_photos() -> None:
    data = pytest.importorskip("skimage.data", reason="scikit-image carries the photos")
    folder = Path(data.__file__).parent
    for name in ("coffee", "chelsea", "astronaut"):
        assert np.array_equal(load_photo(folder / f"{name}.png").rgb, getattr(data, name)())
    rocket = load_photo(folder / "rocket.jpg")  # a photo in Adobe RGB
    linear = (data.rocket() / 255) ** 2.19921875 @ ADOBE_RGB.T @ np.linalg.inv(SRGB_TO_XYZ).T
    inside = ((linear > 0.002) & (linear < 0.998)).all(axis=-1)
    assert inside.mean() > 0.5
    assert np.percentile(np.abs(rocket.rgb - encoded(linear))[inside], 99) <= 2
    assert rocket.notes == ("Colours were converted to sRGB from the profile 'Adobe RGB (1998)'.",)
