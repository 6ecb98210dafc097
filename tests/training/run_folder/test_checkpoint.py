"""Checkpoints that nothing can tear."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.disks import full_disk
from training.errors import CheckpointError
from training.run_folder.checkpoint import checkpoint_load, checkpoint_save

ROOT = Path(__file__).resolve().parents[3]
KILLS = 20
STATE: dict[str, Any] = {"step": 7, "weights": {"w": torch.arange(3.0)}, "records": "[]"}

KILLER = f"""
import os, random, signal, sys, time
from pathlib import Path
import torch
from training.run_folder.checkpoint import checkpoint_load, checkpoint_save

path, step, torn, chance = Path(sys.argv[1]), 0, 0, random.Random(5)
partial = path.with_name(path.name + ".partial")
for _ in range({KILLS}):
    child = os.fork()
    while child == 0:  # saves until it is killed
        step += 1
        checkpoint_save(path, {{"step": step, "weights": torch.full((2_000_000,), float(step))}})
    while not (partial.exists() and path.exists()):
        time.sleep(0.0005)
    time.sleep(chance.uniform(0, 0.01))
    os.kill(child, signal.SIGKILL)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    torn += partial.exists()
    loaded = checkpoint_load(path)
    assert loaded["step"] >= step, (loaded["step"], step)
    assert torch.equal(loaded["weights"], torch.full((2_000_000,), float(loaded["step"])))
    step = loaded["step"]
print(torn)
"""


def test_checkpoint_comes_back_as_it_was(tmp_path):
    path = tmp_path / "run" / "checkpoint.pt"

    checkpoint_save(path, STATE)

    loaded = checkpoint_load(path)
    assert loaded["step"] == 7
    assert torch.equal(loaded["weights"]["w"], STATE["weights"]["w"])
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint.pt"]


@pytest.mark.slow
def test_checkpoint_before_loads_whenever_saving_is_killed(tmp_path):
    path = tmp_path / "checkpoint.pt"

    run = subprocess.run(
        [sys.executable, "-c", KILLER, str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 0  # some were killed in mid-saving


def test_checkpoint_on_a_full_disk_leaves_the_one_before(tmp_path):
    path = tmp_path / "checkpoint.pt"
    checkpoint_save(path, STATE)
    refused = pytest.raises(CheckpointError, match=r"could not be written .* Make room .* --resume")
    with full_disk(100_000), refused:
        checkpoint_save(path, {"weights": torch.zeros(1_000_000)})

    assert checkpoint_load(path)["step"] == 7
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_checkpoint_below_a_file_is_told(tmp_path):
    (tmp_path / "run").write_text("no folder")

    with pytest.raises(CheckpointError, match=r"checkpoint\.pt could not be written"):
        checkpoint_save(tmp_path / "run" / "checkpoint.pt", STATE)


def test_checkpoint_that_is_not_there_is_told(tmp_path):
    with pytest.raises(CheckpointError, match="before its first one"):
        checkpoint_load(tmp_path / "checkpoint.pt")


@pytest.mark.parametrize("content", [b"", b"text", b"\x80\x04N."])
def test_checkpoint_of_another_kind_is_told(tmp_path, content):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(content)

    with pytest.raises(CheckpointError, match="cannot be read") as told:
        checkpoint_load(path)
    assert "arbitrary code" not in str(told.value)
