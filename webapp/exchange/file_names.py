"""Names of exported files: each once, and writable on Linux, macOS and Windows. No database."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import PurePath
from typing import Final

from webapp.photos.formats import named_as_photo

BYTES_KEPT: Final = 200  # file systems take 255; a side-car's suffix and a number come on top
_UNWRITABLE: Final = frozenset('/\\:*?"<>|')
_DEVICES: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)  # of Windows, with any suffix
_SUFFIX_LENGTH: Final = 12


class FileNames:
    """Gives names in the order of the photos' ids. The first photo of a name keeps it; a later one gets its id behind
    it, "beach (12).jpg". So photos that come later change no name that was given before.

    Letter case and Unicode's forms of a letter do not make names distinct: some file systems ignore them.
    `side_car`: the name of the small file beside a photo. It is distinct too.
    """

    def __init__(self, *, reserved: Iterable[str] = (), side_car: Callable[[str], str] | None = None) -> None:
        self._side_car = side_car
        self._taken = {_key(name) for name in reserved}

    def name(self, name: str, *, photo_id: int) -> str:
        unique = name_writable(name)
        while not self._taken.isdisjoint(keys := self._keys(unique)):
            stem, suffix = name_parts(unique)
            unique = f"{stem} ({photo_id}){suffix}"
        self._taken |= keys
        return unique

    def _keys(self, name: str) -> set[str]:
        return {_key(name), _key(self._side_car(name))} if self._side_car else {_key(name)}


def name_parts(name: str) -> tuple[str, str]:
    """Stem and suffix. Only the suffix of a photo is one: "holiday.2024" has none."""
    suffix = PurePath(name).suffix if named_as_photo(name) else ""
    return name.removesuffix(suffix), suffix


def name_writable(name: str) -> str:
    """A name that all three systems write as it is. It is no path and not hidden."""
    normal = unicodedata.normalize("NFC", name)
    clean = "".join(letter if letter.isprintable() and letter not in _UNWRITABLE else "_" for letter in normal)
    clean = clean.strip(" ").lstrip(".").rstrip(". ")
    if _DEVICES.match(clean):
        clean = f"_{clean}"
    stem, suffix = name_parts(clean)
    suffix = suffix[:_SUFFIX_LENGTH]
    stem = stem.encode()[: BYTES_KEPT - len(suffix.encode())].decode(errors="ignore").rstrip(" ")
    return f"{stem}{suffix}" if stem else f"photo{suffix}"


def _key(name: str) -> str:
    return unicodedata.normalize("NFKC", name.casefold())
