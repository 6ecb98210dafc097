"""Opens an untrusted file with Pillow, and makes the pictures that pages show. Runs in a child process, without Django.

Decoders raise many kinds of errors for malformed files (OSError, ValueError, SyntaxError, IndexError, struct.error, …).
Therefore the last clause is `except Exception`.
"""

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import pillow_heif
from PIL import Image, ImageCms, ImageFile, ImageOps, UnidentifiedImageError
from PIL.Image import Resampling

from webapp.photos.errors import PhotoRejected
from webapp.photos.formats import FORMATS_TEXT

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "HEIF", "TIFF", "GIF")
THUMBNAIL_SIDE = 480
PREVIEW_SIDE = 1600

pillow_heif.register_heif_opener(thumbnails=False)
ImageFile.LOAD_TRUNCATED_IMAGES = False


@dataclass(frozen=True)
class Limits:
    max_bytes: int
    max_pixels: int


@dataclass(frozen=True)
class Inspection:
    """The content of a file. `thumbnail` and `preview` are JPEG files: upright, sRGB, on white, without metadata."""

    format: str
    width: int  # after orientation
    height: int
    thumbnail: bytes
    preview: bytes


def photo_inspect(path: Path, limits: Limits) -> Inspection:
    """Decode the whole file, which finds truncated ones. Of an animation, decodes the first frame.

    Raises:
        PhotoRejected: empty, not_an_image, unsupported_format, truncated, too_many_bytes, too_many_pixels, unreadable.
    """
    with _rejections(limits):
        size_check(path.stat().st_size, limits)
        with path.open("rb") as file, _opened(file, limits) as image:
            name = {"MPO": "JPEG", "HEIF": "HEIC"}.get(image.format or "", image.format or "")
            width, height = image.size
            image.draft(None, (PREVIEW_SIDE, PREVIEW_SIDE))  # JPEG: decodes fewer pixels, much faster
            image.load()  # before reading metadata: PNG loads on that, and an error would get lost
            profile = image.info.get("icc_profile")
            preview, turned = _upright(_shrunk(image, PREVIEW_SIDE))
            if turned:
                width, height = height, width
            preview = _on_white(_srgb(preview, profile))
            thumbnail = _shrunk(preview, THUMBNAIL_SIDE)
            return Inspection(name, width, height, _jpeg(thumbnail), _jpeg(preview))


def size_check(size: int, limits: Limits) -> None:
    if size == 0:
        raise PhotoRejected("empty", "The file is empty (0 bytes). Copy or download it again.")
    if size > limits.max_bytes:
        raise PhotoRejected(
            "too_many_bytes",
            f"The file has {size:,} bytes; the limit is {limits.max_bytes:,}. "
            "Save it smaller or with more compression.",
        )


@contextlib.contextmanager
def _rejections(limits: Limits) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata does not matter
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            Image.MAX_IMAGE_PIXELS = (
                4 * limits.max_pixels
            )  # for decompression bombs; smaller pictures get a better message
            yield
    except (PhotoRejected, MemoryError):  # the sandbox reports a MemoryError
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PhotoRejected(
            "too_many_pixels",
            f"The picture holds too many pixels; the limit is {limits.max_pixels:,}. Make it smaller.",
        ) from error
    except Exception as error:
        if "truncated" in str(error).lower() or isinstance(error, EOFError):
            raise PhotoRejected("truncated", "The file is cut off. Copy or download it again.") from error
        raise PhotoRejected(
            "unreadable",
            "The picture is damaged and cannot be decoded. Save it again as JPEG or PNG.",
        ) from error


def _opened(file: BinaryIO, limits: Limits) -> Image.Image:
    try:
        image: Image.Image = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        raise _unidentified(file) from error
    width, height = image.size
    if width * height > limits.max_pixels:
        raise PhotoRejected(
            "too_many_pixels",
            f"The picture is {width} × {height} = {width * height:,} pixels; the limit is {limits.max_pixels:,}. "
            "Make it smaller.",
        )
    return image


def _unidentified(file: BinaryIO) -> PhotoRejected:
    file.seek(0)
    try:
        with Image.open(file) as image:  # reads headers only: other formats are never decoded
            name = image.format
    except Exception:  # noqa: BLE001
        return PhotoRejected("not_an_image", f"The file is not a picture in an accepted format: {FORMATS_TEXT}.")
    return PhotoRejected("unsupported_format", f"{name} is not accepted; convert it to one of {FORMATS_TEXT}.")


def _upright(image: Image.Image) -> tuple[Image.Image, bool]:
    """The picture turned upright, and whether that swapped its sides (EXIF 2.32, 4.6.4 A: Orientation)."""
    try:
        turned = image.getexif().get(0x0112) in {5, 6, 7, 8}
        return ImageOps.exif_transpose(image), turned
    except Exception:  # noqa: BLE001  (unreadable metadata leaves the pixels usable)
        return image, False


def _shrunk(image: Image.Image, side: int) -> Image.Image:
    if max(image.size) <= side:
        return image
    if image.mode in {"P", "1"}:  # these cannot be interpolated
        image = image.convert("RGBA")
    copy = _eight_bits(image) if image.mode.startswith("I;") else image.copy()
    copy.thumbnail((side, side), Resampling.LANCZOS, reducing_gap=3.0)
    return copy


def _eight_bits(image: Image.Image) -> Image.Image:
    """Convert grey values to 8 bits. 16 bits have a fixed white. 32 bits and floats have none, and may be stretched."""
    values = image.convert("I").convert("F") if image.mode.startswith("I;") else image.convert("F")
    low, high = cast(tuple[float, float], values.getextrema())
    if image.mode.startswith("I;") or (image.mode == "I" and low >= 0 and 255 < high <= 65535):
        low, high = 0, 65535
    elif low >= 0 and (high <= 1 if image.mode == "F" else high <= 255):
        low, high = 0, 1 if image.mode == "F" else 255
    scale = 255 / (high - low) if high > low else 1
    return values.point(lambda value: value * scale + -low * scale).convert("L")


def _srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert colours to sRGB, if the picture's profile is readable and fits."""
    if profile and image.mode in {"RGB", "CMYK", "L"}:
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            return converted or image
    return image


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        image = _eight_bits(image)
    if image.mode == "LAB":
        profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        image = ImageCms.profileToProfile(image, *profiles, outputMode="RGB") or image
    if image.mode == "La":
        image = image.convert("LA")
    if image.has_transparency_data:
        picture = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return image.convert("RGB")


def _jpeg(image: Image.Image) -> bytes:
    clean = Image.new("RGB", image.size)
    clean.paste(image)  # only pixels: no EXIF, no profile, no comment
    buffer = io.BytesIO()
    clean.save(buffer, "JPEG", quality=85, progressive=True, optimize=True)
    return buffer.getvalue()
