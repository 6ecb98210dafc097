"""`manage.py back_up`: one copy, whole, of a site that may run meanwhile."""

import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.pictures import picture, upload
from webapp.accounts.models import User
from webapp.captioning.services.photo_intake import photo_submit
from webapp.photos.models import Photo
from webapp.upkeep.services import data_folder_backup

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has its own tools"),
]


@pytest.fixture
def data(settings, tmp_path: Path) -> Path:
    """A data folder with a photo, a model and a secret."""
    data = tmp_path / "data"
    settings.DATA_DIR, settings.MEDIA_ROOT = data, data / "media"
    for name in (
        "models/abc/config.json",
        "models/.abc.partial/x",
        "secrets/secret_key",
        "logs/web.log",
        "cache/x.onnx",
    ):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text(name)
    return data


@pytest.fixture
def photo(data: Path, user: User) -> Photo:
    return photo_submit(owner=user, file=upload(), name="photo.jpg")[0]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "backup"


def names(target: Path) -> list[str]:
    with closing(sqlite3.connect(target / "fovea.sqlite3")) as database:
        return [name for (name,) in database.execute("SELECT name FROM photos_photo ORDER BY id")]


def test_backup_holds_database_photos_models_and_secrets(data: Path, photo: Photo, target: Path) -> None:
    call_command("back_up", str(target))
    assert names(target) == ["photo.jpg"]
    assert (target / "media" / photo.original).read_bytes() == (data / "media" / photo.original).read_bytes()
    assert (target / "models/abc/config.json").exists()
    assert (target / "secrets/secret_key").exists()
    assert sorted(path.name for path in target.iterdir()) == [
        "fovea-backup", "fovea.sqlite3", "media", "models", "secrets",
    ]  # fmt: skip
    assert not (target / "models/.abc.partial").exists()


def test_backup_run_again_copies_what_is_new(
    data: Path, user: User, photo: Photo, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("back_up", str(target))
    capsys.readouterr()
    photo_submit(owner=user, file=upload(picture("blue")), name="blue.jpg")
    call_command("back_up", str(target))
    assert capsys.readouterr().out.startswith("4 files copied to")
    assert names(target) == ["photo.jpg", "blue.jpg"]


def test_backup_tells_of_a_photo_without_files(data: Path, photo: Photo, target: Path) -> None:
    shutil.rmtree((data / "media" / photo.original).parent)
    with pytest.raises(CommandError, match=r"1 photos in the database have no file: photo\.jpg\."):
        call_command("back_up", str(target))


def test_backup_bears_a_file_that_is_deleted_meanwhile(
    data: Path, photo: Photo, target: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = shutil.copy2

    def copy(source: Path, copy: Path) -> None:
        if source.name == "preview.jpg":
            source.unlink()
        real(source, copy)

    monkeypatch.setattr(shutil, "copy2", copy)
    call_command("back_up", str(target))
    assert "5 files copied" in capsys.readouterr().out


def test_backup_on_a_full_disk_says_so_and_goes_on_when_there_is_room(
    data: Path, photo: Photo, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, copy: Path) -> None:
        Path(copy).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copy2", full)
        with pytest.raises(CommandError, match="Free some space, then run this again: it continues"):
            call_command("back_up", str(target))
    assert not [path for path in target.rglob("*") if path.is_file() and path.read_bytes() == b"half"]
    call_command("back_up", str(target))
    assert (target / "media" / photo.original).exists()


@pytest.mark.parametrize("inside", ["", "media", "backups/today"])
def test_backup_into_the_data_folder_is_refused(data: Path, photo: Photo, inside: str) -> None:
    with pytest.raises(CommandError, match="is in the data folder"):
        call_command("back_up", str(data / inside))


def test_backup_over_something_else_is_refused(data: Path, photo: Photo, target: Path) -> None:
    target.mkdir()
    (target / "thesis.txt").write_text("hello")
    with pytest.raises(CommandError, match="contains other files"):
        call_command("back_up", str(target))
    assert [path.name for path in target.iterdir()] == ["thesis.txt"]


def test_backup_never_deletes(data: Path, user: User, photo: Photo, target: Path) -> None:
    call_command("back_up", str(target))
    shutil.rmtree(data / "media")
    Photo.objects.all().delete()
    call_command("back_up", str(target))
    assert (target / "media" / photo.original).exists()


def test_backup_keeps_the_former_database_where_a_new_copy_fails(
    data: Path, photo: Photo, target: Path, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_command("back_up", str(target))
    monkeypatch.setattr(data_folder_backup, "DATABASE", "fovea.sqlite3")
    settings.DATABASES["default"]["NAME"], before = str(data / "secrets"), settings.DATABASES["default"]["NAME"]
    try:
        with pytest.raises(CommandError, match="could not be copied"):
            call_command("back_up", str(target))
    finally:
        settings.DATABASES["default"]["NAME"] = before
    assert names(target) == ["photo.jpg"]


def test_backup_keeps_secrets_to_its_owner(data: Path, photo: Photo, target: Path) -> None:
    (data / "secrets").chmod(0o700)
    call_command("back_up", str(target))
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in (target, target / "fovea.sqlite3", target / "secrets")
    }
    assert modes == {"backup": 0o700, "fovea.sqlite3": 0o600, "secrets": 0o700}


def test_backup_where_no_site_is_says_so(data: Path, target: Path, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(data / "none.sqlite3"))
    with pytest.raises(CommandError, match="There is no site in"):
        call_command("back_up", str(target))
    assert not target.exists()
    assert not (data / "none.sqlite3").exists()
