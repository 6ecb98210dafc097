"""What is kept of the disk for rows, on a small disk that is really full."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client

from tests.disks import Disk, needs_mount, small_disk
from tests.pictures import upload
from tests.webapp.pages import JSON
from webapp.data_folder.disk_reserve import AMPLE_BYTES, LOW_BYTES, RESERVE_BYTES, Reserve
from webapp.data_folder.outages import outage
from webapp.photos.system_checks import data_folder_check

pytestmark = needs_mount
MB = 2**20


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """Of the data folder and the media folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    with small_disk(folder, megabytes=128) as disk:
        monkeypatch.setattr(settings, "DATA_DIR", folder)
        monkeypatch.setattr(settings, "MEDIA_ROOT", folder / "media")
        yield disk


@pytest.fixture
def reserve(disk: Disk) -> Reserve:
    """One that is there."""
    reserve = Reserve(disk.folder)
    assert reserve.look()
    return reserve


def kept(disk: Disk) -> int:
    """Bytes of the disk that it really holds."""
    return (disk.folder / "disk-reserve").stat().st_blocks * 512


def test_reserve_really_holds_its_room(reserve: Reserve, disk: Disk) -> None:
    assert kept(disk) == RESERVE_BYTES


def test_reserve_is_kept_while_the_disk_has_room(reserve: Reserve, disk: Disk) -> None:
    disk.fill(leave=LOW_BYTES + MB)
    assert reserve.look()
    assert kept(disk) == RESERVE_BYTES


def test_reserve_is_given_up_on_a_full_disk(reserve: Reserve, disk: Disk) -> None:
    disk.fill()
    assert not reserve.look()
    assert kept(disk) == 0
    (disk.folder / "rows").write_bytes(bytes(RESERVE_BYTES - MB))


def test_photos_are_refused_until_there_is_ample_room(reserve: Reserve, disk: Disk) -> None:
    disk.fill()
    reserve.look()
    disk.fill(leave=AMPLE_BYTES - MB)
    assert not reserve.look()
    assert reserve.given_up
    disk.fill(leave=AMPLE_BYTES)
    assert reserve.look()
    assert kept(disk) == RESERVE_BYTES


def test_small_disk_has_no_reserve_and_takes_photos_until_it_is_full(disk: Disk) -> None:
    disk.fill(leave=AMPLE_BYTES - MB)
    assert Reserve(disk.folder).look()
    assert not (disk.folder / "disk-reserve").exists()


def test_reserve_that_was_being_made_when_its_maker_was_killed_is_made(disk: Disk) -> None:
    (disk.folder / "disk-reserve.partial").write_bytes(b"half")
    assert Reserve(disk.folder).look()
    assert kept(disk) == RESERVE_BYTES


def test_folder_that_does_not_exist_yet_has_no_reserve(tmp_path: Path) -> None:
    assert Reserve(tmp_path / "none").look()


def test_row_that_finds_no_room_gets_the_reserve(reserve: Reserve, disk: Disk) -> None:
    disk.fill()
    assert outage(OperationalError("database or disk is full"))
    assert kept(disk) == 0


def test_upload_is_refused_while_the_reserve_is_given_up(reserve: Reserve, disk: Disk, member: Client) -> None:
    disk.fill()
    answer = member.post("/upload/", {"file": upload()}, headers=JSON)
    (result,) = answer.json()["results"]
    assert (answer.status_code, result["code"]) == (507, "no_space")
    assert "Free some space (64 MB or more)" in result["message"]
    disk.free()
    assert member.post("/upload/", {"file": upload()}, headers=JSON).status_code == 200


def test_page_tells_of_a_disk_that_takes_no_photos(reserve: Reserve, disk: Disk, member: Client) -> None:
    disk.fill()
    reserve.look()
    assert "uploads are refused. Free some space" in member.get("/").content.decode()


def test_check_tells_of_a_disk_that_takes_no_photos(reserve: Reserve, disk: Disk) -> None:
    disk.fill()
    reserve.look()
    (warning,) = data_folder_check(None)
    assert warning.id == "fovea.W007"
    assert str(disk.folder) in str(warning.hint)


def test_fault_of_the_database_on_a_disk_without_room_is_a_full_disk(disk: Disk) -> None:
    fault = OperationalError("disk I/O error")
    told = outage(fault)
    assert told is not None
    assert told.code == "database_unavailable"
    disk.fill_up()
    told = outage(fault)
    assert told is not None
    assert told.code == "no_space"
