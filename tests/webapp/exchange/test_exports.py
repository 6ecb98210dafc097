"""Which photos an export has, and its archives."""

import io
import zipfile
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.webapp.exchange.exporting import DAY_ONE, exported, photo_add, unzipped
from webapp.accounts.models import User
from webapp.batches.models import Batch, BatchItem
from webapp.exchange import selectors
from webapp.exchange.export_order import ExportOrder, Format
from webapp.exchange.services import exports
from webapp.exchange.services.exports import Export
from webapp.photos.models import Photo


def texts(owner: User | None, **order: object) -> list[str]:
    return [line.split(",")[1] for line in exported(owner, "csv", **order).decode().splitlines()[1:]]


@pytest.fixture
def five(user: User) -> User:
    """The owner of a photo in each state of a review, and one without a text."""
    for number, verdict in enumerate(["", "approved", "edited", "rejected"], start=1):
        photo_add(user, number, text=f"dog {number}", verdict=verdict, person=f"cat {number}")
    photo_add(user, 5)
    return user


def test_rejected_and_empty_texts_are_left_out(five: User) -> None:
    assert texts(five) == ["dog 1", "dog 2", "cat 3"]


def test_everything_is_exported_when_asked_for(five: User) -> None:
    assert texts(five, everything=True) == ["dog 1", "dog 2", "cat 3", "dog 4", ""]


def test_only_reviewed_texts_are_exported_when_asked_for(five: User) -> None:
    assert texts(five, reviewed=True) == ["dog 2", "cat 3"]
    assert texts(five, reviewed=True, everything=True) == ["dog 2", "cat 3"]


def test_search_narrows_the_export(five: User) -> None:
    assert texts(five, query="cat") == ["cat 3"]


def test_batch_narrows_the_export(five: User) -> None:
    batch = Batch.objects.create(owner=five, name="b", source=Batch.Source.ZIP)
    for key, photo_id in (("a", 2), ("b", 1), ("c", 2), ("d", None)):
        BatchItem.objects.create(batch=batch, name=key, key=key, photo_id=photo_id)
    assert texts(five, batch=batch) == ["dog 1", "dog 2"]


def test_ids_narrow_the_export_and_other_peoples_find_nothing(five: User, other_user: User) -> None:
    photo_add(other_user, 9, text="a secret")
    assert texts(five, ids=frozenset({3, 1, 9, 10**17})) == ["dog 1", "cat 3"]


def test_export_of_no_owner_has_all_accounts(five: User, other_user: User) -> None:
    photo_add(other_user, 9, text="a bird")
    assert texts(None) == ["dog 1", "dog 2", "cat 3", "a bird"]


def test_summary_tells_what_became_of_the_photos(five: User) -> None:
    export = Export(ExportOrder(Format.CSV, five))
    b"".join(export.parts())
    assert export.summary() == "3 photos exported, 2 left out (1 without a text, 1 rejected)."


def test_archive_holds_the_photos_and_says_the_same_twice(media: Path, user: User) -> None:
    photo_add(user, 1, name="a.jpg", text="a dog", content=b"first")
    photo_add(user, 2, name="a.jpg", text="a cat", content=bytes(600_000))
    content = exported(user, "jsonl", with_photos=True)
    files = unzipped(content)
    assert list(files) == ["a.jpg", "a (2).jpg", "metadata.jsonl"]
    assert (files["a.jpg"], files["a (2).jpg"]) == (b"first", bytes(600_000))
    assert files["metadata.jsonl"] == exported(user, "jsonl")
    assert content == exported(user, "jsonl", with_photos=True)


def test_files_of_an_archive_have_one_time_and_may_be_read(media: Path, user: User) -> None:
    photo_add(user, 1, text="a dog", content=b"first")
    with zipfile.ZipFile(io.BytesIO(exported(user, "txt", with_photos=True))) as archive:
        assert {info.date_time for info in archive.infolist()} == {DAY_ONE}
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o644}


@pytest.mark.parametrize("form", Format.values)
def test_every_form_goes_with_photos(media: Path, user: User, form: str) -> None:
    photo_add(user, 1, name="a.jpg", text="a dog", content=b"first")
    assert unzipped(exported(user, form, with_photos=True))["a.jpg"] == b"first"


def test_photo_whose_file_is_gone_is_told_and_leaves_the_rest_whole(media: Path, user: User) -> None:
    photo_add(user, 1, name="a.jpg", text="a dog")
    photo_add(user, 2, name="b.jpg", text="a cat", content=b"second")
    export = Export(ExportOrder(Format.COCO, user, with_photos=True))
    files = unzipped(b"".join(export.parts()))
    assert list(files) == ["b.jpg", "captions.json", "MISSING.txt"]
    assert b"a dog" not in files["captions.json"]
    assert b"could not be read: 1 photo." in files["MISSING.txt"]
    assert b"a.jpg: it is not in the media folder (photo 1)" in files["MISSING.txt"]
    assert export.summary() == "1 photo exported, 0 left out, 1 missing."


def test_photo_whose_file_cannot_be_read_is_told(media: Path, user: User) -> None:
    photo = photo_add(user, 1, name="a.jpg", text="a dog")
    (media / photo.original).mkdir(parents=True)
    assert b"a.jpg: Is a directory" in unzipped(exported(user, "csv", with_photos=True))["MISSING.txt"]


def test_photo_that_is_deleted_meanwhile_is_left_out(five: User) -> None:
    export = Export(ExportOrder(Format.TXT, five))
    Photo.objects.filter(pk=2).delete()
    assert "photo-2.txt" not in unzipped(b"".join(export.parts()))


def test_name_does_not_depend_on_what_is_left_out(user: User) -> None:
    photo_add(user, 1, name="a.jpg", text="a dog", verdict="rejected")
    photo_add(user, 2, name="a.jpg", text="a cat")
    assert "a (2).jpg,a cat" in exported(user, "csv").decode()


def test_queries_are_one_for_the_ids_and_one_for_some_hundred_photos(
    five: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "PHOTOS_AT_ONCE", 2)
    with CaptureQueriesContext(connection) as captured:
        exported(five, "csv", query="-nothing")
    assert len(captured) == 1 + 3


def test_step_is_called_for_each_photo(five: User) -> None:
    steps: list[int] = []
    b"".join(Export(ExportOrder(Format.CSV, five), step=steps.append).parts())
    assert steps == [1] * 5


def test_export_that_nobody_reads_on_reads_no_more_photos(
    media: Path, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PART_BYTES", 1)
    monkeypatch.setattr(selectors, "PHOTOS_AT_ONCE", 1)
    for number in (1, 2, 3):
        photo_add(user, number, text="a dog", content=b"x")
    steps: list[int] = []
    parts = Export(ExportOrder(Format.CSV, user, with_photos=True), step=steps.append).parts()
    with CaptureQueriesContext(connection) as captured:
        next(parts)
        parts.close()  # type: ignore[attr-defined]
    assert len(captured) == 1
    assert steps == []
