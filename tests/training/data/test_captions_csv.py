"""Lines of a file name and a caption: the forms that they come in, and the faults they have."""

from pathlib import Path

import pytest

from captioner.tally import Tally
from training.data.captions_csv import csv_read
from training.errors import DatasetError


@pytest.fixture
def write(tmp_path):
    def write(text: str, *, encoding: str = "utf-8") -> Path:
        path: Path = tmp_path / "captions.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def read(path: Path) -> dict[str, tuple[str, ...]]:
    return {photo.file_name: photo.captions for photo in csv_read(path, Tally())}


EXPECTED = {"b.jpg": ("A dog runs .", "a dog, running"), "a.jpg": ("A cat",)}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('image,caption\nb.jpg,A dog runs .\nb.jpg,"a dog, running"\na.jpg,A cat\n', id="Flickr8k"),
        pytest.param('b.jpg,A dog runs .\nb.jpg,"a dog, running"\na.jpg,A cat', id="no header"),
        pytest.param("Caption;File\nA dog runs .;b.jpg\na dog, running;b.jpg\nA cat;a.jpg\n", id="turned round"),
        pytest.param(
            "image_name| comment_number| comment\nb.jpg| 0| A dog runs .\nb.jpg| 1| a dog, running\na.jpg| 0| A cat\n",
            id="Flickr30k",
        ),
        pytest.param("b.jpg#0\tA dog runs .\nb.jpg#1\ta dog, running\na.jpg#0\tA cat\n", id="Flickr8k.token.txt"),
        pytest.param('"b.jpg"\t"A dog runs ."\n"b.jpg"\t"a dog, running"\na.jpg\tA cat\n', id="tabs and quotes"),
        pytest.param('image,caption\r\nb.jpg,A dog runs .\r\nb.jpg,"a dog, running"\r\n\r\na.jpg,A cat\r\n', id="CRLF"),
        pytest.param('\n\nb.jpg,A dog runs .\n , \na.jpg,A cat\nb.jpg,"a dog, running"\n', id="blank lines, mixed"),
    ],
)
def test_csv_is_read_in_each_of_its_forms(text, write):
    assert read(write(text)) == EXPECTED


def test_csv_may_begin_with_a_byte_order_mark(write):
    assert read(write("image,caption\na.jpg,Un café\n", encoding="utf-8-sig")) == {"a.jpg": ("Un café",)}


def test_csv_photos_are_in_the_order_of_their_first_line(write):
    assert list(read(write("c.jpg,x\na.jpg,x\nb.jpg,x\na.jpg,y\n"))) == ["c.jpg", "a.jpg", "b.jpg"]


def test_csv_quotes_inside_of_bars_are_part_of_the_caption(write):
    path = write('image_name| comment\na.jpg| "Stop" says the "sign\nb.jpg| a dog\n')

    assert read(path) == {"a.jpg": ('"Stop" says the "sign',), "b.jpg": ("a dog",)}


def test_csv_caption_may_hold_doubled_quotes_and_a_line_break(write):
    assert read(write('a.jpg,"He said ""go""\nand went"\n')) == {"a.jpg": ('He said "go"\nand went',)}


def test_csv_first_file_name_with_a_comma_stands_in_quotes(write):
    assert read(write('"a,b.jpg";a dog\n"c.jpg";a cat\n')) == {"a,b.jpg": ("a dog",), "c.jpg": ("a cat",)}


def test_csv_line_without_a_caption_keeps_its_photo(write):
    assert read(write("image,caption\na.jpg,\nb.jpg,a dog\n")) == {"a.jpg": (), "b.jpg": ("a dog",)}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", r"captions\.csv is empty"),
        (" \n\n", r"captions\.csv is empty"),
        ("image,caption\n", "has a header, but no line below it"),
        ("a.jpg\nb.jpg\n", r"first line of .*captions\.csv has one column: 'a\.jpg'"),
        (
            "image,caption\na.jpg,a dog, running\n",
            "Line 2 of .* has 3 fields, and the first line 2, .*comma.*in quotes",
        ),
        ("image,caption\na.jpg,x\n\nb.jpg\n", "Line 4 of .* has 1 fields"),
        ('a.jpg,"x\ny"\nb.jpg,x\nc.jpg\n', "Line 4 of .* has 1 fields"),
        (
            "image| n| comment\na.jpg| 4   A dog\n",
            "Line 2 of .* has 2 fields, and the first line 3, .*bar.*Add the",
        ),
        ('image,caption\na.jpg,x\nb.jpg,"a dog\nc.jpg,x\n', "Line 3 of .* is not CSV"),
        ('image,caption\na.jpg,"a" dog\n', "Line 2 of .* is not CSV"),
        ("image,caption\n,a dog\n", "photo of line 2 of .* is '', which is no name"),
        ("image,caption\na.jpg,x\n/etc/a.jpg,a dog\n", "photo of line 3 of .* an absolute path"),
        ("../a.jpg,a dog\n", "photo of line 1 of .* leaves its folder"),
        ("img,words\na.jpg,a dog\n", "cannot be told in line 1 of .*: 'img, words'. Begin with a header line"),
        ("a.jpg,0,a dog\n", "cannot be told in line 1 of"),
        ("image,number\na.jpg,1\n", "cannot be told in line 1 of"),
    ],
)
def test_csv_faults_are_told_with_their_line(text, fault, write):
    with pytest.raises(DatasetError, match=fault):
        csv_read(write(text), Tally())


def test_csv_that_is_not_utf_8_is_refused(write):
    with pytest.raises(DatasetError, match=r"captions\.csv is not UTF-8 text \(.* at byte 9\)\. Save it as UTF-8"):
        csv_read(write("a.jpg,caf\xe9\n", encoding="latin-1"), Tally())


def test_csv_with_a_field_without_end_is_refused(write):
    with pytest.raises(DatasetError, match=r"Line 1 of .*field larger than field limit"):
        csv_read(write(f"a.jpg,{'x' * 200_000}\n"), Tally())


def test_csv_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"none\.csv cannot be read \(No such file"):
        csv_read(tmp_path / "none.csv", Tally())
