"""The label in each folder of files: whose they are and what they were called, for when the database is lost."""

import contextlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from webapp.photos import storage

FILE: Final = "label.json"
CONTENTS: Final = ("original", "archive.zip")  # what a folder of photos, and one of archives, is kept for


@dataclass(frozen=True)
class Label:
    """Empty where it is not known."""

    owner: str = ""  # user name
    name: str = ""  # of the file or batch, as people know it
    sha256: str = ""  # of the content
    stored_at: str = ""  # ISO 8601, UTC


def content_of(folder: Path) -> Path | None:
    """The file that a folder is kept for; None where there is none."""
    return next((folder / name for name in CONTENTS if (folder / name).is_file()), None)


def label_write(folder: Path, label: Label) -> None:
    """Writes it whole or not at all; one that is there is replaced."""
    storage.text_replace(folder / FILE, json.dumps(asdict(label), ensure_ascii=False, indent=1))


def label_read(folder: Path) -> Label | None:
    """None where there is none that can be read."""
    with contextlib.suppress(OSError, ValueError):
        read = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if isinstance(read, dict):
            return Label(**{field.name: str(read.get(field.name, "")) for field in fields(Label)})
    return None
