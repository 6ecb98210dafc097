"""The whole system over the ceiling, with the same photos, decoding included in both.

The system is one bulk submission through Redis, worker and database, from the first lease to the last row. The ceiling
is the bare `Captioner` in one process (benchmarks/captioner/bare_captioner.py).

The stack is the product's: a broker and one worker, as they ship. The photos are taken in once, as
`manage.py submit_folder` does it, while no worker works; that rate is the ingestion, a row of its own. Then the same
bulk is queued again for each round after its captions are deleted. So the worker is warm, as the ceiling is.

More rows say where the rest of the time goes, in milliseconds a photo: in the model (the sum over micro-batches), idle
(the micro-batcher had nothing to do), and processor time by process. The model takes longer than in the ceiling where
it shares the cores with the others. For a GPU there is the share of the time in which it was busy.
"""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from pathlib import Path

from benchmarks.captioner.bare_captioner import Ceiling, batch_best, ceiling_measure
from benchmarks.fovea_stack import bulk_submission
from benchmarks.fovea_stack.stack_process import Fovea, database_missing, workers_start
from benchmarks.measuring.alternating_runs import Spread, rates_alternate
from benchmarks.measuring.command_line import DATABASES_NAMED, Setting, rows_measure
from benchmarks.measuring.gpu_load import gpu_watched
from benchmarks.measuring.results_table import Row

TARGET = 0.85


def measure(setting: Setting) -> list[Row]:
    paths, device = setting.files(setting.served), str(setting.device)
    batch = batch_best(paths, bundle=setting.bundle, device=device)
    ceilings: list[Ceiling] = []
    runs: dict[str, list[bulk_submission.Run]] = {}
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
                    runs[database].append(fovea.run(bulk_submission.run, workers=setting.workers))
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
    """Takes the photos in, starts the workers and warms them up. Returns the rate of ingestion."""
    rate = fovea.run(bulk_submission.submit, paths)
    fovea.run(bulk_submission.submission_withhold)
    fovea.run(workers_start, workers)
    fovea.run(bulk_submission.warm_up)
    return rate


def _profile(name: str, runs: list[bulk_submission.Run], ceilings: list[Ceiling]) -> list[Row]:
    """The rows that say where the time goes, in milliseconds a photo."""
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
