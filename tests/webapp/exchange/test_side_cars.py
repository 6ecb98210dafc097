"""Text and XMP side-cars, byte by byte."""

from xml.etree import ElementTree as ET

import pytest

from tests.webapp.exchange.exporting import VERSION, exported, photo_add, unzipped
from webapp.accounts.models import User

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def descriptions(packet: bytes) -> dict[str, str | None]:
    """The texts of an XMP packet by language."""
    return {item.attrib[LANGUAGE]: item.text for item in ET.fromstring(packet).iter(f"{RDF}li")}


def test_text_side_cars_have_the_text_alone_and_a_table_beside_them(user: User) -> None:
    photo_add(user, 7, name="beach.jpg", text="a dog runs")
    photo_add(user, 8, name="no suffix.2024", text="کلب")
    files = unzipped(exported(user, "txt"))
    assert list(files) == ["beach.txt", "no suffix.2024.txt", "captions.csv"]
    assert (files["beach.txt"], files["no suffix.2024.txt"]) == (b"a dog runs\n", "کلب\n".encode())
    assert files["captions.csv"] == exported(user, "csv")


def test_text_side_car_of_a_photo_without_a_text_is_empty(user: User) -> None:
    photo_add(user, 7, name="beach.jpg")
    assert unzipped(exported(user, "txt", everything=True))["beach.txt"] == b""


def test_xmp_side_car_is_the_same_to_the_byte(user: User) -> None:
    photo_add(user, 7, name="beach.jpg", text="a dog & <cat>")
    files = unzipped(exported(user, "xmp"))
    assert {name: content.decode() for name, content in files.items()} == {
        "beach.jpg.xmp": f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:fovea="urn:fovea:caption#" \
xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:x="adobe:ns:meta/">
 <rdf:RDF>
  <rdf:Description rdf:about="" fovea:textBy="model" fovea:modelVersion="{VERSION}" fovea:review="undecided" \
fovea:certainty="0.1235">
   <dc:description>
    <rdf:Alt>
     <rdf:li xml:lang="x-default">a dog &amp; &lt;cat&gt;</rdf:li>
     <rdf:li xml:lang="en">a dog &amp; &lt;cat&gt;</rdf:li>
    </rdf:Alt>
   </dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""
    }


def test_xmp_of_a_person_names_no_language(user: User) -> None:
    photo_add(user, 7, name="beach.jpg", text="a dog", verdict="edited", person="un chien")
    packet = unzipped(exported(user, "xmp"))["beach.jpg.xmp"]
    assert descriptions(packet) == {"x-default": "un chien"}
    assert b'textBy="person"' in packet
    assert b"modelVersion" not in packet


@pytest.mark.parametrize(
    ("text", "read"), [("a\x0bb", "a\ufffdb"), ("two\nlines", "two\nlines"), ("]]> 🐕 کلب", "]]> 🐕 کلب")]
)
def test_xmp_of_any_text_is_well_formed(user: User, text: str, read: str) -> None:
    photo_add(user, 7, name="beach.jpg", text="a dog", verdict="edited", person=text)
    assert descriptions(unzipped(exported(user, "xmp"))["beach.jpg.xmp"])["x-default"] == read


def test_xmp_of_a_photo_without_a_text_has_no_description(user: User) -> None:
    photo_add(user, 7, name="beach.jpg")
    packet = unzipped(exported(user, "xmp", everything=True))["beach.jpg.xmp"]
    assert descriptions(packet) == {}
    assert b'review="undecided"' in packet
