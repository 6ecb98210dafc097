"""The forms with one small file beside each photo. No database."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET

from webapp.exchange.export_row import ExportRow
from webapp.exchange.file_names import name_parts
from webapp.photos.models import Photo

MODEL_LANGUAGE: Final = "en"  # bundles of this kind are trained on English captions
_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC: Final = "http://purl.org/dc/elements/1.1/"
_OURS: Final = "urn:fovea:caption#"
_META: Final = "adobe:ns:meta/"
_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_PREFIXES: Final = {"rdf": _RDF, "dc": _DC, "fovea": _OURS, "x": _META}
# https://www.w3.org/TR/xml/#charsets: these may not be written, not even escaped.
_UNWRITABLE: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BEGIN: Final = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_END: Final = '\n<?xpacket end="w"?>\n'

for _prefix, _uri in _PREFIXES.items():
    ET.register_namespace(_prefix, _uri)


@dataclass(frozen=True)
class SideCar:
    """`name`: of the file beside a photo of that name."""

    name: Callable[[str], str]
    content: Callable[[ExportRow], bytes]


def txt_name(file_name: str) -> str:
    """ "beach.txt" for beach.jpg, as trainers of image models look for it."""
    return f"{name_parts(file_name)[0]}.txt"


def txt_content(row: ExportRow) -> bytes:
    return f"{row.text}\n".encode() if row.text else b""


def xmp_name(file_name: str) -> str:
    """ "beach.jpg.xmp", as digiKam, darktable and Immich look for it."""
    return f"{file_name}.xmp"


def xmp_content(row: ExportRow) -> bytes:
    """An XMP packet.

    `dc:description` is a language alternative (XMP specification, part 1, 8.2.2.4): the default comes first, and stands
    again under its language where that is known. A person's text may be in any language.
    """
    meta = ET.Element(f"{{{_META}}}xmpmeta")
    description = ET.SubElement(ET.SubElement(meta, f"{{{_RDF}}}RDF"), f"{{{_RDF}}}Description")
    description.set(f"{{{_RDF}}}about", "")
    told = {"textBy": row.text_by, "modelVersion": row.model_version, "review": row.review, "certainty": row.certainty}
    for name, value in told.items():
        if value not in {None, ""}:
            description.set(f"{{{_OURS}}}{name}", str(value))
    if row.text:
        texts = ET.SubElement(ET.SubElement(description, f"{{{_DC}}}description"), f"{{{_RDF}}}Alt")
        for language in ("x-default", *([MODEL_LANGUAGE] if row.text_by == Photo.TextBy.MODEL else [])):
            text = ET.SubElement(texts, f"{{{_RDF}}}li", {_LANGUAGE: language})
            text.text = _UNWRITABLE.sub("\ufffd", row.text)
    ET.indent(meta, space=" ")
    return f"{_BEGIN}{ET.tostring(meta, encoding='unicode')}{_END}".encode()


TXT: Final = SideCar(txt_name, txt_content)
XMP: Final = SideCar(xmp_name, xmp_content)
