"""Tells a file's format from its name and its first bytes. This module imports no Django.

The content decides: a photo without a suffix is a photo. The suffix decides only for raw files of cameras: these look
like TIFF, but only their thumbnail would open.
"""

import re
from pathlib import PurePath
from typing import Final

HEAD_BYTES: Final = 32  # first bytes of a file that suffice to tell its format
FORMATS_TEXT: Final = "JPEG, PNG, WebP, AVIF, HEIC, TIFF and GIF"
FORMATS_KEPT: Final = ("AVIF", "GIF", "HEIC", "JPEG", "PNG", "TIFF", "WEBP")  # as stored in rows
# fmt: off
PHOTO_SUFFIXES: Final = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".pjpeg", ".pjp", ".png", ".webp", ".avif", ".heic", ".heif", ".tif", ".tiff",
    ".gif", ".mpo",
})
RAW_SUFFIXES: Final = frozenset({
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw",
    ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
})
# fmt: on
_CLUTTER: Final = {"thumbs.db", "desktop.ini", "ehthumbs.db", "__macosx"}
_ACCEPTED: Final = {"JPEG", "PNG", "WebP", "AVIF", "HEIC", "TIFF", "GIF"}
_BEGINNINGS: Final = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\0\0\0\x0cjP  \r\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"8BPS", "Photoshop"),
    (b"qoif", "QOI"),
    (b"%PDF-", "PDF"),
)
_BRANDS: Final = {b"avif": "AVIF", b"avis": "AVIF"} | dict.fromkeys(
    (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"), "HEIC"
)


def clutter(path: str) -> tuple[str, str] | None:
    """Why a path is left out because of its names, as code and message; None if it is not."""
    for name in re.split(r"[/\\]", path):
        if name.lower() in _CLUTTER:
            return "clutter", "It is a file of the operating system."
        if name.startswith(".") and name not in {".", ".."}:
            return "hidden", "Its name begins with a dot, so it is hidden."
    return None


def picture_format(head: bytes) -> str:
    """The picture format of a file's first bytes; "" if it is unknown."""
    for beginning, name in _BEGINNINGS:
        if head.startswith(beginning):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "")
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":  # many texts begin with these two letters
        return "BMP"
    return ""


def named_as_photo(name: str) -> bool:
    return PurePath(name).suffix.lower() in PHOTO_SUFFIXES


def raw_problem(name: str) -> str:
    """The message for a camera's raw file; "" for any other name."""
    suffix = PurePath(name).suffix.lower()
    return f"A camera's raw file ({suffix}) is not accepted. Export it as JPEG." if suffix in RAW_SUFFIXES else ""


def unwanted(name: str, head: bytes) -> tuple[str, str] | None:
    """Why a file of a folder is left out, as code and message; None if it is tried as a photo.

    A broken file with a photo's suffix is tried, so its owner gets the reason why it fails.
    """
    if problem := raw_problem(name):
        return "unsupported_format", problem
    found = picture_format(head)
    if found and found not in _ACCEPTED:
        return "unsupported_format", f"{found} is not accepted. Convert it to one of {FORMATS_TEXT}."
    if found or named_as_photo(name):
        return None
    return "not_a_picture", "It is not a picture."
