"""Reads captions from lines of a file name and a text, the form of Flickr8k and Flickr30k."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path, PurePosixPath

from captioner.tally import Tally
from training.data.captions_import import ImportedPhoto, file_name_check, source_text
from training.data.coco_captions import WORDLESS, caption_has_words
from training.errors import DatasetError

FILE_NAMES = ("file", "file_name", "filename", "image", "image_name", "image_id", "photo", "path")
CAPTION_NAMES = ("caption", "caption_text", "captions", "comment", "description", "raw", "sentence", "text")
_DELIMITERS = {",": "comma", ";": "semicolon", "|": "bar", "\t": "tab"}
_NUMBERED = re.compile(r"#\d+$")  # Flickr8k.token.txt: photo.jpg#0, photo.jpg#1, ...


def csv_read(source: Path, tally: Tally) -> list[ImportedPhoto]:
    """Photos in the order of their first line, each with the captions of all its lines. `tally` counts them.

    A line that equals a former one in all columns counts as there already.

    The delimiter (comma, semicolon, bar or tab) is the one that comes first in the first line. A first line that names
    both columns (FILE_NAMES, CAPTION_NAMES) is a header; it may name more. Without a header there are two columns, file
    and caption. Raises DatasetError, with the number of the line.
    """
    text = source_text(source)
    first_line = next((line for line in text.splitlines() if line.strip()), "")
    if not first_line:
        raise DatasetError(f"{source} is empty. Give a file with lines of a photo's file name and a caption.")
    delimiter = _delimiter(first_line, source)
    rows = _rows(text, source, delimiter)
    number, first = next(rows)
    width, columns = len(first), _columns(first)
    photos: dict[str, list[str]] = {}
    if columns is None:
        columns = 0, 1
        _headerless_check(first, f"line {number} of {source}")
        rows = chain([(number, first)], rows)
    known: set[tuple[str, ...]] = set()
    for number, row in rows:
        if len(row) != width:
            raise DatasetError(
                f"Line {number} of {source} has {len(row)} fields, and the first line {width}, separated by a "
                f"{_DELIMITERS[delimiter]}. {_remedy(delimiter)}"
            )
        if (content := tuple(row)) in known:
            tally.there += 1
        else:
            known.add(content)
            _row_add(photos, row, columns, f"line {number} of {source}", tally)
    if not photos:
        raise DatasetError(f"{source} has a header, but no line below it. Give lines of a file name and a caption.")
    return [ImportedPhoto(name, tuple(captions)) for name, captions in photos.items()]


def _delimiter(line: str, source: Path) -> str:
    # Not csv.Sniffer, which takes letters for delimiters. Captions hold commas and semicolons too. File names hardly
    # ever do, and then they stand in quotes.
    begin = line.find('"', 1) + 1 if line.startswith('"') else 0
    for character in line[begin:]:
        if character in _DELIMITERS:
            return character
    raise DatasetError(
        f"The first line of {source} has one column: {line[:60]!r}. Separate file name and caption by a comma, "
        "semicolon, bar or tab."
    )


def _rows(text: str, source: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, and the number of the line where it begins, from 1."""
    # Quotes frame fields in CSV as spreadsheets write it. In files of bars and tabs they are part of what was said.
    lines, framed = io.StringIO(text, newline=""), delimiter in ",;"
    if framed:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
    else:
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DatasetError(
                f"Line {number} of {source} is not CSV ({error}). A field with a quote in it stands in quotes, and the "
                'quote is doubled: "He said ""go""".'
            ) from error
        fields = [field.strip() if framed else _unquoted(field.strip()) for field in row]
        if any(fields):
            yield number, fields


def _columns(header: list[str]) -> tuple[int, int] | None:
    """The columns of file name and caption, if this row is a header."""
    names = [name.lower().replace(" ", "_") for name in header]
    file = next((names.index(name) for name in FILE_NAMES if name in names), None)
    caption = next((names.index(name) for name in CAPTION_NAMES if name in names), None)
    return None if file is None or caption is None else (file, caption)


def _headerless_check(first: list[str], place: str) -> None:
    if len(first) != 2 or not PurePosixPath(_NUMBERED.sub("", first[0])).suffix:
        raise DatasetError(
            f"The columns of file name and caption cannot be told in {place}: {', '.join(first)[:80]!r}. "
            "Begin with a header line that names them, such as file,caption."
        )


def _row_add(photos: dict[str, list[str]], row: list[str], columns: tuple[int, int], place: str, tally: Tally) -> None:
    file, caption = columns
    name = file_name_check(_NUMBERED.sub("", row[file]), place)
    captions = photos.setdefault(name, [])
    if caption_has_words(row[caption]):
        captions.append(row[caption])
        tally.taken += 1
    else:
        tally.leave(place, WORDLESS, row[caption])


def _remedy(delimiter: str) -> str:
    if delimiter in ",;":
        return f"Put a caption with a {_DELIMITERS[delimiter]} in quotes, or add the missing fields."
    return "Add the missing fields, or delete those that are too many."


def _unquoted(field: str) -> str:
    """The field without its quotes. One that only begins and ends with quoted words stays."""
    framed = len(field) > 1 and field[0] == field[-1] == '"' and '"' not in field[1:-1]
    return field[1:-1] if framed else field
