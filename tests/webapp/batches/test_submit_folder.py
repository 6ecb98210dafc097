from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.pictures import picture_write
from webapp.accounts.models import User
from webapp.batches.models import Batch
from webapp.photos.models import Photo


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for colour in ("red", "blue"):
        picture_write(tmp_path / "holiday", f"{colour}.jpg", colour)
    return tmp_path / "holiday"


def test_submit_folder_says_what_became_of_the_files(
    media: Path, user: User, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("submit_folder", str(folder), user="ada", name="Summer")
    batch = Batch.objects.get()
    said = capsys.readouterr()
    assert said.out == (
        f"Summer: 2 found: 2 taken, 0 there already, 0 left out. "
        f"See /batches/{batch.pk}/ (submission {batch.submission}).\n"
    )
    assert said.err == ""  # no progress bar where there is no terminal
    assert batch.owner == user


def test_submit_folder_run_again_has_nothing_to_do(
    media: Path, user: User, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("submit_folder", str(folder), user="ada")
    call_command("submit_folder", str(folder), user="ada")
    assert "2 found: 0 taken, 2 there already" in capsys.readouterr().out
    assert Photo.objects.count() == 2


def test_submit_folder_names_each_broken_file_and_fails(
    media: Path, user: User, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "empty.jpg").touch()
    with pytest.raises(CommandError, match=r"Not every photo of .*holiday is in the gallery"):
        call_command("submit_folder", str(folder), user="ada")
    said = capsys.readouterr()
    assert "empty.jpg: The file is empty" in said.err
    assert "3 found: 2 taken, 0 there already, 1 failed, 0 left out." in said.out
    assert Photo.objects.count() == 2


def test_submit_folder_dry_run_changes_nothing(
    media: Path, user: User, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("submit_folder", str(folder), user="ada", dry_run=True)
    assert capsys.readouterr().out == "blue.jpg\nred.jpg\n2 found: 2 to take, 0 left out.\n"
    assert not Batch.objects.exists()


def test_submit_folder_for_nobody_names_the_remedy(db: None, folder: Path) -> None:
    with pytest.raises(CommandError, match=r"There is no account 'nobody'\. Name an account with --user"):
        call_command("submit_folder", str(folder), user="nobody")


def test_submit_folder_that_is_none_says_so(user: User, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is not a folder"):
        call_command("submit_folder", str(tmp_path / "missing"), user="ada")


def test_submit_folder_lists_what_is_left_out_when_asked(
    media: Path, user: User, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "notes.txt").write_text("hello")
    call_command("submit_folder", str(folder), user="ada")
    assert capsys.readouterr().err == ""
    call_command("submit_folder", str(folder), user="ada", verbose=True)
    said = capsys.readouterr()
    assert said.err == "notes.txt: left out. It is not a picture.\n"
    assert "3 found: 0 taken, 2 there already, 1 left out (1 not a picture)." in said.out


def test_submit_folder_fails_where_a_picture_is_left_out(media: Path, user: User, folder: Path) -> None:
    (folder / "a.bmp").write_bytes(b"BM\x9a\x00\x00\x00" + bytes(40))
    with pytest.raises(CommandError, match="--verbose lists all"):
        call_command("submit_folder", str(folder), user="ada")


def test_submit_folder_refuses_an_id_that_is_none(user: User, folder: Path) -> None:
    with pytest.raises(CommandError, match="at most 100 printable characters"):
        call_command("submit_folder", str(folder), user="ada", submission="x" * 101)


def test_submit_folder_dry_run_of_nothing_to_take_fails(user: User, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There are no photos to take"):
        call_command("submit_folder", str(tmp_path), user="ada", dry_run=True)
