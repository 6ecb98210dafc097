"""train_captioner with small models, called and as a command line."""

import sys
from pathlib import Path

from django.core.management import call_command

from tests.training.learning.runs import OPTIONS
from training.learning.options import TrainingOptions

ROOT = Path(__file__).resolve().parents[3]
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


def train_from(bundle: Path, found, output: Path, **changes: object) -> None:
    own = dict.fromkeys(("encoder", "embedding", "hidden", "annotation", "attention", "size"))
    train(found, output, start_from=bundle, **own | changes)


def train(found, output: Path, **changes: object) -> None:
    call_command("train_captioner", **arguments(found, output, **changes))


def command_line(found, output: Path, **changes: object) -> list[str]:
    line = [sys.executable, "manage.py", "train_captioner"]
    for name, value in arguments(found, output, **changes).items():
        line += [f"--{name.replace('_', '-')}", *map(str, value if isinstance(value, list) else [value])]
    return line
