import os
import sys
from pathlib import Path

import pytest

from launcher.__main__ import leave
from launcher.errors import LaunchError
from launcher.ports import free_port
from launcher.start_and_stop import Fovea
from tests.disks import needs_mount, small_disk
from tests.launcher.make_run import Run, answers, wait_for
from tests.launcher.run_on_full_disk import site_outlives_full_disk
from webapp.data_folder.disk_reserve import Reserve


@needs_mount
@pytest.mark.slow
def test_run_outlives_a_disk_that_is_full_to_its_last_byte(tmp_path: Path, tiny_bundle: Path) -> None:
    assert site_outlives_full_disk(tmp_path, tiny_bundle, cycles=2) > 4


@pytest.mark.slow
def test_run_whose_terminal_cannot_be_written_goes_on(tmp_path: Path) -> None:
    run = Run(tmp_path / "data", FOVEA_DEFAULT_BUNDLE=str(tmp_path / "none"))
    run.printed = Path("/dev/full")
    with run.started() as process:
        wait_for(lambda: answers(run), 60)
        process.terminate()
        assert process.wait(60) == 0


@needs_mount
def test_start_on_a_full_disk_names_the_remedy(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with small_disk(data, megabytes=1) as disk:
        disk.fill()
        site = Fovea({**os.environ, "FOVEA_DATA_DIR": str(data), "FOVEA_PORT": str(free_port())}, say=print)
        with pytest.raises(LaunchError, match=r"Free some space if its disk is full"):
            site.__enter__()


@needs_mount
@pytest.mark.slow
def test_start_on_a_disk_that_is_full_to_its_last_byte_gives_up_the_reserve(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with small_disk(data, megabytes=192) as disk:
        assert Reserve(data).look()
        disk.fill_up()
        run = Run(data, FOVEA_DEFAULT_BUNDLE=str(tmp_path / "none"))
        run.printed = tmp_path / "printed.txt"
        with run.started() as process:
            wait_for(lambda: answers(run), 60, run.text)
            process.terminate()
            assert process.wait(60) == 0


@pytest.mark.parametrize("status", [0, 1])
def test_program_whose_output_is_closed_ends_with_its_status(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SystemExit) as ended:
        leave(status)
    assert ended.value.code == status
