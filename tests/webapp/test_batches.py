"""Batches: from a folder and from a zip, broken in every way, paused, resumed, cancelled, and taken up again."""

import io
import stat
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.functions import Now
from django.test import Client

from tests.brokers import Broker
from tests.pictures import picture, picture_write, upload
from tests.webapp.conftest import files_of
from webapp import jobs
from webapp.accounts.models import User
from webapp.gallery import storage
from webapp.gallery.errors import ActionRefused, BatchRejected, GalleryError
from webapp.gallery.models import Batch, BatchItem, CaptionJob, Photo
from webapp.gallery.selectors.batches import batch_progress, batches_of
from webapp.gallery.services import batches, photos
from webapp.gallery.services.batches import (
    batch_cancel,
    batch_create_from_folder,
    batch_create_from_zip,
    batch_folder_take,
    batch_pause,
    batch_resume,
    batch_unpack,
    folder_files,
)

State = CaptionJob.State
COLOURS = ("red", "blue", "green", "black")
JSON = {"Accept": "application/json"}


def zipped(members: dict[str, bytes] | list[tuple[Any, bytes]], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items() if isinstance(members, dict) else members:
            archive.writestr(name, content)
    return buffer.getvalue()


def pictures() -> dict[str, bytes]:
    return {f"{colour}.jpg": picture(colour) for colour in COLOURS}


def create(owner: User, content: bytes, name: str = "holiday.zip") -> Batch:
    return batch_create_from_zip(owner=owner, file=SimpleUploadedFile(name, content))


def unpacked(owner: User, content: bytes) -> Batch:
    batch = create(owner, content)
    batch_unpack(batch_id=batch.pk)
    batch.refresh_from_db()
    return batch


def errors(batch: Batch) -> dict[str, str]:
    return dict(batch.items.exclude(error_code="").values_list("name", "error_code"))


# --- Zips -------------------------------------------------------------------------------------------------------------


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


def test_zip_skips_folders_and_what_systems_add(media: Path, user: User) -> None:
    extra = {"day/": b"", "__MACOSX/._red.jpg": b"x", ".DS_Store": b"x", "day/Thumbs.db": b"x"}
    batch = unpacked(user, zipped(pictures() | extra))
    assert batch.items.count() == 4
    assert not errors(batch)


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

    monkeypatch.setattr(batches, "_items_create", locked)
    with pytest.raises(RuntimeError):
        create(user, zipped(pictures()))
    assert not files_of(media)


# --- Unpacking that is cut off, doubled or disturbed ------------------------------------------------------------------


def test_unpack_goes_on_where_a_killed_worker_stopped(media: Path, user: User, monkeypatch) -> None:
    batch = create(user, zipped(pictures()))
    real = photos.photo_create
    taken: list[str] = []

    def dies_at_the_third(**kwargs: Any) -> Any:
        if len(taken) == 2:
            raise KeyboardInterrupt
        taken.append(kwargs["name"])
        return real(**kwargs)

    monkeypatch.setattr(photos, "photo_create", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        batch_unpack(batch_id=batch.pk)
    monkeypatch.undo()
    media_settings(media, monkeypatch)
    Batch.objects.update(unpack_lease_expires_at=Now() - timedelta(seconds=1))
    batch_unpack(batch_id=batch.pk)
    assert (Photo.objects.count(), BatchItem.objects.filter(photo=None).count()) == (4, 0)
    assert Batch.objects.get().state == Batch.State.RUNNING


def media_settings(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.conf import settings

    monkeypatch.setattr(settings, "MEDIA_ROOT", media)


def test_unpack_leaves_a_batch_alone_that_another_has_in_hand(media: Path, user: User) -> None:
    batch = create(user, zipped(pictures()))
    Batch.objects.update(unpack_lease_expires_at=Now() + timedelta(seconds=30))
    batch_unpack(batch_id=batch.pk)
    assert not Photo.objects.exists()


def test_unpack_of_a_finished_batch_does_nothing(media: Path, user: User) -> None:
    batch = unpacked(user, zipped(pictures()))
    batch_unpack(batch_id=batch.pk)
    assert Photo.objects.count() == 4


@pytest.mark.parametrize(
    ("change", "jobs_state", "state"),
    [(batch_pause, State.PAUSED, Batch.State.PAUSED), (batch_cancel, State.CANCELLED, Batch.State.CANCELLED)],
)
def test_unpack_stops_when_its_batch_is_held(
    media: Path, user: User, monkeypatch, change: Any, jobs_state: str, state: str
) -> None:
    batch = create(user, zipped(pictures()))
    real = photos.photo_create

    def held_meanwhile(**kwargs: Any) -> Any:
        change(batch=Batch.objects.get())
        return real(**kwargs)

    monkeypatch.setattr(photos, "photo_create", held_meanwhile)
    batch_unpack(batch_id=batch.pk)
    assert Photo.objects.count() == 1
    assert (CaptionJob.objects.get().state, Batch.objects.get().state) == (jobs_state, state)


def test_unpack_goes_on_after_a_pause(media: Path, user: User) -> None:
    batch = create(user, zipped(pictures()))
    batch_pause(batch=batch)
    batch_unpack(batch_id=batch.pk)
    assert not Photo.objects.exists()
    batch_resume(batch=batch)
    batch_unpack(batch_id=batch.pk)
    assert Photo.objects.count() == 4


def test_unpack_of_a_zip_that_is_gone_fails_the_batch(media: Path, user: User) -> None:
    batch = create(user, zipped(pictures()))
    (media / batch.archive).unlink()
    batch_unpack(batch_id=batch.pk)
    batch.refresh_from_db()
    assert batch.state == Batch.State.FAILED
    assert "Send it again" in batch.error


def test_unpack_on_a_full_disk_says_so_and_can_go_on(media: Path, user: User, monkeypatch) -> None:
    batch = create(user, zipped(pictures()))

    def full(*_: Any, **__: Any) -> None:
        raise GalleryError("no_space", "The disk is full; nothing was stored.")

    with monkeypatch.context() as patch:
        patch.setattr(photos, "photo_create", full)
        with pytest.raises(GalleryError):
            batch_unpack(batch_id=batch.pk)
    batch.refresh_from_db()
    assert (batch.state, batch.error) == (Batch.State.UNPACKING, "The disk is full; nothing was stored.")
    Batch.objects.update(unpack_lease_expires_at=None)
    batch_unpack(batch_id=batch.pk)
    batch.refresh_from_db()
    assert (batch.state, batch.error, Photo.objects.count()) == (Batch.State.RUNNING, "", 4)


# --- Holding and cancelling -------------------------------------------------------------------------------------------


def test_pause_and_resume_move_the_jobs_that_wait(media: Path, user: User) -> None:
    batch = unpacked(user, zipped(pictures()))
    running = CaptionJob.objects.first()
    assert running
    CaptionJob.objects.filter(pk=running.pk).update(state=State.RUNNING)
    batch_pause(batch=batch)
    assert sorted(CaptionJob.objects.values_list("state", flat=True)) == ["paused"] * 3 + ["running"]
    batch_resume(batch=batch)
    assert sorted(CaptionJob.objects.values_list("state", flat=True)) == ["queued"] * 3 + ["running"]


def test_resume_tells_the_workers(media: Path, user: User, broker: Broker, django_capture_on_commit_callbacks) -> None:
    batch = unpacked(user, zipped(pictures()))
    batch_pause(batch=batch)
    before = broker.length(jobs.BULK)
    with django_capture_on_commit_callbacks(execute=True):
        batch_resume(batch=batch)
    assert broker.length(jobs.BULK) == before + 1


def test_cancel_keeps_what_is_captioned(media: Path, user: User) -> None:
    batch = unpacked(user, zipped(pictures()))
    done = CaptionJob.objects.first()
    assert done
    CaptionJob.objects.filter(pk=done.pk).update(state=State.DONE)
    batch_cancel(batch=batch)
    progress = batch_progress(batch)
    assert (progress.captioned, progress.cancelled, progress.waiting) == (1, 3, 0)


def test_cancel_removes_the_zip(media: Path, user: User, django_capture_on_commit_callbacks) -> None:
    batch = create(user, zipped(pictures()))
    with django_capture_on_commit_callbacks(execute=True):
        batch_cancel(batch=batch)
    assert not files_of(media)


def test_cancel_spares_a_photo_that_its_owner_uploaded_by_hand(media: Path, user: User) -> None:
    photo = photos.photo_create(owner=user, file=upload(picture("red")), name="mine.jpg")[0]
    batch_cancel(batch=unpacked(user, zipped(pictures())))
    assert CaptionJob.objects.get(photo=photo).state == State.QUEUED


def test_cancel_spares_a_photo_that_another_batch_wants(media: Path, user: User) -> None:
    first, second = unpacked(user, zipped(pictures())), unpacked(user, zipped(pictures()))
    batch_cancel(batch=first)
    assert set(CaptionJob.objects.values_list("state", flat=True)) == {State.QUEUED}
    batch_cancel(batch=second)
    assert set(CaptionJob.objects.values_list("state", flat=True)) == {State.CANCELLED}


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (batch_pause, "paused"),
        (batch_pause, "cancelled"),
        (batch_resume, "running"),
        (batch_cancel, "cancelled"),
        (batch_cancel, "failed"),
    ],
)
def test_change_that_does_not_fit_is_refused(media: Path, user: User, change: Any, state: str) -> None:
    batch = Batch.objects.create(owner=user, name="b", source=Batch.Source.ZIP, state=state)
    with pytest.raises(ActionRefused, match=f"b is {state}"):
        change(batch=batch)
    assert Batch.objects.get().state == state


# --- Progress ---------------------------------------------------------------------------------------------------------


def test_progress_counts_each_file_once(media: Path, user: User, django_assert_num_queries) -> None:
    batch = unpacked(user, zipped(pictures() | {"bad.jpg": b"x"}))
    BatchItem.objects.create(batch=batch, name="later.jpg")
    ids = list(CaptionJob.objects.values_list("pk", flat=True))
    for pk, state in zip(ids, (State.DONE, State.FAILED, State.RUNNING, State.PAUSED), strict=True):
        CaptionJob.objects.filter(pk=pk).update(state=state)
    with django_assert_num_queries(1):
        progress = batch_progress(batch)
    assert (progress.total, progress.captioned, progress.failed, progress.waiting) == (6, 1, 2, 1)
    assert (progress.paused, progress.untaken, progress.finished) == (1, 1, False)
    assert batch_progress(batches_of(user).get()) == progress


# --- Folders ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "holiday"
    for colour in COLOURS:
        picture_write(folder, f"{colour}/{colour}.jpg", colour)
    (folder / "notes.txt").write_text("hello")
    picture_write(folder, ".hidden/red.jpg")
    return folder


def take(owner: User, folder: Path, name: str = "") -> Batch:
    batch = batch_create_from_folder(owner=owner, folder=folder, name=name)
    for _ in batch_folder_take(batch=batch, folder=folder):
        pass
    batch.refresh_from_db()
    return batch


def test_folder_files_are_its_photos_alone(folder: Path) -> None:
    assert folder_files(folder) == sorted(f"{colour}/{colour}.jpg" for colour in COLOURS)


def test_folder_becomes_a_batch_in_the_bulk_lane(media: Path, user: User, folder: Path) -> None:
    batch = take(user, folder)
    assert (batch.name, batch.state, batch.items.count()) == ("holiday", Batch.State.RUNNING, 4)
    assert set(CaptionJob.objects.values_list("lane", flat=True)) == {"bulk"}


def test_folder_submitted_twice_makes_no_duplicates(media: Path, user: User, folder: Path) -> None:
    assert take(user, folder) == take(user, folder)
    assert (Photo.objects.count(), BatchItem.objects.count()) == (4, 4)


def test_folder_submitted_again_takes_what_was_added_and_what_was_mended(media: Path, user: User, folder: Path) -> None:
    broken = folder / "broken.jpg"
    broken.write_bytes(b"x")
    assert errors(take(user, folder)) == {"broken.jpg": "not_an_image"}
    broken.write_bytes(picture("white"))
    picture_write(folder, "new.jpg", "yellow")
    batch = take(user, folder)
    assert not errors(batch)
    assert Photo.objects.count() == 6


def test_folder_submitted_again_after_a_cancel_is_wanted_after_all(media: Path, user: User, folder: Path) -> None:
    batch = take(user, folder)
    batch_cancel(batch=batch)
    picture_write(folder, "new.jpg", "yellow")
    assert take(user, folder).state == Batch.State.RUNNING


def test_folder_file_that_vanished_fails_alone(media: Path, user: User, folder: Path) -> None:
    batch = batch_create_from_folder(owner=user, folder=folder)
    (folder / "red" / "red.jpg").unlink()
    for _ in batch_folder_take(batch=batch, folder=folder):
        pass
    assert errors(batch) == {"red/red.jpg": "unreadable"}


def test_folder_without_photos_is_refused(user: User, tmp_path: Path) -> None:
    with pytest.raises(BatchRejected, match="holds no photos"):
        batch_create_from_folder(owner=user, folder=tmp_path)


def test_folder_that_is_none_is_refused(user: User, tmp_path: Path) -> None:
    with pytest.raises(BatchRejected, match="is not a folder"):
        batch_create_from_folder(owner=user, folder=tmp_path / "missing")


# --- Pages ------------------------------------------------------------------------------------------------------------


def test_zip_sent_by_the_form_leads_to_its_page(media: Path, member: Client) -> None:
    response = member.post("/batches/", {"archive": SimpleUploadedFile("h.zip", zipped(pictures()))}, follow=True)
    shown = response.content.decode()
    assert response.redirect_chain[0][0] == f"/batches/{Batch.objects.get().pk}/"
    assert "<strong>0</strong> of 4 captioned, 4 not taken in yet" in shown


def test_zip_sent_by_script_answers_with_its_page(media: Path, member: Client) -> None:
    content = SimpleUploadedFile("h.zip", zipped(pictures()))
    (result,) = member.post("/batches/", {"archive": content}, headers=JSON).json()["results"]
    assert (result["status"], result["url"]) == ("created", f"/batches/{Batch.objects.get().pk}/")


def test_zip_that_is_none_is_told(media: Path, member: Client) -> None:
    content = SimpleUploadedFile("h.zip", b"no zip")
    assert (
        "h.zip: The file is not a zip" in member.post("/batches/", {"archive": content}, follow=True).content.decode()
    )
    response = member.post("/batches/", {}, headers=JSON)
    assert (response.status_code, response.json()["results"][0]["code"]) == (400, "no_file")


def test_batch_page_lists_failures_by_the_page(member: Client, user: User) -> None:
    batch = Batch.objects.create(owner=user, name="b", source=Batch.Source.ZIP)
    items = [BatchItem(batch=batch, name=f"{n}.jpg", error_code="empty", error_message=f"no {n}.") for n in range(60)]
    BatchItem.objects.bulk_create(items)
    first = member.get(f"/batches/{batch.pk}/?show=failures").content.decode()
    assert "no 49." in first
    assert "no 50." not in first
    assert "no 50." in member.get(f"/batches/{batch.pk}/?show=failures&page=2").content.decode()


def test_batch_pages_cost_the_same_queries_for_one_and_for_many(
    media: Path, member: Client, user: User, django_assert_max_num_queries
) -> None:
    for number in range(5):
        batch = Batch.objects.create(owner=user, name=f"b{number}", source=Batch.Source.ZIP)
        BatchItem.objects.bulk_create([BatchItem(batch=batch, name=f"{n}.jpg", error_code="empty") for n in range(9)])
    with django_assert_max_num_queries(7):
        member.get("/batches/")
    with django_assert_max_num_queries(8):
        member.get(f"/batches/{batch.pk}/")
    with django_assert_max_num_queries(8):
        member.get(f"/batches/{batch.pk}/?show=failures")


def test_batch_is_paused_resumed_and_cancelled_by_its_page(media: Path, member: Client, user: User) -> None:
    batch = unpacked(user, zipped(pictures()))
    for action, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        assert member.post(f"/batches/{batch.pk}/{action}/").headers["Location"] == f"/batches/{batch.pk}/"
        assert Batch.objects.get().state == state
    again = member.post(f"/batches/{batch.pk}/cancel/", follow=True)
    assert "is cancelled, so it cannot be cancelled" in again.content.decode()


@pytest.mark.parametrize("action", ["pause", "resume", "cancel"])
def test_batch_of_somebody_else_is_not_there(client: Client, user: User, other_user: User, action: str) -> None:
    batch = Batch.objects.create(owner=user, name="b", source=Batch.Source.ZIP)
    client.force_login(other_user)
    assert client.get(f"/batches/{batch.pk}/").status_code == 404
    assert client.post(f"/batches/{batch.pk}/{action}/").status_code == 404
    assert "b</a>" not in client.get("/batches/").content.decode()


def test_batch_knows_no_other_action(member: Client, user: User) -> None:
    batch = Batch.objects.create(owner=user, name="b", source=Batch.Source.ZIP)
    assert member.post(f"/batches/{batch.pk}/explode/").status_code == 404


def test_state_brings_progress_photos_and_the_end_to_an_open_batch_page(
    media: Path, member: Client, user: User
) -> None:
    batch = create(user, zipped(pictures()))
    page = member.get(f"/batches/{batch.pk}/")
    seen = {
        "seen_batch": page.context["seen_batch"],
        "seen_grid": page.context["seen_grid"],
        "notice": page.context["notice"],
    }
    assert member.get("/state/", seen).status_code == 204
    batch_unpack(batch_id=batch.pk)
    shown = member.get("/state/", seen).content.decode()
    assert "of 4 captioned, 4 waiting" in shown
    assert shown.count('<li class="card queued"') == 4
    CaptionJob.objects.update(state=State.DONE)
    assert "Finished" in member.get("/state/", seen).content.decode()


def test_storage_folder_remove_takes_a_folder_or_one_of_its_files(media: Path) -> None:
    for name in ("photos/ab/one", "photos/ab/two"):
        (media / name).mkdir(parents=True)
        (media / name / "original").write_bytes(b"x")
    storage.folder_remove("photos/ab/one")
    storage.folder_remove("photos/ab/two/original")
    assert not files_of(media)
