"""Any picture file to a sane sRGB array, with what the file says of its camera."""

from __future__ import annotations

import io
import math
import threading
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from maquette.errors import PhotoError

MIN_SIDE = 16
"""Shortest side, in pixels, that can be cut into layers: a 3 px erosion and the alpha bands need room."""

FULL_FRAME_DIAGONAL_MM = math.hypot(36.0, 24.0)
"""Diagonal of 35 mm film, 43.27 mm."""

_DECODING = threading.Lock()  # what Python warns of is a setting of the whole process
_SANE_FOCAL_35MM = (8.0, 3000.0)
_EXIF_ORIENTATION = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_MM_PER_UNIT = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_DRAWINGS = {"EPS": "PostScript", "WMF": "Windows metafile"}
_RESERVED_NAMES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{digit}" for port in ("COM", "LPT") for digit in range(1, 10))}


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture, upright and in sRGB.

    Attributes:
        rgb: (H, W, 3) uint8, sRGB; H and W at least ``MIN_SIDE`` when it comes from ``load_photo``.
        name: File name without its ending, fit for the names of outputs, or ``photo`` where there is no file.
        focal_px: Focal length in pixels, where the file gives it, else None.
        notes: What was assumed or changed on the way in, one sentence each.
    """

    rgb: NDArray[np.uint8]
    name: str
    focal_px: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.rgb.shape[0])


def load_photo(
    source: str | Path | bytes | Image.Image | NDArray[Any],
    *,
    name: str | None = None,
    max_pixels: int = 100_000_000,
) -> Photo:
    """Load a picture: upright, in sRGB, 8 bits a channel, without alpha.

    Args:
        source: A path, the bytes of a file, a Pillow image, or an array: (H, W), (H, W, 1), (H, W, 2) grey and alpha,
            (H, W, 3) or (H, W, 4), bool, uint8, uint16 or float from 0 to 1, taken as sRGB values.
        name: Name of the photo; by default the name of the file without its ending.
        max_pixels: Largest width times height that is decoded. Pillow's own limit of 179 megapixels stays above it.

    Returns:
        The photo. Its ``notes`` say what was assumed: transparency laid over white, a profile converted or ignored, a
        range of values that the file does not state, further frames left out.

    Raises:
        PhotoError: There is no such file, it may not be read, it is not a picture, it is damaged or incomplete, or it
            is too large or too small.
    """
    label = _label(source)
    if isinstance(source, np.ndarray):
        _check_size(label, source.shape[1::-1] if source.ndim >= 2 else (0, 0), max_pixels)
        image = _from_array(label, source)
        return Photo(_rgb(image, []), _clean_name(name or "photo"))
    notes: list[str] = []
    try:
        with _DECODING, warnings.catch_warnings(action="ignore"), _opened(label, source) as image:
            _check_size(label, image.size, max_pixels)
            if image.format in _DRAWINGS:
                raise PhotoError(f"{label}: a {_DRAWINGS[image.format]} drawing; export it as PNG or JPEG first")
            if image.format != "MPO" and getattr(image, "is_animated", False):
                notes.append("The file holds several pictures; the first is used.")
            image.load()
            if _ends_early(image, source):
                raise ValueError("its data ends before its picture does")
            exif = _exif(image, notes)
            focal_px = _focal_px(exif, image.size, notes)
            turn = _EXIF_ORIENTATION.get(exif.get(ExifTags.Base.Orientation, 1))
            rgb = _rgb(image if turn is None else image.transpose(turn), notes)
    except PhotoError:
        raise
    except Image.DecompressionBombError as error:
        raise PhotoError(_too_large(label, max_pixels)) from error
    except UnidentifiedImageError as error:
        message = "not a picture in a format that can be read; give a JPEG, PNG, TIFF or WebP"
        raise PhotoError(f"{label}: {message}") from error
    except MemoryError as error:
        raise PhotoError(f"{label}: not enough memory to decode it; make it smaller") from error
    except Exception as error:  # Pillow's decoders raise whatever a damaged file makes them raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PhotoError(f"{label}: damaged or incomplete ({reason}); export it again from its source") from error
    if name is None:
        name = Path(source).stem if isinstance(source, str | Path) else Path(getattr(source, "filename", "")).stem
    return Photo(rgb, _clean_name(name), focal_px, tuple(notes))


def _label(source: object) -> str:
    """What error messages call the source, on one line."""
    if isinstance(source, str | Path):
        text = str(source)
        return text if text.isprintable() else ascii(text)
    if isinstance(source, bytes):
        return "the picture's bytes"
    if isinstance(source, Image.Image):
        return "the Pillow image"
    if isinstance(source, np.ndarray):
        return "the array"
    raise PhotoError(f"a photo is a path, bytes, a Pillow image or an array, not {type(source).__name__}")


def _clean_name(name: str) -> str:
    """A name that every file system takes: no separators, no control characters, at most 120 bytes."""
    kept = "".join(c for c in unicodedata.normalize("NFC", name) if c.isprintable() and c not in '<>:"/\\|?*')
    kept = kept.encode()[:120].decode(errors="ignore").strip(" .")
    return f"{kept}_" if kept.upper() in _RESERVED_NAMES else kept or "photo"


def _too_large(label: str, max_pixels: int) -> str:
    return f"{label}: larger than the limit of {max_pixels / 1e6:g} megapixels; make it smaller"


def _check_size(label: str, size: tuple[int, ...], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise PhotoError(f"{_too_large(label, max_pixels)} (it has {width} x {height} pixels)")
    if min(width, height) < MIN_SIDE:
        raise PhotoError(f"{label}: {width} x {height} pixels is too small; each side needs at least {MIN_SIDE}")


@contextmanager
def _opened(label: str, source: str | Path | bytes | Image.Image) -> Iterator[Image.Image]:
    if isinstance(source, Image.Image):
        yield source
        return
    if isinstance(source, bytes):
        with _identified(label, io.BytesIO(source)) as image:
            yield image
        return
    try:
        if Path(source).is_dir():
            raise PhotoError(f"{label}: a folder, not a picture")
        if not Path(source).exists():
            raise PhotoError(f"{label}: no such file")
        if not Path(source).is_file():
            raise PhotoError(f"{label}: not a regular file")
        file = Path(source).open("rb")  # noqa: SIM115 (closed below)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise PhotoError(f"{label}: cannot be opened ({reason})") from error
    with file, _identified(label, file) as image:
        yield image


def _identified(label: str, file: IO[bytes]) -> Image.Image:
    """Open the file with Pillow, which reads its header only; say what stands in the way where it cannot."""
    head = file.read(1024)
    file.seek(0)
    if not head:
        raise PhotoError(f"{label}: the file is empty")
    if head.lstrip().startswith(b"%PDF"):
        raise PhotoError(f"{label}: a PDF document, not a picture; export its page as PNG or JPEG first")
    if b"<svg" in head.lower():
        raise PhotoError(f"{label}: an SVG drawing, not a photo; export it as PNG first")
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS and b"avif" not in head[:64]:
        try:
            import pillow_heif
        except ImportError as error:
            raise PhotoError(f'{label}: HEIF pictures need pillow-heif: pip install "maquette[heif]"') from error
        pillow_heif.register_heif_opener()
    return Image.open(file)


def _ends_early(image: Image.Image, source: str | Path | bytes | Image.Image) -> bool:
    """Whether a JPEG was cut short and then closed with an end mark.

    The decoder makes the rest of such a picture mid-grey and says nothing. So where the last corner is exactly
    mid-grey, decode it again with a few zeros (which it reads ahead) for the end mark: it then misses what is gone.
    """
    if image.format != "JPEG" or "progressive" in image.info or isinstance(source, Image.Image):
        return False
    if image.crop((image.width - 8, image.height - 8, *image.size)).convert("L").getextrema() != (128, 128):
        return False
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    unended = data[: data.rfind(b"\xff\xd9")] + bytes(8)
    try:
        with Image.open(io.BytesIO(unended)) as again:
            again.load()
    except OSError:
        return True
    return False


def _exif(image: Image.Image, notes: list[str]) -> dict[int, Any]:
    """EXIF tags by number, those of the camera included; empty where there are none or they are broken."""
    try:
        exif = image.getexif()
        return {**exif, **exif.get_ifd(ExifTags.IFD.Exif)}
    except Exception:  # as above: a broken block raises anything, and is no reason to refuse the picture
        notes.append("The EXIF block is broken and was ignored.")
        return {}


def _number(value: object) -> float:
    """A positive EXIF number, or 0 where it is missing, infinite or nonsense."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return 0.0
    return number if math.isfinite(number) and number > 0 else 0.0


def _focal_px(exif: dict[int, Any], size: tuple[int, int], notes: list[str]) -> float | None:
    """Focal length in pixels, from the 35 mm equivalent or else from the sensor's resolution.

    The 35 mm equivalent is defined by the angle of view over the diagonal (CIPA DCG-001), 43.27 mm on film, so the
    shape of the picture and its turn do not matter.
    """
    tags = ExifTags.Base
    diagonal_px = math.hypot(*size)
    focal_px = _number(exif.get(tags.FocalLengthIn35mmFilm)) / FULL_FRAME_DIAGONAL_MM * diagonal_px
    if not focal_px:
        taken_px = max(_number(exif.get(tags.ExifImageWidth)), _number(exif.get(tags.ExifImageHeight))) or max(size)
        px_per_mm = _number(exif.get(tags.FocalPlaneXResolution)) / _MM_PER_UNIT.get(
            exif.get(tags.FocalPlaneResolutionUnit, 2), math.inf
        )
        focal_px = _number(exif.get(tags.FocalLength)) * px_per_mm * max(size) / taken_px
    if not focal_px:
        return None
    low, high = _SANE_FOCAL_35MM
    focal_35mm = focal_px / diagonal_px * FULL_FRAME_DIAGONAL_MM
    if not low <= focal_35mm <= high:
        notes.append(f"The file's focal length ({focal_35mm:.4g} mm on 35 mm film) is not credible and was ignored.")
        return None
    return focal_px


def _from_array(label: str, array: NDArray[Any]) -> Image.Image:
    if array.ndim not in (2, 3) or (array.ndim == 3 and not 1 <= array.shape[2] <= 4):
        raise PhotoError(f"{label}: shape {array.shape} is not (H, W) or (H, W, 1 to 4)")
    if array.dtype == np.bool_:
        values = array.astype(np.uint8) * np.uint8(255)
    elif array.dtype == np.uint8:
        values = array
    elif array.dtype == np.uint16:
        values = _reduced(array, 65535)
    elif np.issubdtype(array.dtype, np.floating):
        low, high = float(array.min()), float(array.max())
        if not (low >= -1e-3 and high <= 1 + 1e-3):
            raise PhotoError(f"{label}: float values run from {low:g} to {high:g}; give finite values from 0 to 1")
        values = np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8)
    else:
        raise PhotoError(f"{label}: dtype {array.dtype} is not bool, uint8, uint16 or float")
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    return Image.fromarray(np.ascontiguousarray(values))


def _reduced(values: NDArray[Any], top: int) -> NDArray[np.uint8]:
    """Unsigned integers from 0 to ``top`` to 8 bits, rounded."""
    scaled = (np.minimum(values, top).astype(np.uint32) * 255 + top // 2) // top
    return np.asarray(scaled, dtype=np.uint8)


def _grey(image: Image.Image, notes: list[str]) -> Image.Image:
    """A grey picture of more than 8 bits to 8, by its range (Pillow's own conversion clips some of them)."""
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        bits = getattr(image, "tag_v2", {}).get(258, (16,))[0]
        return Image.fromarray(_reduced(values, (1 << min(bits, 16)) - 1))
    if image.format == "PPM" and image.mode == "I":
        return Image.fromarray(_reduced(values.clip(0), 65535))
    low, high = float(values.min()), float(values.max())
    if not math.isfinite(high - low):
        raise ValueError("it holds NaN or infinite values")
    if image.mode == "F" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    else:
        notes.append(f"The file does not state its range: {low:g}, its lowest value, is black and {high:g} white.")
    return Image.fromarray(np.rint((values.astype(np.float64) - low) * (255 / max(high - low, 1e-30))).astype(np.uint8))


def _rgb(image: Image.Image, notes: list[str]) -> NDArray[np.uint8]:
    """Bring a decoded picture of any mode to (H, W, 3) uint8 sRGB, transparency laid over white."""
    profile = image.info.get("icc_profile")
    if image.mode[0] in "IF":
        image = _grey(image, notes)
    if image.has_transparency_data:
        image = image.convert("LA" if image.mode in ("1", "L", "La", "LA") else "RGBA")
    elif image.mode == "1":
        image = image.convert("L")
    elif image.mode not in ("L", "RGB", "CMYK", "LAB"):
        image = image.convert("RGB")
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    if alpha is not None:
        image = image.convert(image.mode[:-1])
    color = _in_srgb(image, profile, notes)
    if alpha is not None and alpha.getextrema() != (255, 255):
        notes.append("The picture has transparency; it was laid over white.")
        color = Image.composite(color, Image.new("RGB", color.size, "white"), alpha)
    return np.array(color)


def _in_srgb(image: Image.Image, profile: bytes | None, notes: list[str]) -> Image.Image:
    """Colours of an L, RGB, CMYK or LAB picture in sRGB, by its ICC profile where it has a usable one."""
    srgb = ImageCms.createProfile("sRGB")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            transform = ImageCms.buildTransform(source, srgb, image.mode, "RGB")
            if image.mode == "RGB" and _is_identity(transform):
                return image
            converted = ImageCms.applyTransform(image, transform)
            assert converted is not None
            title = " ".join(ImageCms.getProfileDescription(source).split())
            notes.append(f"Colours were converted to sRGB from the profile '{title}'.")
            return converted
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            notes.append("The colour profile is broken or does not fit the picture, and was ignored.")
    if image.mode == "LAB":
        transform = ImageCms.buildTransform(ImageCms.createProfile("LAB"), srgb, "LAB", "RGB")
        converted = ImageCms.applyTransform(image, transform)
        assert converted is not None
        return converted
    if image.mode == "CMYK":
        notes.append("CMYK without a colour profile: its colours are approximate.")
    return image.convert("RGB")


def _is_identity(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a transform changes no colour by more than one level, as from one spelling of sRGB to another."""
    levels = np.arange(0, 256, 17, dtype=np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    after = ImageCms.applyTransform(Image.fromarray(cube), transform)
    return bool(np.abs(np.asarray(after).astype(int) - cube).max() <= 1)
