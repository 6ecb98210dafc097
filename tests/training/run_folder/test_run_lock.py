"""One process at a time trains in a run folder."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.training.small_runs import OPTIONS
from tests.training.train_commands import ROOT, resume, train
from training.epoch.epoch_table import table_header
from training.errors import TrainingError
from training.run.early_stopping import RunStopped
from training.run.start_and_resume import captioner_resume, captioner_train
from training.run_folder.folder import RunFolder

HOLDER = """
import sys, time
from pathlib import Path
from training.run_folder.folder import RunFolder

with RunFolder(Path(sys.argv[1])).held():
    print("held", flush=True)
    time.sleep(60)
"""
pytestmark = pytest.mark.usefixtures("no_java")


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def stopped(found, folder: RunFolder) -> None:
    with pytest.raises(CommandError, match="limit"):
        train(found, folder.path, max_minutes=0.0001)


def test_folder_that_was_held_is_free_and_holds_no_run(folder):
    with folder.held():
        pass

    with folder.held():
        assert list(folder.path.iterdir()) == []
    assert not folder.begun()


def test_folder_held_when_its_run_failed_is_free(folder):
    with pytest.raises(ZeroDivisionError), folder.held():
        raise ZeroDivisionError

    with folder.held():
        pass


def test_run_is_not_resumed_while_another_process_trains_there_even_if_that_is_killed(found, folder):
    stopped(found, folder)
    before = folder.settings.stat().st_mtime_ns
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(folder.path)], cwd=ROOT, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(CommandError, match=f"Another process trains in {folder.path}. Wait until it has ended"):
            call_command("train_captioner", resume=folder.path)
        assert folder.settings.stat().st_mtime_ns == before
        holder.kill()

    resume(folder.path)

    assert folder.bundle.is_dir()


def test_run_does_not_begin_where_another_process_is_about_to(found, folder):
    with folder.held(), pytest.raises(CommandError, match="Another process trains in"):
        train(found, folder.path)

    assert not folder.begun()


def test_run_holds_its_folder_while_it_trains_from_its_start_and_when_resumed(found, folder):
    seen = []

    def look(line: str) -> None:
        if line == table_header():
            with pytest.raises(TrainingError, match="Another process trains in"), RunFolder(folder.path).held():
                pass
            seen.append(line)

    with pytest.raises(RunStopped):
        captioner_train(folder, options=OPTIONS, sources=found, minutes=0.0001, report=look)
    with pytest.raises(RunStopped):
        captioner_resume(folder, minutes=0.0001, report=look)

    assert len(seen) == 2
