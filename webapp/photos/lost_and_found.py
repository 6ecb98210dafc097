"""The lost-and-found: keeps folders of files without a row for thirty days, with a manifest. This module reads no rows.

Files lack a row if the database is older than the media folder, or is another one, or if a process was killed between
the files and the row of an upload. Such files may be somebody's only copy.

Only days on which the site runs count, measured from sweep to sweep. So a jumping clock ends no folder's time, nor does
a site that was off for a month.
"""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Container, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from webapp.photos.folder_labels import Label, content_of, label_read, label_write
from webapp.photos.storage import KINDS, file_sha256, media_path, text_replace

NAME: Final = "lost-and-found"
MANIFEST: Final = "manifest.jsonl"
KEPT_DAYS: Final = 30
_DAY: Final = 86400.0
_NOTE, _CLOCK = "lost.json", "clock.json"


@dataclass(frozen=True)
class Lost:
    """One lost folder. `found_at` and `days_left` are for people."""

    folder: Path
    kind: str  # photos, archives
    label: Label
    found_at: str  # ISO 8601, UTC
    days_left: float

    @property
    def place(self) -> str:
        """Its original place, relative to the media folder."""
        return f"{self.kind}/{self.folder.name[:2]}/{self.folder.name}"


def root() -> Path:
    return Path(settings.MEDIA_ROOT) / NAME


def lost_add(place: str) -> None:
    """Move a published folder here. If its name is taken, it gets another. An empty folder is removed."""
    folder = media_path(place)
    with contextlib.suppress(FileNotFoundError):  # another worker was first
        if not any(folder.iterdir()):
            folder.rmdir()
            return
        content = content_of(folder)
        if label_read(folder) is None and content is not None:
            stored_at = _told(content.stat().st_mtime)
            label_write(folder, Label(sha256=file_sha256(content), stored_at=stored_at))
        note = {"found_at": _told(time.time()), "clock": _clock_read()["seconds"]}
        text_replace(folder / _NOTE, json.dumps(note))
        folder.rename(_free_place(place.split("/", maxsplit=1)[0], folder.name))


def lost_return(lost: Lost) -> bool:
    """Move a folder back to its place. False if another content is there. Leftovers without content are moved away."""
    target = media_path(lost.place)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and content_of(target) is None and content_of(lost.folder) is not None:
        target.rename(_free_place(lost.kind, f"{target.name}~rest"))
    try:
        lost.folder.rename(target)
    except OSError:
        return False
    (target / _NOTE).unlink(missing_ok=True)
    return True


def lost_remove(lost: Lost) -> None:
    shutil.rmtree(lost.folder, ignore_errors=True)


def lost_list() -> list[Lost]:
    """All lost folders, unordered."""
    clock = _clock_read()["seconds"]
    return [_lost(folder, kind, clock) for kind in KINDS for folder in _folders(kind)]


def lost_count() -> int:
    """Reads only folder names."""
    return sum(1 for kind in KINDS for _ in _folders(kind))


def lost_expire(*, named: Container[str] = ()) -> int:
    """Remove folders that were kept for thirty days. Returns their number. Each sweep calls it: it counts the days.

    Args:
        named: places that rows name. Folders from these places are never removed.
    """
    clock = _clock_read()
    now = time.time()
    clock["seconds"] += min(max(now - clock["seen_at"], 0.0), _DAY) if clock["seen_at"] else 0.0
    if not root().exists():
        return 0
    text_replace(root() / _CLOCK, json.dumps(clock | {"seen_at": now}))
    ended = [lost for lost in lost_list() if lost.days_left <= 0 and lost.place not in named]
    for lost in ended:
        lost_remove(lost)
    return len(ended)


def lost_told() -> str:
    """A sentence without its full stop; empty if nothing is lost."""
    count = lost_count()
    files = (
        f"{count:,} files that the database does not know are"
        if count > 1
        else "1 file that the database does not know is"
    )
    return f"{files} in the lost-and-found" if count else ""


def manifest_write(lost: Iterable[Lost]) -> None:
    """One JSON object per line, for people and programs without the database."""
    if not root().exists():
        return
    lines = [
        json.dumps(
            {"folder": f"{each.kind}/{each.folder.name}", **asdict(each.label), "found_at": each.found_at},
            ensure_ascii=False,
        )
        for each in lost
    ]
    text_replace(root() / MANIFEST, "".join(f"{line}\n" for line in lines))


def _free_place(kind: str, name: str) -> Path:
    """A free path for a folder of this name. If the name is taken, a number follows it."""
    place = root() / kind / name
    place.parent.mkdir(parents=True, exist_ok=True)
    number = 2
    while place.exists():
        place = place.with_name(f"{name}~{number}")
        number += 1
    return place


def _folders(kind: str) -> Iterator[Path]:
    with contextlib.suppress(FileNotFoundError), os.scandir(root() / kind) as entries:
        yield from (Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))


def _lost(folder: Path, kind: str, clock: float) -> Lost:
    note = _json_read(folder / _NOTE)
    lain = max(0.0, clock - float(note.get("clock", clock)))
    return Lost(
        folder=folder,
        kind=kind,
        label=label_read(folder) or Label(),
        found_at=str(note.get("found_at", "")),
        days_left=KEPT_DAYS - lain / _DAY,
    )


def _clock_read() -> dict[str, float]:
    """`seconds`: counted running time of the site. `seen_at`: time of the last count."""
    read = _json_read(root() / _CLOCK)
    return {name: float(read.get(name, 0.0)) for name in ("seconds", "seen_at")}


def _json_read(path: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        read = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(read, dict):
            return read
    return {}


def _told(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
