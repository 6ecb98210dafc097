"""A disk that is full."""

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def full_disk(limit: int) -> Iterator[None]:
    """No file of this process may grow over `limit` bytes. Hold it around what is tested alone: pytest writes too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


needs_mount = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")


class Disk:
    """A small file system in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self, *, leave: int = 0) -> None:
        """Leave so many bytes free."""
        self.free()
        self.fill_up(leave=leave)

    def fill_up(self, *, leave: int = 0) -> None:
        """The same, and what took the room before keeps it."""
        with self._filler.open("ab") as file:
            while (room := self._room() - leave) > 0:
                with suppress(OSError):  # somebody else took some of it just now
                    os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size + room)

    def _room(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def free(self) -> None:
        self._filler.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[Disk]:
    """A disk in the place of a folder, with what the folder holds. At the end the folder is as it was."""
    held = folder.with_name(f"{folder.name}-held")
    shutil.copytree(folder, held)
    options = f"size={megabytes}m,uid={folder.stat().st_uid},mode=0700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "fovea", folder], check=True)
    try:
        shutil.copytree(held, folder, dirs_exist_ok=True)
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        shutil.rmtree(held)
