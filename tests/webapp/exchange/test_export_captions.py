"""`manage.py export_captions`."""

import errno
import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.webapp.exchange.exporting import exported, photo_add, unzipped
from webapp.accounts.models import User
from webapp.batches.models import Batch


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def run(output: Path, **options: object) -> None:
    call_command("export_captions", **{"format": "csv", "output": output, **options})


def test_command_writes_the_export_and_tells_counts(
    user: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo_add(user, 1, text="a dog")
    photo_add(user, 2)
    run(tmp_path / "out.csv", user="ada")
    said = capsys.readouterr()
    assert said.out == f"{tmp_path}/out.csv: 1 photo exported, 1 left out (1 without a text).\n"
    assert said.err == ""  # no progress bar where there is no terminal
    assert (tmp_path / "out.csv").read_bytes() == exported(user, "csv")
    assert names_in(tmp_path) == ["out.csv"]


def test_command_without_an_account_exports_all(user: User, other_user: User, tmp_path: Path) -> None:
    photo_add(user, 1, text="a dog")
    photo_add(other_user, 2, text="a cat")
    run(tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == exported(None, "csv")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"query": "cat"}, {"query": "cat"}),
        ({"reviewed": True}, {"reviewed": True}),
        ({"all": True}, {"everything": True}),
    ],
)
def test_command_takes_the_same_conditions(
    user: User, tmp_path: Path, options: dict[str, object], expected: dict[str, object]
) -> None:
    for number, verdict in enumerate(["", "approved", "rejected"], start=1):
        photo_add(user, number, text=f"cat {number}", verdict=verdict)
    photo_add(user, 4)
    run(tmp_path / "out.csv", **options)
    assert (tmp_path / "out.csv").read_bytes() == exported(user, "csv", **expected)


def test_command_exports_a_batch_of_anybody(user: User, tmp_path: Path) -> None:
    photo = photo_add(user, 1, text="a dog")
    photo_add(user, 2, text="a cat")
    batch = Batch.objects.create(owner=user, name="b", source=Batch.Source.ZIP)
    batch.items.create(name="a", key="a", photo=photo)
    run(tmp_path / "out.csv", batch=batch.pk)
    assert (tmp_path / "out.csv").read_bytes() == exported(user, "csv", batch=batch)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"user": "nobody"}, "There is no account 'nobody'"), ({"batch": 9}, "There is no batch 9")],
)
def test_command_names_what_does_not_exist(db: None, tmp_path: Path, options: dict[str, object], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run(tmp_path / "out.csv", **options)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("output", "form", "said"),
    [(".", "csv", "is a folder"), ("no/out.csv", "csv", "There is no folder"), ("out.txt", "txt", "Name a file.zip")],
)
def test_command_refuses_a_target_that_is_none(db: None, tmp_path: Path, output: str, form: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run(tmp_path / output, format=form)


def test_command_names_photos_that_cannot_be_read_and_fails(
    media: Path, user: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo_add(user, 1, name="a.jpg", text="a dog")
    photo_add(user, 2, name="b.jpg", text="a cat", content=b"second")
    with pytest.raises(CommandError, match="1 photo could not be read and left out"):
        run(tmp_path / "out.zip", with_photos=True)
    said = capsys.readouterr()
    assert said.err == "a.jpg: it is not in the media folder (photo 1)\n"
    assert said.out.endswith("1 photo exported, 0 left out, 1 missing.\n")
    assert set(unzipped((tmp_path / "out.zip").read_bytes())) == {"b.jpg", "captions.csv", "MISSING.txt"}


def test_full_disk_is_told_and_the_older_file_stays(
    user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo_add(user, 1, text="a dog")
    target = tmp_path / "out.csv"
    target.write_text("older")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CommandError, match=r"out.csv was not written \(No space left on device\). Free some space"):
        run(target)
    assert names_in(tmp_path) == ["out.csv"]
    assert target.read_text() == "older"
