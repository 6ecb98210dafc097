"""Counts of files and the summary line that every intake ends with. This module imports no Django."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from webapp.photos.formats import named_as_photo

REASONS: Final = {
    "hidden": "hidden",
    "clutter": "of the operating system",
    "not_a_picture": "not a picture",
    "not_an_image": "not a picture",
    "unsupported_format": "in a format that is not accepted",
    "unreadable": "unreadable",
    "unreadable_folder": "unreadable folder",
    "folder_link": "link to a folder",
    "broken_link": "broken link",
    "vanished": "removed meanwhile",
    "not_a_file": "device or pipe",
    "deleted": "deleted in the gallery",
    "cancelled": "cancelled",
}
HARMLESS: Final = frozenset({"hidden", "clutter", "not_a_picture", "not_an_image", "deleted"})
_NO_PHOTO: Final = frozenset({"hidden", "clutter", "not_a_picture", "unsupported_format"})


def is_left_out(code: str, name: str) -> bool:
    """Whether a refused file counts as left out (not a photo) instead of failed."""
    return code in _NO_PHOTO or (code == "not_an_image" and not named_as_photo(name))


@dataclass
class Tally:
    """Counts of files. `found` is the sum of all except `gone`, which counts files that are no longer there."""

    taken: int = 0
    changed: int = 0  # also taken: other content under a known name
    same: int = 0
    failed: int = 0
    left_out: Counter[str] = field(default_factory=Counter)  # by code
    gone: int = 0
    waiting: int = 0  # not taken in yet

    def refused(self, code: str, name: str) -> None:
        if is_left_out(code, name):
            self.left_out[code] += 1
        else:
            self.failed += 1

    @property
    def found(self) -> int:
        return self.taken + self.changed + self.same + self.failed + self.left_out.total() + self.waiting

    @property
    def complete(self) -> bool:
        """Whether every wanted photo that was found is in the gallery."""
        return not self.failed and self.left_out.keys() <= HARMLESS

    def __str__(self) -> str:
        """12 found: 8 taken, 2 there already, 2 left out (1 unreadable, 1 not a picture)."""
        parts = [f"{self.taken:,} taken"]
        parts += [f"{self.changed:,} changed and taken"] if self.changed else []
        parts += [f"{self.same:,} there already"]
        parts += [f"{self.failed:,} failed"] if self.failed else []
        parts += [f"{self.waiting:,} not taken in yet"] if self.waiting else []
        parts += [self.left_out_text]
        gone = f" {self.gone:,} of an earlier run gone from the folder." if self.gone else ""
        return f"{self.found:,} found: {', '.join(parts)}.{gone}"

    @property
    def left_out_text(self) -> str:
        """3 left out (2 hidden, 1 not a picture)."""
        reasons = Counter[str]()
        for code, count in self.left_out.items():
            reasons[REASONS.get(code, code.replace("_", " "))] += count
        ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
        told = ", ".join(f"{count:,} {reason}" for reason, count in ordered)
        return f"{self.left_out.total():,} left out" + (f" ({told})" if told else "")
