"""The forms that list all captions in one file: CSV, JSON Lines and COCO captions. No database.

Each writes a line after the other, so no list is ever whole in memory.
"""

import csv
import io
import json
import tempfile
from collections.abc import Iterator
from typing import IO, Any, Final, Protocol

from webapp.exchange.export_row import COLUMNS, ExportRow

FORMULAS: Final = tuple("=+-@\t\r\n＝＋－＠")  # a spreadsheet takes a cell that begins so for a formula (OWASP)
CHUNK_BYTES: Final = 2**18
_IN_MEMORY: Final = 2**20


class CaptionList(Protocol):
    """Writes `begin`, a `line` for each photo, and `end`. `close` frees what it holds, whatever happened."""

    file_name: str

    def begin(self) -> bytes: ...

    def line(self, row: ExportRow) -> bytes: ...

    def end(self) -> Iterator[bytes]: ...

    def close(self) -> None: ...


class _PlainList:
    def begin(self) -> bytes:
        return b""

    def end(self) -> Iterator[bytes]:
        yield from ()

    def close(self) -> None:
        pass


class NoList(_PlainList):
    """Of an archive whose side-cars tell everything."""

    file_name = ""

    def line(self, row: ExportRow) -> bytes:
        return b""


class CsvList(_PlainList):
    """RFC 4180, with a heading. A byte order mark, because Excel reads a CSV without one in the system's old code page.

    A text that a spreadsheet would take for a formula gets an apostrophe before it; so does one that begins with
    apostrophes before such a character. To read a cell back, take away one apostrophe in these cases.
    """

    file_name = "captions.csv"

    def begin(self) -> bytes:
        return b"\xef\xbb\xbf" + _csv_line(COLUMNS)

    def line(self, row: ExportRow) -> bytes:
        return _csv_line([_cell(value) for value in row.columns().values()])


class JsonLines(_PlainList):
    """One object per photo, as Hugging Face's `imagefolder` reads it from `metadata.jsonl` beside the photos.

    https://huggingface.co/docs/datasets/image_dataset#imagefolder
    """

    file_name = "metadata.jsonl"

    def line(self, row: ExportRow) -> bytes:
        return json.dumps(row.columns(), ensure_ascii=False).encode() + b"\n"


class CocoCaptions:
    """COCO captions: https://cocodataset.org/#format-data, "4. Image Captioning", with some fields more.

    A photo and its caption have the photo's id. The captions come after all photos. Until then they wait in a file.
    """

    file_name = "captions.json"

    def __init__(self) -> None:
        self._captions: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - `close` closes it
        self._images = self._annotations = 0

    def begin(self) -> bytes:
        return b'{"info": {"description": "Captions exported by Fovea"},\n"images": ['

    def line(self, row: ExportRow) -> bytes:
        if row.text:
            told = {name: value for name, value in row.columns().items() if name not in {"file_name", "text", "sha256"}}
            caption = told | {"image_id": row.id, "caption": row.text}
            self._captions.write(_json_item(caption, first=not self._annotations))
            self._annotations += 1
        image = {"id": row.id, "file_name": row.file_name, "width": row.width, "height": row.height}
        item = _json_item(image | {"sha256": row.sha256}, first=not self._images)
        self._images += 1
        return item

    def end(self) -> Iterator[bytes]:
        yield b'\n],\n"annotations": ['
        self._captions.seek(0)
        while chunk := self._captions.read(CHUNK_BYTES):
            yield chunk
        yield b"\n]}\n"

    def close(self) -> None:
        self._captions.close()


class ListFile:
    """A list that is written to a file while an archive's photos are, because it comes after them."""

    def __init__(self, captions: CaptionList) -> None:
        self.name = captions.file_name
        self._captions = captions
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - `close` closes it
        self._file.write(captions.begin())

    def add(self, row: ExportRow) -> None:
        self._file.write(self._captions.line(row))

    def finish(self) -> IO[bytes]:
        for chunk in self._captions.end():
            self._file.write(chunk)
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        self._captions.close()
        self._file.close()


def _json_item(item: dict[str, Any], *, first: bool) -> bytes:
    return (b"\n" if first else b",\n") + json.dumps(item, ensure_ascii=False).encode()


def _csv_line(cells: Any) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip("'").startswith(FORMULAS):
        return f"'{value}"
    return value
