"""What the benchmarks run on: photos, sizes, a device; from the command line."""

from __future__ import annotations

import datetime as dt
import os
import platform
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.pictures import captioned_pictures
from benchmarks.timing import HEADER, Row
from training.data.coco import CaptionedPhoto, dataset_read
from training.learning.options import TrainingOptions
from training.learning.recipes import recipe

SHARED = Path(__file__).parents[1] / ".." / "shared" / "flickr8k"


@dataclass(frozen=True)
class Setting:
    """`steps`: training steps of a timed run. `scratch`: a folder for what a benchmark writes. `source`: of photos."""

    photos: list[CaptionedPhoto]
    source: str
    encoder: str
    size: int
    rounds: int
    steps: int
    device: torch.device
    scratch: Path

    def options(self, name: str, **changes: Any) -> TrainingOptions:
        """Those of a recipe, on this encoder, each photo as it is."""
        return replace(recipe(name), encoder=self.encoder, size=self.size, views=1, **changes)

    def __str__(self) -> str:
        return f"{len(self.photos)} {self.source} photos, {self.encoder} at {self.size} px, {self.device.type}"


def rows_measure(
    *measures: Callable[[Setting], list[Row]], description: str, argv: Sequence[str] | None = None
) -> list[Row]:
    """Runs benchmarks by the command line; prints their table."""
    print(HEADER, flush=True)
    rows = []
    with setting_open(arguments(description, argv)) as setting:
        for measure in measures:
            for row in measure(setting):
                print(row, flush=True)
                rows.append(row)
    return rows


def arguments(description: str, argv: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(description=description)
    add = parser.add_argument
    add(
        "--captions", type=Path, metavar="FILE", help="COCO captions JSON (Flickr8k's beside the checkout, or pictures)"
    )
    add("--images", type=Path, metavar="DIR", help="the folder of its photos")
    add("--photos", type=int, default=2000, metavar="N", help="take the first N (%(default)s)")
    add("--encoder", default="efficientnet_lite2", metavar="NAME", help="%(default)s")
    add("--size", type=int, default=224, metavar="PIXELS", help="side of what the encoder sees (%(default)s)")
    add("--rounds", type=int, default=3, metavar="N", help="runs of each side, in turns (%(default)s)")
    add("--steps", type=int, default=20, metavar="N", help="training steps of a run (%(default)s)")
    add("--device", default="cpu", help="cpu, cuda, ... (%(default)s)")
    found = parser.parse_args(argv)
    if (found.captions is None) != (found.images is None):
        parser.error("Give --captions and --images together, or neither.")
    return found


@contextmanager
def setting_open(found: Namespace) -> Iterator[Setting]:
    captions, images = found.captions, found.images
    if captions is None and SHARED.is_dir():
        captions, images = SHARED / "captions_train.json", SHARED / "images"
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if captions is None:
            source = "synthetic"
            print("There are no photos here: pictures of patches and stripes take their place.", file=sys.stderr)
            photos = captioned_pictures(scratch / "pictures", count=found.photos)
        else:
            source = captions.absolute().parent.name
            photos = dataset_read([captions], images=[images]).photos[: found.photos]
        for photo in photos:
            photo.path.read_bytes()  # whoever comes first would wait for the disk alone
        device = torch.device(found.device)
        yield Setting(photos, source, found.encoder, found.size, found.rounds, found.steps, device, scratch)


def machine() -> str:
    """Of what the figures are."""
    cores = len(os.sched_getaffinity(0))
    parts = [f"{_processor()}, {cores} cores", f"Python {platform.python_version()}", f"torch {torch.__version__}"]
    if torch.cuda.is_available():
        parts.insert(1, torch.cuda.get_device_name())
    return ", ".join(parts)


def today() -> str:
    return dt.datetime.now(dt.UTC).date().isoformat()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
