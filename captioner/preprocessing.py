"""The only place that turns a file into model input. Runs in decoding processes, which must not load torch.

Whatever is wrong with the file becomes a PhotoError: decoders of malformed files raise nearly anything
(OSError, ValueError, SyntaxError, IndexError, struct.error, ...), so the last word here is `except Exception`.
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pillow_heif
from PIL import Image, ImageCms, ImageFile, UnidentifiedImageError
from PIL.Image import Resampling, Transpose

from captioner.config import Preprocessing
from captioner.errors import PhotoError

MAX_BYTES = 20 * 2**20
MAX_PIXELS = 50_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "HEIF", "TIFF", "GIF")
FORMATS_TEXT = "JPEG, PNG, WebP, AVIF, HEIC, TIFF and GIF"

_INTERPOLATION = {
    "nearest": Resampling.NEAREST,
    "bilinear": Resampling.BILINEAR,
    "bicubic": Resampling.BICUBIC,
    "lanczos": Resampling.LANCZOS,
}
# Value of the EXIF tag -> what makes the picture upright (EXIF 2.32, 4.6.4 A).
_UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
_ORIENTATION_TAG = 0x0112
_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"II*\0", b"MM\0*")

pillow_heif.register_heif_opener(thumbnails=False)
ImageFile.LOAD_TRUNCATED_IMAGES = False


def photo_pixels(
    source: str | Path | bytes,
    *,
    preprocessing: Preprocessing,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """Decodes a photo, upright and resized by the bundle's policy.

    `source` is a path or the file's bytes. Returns uint8 (size, size, 3), RGB, transparency on white, the
    first frame of an animation. Raises PhotoError with a code of captioner.errors.PHOTO_ERROR_CODES.
    """
    with (
        _photo_errors(max_pixels),
        _file_open(source) as file,
        _image_open(file, max_bytes=max_bytes, max_pixels=max_pixels) as image,
    ):
        # Twice the size: JPEG decodes at a fraction of its resolution, and the last step stays a good filter.
        image.draft(None, (2 * preprocessing.size, 2 * preprocessing.size))
        image.load()
        orientation = _orientation(image)
        square = _resized(_rgb(image), preprocessing)
        # On the small square, where it is cheap: all three policies treat both axes alike.
        upright = square.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else square
        return np.array(upright, dtype=np.uint8)


@contextlib.contextmanager
def _photo_errors(max_pixels: int) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata is no reason to bother anyone
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            # Pillow's own limit, 89 megapixels, must not refuse what the caller allows.
            Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS or 0, max_pixels)
            yield
    except PhotoError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PhotoError("too_many_pixels", f"The picture holds too many pixels: {error} Make it smaller.") from error
    except MemoryError as error:
        raise PhotoError(
            "unreadable", "Memory ran out while the picture was decoded. Save it smaller and try again."
        ) from error
    except Exception as error:
        if "truncated" in str(error).lower() or isinstance(error, EOFError):
            raise PhotoError(
                "truncated", f"The file ends before the picture does ({error}). Copy or download it again."
            ) from error
        raise PhotoError(
            "unreadable",
            f"The picture cannot be decoded ({type(error).__name__}: {error}). Save it again as JPEG or PNG.",
        ) from error


def _file_open(source: str | Path | bytes) -> IO[bytes]:
    try:
        return io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb")
    except (OSError, ValueError) as error:
        raise PhotoError("unreadable", f"The file cannot be opened: {error}.") from error


def _image_open(file: IO[bytes], *, max_bytes: int, max_pixels: int) -> Image.Image:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if size == 0:
        raise PhotoError("empty", "The file is empty (0 bytes). Copy or download it again.")
    if size > max_bytes:
        raise PhotoError(
            "too_many_bytes",
            f"The file has {size:,} bytes; the limit is {max_bytes:,}. Save it smaller or with more compression.",
        )
    try:
        image: Image.Image = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        raise _unidentified(file) from error
    width, height = image.size
    if width * height > max_pixels:
        raise PhotoError(
            "too_many_pixels",
            f"The picture is {width} x {height} = {width * height:,} pixels; the limit is {max_pixels:,}. "
            "Make it smaller.",
        )
    return image


def _unidentified(file: IO[bytes]) -> PhotoError:
    file.seek(0)
    try:
        with Image.open(file) as image:  # headers only: nothing of a foreign format is ever decoded
            name = image.format
    except Exception:  # noqa: BLE001
        file.seek(0)
        if file.read(16).startswith(_SIGNATURES):
            return PhotoError("unreadable", "The file is a picture, but damaged at its start. Copy it again.")
        return PhotoError("not_an_image", f"The file is not a picture that can be read: {FORMATS_TEXT} are.")
    return PhotoError("unsupported_format", f"{name} files are not accepted: {FORMATS_TEXT} are. Convert it first.")


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # noqa: BLE001
        return 1  # metadata that cannot be read does not spoil the pixels


def _rgb(image: Image.Image) -> Image.Image:
    """Any mode to RGB; transparency on white."""
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    if image.mode == "LAB":
        profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, *profiles, outputMode="RGB") or image
    if image.has_transparency_data:
        picture = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return image.convert("RGB")


def _eight_bits(values: np.ndarray) -> np.ndarray:
    """Grey values of 16 or 32 bits, or floats, to uint8.

    uint16 has a fixed white. The others have none: values within 0..255 (floats: 0..1 too) are taken as they
    are, others are stretched from their least to their greatest.
    """
    if values.dtype.itemsize == 2 and values.dtype.kind == "u":
        return (values >> 8).astype(np.uint8)
    numbers = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = float(numbers.min()), float(numbers.max())
    if values.dtype.kind == "f" and low >= 0 and high <= 1:
        numbers = numbers * 255
    elif low >= 0 and high <= 65535 and values.dtype.kind != "f" and high > 255:
        numbers = numbers / 257
    elif low < 0 or high > 255:
        numbers = (numbers - low) * (255 / (high - low) if high > low else 1)
    return numbers.round().astype(np.uint8)


def _resized(image: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    size, (width, height) = preprocessing.size, image.size
    filter_ = _INTERPOLATION[preprocessing.interpolation]
    if preprocessing.resize == "pad":
        scale = size / max(width, height)
        inner = (max(1, round(width * scale)), max(1, round(height * scale)))
        square = Image.new("RGB", (size, size), "white")
        offset = ((size - inner[0]) // 2, (size - inner[1]) // 2)
        square.paste(image.resize(inner, filter_, reducing_gap=3.0), offset)
        return square
    box: tuple[float, float, float, float] = (0, 0, width, height)
    if preprocessing.resize == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        box = (left, top, left + side, top + side)
    return image.resize((size, size), filter_, box=box, reducing_gap=3.0)
