"""How long a person waits for a caption: from the first byte of the upload over HTTP to the caption's row.

Idle: the next photo comes when the one before has its caption. Under bulk: photos come at irregular moments (half a
second to a second apart) while a bulk of 2,000 waits, once in each round, until the bulk is done. Their p95 is compared
with the time of one full micro-batch in the model: the median of those that ran in the meantime.

All runs on one machine, on the database of `make run`. The site looks into each upload and shares the cores with the
worker.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.fovea_stack import bulk_submission
from benchmarks.fovea_stack.site_client import Person, account_open, site_open
from benchmarks.fovea_stack.stack_process import Fovea, workers_start
from benchmarks.measuring.alternating_runs import Spread
from benchmarks.measuring.command_line import Setting, rows_measure
from benchmarks.measuring.results_table import Row

TARGET = 3.0
DATABASE = "sqlite"
GAP = (0.5, 1.0)  # seconds between two uploads under bulk
SAMPLES = 60  # photos of each kind, beside a bulk of 2,000; fewer beside a smaller one
WARM = 8


def measure(setting: Setting) -> list[Row]:
    samples = min(SAMPLES, max(4, setting.waiting // 32))
    paths = setting.files(setting.waiting + (1 + setting.rounds) * samples + WARM)
    bulky, others = paths[: setting.waiting], paths[setting.waiting :]
    with Fovea(DATABASE, bundle=setting.bundle, device=str(setting.device)) as fovea:
        fovea.run(bulk_submission.submit, bulky)
        fovea.run(bulk_submission.submission_withhold)
        fovea.run(workers_start)
        url = fovea.run(site_open, setting.web_processes)
        with Person(url, fovea.run(account_open, url, "person")) as person:
            person.waits_ms(others[:WARM])
            idle = [wait for path in others[WARM : WARM + samples] for wait in person.waits_ms([path])]
            fresh, busy = iter(others[WARM + samples :]), []
            for _ in range(setting.rounds):
                fovea.run(bulk_submission.start)
                busy += person.waits_ms(_while_bulk_waits(fovea, fresh))
                fovea.run(bulk_submission.finish)
        batch, photos = fovea.run(bulk_submission.full_batch_ms)
    if not busy:
        raise SystemExit(
            f"A bulk of {len(bulky)} photos was done before another photo came: ask for more by --waiting."
        )
    of = f"{setting.source} photos, {setting.bundle.name}, {setting.device.type}"
    waiting = f"{len(busy)} photos while a bulk of {len(bulky)} waits, {setting.rounds} times; {of}"
    return [
        *_told("idle", idle, f"{len(idle)} photos; {of}"),
        *_told("under bulk", busy, waiting),
        Row("a full micro-batch, ms", Spread.of(batch), None, f"of {photos} photos, under bulk; {of}"),
        Row(
            "p95 under bulk over a full micro-batch",
            Spread.of([_percentile(busy, 95) / statistics.median(batch)]),
            TARGET,
            waiting,
            at_most=True,
        ),
    ]


def _while_bulk_waits(fovea: Fovea, photos: Iterator[Path]) -> Iterator[Path]:
    chance = random.Random(1)
    for path in photos:
        if not fovea.run(bulk_submission.waiting):
            return
        yield path
        time.sleep(chance.uniform(*GAP))


def _told(when: str, waits: Sequence[float], details: str) -> list[Row]:
    return [Row(f"{when}, p{p}, ms", Spread.of([_percentile(waits, p)]), None, details) for p in (50, 95)]


def _percentile(values: Sequence[float], percent: float) -> float:
    return float(np.percentile(values, percent))


if __name__ == "__main__":
    rows_measure(measure, description=__doc__)
