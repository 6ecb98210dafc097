"""An export as a stream of bytes. The same photos and texts give the same bytes."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Final

from webapp.exchange.export_order import ExportOrder, Format, LeftOut
from webapp.exchange.export_row import ExportRow
from webapp.exchange.file_names import FileNames
from webapp.exchange.formats.lists import CaptionList, CocoCaptions, CsvList, JsonLines, ListFile, NoList
from webapp.exchange.formats.side_cars import TXT, XMP, SideCar
from webapp.exchange.formats.zip_stream import ZipStream
from webapp.exchange.selectors import export_ids, export_rows
from webapp.photos.storage import media_path

MISSING: Final = "MISSING.txt"  # in an archive: the photos that are not in it
PART_BYTES: Final = 2**16
_LISTS: Final[dict[Format, Callable[[], CaptionList]]] = {
    Format.CSV: CsvList,
    Format.JSONL: JsonLines,
    Format.COCO: CocoCaptions,
    Format.TXT: CsvList,  # it tells what has no place in the side-cars
}
_SIDE_CARS: Final[dict[Format, SideCar]] = {Format.TXT: TXT, Format.XMP: XMP}


class Export:
    """To be made before the first byte is sent: it reads which photos are asked for. `parts` may be used once.

    `step` is called with 1 for each photo. Afterwards `exported`, `left_out` and `missing` tell what became of them.
    """

    def __init__(self, order: ExportOrder, *, step: Callable[[int], object] | None = None) -> None:
        self.order = order
        self.ids = export_ids(order)
        self.exported = 0
        self.left_out = Counter[LeftOut]()
        self.missing: list[str] = []  # a line for each photo whose file cannot be read
        self._step = step

    def parts(self) -> Iterator[bytes]:
        """`PART_BYTES` or more each, but the last one."""
        ready = bytearray()
        with closing(self._archive() if self.order.zipped else self._list()) as parts:
            for part in parts:
                ready += part
                if len(ready) >= PART_BYTES:
                    yield bytes(ready)
                    ready.clear()
        yield bytes(ready)

    def summary(self) -> str:
        """A sentence for people, once all parts were read."""
        left_out = sum(self.left_out.values())
        reasons = ", ".join(f"{self.left_out[why]:,} {why.label}" for why in LeftOut if self.left_out[why])
        told = f"{photos_text(self.exported)} exported, {left_out:,} left out{f' ({reasons})' if reasons else ''}"
        return f"{told}, {len(self.missing):,} missing." if self.missing else f"{told}."

    def _list(self) -> Generator[bytes, None, None]:
        with closing(_LISTS[self.order.format]()) as captions:
            yield captions.begin()
            for row in self._rows(FileNames()):
                self.exported += 1
                yield captions.line(row)
            yield from captions.end()

    def _archive(self) -> Generator[bytes, None, None]:
        """Photos and side-cars first. The list comes last: it names only photos that are in the archive."""
        side_car = _SIDE_CARS.get(self.order.format)
        archive = ZipStream()
        with closing(ListFile(_LISTS.get(self.order.format, NoList)())) as captions:
            reserved = (MISSING, captions.name)
            names = FileNames(reserved=reserved, side_car=side_car.name if side_car is not None else None)
            for row in self._rows(names):
                if self.order.with_photos:
                    content = self._original(row)
                    if content is None:
                        continue
                    yield from archive.file(row.file_name, content, compressed=False)
                if side_car is not None:
                    yield from archive.file(side_car.name(row.file_name), side_car.content(row))
                captions.add(row)
                self.exported += 1
            if captions.name:
                yield from archive.copy(captions.name, captions.finish())
        if self.missing:
            yield from archive.file(MISSING, _missing_text(self.missing).encode())
        yield archive.end()

    def _rows(self, names: FileNames) -> Iterator[ExportRow]:
        """The photos to export. Those left out are counted, and keep their names to themselves: what is left out
        today changes no other photo's name."""
        for rows in export_rows(self.ids, names=names):
            for row in rows:
                if why := self.order.left_out(row):
                    self.left_out[why] += 1
                else:
                    yield row
                if self._step is not None:
                    self._step(1)

    def _original(self, row: ExportRow) -> bytes | None:
        """The photo's file. None if it cannot be read: `missing` then tells why.

        It is read as a whole before any of it goes into the archive, so a fault of the disk leaves no half photo there.
        """
        try:
            return media_path(row.original).read_bytes()
        except OSError as error:
            why = "it is not in the media folder" if isinstance(error, FileNotFoundError) else error.strerror
            self.missing.append(f"{row.file_name}: {why} (photo {row.id})")
            return None


def _missing_text(missing: list[str]) -> str:
    lines = "\n".join(missing)
    return (
        f"Not in this archive, because the file could not be read: {photos_text(len(missing))}.\n"
        "An export without photos has their texts.\n\n"
        f"{lines}\n"
    )


def photos_text(count: int) -> str:
    return f"{count:,} photo{'s' if count != 1 else ''}"
