"""Files that are there as a whole or not at all."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.disks import full_disk
from training.atomic_files import file_write
from training.errors import FileError

ROOT = Path(__file__).resolve().parents[2]
KILLS, SIZE = 12, 3_000_000

KILLER = f"""
import os, random, signal, sys, time
from pathlib import Path
from training.atomic_files import file_write

path, torn, chance = Path(sys.argv[1]), 0, random.Random(5)
partial = path.with_name(path.name + ".partial")
file_write(path, b"a" * {SIZE})
for _ in range({KILLS}):
    child, letter = os.fork(), 0
    while child == 0:  # writes until it is killed
        letter += 1
        file_write(path, bytes([97 + letter % 26]) * {SIZE})
    while not partial.exists():
        time.sleep(0.0002)
    time.sleep(chance.uniform(0, 0.01))
    os.kill(child, signal.SIGKILL)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    torn += partial.exists()
    content = path.read_bytes()
    assert len(content) == {SIZE} and len(set(content)) == 1, len(content)
    partial.unlink(missing_ok=True)
print(torn)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("content", "stored"), [("é\n", "é\n".encode()), (b"\x00\xff\r\n", b"\x00\xff\r\n"), ("", b"")]
)
def test_file_holds_what_was_written(tmp_path, content, stored):
    file_write(tmp_path / "file", content)

    assert (tmp_path / "file").read_bytes() == stored
    assert names(tmp_path) == ["file"]


def test_file_makes_its_folders(tmp_path):
    file_write(tmp_path / "a" / "b" / "file", "text")

    assert (tmp_path / "a" / "b" / "file").read_text() == "text"


def test_file_takes_the_place_of_the_former(tmp_path):
    file_write(tmp_path / "file", "a longer text")

    file_write(tmp_path / "file", "text")

    assert (tmp_path / "file").read_text() == "text"


def test_file_that_somebody_reads_stays_whole_for_them(tmp_path):
    file_write(tmp_path / "file", "the former")

    with (tmp_path / "file").open() as reader:
        file_write(tmp_path / "file", "the new one")

        assert reader.read() == "the former"


def test_file_is_written_over_what_a_kill_left_behind(tmp_path):
    (tmp_path / "file.partial").write_text("half of a much longer te")

    file_write(tmp_path / "file", "text")

    assert (tmp_path / "file").read_text() == "text"
    assert names(tmp_path) == ["file"]


def test_file_on_a_full_disk_leaves_the_former(tmp_path):
    file_write(tmp_path / "file", "text")

    told = r"file could not be written \(File too large\)\. Make room .* before is whole"
    with full_disk(1000), pytest.raises(FileError, match=told):
        file_write(tmp_path / "file", b"x" * 5000)

    assert (tmp_path / "file").read_text() == "text"
    assert names(tmp_path) == ["file"]


def test_file_on_a_full_disk_is_not_there_in_part(tmp_path):
    with full_disk(1000), pytest.raises(FileError):
        file_write(tmp_path / "file", b"x" * 5000)

    assert names(tmp_path) == []


def test_file_below_a_file_is_told(tmp_path):
    (tmp_path / "run").write_text("no folder")

    with pytest.raises(FileError, match=r"metrics\.csv could not be written \(.*make the folder yours to write"):
        file_write(tmp_path / "run" / "metrics.csv", "text")


def test_file_in_the_place_of_a_folder_is_told(tmp_path):
    (tmp_path / "file").mkdir()

    with pytest.raises(FileError, match=r"could not be written \(Is a directory\)"):
        file_write(tmp_path / "file", "text")
    assert names(tmp_path) == ["file"]


def test_file_is_whole_whenever_writing_is_killed(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", KILLER, str(tmp_path / "file")], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 0  # some were killed in mid-writing
