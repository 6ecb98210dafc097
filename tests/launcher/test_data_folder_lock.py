import fcntl
import os
import subprocess
import sys

import pytest

from launcher.data_folder_lock import data_folder_lock, processes_lock_path
from launcher.errors import AlreadyRunning, LaunchError

HOLD = """
import sys, pathlib, time
from launcher.data_folder_lock import data_folder_lock
with data_folder_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the folder."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_data_folder_lock_tells_a_second_launcher_who_holds_it(tmp_path, holder):
    with pytest.raises(AlreadyRunning, match=rf"already runs on .*process {holder.pid}.*FOVEA_DATA_DIR"):
        data_folder_lock(tmp_path).__enter__()


def test_data_folder_lock_is_free_after_its_holder_was_killed(tmp_path, holder):
    holder.kill()
    holder.wait()
    with data_folder_lock(tmp_path):
        assert (tmp_path / "launcher.lock").read_text() == str(os.getpid())


def test_data_folder_lock_waits_for_the_processes_of_a_killed_launcher(tmp_path):
    program = [sys.executable, "-m", "launcher.supervised_child", str(processes_lock_path(tmp_path)), ".", "sleep", "1"]
    with subprocess.Popen(program, start_new_session=True) as orphan:
        while not processes_lock_path(tmp_path).exists() or _lockable(processes_lock_path(tmp_path)):
            assert orphan.poll() is None
        with data_folder_lock(tmp_path):
            orphan.wait(timeout=0.5)


def test_data_folder_lock_gives_up_on_processes_that_do_not_end(tmp_path):
    descriptor = os.open(processes_lock_path(tmp_path), os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    try:
        with pytest.raises(LaunchError, match=r"earlier run .*fuser .*processes\.lock"):
            data_folder_lock(tmp_path, patience=0.2).__enter__()
    finally:
        os.close(descriptor)


def _lockable(path) -> bool:
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)


def test_data_folder_lock_on_a_file_names_the_folder_and_the_remedy(tmp_path):
    (tmp_path / "data").touch()

    with pytest.raises(LaunchError, match=r"data cannot be written \(File exists\).*FOVEA_DATA_DIR"):
        data_folder_lock(tmp_path / "data").__enter__()
