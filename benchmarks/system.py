"""The whole system over the ceiling: one bulk submission through Redis, worker and database, from the first lease to
the last row, over the bare `Captioner` in one process (see ceiling.py) with the same photos, decoding included in both.

The stack is the product's: a broker and one worker, as they ship. The photos are taken in once, by what
`manage.py submit_folder` runs, while no worker works: that is the ingestion, told apart. Then the same bulk is queued
anew for each round, its captions deleted, so the worker is warm as the ceiling is.

Where the rest goes is told in milliseconds a photo, by the clock: in the model (the sum over micro-batches), and beside
it, when the micro-batcher had nothing to do; and in processor time by process. What the model takes longer than in the
ceiling is what it yields of the cores to the others. Of a GPU, the share of the time in which it was busy.
"""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from pathlib import Path

from benchmarks import bulk
from benchmarks.ceiling import Ceiling, batch_best, ceiling_measure
from benchmarks.gpu import gpu_watched
from benchmarks.setting import DATABASES_NAMED, Setting, rows_measure
from benchmarks.stacks import Fovea, database_missing, workers_start
from benchmarks.timing import Row, Spread, rates_alternate

TARGET = 0.85


def measure(setting: Setting) -> list[Row]:
    paths, device = setting.files(setting.served), str(setting.device)
    batch = batch_best(paths, bundle=setting.bundle, device=device)
    ceilings: list[Ceiling] = []
    runs: dict[str, list[bulk.Run]] = {}
    ingestion: dict[str, float] = {}
    busy: dict[str, list[float]] = {}

    def ceiling() -> float:
        ceilings.append(ceiling_measure(paths, bundle=setting.bundle, device=device, batch=batch))
        return ceilings[-1].rate

    with ExitStack() as context:
        sides = {"ceiling": ceiling}
        for database in setting.databases:
            if database_missing(database):
                continue
            fovea = context.enter_context(Fovea(database, bundle=setting.bundle, device=device))
            ingestion[database] = submitted(fovea, paths, workers=setting.workers)
            runs[database], busy[database] = [], []

            def system(fovea: Fovea = fovea, database: str = database) -> float:
                with gpu_watched(device, busy[database]):
                    runs[database].append(fovea.run(bulk.run, workers=setting.workers))
                return runs[database][-1].rate

            sides[database] = system
        rates = rates_alternate(sides, rounds=setting.rounds, unit="photos")
    rows = []
    for database, name in DATABASES_NAMED.items():
        if database in runs:
            ours, bare = Spread.of(rates[database]).median, Spread.of(rates["ceiling"]).median
            details = f"{ours:.1f} over {bare:.1f} photos a second (batches of {batch}); {_source(setting)}"
            ratio = Spread.of_ratios(rates[database], rates["ceiling"])
            rows += [
                Row(f"system over ceiling, {name}", ratio, TARGET, details),
                Row(f"ingestion, {name}, photos a second", Spread.of([ingestion[database]]), None, _source(setting)),
                *_profile(name, runs[database], ceilings),
            ]
            if busy[database]:
                rows.append(Row(f"{name}, the GPU busy, %", Spread.of(busy[database]), None, _source(setting)))
    return rows


def submitted(fovea: Fovea, paths: list[Path], *, workers: int = 1) -> float:
    """The photos are in, the workers are there and warm. Returns the rate of ingestion."""
    rate = fovea.run(bulk.submit, paths)
    fovea.run(bulk.submission_withhold)
    fovea.run(workers_start, workers)
    fovea.run(bulk.warm_up)
    return rate


def _profile(name: str, runs: list[bulk.Run], ceilings: list[Ceiling]) -> list[Row]:
    """Milliseconds a photo."""
    model = [1000 * run.model_seconds / run.photos for run in runs]
    idle = [1000 * (run.seconds - run.model_seconds) / run.photos for run in runs]
    batches = sum(sum(run.batches.values()) for run in runs)
    decode, bare, cpu = (
        statistics.median(values)
        for values in zip(*((each.decode_ms, each.model_ms, each.cpu_ms) for each in ceilings), strict=True)
    )
    said = (
        f"ceiling: {bare:.1f}, and {decode:.1f} decoding; {sum(run.photos for run in runs) / batches:.1f} photos in a "
        "micro-batch on average"
    )
    used = {
        role: statistics.median(1000 * run.cpu.get(role, 0) / run.photos for run in runs)
        for role in sorted({role for run in runs for role in run.cpu})
    }
    shares = ", ".join(f"{role} {ms:.1f}" for role, ms in used.items() if ms >= 0.05)
    total = [1000 * sum(run.cpu.values()) / run.photos for run in runs]
    return [
        Row(f"{name}, in the model, ms a photo", Spread.of(model), None, said),
        Row(f"{name}, the model idle, ms a photo", Spread.of(idle), None, "waiting for pixels, or for a task"),
        Row(f"{name}, processor, ms a photo", Spread.of(total), None, f"{shares}; ceiling: {cpu:.1f}"),
    ]


def _source(setting: Setting) -> str:
    return f"{setting.served} {setting.source} photos, {setting.bundle.name}, {setting.device.type}{setting.several}"


if __name__ == "__main__":
    rows_measure(measure, description=__doc__)
