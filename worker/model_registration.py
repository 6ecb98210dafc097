"""How a bundle becomes a model version: it is checked, copied into the data folder, and gets its row. No torch."""

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from captioner.bundle import bundle_describe, bundle_validate, path_flush
from captioner.errors import BundleError, BundleFailed
from webapp.captioning.services.model_versions import model_version_register
from webapp.data_folder.disk_room import room_look

if TYPE_CHECKING:
    from webapp.captioning.models import ModelVersion


class NotCopied(Exception):
    """The bundle could not be copied into the data folder (no room, no permission). Nothing was registered."""


def bundle_register(directory: Path, *, name: str = "") -> "ModelVersion":
    """Register a bundle. Workers load the copy, so the original may be deleted.

    Raises:
        BundleError: missing, corrupt, incompatible, or made by a training that failed. Nothing was registered.
        NotCopied
    """
    version = bundle_validate(directory)
    description = bundle_describe(directory)
    if failure := description["metrics"].get("failed"):
        raise BundleFailed(f"{directory} is not registered, because the training that made it failed. {failure}")
    copy = settings.MODELS_DIR / version[:12]
    if not _intact(copy):
        if not room_look():
            raise NotCopied(f"The disk is nearly full, so {directory} was not copied: make room, then try again.")
        try:
            _bundle_copy(directory, copy)
        except OSError as error:  # a full disk, most likely; copytree lists one for each file
            size = sum(file.stat().st_size for file in directory.iterdir()) / 1e6
            raise NotCopied(
                f"The bundle {directory} could not be copied to {copy} ({error}). It needs {size:,.0f} MB: make room, "
                "or let this user write there, then try again."
            ) from error
    return model_version_register(description=description, path=copy, name=name or directory.name)


def _intact(copy: Path) -> bool:
    try:
        bundle_validate(copy)
    except BundleError:
        return False
    return True


def _bundle_copy(directory: Path, copy: Path) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{copy.name}.", dir=copy.parent))
    try:
        shutil.copytree(directory, temporary, dirs_exist_ok=True)  # keeps the folder's own permissions
        for path in (*temporary.iterdir(), temporary):
            path_flush(path)  # the row must not outlive the files that it names
        try:
            temporary.rename(copy)
        except OSError:  # something is there already
            if not _intact(copy):  # if it is intact, another process that started at the same moment was first
                shutil.rmtree(copy)
                temporary.rename(copy)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
