"""The benchmarks' command line: photos, sizes, a device, the options of serving."""

from __future__ import annotations

import os
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measuring.captioner_load import EXPORTS
from benchmarks.measuring.results_table import HEADER, Row
from benchmarks.measuring.synthetic_photos import captioned_pictures
from training.data.dataset import CaptionedPhoto, dataset_read

if TYPE_CHECKING:  # a stack's processes import this module too, and must not load torch
    import torch

    from training.options.training_options import TrainingOptions

ROOT = Path(__file__).parents[2]
SHARED = ROOT / ".." / "shared" / "flickr8k"
BUNDLE = ROOT / "models" / "default"
PEERS = ("litserve", "celery")
DATABASES_NAMED = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True)
class Setting:
    """What the command line asks for.

    `steps`: training steps of a timed run. `scratch`: a folder for what a benchmark writes. `source`: of the photos.
    For serving: `bundle`; `workers`; `web_processes`: of the site, 0 as it ships; `served`: photos of a timed run;
    `waiting`: photos of the bulk that waits while others come; `rows`: photos in a full database; `databases`: sqlite,
    postgresql; `peers`: litserve, celery. `supply`: gives that many photos of the source.
    """

    photos: list[CaptionedPhoto]
    source: str
    encoder: str
    size: int
    rounds: int
    steps: int
    device: torch.device
    scratch: Path
    bundle: Path
    workers: int
    web_processes: int
    served: int
    waiting: int
    rows: int
    databases: tuple[str, ...]
    peers: tuple[str, ...]
    supply: Callable[[int], list[CaptionedPhoto]]

    def files(self, count: int) -> list[Path]:
        """That many distinct photos of the same source, independent of the limit of `photos`."""
        found = [photo.path for photo in self.supply(count)]
        if len(found) < count:
            raise SystemExit(
                f"{count} photos are needed and {self.source} has {len(found)}: ask for fewer by the flags."
            )
        for path in found:
            path.read_bytes()  # else the first run alone would wait for the disk
        return found

    def options(self, name: str, **changes: Any) -> TrainingOptions:
        """The options of a recipe with this encoder and size, and one view of each photo."""
        from training.options.recipes import recipe

        return replace(recipe(name), encoder=self.encoder, size=self.size, views=1, **changes)

    @property
    def several(self) -> str:
        """The number of workers for a row's details, if there are several."""
        return f", {self.workers} workers" if self.workers > 1 else ""

    def __str__(self) -> str:
        return f"{len(self.photos)} {self.source} photos, {self.encoder} at {self.size} px, {self.device.type}"


def rows_measure(
    *measures: Callable[[Setting], list[Row]], description: str, argv: Sequence[str] | None = None
) -> list[Row]:
    """Runs benchmarks with the options of the command line, and prints their table."""
    print(HEADER, flush=True)
    with setting_open(arguments(description, argv)) as setting:
        return [row for measure in measures for row in rows_print(measure, setting)]


def rows_print(measure: Callable[[Setting], list[Row]], setting: Setting) -> list[Row]:
    rows = measure(setting)
    for row in rows:
        print(row, flush=True)
    return rows


def arguments(description: str, argv: Sequence[str] | None, *, names: Collection[str] = ()) -> Namespace:
    """`names`: the benchmarks that the command line may choose from."""
    parser = ArgumentParser(description=description)
    add = parser.add_argument
    if names:
        add("names", nargs="*", metavar="NAME", help=f"which of them (all): {', '.join(names)}")
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
    serving = parser.add_argument_group("serving").add_argument
    serving("--bundle", type=Path, default=BUNDLE, metavar="DIR", help="what captions (models/default)")
    serving("--workers", type=int, default=1, metavar="N", help="of Fovea on the one device (%(default)s)")
    serving("--web-processes", type=int, default=0, metavar="N", help="of Fovea's site (as it ships)")
    serving("--served", type=int, default=1000, metavar="N", help="photos of a timed run (%(default)s)")
    serving("--waiting", type=int, default=2000, metavar="N", help="photos of the bulk beside which others come in")
    serving("--rows", type=int, default=100_000, metavar="N", help="photos in a full database (%(default)s)")
    serving("--databases", nargs="+", choices=DATABASES_NAMED, default=list(DATABASES_NAMED), help="%(default)s")
    serving("--peers", nargs="+", choices=PEERS, default=PEERS, help="what serves the same (%(default)s)")
    found = parser.parse_args(argv)
    unknown = set(getattr(found, "names", ())) - set(names)
    if unknown:
        parser.error(f"There is no benchmark {', '.join(sorted(unknown))}: choose from {', '.join(names)}.")
    if (found.captions is None) != (found.images is None):
        parser.error("Give --captions and --images together, or neither.")
    return found


@contextmanager
def setting_open(found: Namespace) -> Iterator[Setting]:
    import torch

    captions, images = found.captions, found.images
    if captions is None and SHARED.is_dir():
        captions, images = SHARED / "captions_train.json", SHARED / "images"
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        os.environ[EXPORTS] = str(scratch / "exports")
        if captions is None:
            source = "synthetic"
            print("There are no photos here: pictures of patches and stripes take their place.", file=sys.stderr)

            def supply(count: int) -> list[CaptionedPhoto]:
                return captioned_pictures(scratch / "pictures", count=count)
        else:
            source = captions.absolute().parent.name
            known = dataset_read([captions], images=[images.absolute()]).photos

            def supply(count: int) -> list[CaptionedPhoto]:
                return known[:count]

        photos = supply(found.photos)
        for photo in photos:
            photo.path.read_bytes()  # else the first run alone would wait for the disk
        yield Setting(
            photos,
            source,
            found.encoder,
            found.size,
            found.rounds,
            found.steps,
            torch.device(found.device),
            scratch,
            bundle=found.bundle.absolute(),
            workers=found.workers,
            web_processes=found.web_processes,
            served=found.served,
            waiting=found.waiting,
            rows=found.rows,
            databases=tuple(found.databases),
            peers=tuple(found.peers),
            supply=supply,
        )
