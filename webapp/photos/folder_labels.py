"""A label in each folder of files: owner, name, digest and time. It serves recovery if the database is lost."""

import contextlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from webapp.photos import storage

FILE: Final = "label.json"
CONTENTS: Final = ("original", "archive.zip")  # the main file of a photo's folder, and of a zip's


@dataclass(frozen=True)
class Label:
    """Unknown fields are empty."""

    owner: str = ""  # user name
    name: str = ""  # of the file or batch, as shown to people
    sha256: str = ""  # of the content
    stored_at: str = ""  # ISO 8601, UTC


def content_of(folder: Path) -> Path | None:
    """The main file of a folder; None if it is missing."""
    return next((folder / name for name in CONTENTS if (folder / name).is_file()), None)


def label_write(folder: Path, label: Label) -> None:
    """Write the label atomically. Replaces an older one."""
    storage.text_replace(folder / FILE, json.dumps(asdict(label), ensure_ascii=False, indent=1))


def label_read(folder: Path) -> Label | None:
    """None if the label is missing or unreadable."""
    with contextlib.suppress(OSError, ValueError):
        read = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if isinstance(read, dict):
            return Label(**{field.name: str(read.get(field.name, "")) for field in fields(Label)})
    return None
