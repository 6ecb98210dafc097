from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.pictures import picture_write
from webapp.accounts.models import User
from webapp.gallery.models import Batch, Photo


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
    assert said.out == f"Summer: 2 taken in, 0 were before, 0 failed, of 2. See /batches/{batch.pk}/\n"
    assert said.err == ""  # no progress bar where there is no terminal
    assert batch.owner == user


def test_submit_folder_run_again_has_nothing_to_do(
    media: Path, user: User, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("submit_folder", str(folder), user="ada")
    call_command("submit_folder", str(folder), user="ada")
    assert "0 taken in, 2 were before" in capsys.readouterr().out
    assert Photo.objects.count() == 2


def test_submit_folder_names_each_broken_file_and_fails(
    media: Path, user: User, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "empty.jpg").touch()
    with pytest.raises(CommandError, match="1 of 3 files could not be taken in"):
        call_command("submit_folder", str(folder), user="ada")
    assert "empty.jpg: The file is empty" in capsys.readouterr().err
    assert Photo.objects.count() == 2


def test_submit_folder_dry_run_changes_nothing(
    media: Path, user: User, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("submit_folder", str(folder), user="ada", dry_run=True)
    assert capsys.readouterr().out == "blue.jpg\nred.jpg\n"
    assert not Batch.objects.exists()


def test_submit_folder_for_nobody_names_the_remedy(db: None, folder: Path) -> None:
    with pytest.raises(CommandError, match=r"There is no account 'nobody'\. Name one with --user"):
        call_command("submit_folder", str(folder), user="nobody")


def test_submit_folder_that_is_none_says_so(user: User, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is not a folder that can be read"):
        call_command("submit_folder", str(tmp_path / "missing"), user="ada")
