"""How busy a GPU is: the samples of its driver's own program, which a script plays here."""

import pytest

from benchmarks.measuring.gpu_load import EVERY_MS, gpu_watched
from tests.brokers import wait_until

SCRIPT = """#!/bin/sh
printf '{said}'
echo "$@" > asked && mv asked said
exec sleep 60
"""


@pytest.fixture
def watched(tmp_path, monkeypatch):
    """What becomes known of a device whose driver says this, and how it was asked."""

    def watch(device: str, said: str) -> tuple[list[float], list[str]]:
        program = tmp_path / "nvidia-smi"
        program.write_text(SCRIPT.format(said=said))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        monkeypatch.chdir(tmp_path)
        asked = tmp_path / "said"
        asked.unlink(missing_ok=True)
        shares: list[float] = []
        with gpu_watched(device, shares):
            if device != "cpu":
                wait_until(asked.exists, seconds=10, what="the driver's program")
        return shares, asked.read_text().split() if asked.exists() else []

    return watch


@pytest.fixture(autouse=True)
def all_visible(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_gpu_is_watched_while_the_block_runs_and_a_sample_cut_short_does_not_count(watched):
    shares, asked = watched("cuda:1", r"20\n40\n9")

    assert shares == [30.0]
    assert asked[-2:] == [f"--loop-ms={EVERY_MS}", "--id=1"]


def test_gpu_of_those_that_cuda_may_see_is_watched(watched, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-8d1f")

    assert watched("cuda", r"20\n")[1][-1] == "--id=5"
    assert watched("cuda:1", r"20\n")[1][-1] == "--id=GPU-8d1f"


def test_gpu_whose_driver_does_not_tell_how_busy_it_is_ends_no_benchmark(watched, capsys):
    assert watched("cuda", r"[N/A]\n[Not Supported]\n")[0] == []
    assert "nvidia-smi does not tell how busy cuda is: ['[Not Supported]']" in capsys.readouterr().err


def test_cpu_is_not_watched(watched):
    assert watched("cpu", "") == ([], [])
