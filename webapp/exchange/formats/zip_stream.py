"""A zip that is sent while it is made. No database.

zipfile writes to a place that cannot seek, so sizes follow each file's content. Equal content gives equal bytes: each
file has the zip format's first day as its time. Files are deflated, photos without an attempt to make them smaller:
some programs cannot read a stored file whose size follows.
"""

import zipfile
from collections.abc import Iterator
from typing import IO, Final

from webapp.exchange.formats.lists import CHUNK_BYTES

_PERMISSIONS: Final = 0o644 << 16  # zipfile's own would let only the owner read
_ZIP64_BYTES: Final = 2**30
_SMALLER, _AS_IT_IS = 6, 0  # zlib's levels


class ZipStream:
    """Each method gives the bytes that are ready. All of them, in their order, are the archive."""

    def __init__(self) -> None:
        self._ready = _Ready()
        self._archive = zipfile.ZipFile(self._ready, "w", zipfile.ZIP_DEFLATED)

    def file(self, name: str, content: bytes, *, compressed: bool = True) -> Iterator[bytes]:
        slices = (content[start : start + CHUNK_BYTES] for start in range(0, len(content), CHUNK_BYTES))
        return self._member(name, slices, compressed=compressed, large=len(content) > _ZIP64_BYTES)

    def copy(self, name: str, content: IO[bytes]) -> Iterator[bytes]:
        size = content.seek(0, 2)
        content.seek(0)
        return self._member(name, iter(lambda: content.read(CHUNK_BYTES), b""), large=size > _ZIP64_BYTES)

    def end(self) -> bytes:
        """The directory."""
        self._archive.close()
        return self._ready.take()

    def _member(self, name: str, chunks: Iterator[bytes], *, large: bool, compressed: bool = True) -> Iterator[bytes]:
        self._archive.compresslevel = _SMALLER if compressed else _AS_IT_IS
        with self._archive.open(name, "w", force_zip64=large) as member:
            for chunk in chunks:
                member.write(chunk)
                yield self._ready.take()
        self._archive.getinfo(name).external_attr = _PERMISSIONS
        yield self._ready.take()


class _Ready:
    """A file to write to. It keeps what was written until it is taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        """zipfile asks for it. Nothing waits elsewhere."""

    def close(self) -> None:
        """zipfile's types ask for it."""

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
