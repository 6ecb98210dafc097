"""Batches from zips, broken in every way."""

import io
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import Broker
from tests.pictures import picture
from tests.webapp.conftest import files_of
from tests.webapp.zips import COLOURS, create, errors, pictures, unpacked, zipped
from webapp import jobs
from webapp.accounts.models import User
from webapp.batches.errors import BatchRejected
from webapp.batches.models import Batch
from webapp.batches.selectors import batch_progress, batch_tally
from webapp.batches.services import zip_unpacking
from webapp.captioning.models import CaptionJob
from webapp.photos.models import Photo

State = CaptionJob.State


def test_zip_is_stored_as_it_came_and_waits_for_a_worker(
    media: Path, user: User, broker: Broker, django_capture_on_commit_callbacks
) -> None:
    content = zipped(pictures())
    with django_capture_on_commit_callbacks(execute=True):
        batch = create(user, content)
    assert (media / batch.archive).read_bytes() == content
    assert (batch.state, batch.items.count(), Photo.objects.count()) == (Batch.State.UNPACKING, 4, 0)
    assert broker.length(jobs.BULK) == 1


def test_zip_becomes_photos(media: Path, user: User, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        batch = unpacked(user, zipped({f"day one/{name}": content for name, content in pictures().items()}))
    assert (batch.state, batch.archive) == (Batch.State.RUNNING, "")
    assert sorted(batch.items.values_list("name", "photo__name")) == sorted(
        (f"day one/{colour}.jpg", f"{colour}.jpg") for colour in COLOURS
    )
    assert set(CaptionJob.objects.values_list("state", "lane")) == {(State.QUEUED, "bulk")}
    assert not list(media.rglob("archive.zip"))


def test_zip_is_published_by_the_chunk(media: Path, user: User, broker: Broker, monkeypatch) -> None:
    monkeypatch.setattr(jobs, "CHUNK_SIZE", 3)
    unpacked(user, zipped(pictures()))
    assert broker.length(jobs.BULK) == 2


def test_zip_leaves_out_what_systems_add_and_says_so(media: Path, user: User) -> None:
    extra = {"day/": b"", "__MACOSX/._red.jpg": b"x", ".DS_Store": b"x", "day/Thumbs.db": b"x"}
    batch = unpacked(user, zipped(pictures() | extra | {"notes.txt": b"hello", "a.dng": b"II*\0"}))
    assert str(batch_tally(batch)) == (
        "9 found: 4 taken, 0 there already, "
        "5 left out (2 of the operating system, 1 hidden, 1 in a format that is not accepted, 1 not a picture)."
    )
    progress = batch_progress(batch)
    assert (progress.left_out, progress.failed, progress.untaken) == (5, 0, 0)


def _linked(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("../evil.jpg", picture(), "unsafe_path"),
        ("a/../../evil.jpg", picture(), "unsafe_path"),
        ("/etc/evil.jpg", picture(), "unsafe_path"),
        ("C:\\evil.jpg", picture(), "unsafe_path"),
        ("..\\evil.jpg", picture(), "unsafe_path"),
        (_linked("evil.jpg"), b"/etc/passwd", "symlink"),
        ("inner.zip", zipped({"a.jpg": picture()}), "nested_archive"),
        ("text.jpg", b"hello", "not_an_image"),
        ("empty.jpg", b"", "empty"),
        ("cut.jpg", picture(size=(300, 300))[:900], "truncated"),
        ("huge.jpg", bytes(3 * 2**20), "too_many_bytes"),
    ],
    ids=[
        "parent",
        "deep-parent",
        "absolute",
        "drive",
        "backslash",
        "symlink",
        "nested",
        "text",
        "empty",
        "cut",
        "bomb",
    ],
)
def test_zip_member_that_is_bad_fails_alone(
    media: Path, user: User, settings, name: Any, content: bytes, code: str
) -> None:
    settings.UPLOAD_MAX_BYTES = 2**20
    batch = unpacked(user, zipped([(name, content), ("good.jpg", picture("blue"))]))
    item = batch.items.exclude(error_code="").get()
    assert item.error_code == code
    assert item.error_message.endswith(".")
    assert (item.photo, Photo.objects.get().name, batch.state) == (None, "good.jpg", Batch.State.RUNNING)
    assert not [path for path in files_of(media.parent) if "evil" in path.name]


def test_zip_member_that_is_encrypted_is_refused(media: Path, user: User) -> None:
    content = bytearray(zipped({"secret.jpg": picture()}))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    content[6] |= 1
    assert errors(unpacked(user, bytes(content))) == {"secret.jpg": "encrypted"}


def test_zip_member_in_a_compression_that_eats_memory_is_refused(media: Path, user: User) -> None:
    batch = unpacked(user, zipped({"a.jpg": picture()}, zipfile.ZIP_LZMA))
    assert errors(batch) == {"a.jpg": "unsupported_compression"}


def test_zip_member_whose_bytes_are_damaged_is_refused(media: Path, user: User) -> None:
    content = bytearray(zipped({"a.jpg": picture(), "b.jpg": picture("blue")}, zipfile.ZIP_STORED))
    content[200] ^= 0xFF
    assert errors(unpacked(user, bytes(content))) == {"a.jpg": "corrupt_member"}


def test_zip_with_one_name_twice_keeps_both(media: Path, user: User) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = zipped([("a.jpg", picture("red")), ("a.jpg", picture("blue"))])
    batch = unpacked(user, content)
    assert sorted(batch.items.values_list("name", flat=True)) == ["a.jpg", "a.jpg (2)"]
    assert Photo.objects.count() == 2


def _overlapping() -> bytes:
    """Two entries of the directory that share one member's bytes, as Fifield's bombs do a thousand times."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", bytes(100_000))
        twin = zipfile.ZipInfo("b.jpg")
        for slot in ("header_offset", "CRC", "compress_size", "file_size", "compress_type"):
            setattr(twin, slot, getattr(archive.infolist()[0], slot))
        archive.filelist.append(twin)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_a_zip"),
        (b"PK\x03\x04 and nothing else", "not_a_zip"),
        (picture(), "not_a_zip"),
        (zipped({}), "no_photos"),
        (zipped({"folder/": b""}), "no_photos"),
        (_overlapping(), "overlapping"),
        (zipped(pictures()).replace(b"PK\x01\x02", b"PK\x01\x03"), "corrupt_zip"),
    ],
    ids=["empty", "start", "photo", "bare", "folders", "overlapping", "corrupt"],
)
def test_zip_that_cannot_be_read_stores_nothing(media: Path, user: User, content: bytes, code: str) -> None:
    with pytest.raises(BatchRejected, match=r"^holiday\.zip: ") as caught:
        create(user, content)
    assert caught.value.code == code
    assert not files_of(media)
    assert not Batch.objects.exists()


def test_zip_over_the_limit_of_bytes_is_refused(media: Path, user: User, settings) -> None:
    settings.ZIP_MAX_BYTES = 100
    with pytest.raises(BatchRejected, match="the limit is 100"):
        create(user, zipped(pictures()))
    assert not files_of(media)


def test_zip_over_the_limit_of_files_is_refused(media: Path, user: User, settings) -> None:
    settings.ZIP_MAX_FILES = 3
    with pytest.raises(BatchRejected, match="holds 4 files; the limit is 3"):
        create(user, zipped(pictures()))
    assert not files_of(media)


def test_zip_whose_rows_cannot_be_written_leaves_no_file(media: Path, user: User, monkeypatch) -> None:
    def locked(*_: Any) -> None:
        raise RuntimeError("database is locked")

    monkeypatch.setattr(zip_unpacking, "items_create", locked)
    with pytest.raises(RuntimeError):
        create(user, zipped(pictures()))
    assert not files_of(media)
