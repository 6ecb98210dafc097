"""System checks of the data folder."""

import os
import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from webapp.data_folder.disk_room import room_notice
from webapp.photos.lost_and_found import KEPT_DAYS, lost_told

LOW_SPACE_BYTES = 2**30


@register()
def data_folder_check(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    folder = Path(settings.DATA_DIR)
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return [
            Error(
                f"FOVEA_DATA_DIR={folder} cannot be written.",
                hint="Give the user that runs Fovea write access, or choose another folder.",
                id="fovea.E002",
            )
        ]
    if told := room_notice():
        return [Warning(told, hint=f"Free space on the disk of FOVEA_DATA_DIR={folder}.", id="fovea.W007")]
    free = shutil.disk_usage(existing).free
    if free < LOW_SPACE_BYTES:
        return [
            Warning(
                f"FOVEA_DATA_DIR={folder} has {free // 2**20:,} MB left; uploads fail when it is full.",
                hint=f"Free some space: {LOW_SPACE_BYTES // 2**20:,} MB or more.",
                id="fovea.W002",
            )
        ]
    return []


@register()
def lost_and_found_check(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not (told := lost_told()):
        return []
    return [
        Warning(
            f"{told}.",
            hint=f"List them with `manage.py recover_media --dry-run`. They are kept for {KEPT_DAYS} days.",
            id="fovea.W004",
        )
    ]


@register()
def upload_limits_check(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warns if the largest picture may not fit into a child's memory. Conversion takes about 12 bytes per pixel."""
    needed = 12 * settings.UPLOAD_MAX_PIXELS // 2**20 + 256
    allowed = settings.ENV["FOVEA_DECODE_MEMORY_MB"]
    if needed <= allowed:
        return []
    return [
        Warning(
            f"FOVEA_UPLOAD_MAX_PIXELS={settings.UPLOAD_MAX_PIXELS} may need {needed} MB to open; "
            f"FOVEA_DECODE_MEMORY_MB={allowed} allows less.",
            hint=f"Set FOVEA_DECODE_MEMORY_MB={needed}, or lower FOVEA_UPLOAD_MAX_PIXELS.",
            id="fovea.W003",
        )
    ]
