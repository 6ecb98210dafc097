"""Receives uploaded files over HTTP: keeps the names they were sent with, and stops writing at the size limit.

Django's parser silently turns `../a.jpg` into `a.jpg`, shortens long names, and refuses the whole request for one
header of more than a kilobyte. Here only the file with the bad name is refused. No setting can replace the parser, so
`parser_patch` changes it in two places, for forms and REST. `file.name` stays the safe name.
"""

from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import MemoryFileUploadHandler, TemporaryFileUploadHandler
from django.http import multipartparser

from webapp.photos.errors import PhotoRejected

HEADER_BYTES = 64 * 2**10
ARCHIVE_FIELD = "archive"

_sanitized = multipartparser.MultiPartParser.sanitize_file_name


class SentName(str):
    """A safe name that also holds the name as sent."""

    __slots__ = ("sent",)
    sent: str


def name_sent(file: Any) -> str:
    """The name that the client sent."""
    return str(getattr(file, "name_sent", file.name) or "")


def too_many_files(sent: str) -> PhotoRejected:
    """`sent`: the number of files, as the beginning of a sentence."""
    return PhotoRejected(
        "too_many_files",
        f"{sent} files were sent at once; the limit is {settings.UPLOAD_MAX_FILES:,}. Nothing was stored. "
        "Send fewer at a time, or put them into a zip.",
    )


def too_many_to_count() -> PhotoRejected:
    """The error if Django's parser gave up counting."""
    return too_many_files(f"More than {settings.DATA_UPLOAD_MAX_NUMBER_FILES:,}")


def parser_patch() -> None:
    def sanitize_file_name(self: Any, file_name: str) -> str | None:
        if not file_name:
            return None  # a form without a file
        name = SentName(_sanitized(self, file_name) or "unnamed")
        name.sent = file_name
        return name

    multipartparser.MAX_TOTAL_HEADER_SIZE = HEADER_BYTES  # type: ignore[attr-defined]
    multipartparser.MultiPartParser.sanitize_file_name = sanitize_file_name  # type: ignore[method-assign]


def _named(file: "UploadedFile[Any] | None", name: str | None) -> "UploadedFile[Any] | None":
    if file is not None:
        file.name_sent = getattr(name, "sent", name)  # type: ignore[attr-defined]
    return file


class MemoryUploadHandler(MemoryFileUploadHandler):
    def file_complete(self, file_size: int) -> "UploadedFile[Any] | None":
        return _named(super().file_complete(file_size), self.file_name)


class DiskUploadHandler(TemporaryFileUploadHandler):
    """Writes at most the limit to disk. `size` is still the size that was sent."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        limit = settings.ZIP_MAX_BYTES if self.field_name == ARCHIVE_FIELD else settings.UPLOAD_MAX_BYTES
        if start < limit:
            super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size: int) -> "UploadedFile[Any] | None":
        return _named(super().file_complete(file_size), self.file_name)
