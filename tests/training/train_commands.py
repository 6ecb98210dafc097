"""train_captioner with small models, called and as a command line."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from django.core.management import CommandError, call_command

from tests.training.small_runs import OPTIONS
from training.management.commands.train_captioner import FAILED
from training.options.training_options import TrainingOptions

ROOT = Path(__file__).resolve().parents[2]
DEFAULTS = TrainingOptions().to_dict()
SMALL = {key: value for key, value in OPTIONS.to_dict().items() if value != DEFAULTS[key]} | {"views": 1}


def arguments(found, output: Path, **changes: object) -> dict[str, object]:
    files = {
        "train_captions": list(found.train_captions),
        "val_captions": list(found.val_captions),
        "images": list(found.images),
        "output": output,
        "features": output.parent / "features",
        "device": "cpu",
    }
    return files | SMALL | changes


# Enough to say what the photos show: such a run is a success.
LEARNT = {"decoder_epochs": 4, "decoder_rate": 0.03, "averaging": 0.0, "dropout": 0.0}


def train_from(bundle: Path, found, output: Path, **changes: object) -> None:
    own = dict.fromkeys(("encoder", "embedding", "hidden", "annotation", "attention", "size"))
    train(found, output, start_from=bundle, **own | changes)


def train(found, output: Path, **changes: object) -> None:
    """A run to its end, whatever its model is worth."""
    with worthless_allowed():
        call_command("train_captioner", **arguments(found, output, **changes))


def resume(run: Path, **given: object) -> None:
    with worthless_allowed():
        call_command("train_captioner", resume=run, **given)


@contextlib.contextmanager
def worthless_allowed() -> Iterator[None]:
    """Most runs here are too short to learn anything, and are told so."""
    try:
        yield
    except CommandError as error:
        if error.returncode != FAILED:
            raise


def command_line(found, output: Path, **changes: object) -> list[str]:
    line = [sys.executable, "manage.py", "train_captioner"]
    for name, value in arguments(found, output, **changes).items():
        line += [f"--{name.replace('_', '-')}", *map(str, value if isinstance(value, list) else [value])]
    return line
