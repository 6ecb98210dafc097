"""How busy a GPU is: the samples of its driver's own program, which a script plays here."""

import time

import pytest

from benchmarks.gpu import EVERY_MS, gpu_watched

SCRIPT = """#!/bin/sh
echo "$@" > "$(dirname "$0")/asked"
echo 20; echo 40; printf 9
exec sleep 60
"""


@pytest.fixture
def driver(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text(SCRIPT)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def test_gpu_is_watched_while_the_block_runs_and_a_sample_cut_short_does_not_count(driver):
    shares: list[float] = []
    with gpu_watched("cuda:1", shares):
        while not (driver / "asked").exists():
            time.sleep(0.01)
        time.sleep(0.2)

    assert shares == [30.0]
    assert (driver / "asked").read_text().split()[-2:] == [f"--loop-ms={EVERY_MS}", "--id=1"]


def test_cpu_is_not_watched(driver):
    shares: list[float] = []
    with gpu_watched("cpu", shares):
        pass

    assert shares == []
    assert not (driver / "asked").exists()
