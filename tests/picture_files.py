"""Picture files for the tests: good ones of every kind with what they must load as, and bad ones."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 64, 48

_rows, _columns = np.mgrid[:HEIGHT, :WIDTH]
RGB: NDArray[np.uint8] = np.stack([_columns * 4, _rows * 5, 255 - _columns * 2 - _rows], axis=-1).astype(np.uint8)
"""Smooth, and different under every turn and flip."""

GREY: NDArray[np.uint8] = (_columns * 4 + _rows % 4).astype(np.uint8)
"""All 256 levels."""

GREY_AS_RGB = np.repeat(GREY[..., None], 3, axis=2)
ALPHA: NDArray[np.uint8] = (_rows * 5).astype(np.uint8)


def save(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of a file of that kind."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def over_white(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Straight alpha laid over white."""
    a = alpha[..., None] / 255
    return rgb * a + 255 * (1 - a)


def png_16(channels: NDArray[np.uint16]) -> bytes:
    """A 16-bit PNG, written by hand, of (h, w, 1 to 4)."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width, count = channels.shape
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in channels)
    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[count], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def tiff(samples: NDArray[Any], order: str = "<", packed: tuple[int, bytes] | None = None) -> bytes:
    """An uncompressed one-strip TIFF, written by hand: (h, w) or (h, w, 3), any width of integer or float.

    ``packed`` gives other bits a sample than those of the dtype, and the strip.
    """
    planes = samples.reshape(*samples.shape[:2], -1)
    count = planes.shape[2]
    body = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    bits = samples.dtype.itemsize * 8
    if packed:
        bits, body = packed
    tags: dict[int, tuple[int, tuple[int, ...]]] = {
        256: (4, (planes.shape[1],)),
        257: (4, (planes.shape[0],)),
        258: (3, (bits,) * count),
        259: (3, (1,)),
        262: (3, (2 if count == 3 else 1,)),
        273: (4, (8,)),
        277: (3, (count,)),
        278: (4, (planes.shape[0],)),
        279: (4, (len(body),)),
        339: (3, ({"u": 1, "i": 2, "f": 3}[samples.dtype.kind],) * count),
    }
    body += b"\0" * (len(body) % 2)
    ifd = 8 + len(body)
    overflow = ifd + 2 + 12 * len(tags) + 4
    entries, tail = b"", b""
    for tag, (kind, values) in sorted(tags.items()):
        data = struct.pack(order + {3: "H", 4: "I"}[kind] * len(values), *values)
        if len(data) > 4:
            data, tail = struct.pack(order + "I", overflow + len(tail)), tail + data
        entries += struct.pack(order + "HHI", tag, kind, len(values)) + data.ljust(4, b"\0")
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", ifd)
    return head + body + struct.pack(order + "H", len(tags)) + entries + b"\0" * 4 + tail


DISPLAY_P3 = np.array([[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]])
"""Linear Display P3 to XYZ relative to D50: the columns of the colorants in Apple's profile."""


def icc_profile(colorants: NDArray[np.float64], gamma: float) -> bytes:
    """An ICC v2 profile of matrix and gamma, written by hand (ICC.1:2001-04, sections 6.1, 6.3 and 6.5)."""

    def fixed(*values: float) -> bytes:
        return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))

    white = (0.9642, 1.0, 0.8249)
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 10) + b"hand made\0" + b"\0" * 78,
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": b"XYZ \0\0\0\0" + fixed(*white),
    }
    for index, name in enumerate("rgb"):
        tags[name.encode() + b"XYZ"] = b"XYZ \0\0\0\0" + fixed(*colorants[:, index])
        tags[name.encode() + b"TRC"] = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
    table, data, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, body in tags.items():
        table += name + struct.pack(">II", start + len(data), len(body))
        data += body + b"\0" * (-len(body) % 4)
    size = start + len(data)
    header = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28 + fixed(*white)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


def small_files() -> dict[str, bytes]:
    """A small valid file of each format that people have, to be damaged."""
    image = Image.fromarray(RGB)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0xA405] = 28
    return {
        "jpeg": save(image, "JPEG", exif=exif),
        "progressive": save(image, "JPEG", progressive=True, icc_profile=icc_profile(DISPLAY_P3, 2.2)),
        "png": save(image, "PNG"),
        "webp": save(image, "WEBP", exif=exif),
        "gif": save(image.quantize(32), "GIF"),
        "tiff": save(image, "TIFF"),
        "tiff lzw": save(image, "TIFF", compression="tiff_lzw"),
        "bmp": save(image, "BMP"),
    }


def _twelve_bits(grey: NDArray[np.uint8]) -> bytes:
    """Eight bits as twelve, two samples in three bytes, most significant bit first."""
    values = np.rint(grey.reshape(-1, 2) * (4095 / 255)).astype(np.uint16)
    first, second = values[:, 0], values[:, 1]
    return np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=1).astype(np.uint8).tobytes()


def _oriented(kind: str, orientation: int) -> bytes:
    """A file whose stored pixels and EXIF orientation together show ``RGB`` upright."""
    undo: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),  # stored a quarter turn anticlockwise, to be turned clockwise
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(undo[orientation](RGB)))
    return save(stored, kind, exif=exif, **({"quality": 100, "subsampling": 0} if kind == "JPEG" else {}))


def good_files() -> dict[str, tuple[bytes, NDArray[Any], float]]:
    """Name to (file, what it must load as, largest difference allowed)."""
    rgb, grey = Image.fromarray(RGB), Image.fromarray(GREY)
    rgba = Image.fromarray(np.dstack([RGB, ALPHA]))
    wide = GREY.astype(np.uint16) * 257
    wide_rgb = RGB.astype(np.uint16) * 257
    files: dict[str, tuple[bytes, NDArray[Any], float]] = {
        "png": (save(rgb, "PNG"), RGB, 0),
        "jpeg": (save(rgb, "JPEG", quality=100, subsampling=0), RGB, 6),
        "jpeg grey": (save(grey, "JPEG", quality=100), GREY_AS_RGB, 4),
        "bmp": (save(rgb, "BMP"), RGB, 0),
        "tiff": (save(rgb, "TIFF"), RGB, 0),
        "tiff deflate": (save(rgb, "TIFF", compression="tiff_adobe_deflate"), RGB, 0),
        "webp": (save(rgb, "WEBP", lossless=True), RGB, 0),
        "ppm": (save(rgb, "PPM"), RGB, 0),
        "tga": (save(rgb, "TGA"), RGB, 0),
        "qoi": (save(rgb, "QOI"), RGB, 0),
        "jpeg 2000": (save(rgb, "JPEG2000"), RGB, 0),
        "1-bit": (save(Image.fromarray(GREY > 127), "PNG"), np.where(GREY_AS_RGB > 127, 255, 0), 0),
        "grey": (save(grey, "PNG"), GREY_AS_RGB, 0),
        "grey 16-bit png": (png_16(wide[..., None]), GREY_AS_RGB, 0),
        "grey alpha 16-bit png": (png_16(np.dstack([wide, ALPHA * np.uint16(257)])), over_white(GREY_AS_RGB, ALPHA), 1),
        "rgb 16-bit png": (png_16(wide_rgb), RGB, 0),
        "rgba 16-bit png": (png_16(np.dstack([wide_rgb, ALPHA * np.uint16(257)])), over_white(RGB, ALPHA), 1),
        "grey 16-bit tiff, little endian": (tiff(wide), GREY_AS_RGB, 0),
        "grey 16-bit tiff, big endian": (tiff(wide, ">"), GREY_AS_RGB, 0),
        "grey 12-bit tiff": (tiff(wide, packed=(12, _twelve_bits(GREY))), GREY_AS_RGB, 0),
        "rgb 16-bit tiff, little endian": (tiff(wide_rgb), RGB, 0),
        "rgb 16-bit tiff, big endian": (tiff(wide_rgb, ">"), RGB, 0),
        "grey 16-bit pgm": (b"P5 %d %d 65535 " % (WIDTH, HEIGHT) + wide.astype(">u2").tobytes(), GREY_AS_RGB, 0),
        "grey 32-bit tiff": (tiff(GREY.astype(np.int32) * 1000), GREY_AS_RGB, 0),
        "grey float tiff": (tiff(GREY.astype(np.float32) / 255), GREY_AS_RGB, 0),
        "grey float tiff of any range": (tiff(GREY.astype(np.float32) * 7 - 300), GREY_AS_RGB, 0),
        "grey alpha": (save(Image.fromarray(np.dstack([GREY, ALPHA])), "PNG"), over_white(GREY_AS_RGB, ALPHA), 1),
        "rgba": (save(rgba, "PNG"), over_white(RGB, ALPHA), 1),
        "rgba webp": (save(rgba, "WEBP", lossless=True, exact=True), over_white(RGB, ALPHA), 1),
        "rgba, all opaque": (save(Image.fromarray(np.dstack([RGB, ALPHA * 0 + 255])), "PNG"), RGB, 0),
        "palette": (save(grey.convert("P"), "PNG"), GREY_AS_RGB, 0),
        "palette gif": (save(grey.convert("P"), "GIF"), GREY_AS_RGB, 0),
        "palette with a clear colour": (
            save(grey.convert("P"), "PNG", transparency=40),
            np.where(GREY_AS_RGB == 40, 255, GREY_AS_RGB),
            0,
        ),
        "palette with alpha": (
            save(grey.convert("P"), "PNG", transparency=bytes(range(256))),
            over_white(GREY_AS_RGB, GREY),
            1,
        ),
        "grey with a clear level": (
            save(grey, "PNG", transparency=40),
            np.where(GREY_AS_RGB == 40, 255, GREY_AS_RGB),
            0,
        ),
        "cmyk": (save(rgb.convert("CMYK"), "TIFF"), np.asarray(rgb.convert("CMYK").convert("RGB")), 0),
        "cmyk jpeg": (save(rgb.convert("CMYK"), "JPEG", quality=100, subsampling=0), RGB, 8),
        "ycbcr tiff": (save(rgb.convert("YCbCr"), "TIFF"), RGB, 4),
        "lab": (save(_lab(), "TIFF"), _LAB_AS_SRGB, 3),
        "first of an animated gif": (
            save(grey.convert("P"), "GIF", save_all=True, append_images=[Image.new("P", grey.size, 200)]),
            GREY_AS_RGB,
            0,
        ),
        "first of an animated webp": (
            save(rgb, "WEBP", save_all=True, lossless=True, append_images=[Image.new("RGB", rgb.size)]),
            RGB,
            0,
        ),
        "first page of a tiff": (save(rgb, "TIFF", save_all=True, append_images=[Image.new("RGB", rgb.size)]), RGB, 0),
        "mpo": (
            save(rgb, "MPO", save_all=True, append_images=[Image.new("RGB", rgb.size)], quality=100, subsampling=0),
            RGB,
            6,
        ),
        "avif": (save(rgb, "AVIF", quality=100, subsampling="4:4:4"), RGB, 8),
    }
    for kind in ("JPEG", "PNG", "TIFF", "WEBP"):
        for orientation in range(1, 9):
            data = _oriented(kind, orientation)
            files[f"{kind.lower()} orientation {orientation}"] = (data, RGB, {"JPEG": 6, "WEBP": 24}.get(kind, 0))
    return files


_LAB_AS_SRGB = np.zeros((HEIGHT, WIDTH, 3))
_LAB_AS_SRGB[:, : WIDTH // 2] = 119  # L* = 50, a* = b* = 0
_LAB_AS_SRGB[:, WIDTH // 2 :] = 255  # L* = 100


def _lab() -> Image.Image:
    lightness = np.full((HEIGHT, WIDTH), 128, np.uint8)
    lightness[:, WIDTH // 2 :] = 255
    zero = Image.new("L", (WIDTH, HEIGHT), 128)
    return Image.merge("LAB", (Image.fromarray(lightness), zero, zero))


def bad_files() -> dict[str, tuple[bytes, str]]:
    """Name to (file, a word that the message must hold)."""
    small = small_files()
    jpeg, png, gif, webp = small["jpeg"], small["png"], small["gif"], small["webp"]
    huge_png = bytearray(png)
    huge_png[16:24] = struct.pack(">II", 60_000, 60_000)
    huge_png[29:33] = struct.pack(">I", zlib.crc32(bytes(huge_png[12:29])))
    large = save(Image.new("1", (11_000, 10_000)), "PNG")
    wrong_check = bytearray(png)
    wrong_check[len(png) // 2] ^= 0xFF
    nan = np.full((HEIGHT, WIDTH), np.nan, np.float32)
    return {
        "empty": (b"", "empty"),
        "one byte": (b"\xff", "not a picture"),
        "zeros": (b"\0" * 5000, "not a picture"),
        "text": (b"This is not a picture.\n" * 50, "not a picture"),
        "html": (b"<!doctype html><html><body>404</body></html>", "not a picture"),
        "json": (b'{"error": "not found"}', "not a picture"),
        "zip": (b"PK\x03\x04" + b"\0" * 200, "not a picture"),
        "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "PDF"),
        "svg": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"/>', "SVG"),
        "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n%%EndComments\nshowpage\n", "PostScript"),
        "heif": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 99, "" if find_spec("pillow_heif") else "HEIF"),
        "mp4": (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0" * 99, "not a picture"),
        "jpeg header": (jpeg[:20], ""),
        "jpeg half": (jpeg[: len(jpeg) // 2], "incomplete"),
        "jpeg without its last tenth": (jpeg[: -len(jpeg) // 10], "incomplete"),
        "progressive jpeg half": (small["progressive"][: len(small["progressive"]) * 2 // 3], "incomplete"),
        "png half": (png[: len(png) // 2], "incomplete"),
        "png with a damaged byte": (bytes(wrong_check), "damaged"),
        "gif half": (gif[: len(gif) * 2 // 3], "incomplete"),
        "webp half": (webp[: len(webp) // 2], ""),
        "tiff half": (small["tiff"][: len(small["tiff"]) // 2], ""),
        "bmp half": (small["bmp"][: len(small["bmp"]) // 2], "incomplete"),
        "ppm half": (b"P6 64 48 255 " + RGB.tobytes()[:3000], "incomplete"),
        "bomb": (bytes(huge_png), "megapixels"),
        "110 megapixels": (large, "megapixels"),
        "1 x 1": (save(Image.new("RGB", (1, 1)), "PNG"), "too small"),
        "15 pixels high": (save(Image.new("RGB", (300, 15)), "PNG"), "too small"),
        "tiff of nan": (tiff(nan), "NaN"),
        "tiff without pixels": (b"II*\0\x08\0\0\0\0\0\0\0\0\0", ""),
    }
