"""Which workers a new one knows to be dead."""

import os
import socket
import subprocess
import sys

from worker.dead_workers import worker_dead, worker_name

HOST = socket.gethostname()


def test_worker_is_dead_when_its_process_of_this_host_is_gone() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert worker_dead(f"{HOST}:{ended.pid}")


def test_worker_is_dead_that_had_the_number_of_this_very_process_before_it() -> None:
    assert worker_dead(worker_name())


def test_worker_is_not_known_to_be_dead_while_its_process_runs() -> None:
    assert not worker_dead(f"{HOST}:{os.getppid()}")


def test_worker_of_another_host_is_not_known_to_be_dead() -> None:
    assert not worker_dead("elsewhere:1")
    assert not worker_dead("")
