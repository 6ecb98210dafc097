"""What became of many things: found is the sum of the others, and each that was left out can be named."""

import os

import pytest

from captioner.tally import Tally, folders_unnamed, tallies_lines


@pytest.fixture
def tally() -> Tally:
    made = Tally(taken=8, there=2)
    made.leave("a.jpg", "unreadable", "It ends\nbefore the picture does.")
    made.leave("b.jpg", "missing")
    made.leave("c.jpg", "missing")
    return made


def test_tally_is_one_line_whose_numbers_add_up(tally):
    assert str(tally) == "13 found: 8 taken, 2 there already, 3 left out (2 missing, 1 unreadable)."


def test_tally_of_nothing_left_out_names_no_reason():
    assert str(Tally(taken=1_200)) == "1,200 found: 1,200 taken, 0 there already, 0 left out."


def test_tally_lists_what_was_left_out_if_asked(tally):
    assert list(tallies_lines({"Photos": tally}, verbose=True)) == [
        "Left out: a.jpg (unreadable: It ends before the picture does.)",
        "Left out: b.jpg (missing)",
        "Left out: c.jpg (missing)",
        f"Photos: {tally}",
    ]


def test_tally_tells_how_to_have_them_named(tally):
    assert list(tallies_lines({"Photos": tally}, verbose=False)) == [f"Photos: {tally} --verbose names them."]


def test_tally_names_a_file_on_one_line():
    tally = Tally()
    tally.leave("a\nb\udce9.jpg", "unreadable")

    assert str(tally.left[0]) == r"Left out: 'a\nb\udce9.jpg' (unreadable)"


def test_tallies_are_added(tally):
    tally.add(Tally(taken=1, there=1))

    assert (tally.found, tally.taken, tally.there) == (15, 9, 3)


def test_tally_withdraws_what_was_taken(tally):
    tally.withdraw("d.jpg", "beyond --limit")

    assert str(tally) == "13 found: 7 taken, 2 there already, 4 left out (2 missing, 1 unreadable, 1 beyond --limit)."


def test_unnamed_files_are_found_once_at_any_depth(tmp_path):
    (tmp_path / "one" / "below").mkdir(parents=True)
    for name in ("named.jpg", "other.jpg", ".hidden", "below/deep.txt"):
        (tmp_path / "one" / name).touch()
    (tmp_path / "one" / "link.jpg").symlink_to("named.jpg")
    (tmp_path / "one" / "loop.jpg").symlink_to("loop.jpg")

    tally = folders_unnamed([tmp_path / "one", tmp_path / "one" / "below"], [tmp_path / "one" / "named.jpg"])

    found = [os.path.relpath(one.item, tmp_path / "one") for one in tally.left]
    assert sorted(found) == [".hidden", "below/deep.txt", "loop.jpg", "other.jpg"]
    assert tally.reasons() == {"in no captions file": 4}


def test_folder_that_may_not_be_looked_into_is_counted(tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir()
    scandir = os.scandir

    def refuse(path):  # permissions do not bind root, whom tests may run as
        if os.fspath(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)

    (left_out,) = folders_unnamed([tmp_path], []).left

    assert (left_out.item, left_out.reason) == (f"{tmp_path / 'closed'}/", "folder unreadable")
