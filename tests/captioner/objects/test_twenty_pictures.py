"""Twenty pictures, and what a person would accept of the shipped bundle on each: the table is twenty_pictures.json.

`said`: one of these words must stand in the caption. `told`: one of these must stand in it or among the objects that
the classifier is sure of. `never`: none of these may stand in either, but for the words that may be said or told.
Words in capitals are groups. `fails`: why a demand is not met yet; the row must be mended once it is met.

Only people, animals and things are judged. Colours, clothes and what is being done are not.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from captioner.inference import Captioner, CaptionResult
from captioner.preprocessing import photo_pixels

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = {"samples": ROOT / "samples", "pictures": Path(__file__).with_name("pictures")}
TABLE: dict[str, Any] = json.loads(Path(__file__).with_name("twenty_pictures.json").read_text(encoding="utf-8"))
ROWS: list[dict[str, Any]] = TABLE["pictures"]
SURE = 0.5  # of an object that is told beside the caption

pytestmark = pytest.mark.slow


def group_words(words: str) -> set[str]:
    """The words, with each group's in the place of its name."""
    found: set[str] = set()
    for word in words.split():
        found |= group_words(TABLE["groups"][word]) if word in TABLE["groups"] else {word}
    return found


def rows(demand: str) -> list[Any]:
    """The rows that make this demand, those that fail it marked."""
    found = []
    for row in (row for row in ROWS if demand in row):
        reason = row.get("fails", {}).get(demand)
        marks = [pytest.mark.xfail(reason=reason, strict=True, raises=AssertionError)] if reason else []
        found.append(pytest.param(row, id=Path(row["picture"]).stem, marks=marks))
    return found


def caption_words(result: CaptionResult) -> set[str]:
    return set(re.findall(r"\w+", result.text.lower()))


def told_words(result: CaptionResult) -> set[str]:
    """The words of the caption and those of the objects that are told as sure."""
    sure = (seen.word for seen in result.objects if seen.probability >= SURE)
    return caption_words(result).union(*(name.split() for name in sure))


@pytest.fixture(scope="module")
def results() -> Mapping[str, CaptionResult]:
    captioner = Captioner.load(ROOT / "models" / "default")
    names = [row["picture"] for row in ROWS]
    paths = [FOLDERS[name.split("/")[0]] / name.split("/")[1] for name in names]
    pixels = [photo_pixels(path, preprocessing=captioner.preprocessing) for path in paths]
    return dict(zip(names, captioner.caption_batch(pixels), strict=True))


@pytest.mark.parametrize("row", rows("said"))
def test_caption_says_what_is_in_the_picture(row, results):
    result = results[row["picture"]]
    assert group_words(row["said"]) & caption_words(result), result.text


@pytest.mark.parametrize("row", rows("told"))
def test_caption_or_objects_tell_what_is_in_the_picture(row, results):
    result = results[row["picture"]]
    assert group_words(row["told"]) & told_words(result), (result.text, result.objects)


@pytest.mark.parametrize("row", rows("never"))
def test_neither_caption_nor_objects_name_what_is_not_in_the_picture(row, results):
    result = results[row["picture"]]
    unwanted = group_words(row["never"]) - group_words(row["said"]) - group_words(row.get("told", ""))
    assert not unwanted & told_words(result), (result.text, result.objects)


def test_table_holds_twenty_pictures_and_their_folder_tells_each_licence():
    licences = (FOLDERS["pictures"] / "README.md").read_text(encoding="utf-8")
    pictures = {path.name for path in FOLDERS["pictures"].glob("*.jpg")}

    assert len({row["picture"] for row in ROWS}) == 20
    assert pictures == {name for kind, name in (row["picture"].split("/") for row in ROWS) if kind == "pictures"}
    assert all(f"| `{name}` |" in licences for name in pictures)
