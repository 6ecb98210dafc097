"""A run that goes on computes as it did before: on its device, with its threads and in its precision."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from django.core.management import CommandError, call_command

from tests.training import train_commands
from tests.training.train_commands import train

pytestmark = pytest.mark.usefixtures("no_java", "torch_threads")


@pytest.fixture
def stopped(found, tmp_path: Path) -> Path:
    """The folder of a run with three threads, stopped before its first step."""
    with pytest.raises(CommandError, match="limit"):
        train(found, tmp_path / "run", threads=3, max_minutes=0.0001)
    torch.set_num_threads(1)
    return tmp_path / "run"


def numerics(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "options.json").read_text())["numerics"]
    return found


def begun_with(run: Path, **changes: object) -> None:
    settings = json.loads((run / "options.json").read_text())
    settings["numerics"] |= changes
    (run / "options.json").write_text(json.dumps(settings))


def resume(run: Path, **given: object) -> None:
    with pytest.raises(CommandError, match="limit"):
        call_command("train_captioner", resume=run, max_minutes=0.0001, **given)


def test_run_that_goes_on_takes_the_threads_that_it_had(stopped, capsys):
    resume(stopped)

    assert torch.get_num_threads() == 3
    assert "may differ" not in capsys.readouterr().out


def test_run_that_goes_on_computes_in_the_precision_that_it_had(stopped, capsys):
    begun_with(stopped, precision="bfloat16")

    resume(stopped)

    assert "Device cpu, bfloat16." in capsys.readouterr().out


def test_run_that_goes_on_wants_the_device_that_it_had(stopped):
    begun_with(stopped, device="cuda:99")

    with pytest.raises(CommandError, match=r"device 'cuda:99' cannot be used here .* Try --device cpu"):
        call_command("train_captioner", resume=stopped)


def test_run_that_goes_on_otherwise_says_so_and_keeps_to_it(stopped, capsys):
    begun_with(stopped, device="cuda:99", precision="float16")

    resume(stopped, device="cpu", threads=2)

    said = "device cpu instead of cuda:99, threads 2 instead of 3, precision float32 instead of float16: the losses"
    assert f"Going on with {said} may differ" in capsys.readouterr().out
    assert numerics(stopped) == {"device": "cpu", "threads": 2, "precision": "float32"}


def test_run_of_a_version_that_kept_none_of_it_goes_on(stopped):
    settings = json.loads((stopped / "options.json").read_text())
    del settings["numerics"]
    (stopped / "options.json").write_text(json.dumps(settings))

    train_commands.resume(stopped, device="cpu")

    assert (stopped / "bundle").is_dir()
    assert numerics(stopped)["device"] == "cpu"
