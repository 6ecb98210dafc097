"""Files that no row names are kept: for thirty days on which the site ran, whatever the clock says."""

import json
import time
from pathlib import Path

import pytest

from webapp.photos.folder_labels import Label, label_write
from webapp.photos.lost_and_found import lost_add, lost_count, lost_expire, lost_list, lost_return, manifest_write

DAY = 86400.0
LABEL = Label("ada", "dog.jpg", "5" * 64, "2026-01-02T03:04:05+00:00")


@pytest.fixture
def folder(media: Path) -> Path:
    folder = media / "photos" / "ab" / "abcd"
    folder.mkdir(parents=True)
    (folder / "original").write_bytes(b"x")
    return folder


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> "Clock":
    return Clock(monkeypatch)


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.time()
        monkeypatch.setattr("webapp.photos.lost_and_found.time.time", lambda: self.now)

    def pass_days(self, days: float) -> int:
        """A day at a time, with the sweep of each. Returns how many folders ended."""
        ended = 0
        for _ in range(round(days)):
            self.now += DAY
            ended += lost_expire()
        return ended


def test_lost_folder_keeps_its_files_and_its_label(media: Path, folder: Path) -> None:
    label_write(folder, LABEL)
    lost_add("photos/ab/abcd")
    (lost,) = lost_list()
    assert (lost.label, lost.kind, lost.place) == (LABEL, "photos", "photos/ab/abcd")
    assert (lost.folder / "original").read_bytes() == b"x"
    assert not folder.exists()


def test_lost_folder_without_a_label_gets_one_of_its_content(media: Path, folder: Path) -> None:
    lost_add("photos/ab/abcd")
    (lost,) = lost_list()
    assert lost.label.sha256 == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert (lost.label.owner, lost.label.name) == ("", "")
    assert lost.label.stored_at


def test_lost_folder_that_is_empty_goes(media: Path, folder: Path) -> None:
    (folder / "original").unlink()
    lost_add("photos/ab/abcd")
    assert not folder.exists()
    assert lost_count() == 0


def test_lost_folder_that_another_worker_took_is_no_error(media: Path) -> None:
    lost_add("photos/ab/abcd")
    assert lost_count() == 0


def test_lost_folder_goes_back_to_its_place(media: Path, folder: Path) -> None:
    label_write(folder, LABEL)
    before = sorted(path.name for path in folder.iterdir())
    lost_add("photos/ab/abcd")
    assert lost_return(lost_list()[0])
    assert sorted(path.name for path in folder.iterdir()) == before
    assert lost_count() == 0


def test_lost_folder_does_not_go_where_something_lies(media: Path, folder: Path) -> None:
    lost_add("photos/ab/abcd")
    folder.mkdir()
    (folder / "original").write_bytes(b"other")
    assert not lost_return(lost_list()[0])
    assert (folder / "original").read_bytes() == b"other"
    assert lost_count() == 1


def test_manifest_tells_of_each_folder(media: Path, folder: Path) -> None:
    label_write(folder, LABEL)
    lost_add("photos/ab/abcd")
    manifest_write(lost_list())
    (line,) = (media / "lost-and-found" / "manifest.jsonl").read_text().splitlines()
    told = json.loads(line)
    assert told.pop("found_at")
    assert told == {
        "folder": "photos/abcd", "owner": "ada", "name": "dog.jpg", "sha256": "5" * 64,
        "stored_at": "2026-01-02T03:04:05+00:00",
    }  # fmt: skip


def test_manifest_of_an_unreadable_label_is_written(media: Path, folder: Path) -> None:
    (folder / "label.json").write_bytes(b"\xff{")
    lost_add("photos/ab/abcd")
    manifest_write(lost_list())
    assert len((media / "lost-and-found" / "manifest.jsonl").read_text().splitlines()) == 1


def test_lost_folder_ends_after_thirty_days(media: Path, folder: Path, clock: Clock) -> None:
    lost_add("photos/ab/abcd")
    lost_expire()
    assert clock.pass_days(29) == 0
    assert lost_list()[0].days_left == pytest.approx(1)
    assert clock.pass_days(1) == 1
    assert lost_count() == 0


@pytest.mark.parametrize("jump", [400 * DAY, -400 * DAY])
def test_lost_folder_bears_a_clock_that_jumps(media: Path, folder: Path, clock: Clock, jump: float) -> None:
    lost_add("photos/ab/abcd")
    lost_expire()
    clock.now += jump
    assert lost_expire() == 0
    assert lost_list()[0].days_left >= 29
    assert clock.pass_days(28) == 0


def test_lost_folder_waits_while_the_site_stands_still(media: Path, folder: Path, clock: Clock) -> None:
    lost_add("photos/ab/abcd")
    lost_expire()
    clock.now += 300 * DAY
    lost_expire()
    assert lost_list()[0].days_left == pytest.approx(29)


def test_lost_folders_that_came_later_end_later(media: Path, folder: Path, clock: Clock) -> None:
    lost_add("photos/ab/abcd")
    lost_expire()
    clock.pass_days(20)
    later = media / "photos" / "ab" / "later"
    later.mkdir()
    (later / "original").write_bytes(b"y")
    lost_add("photos/ab/later")
    assert clock.pass_days(10) == 1
    assert [lost.folder.name for lost in lost_list()] == ["later"]


def test_lost_folder_of_a_name_that_is_there_keeps_both(media: Path, folder: Path) -> None:
    lost_add("photos/ab/abcd")
    folder.mkdir()
    (folder / "original").write_bytes(b"other")
    lost_add("photos/ab/abcd")
    assert {(lost.folder / "original").read_bytes() for lost in lost_list()} == {b"x", b"other"}


def test_lost_folder_goes_back_where_a_mere_rest_of_it_lies(media: Path, folder: Path) -> None:
    lost_add("photos/ab/abcd")
    folder.mkdir()
    (folder / "thumbnail.jpg").write_bytes(b"small")
    assert lost_return(lost_list()[0])
    assert (folder / "original").read_bytes() == b"x"
    assert [lost.folder.name for lost in lost_list()] == ["abcd~rest"]


def test_lost_folder_that_a_row_names_never_ends(media: Path, folder: Path, clock: Clock) -> None:
    lost_add("photos/ab/abcd")
    lost_expire()
    for _ in range(40):
        clock.now += DAY
        assert lost_expire(named={"photos/ab/abcd"}) == 0
    assert lost_count() == 1


def test_lost_folder_does_not_age_when_the_clock_is_set_back(media: Path, folder: Path, clock: Clock) -> None:
    lost_add("photos/ab/abcd")
    lost_expire()
    clock.pass_days(10)
    clock.now -= 400 * DAY
    lost_expire()
    assert lost_list()[0].days_left == pytest.approx(20)
