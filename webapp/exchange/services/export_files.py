"""An export as a file on the server. It appears only when complete."""

import os
from pathlib import Path

from webapp.data_folder.outages import disk_full
from webapp.exchange.errors import ExportFailed
from webapp.exchange.export_order import ExportOrder
from webapp.exchange.services.exports import Export


def export_target_check(target: Path, *, order: ExportOrder) -> None:
    """Raises ExportFailed (wrong_target) before any work is done."""
    if target.is_dir():
        raise ExportFailed("wrong_target", f"{target} is a folder. Name the file that is to be written.")
    if not target.parent.is_dir():
        raise ExportFailed("wrong_target", f"There is no folder {target.parent}. Create it, or name another file.")
    if order.zipped and target.suffix.lower() != ".zip":
        raise ExportFailed("wrong_target", f"The export is a zip, but {target} is not named so. Name a file.zip.")


def export_write(export: Export, target: Path) -> None:
    """Write the file; an older one is replaced. If this fails, nothing is left of it and the older one stays.

    Raises:
        ExportFailed: no_space, unwritable.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            for part in export.parts():
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        full = disk_full(error)
        remedy = "Free some space, or name a file on another disk" if full else "Name a file in a writable folder"
        raise ExportFailed(
            "no_space" if full else "unwritable", f"{target} was not written ({error.strerror}). {remedy}."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
