"""What a photo costs apart from the model: in a full database over an empty one; and two workers over one.

**Rows.** The worker's device is simulated (simulated_worker.py) and takes no time. All time is the system's own:
leases, decoding, micro-batches, rows. The same photos are captioned in a database of at most 1,000 photos and in one of
100,000, in which the rest are captioned already. The ratio is of seconds a photo, from the first lease to the last row.

**Workers.** A micro-batch takes 300 ms on the simulated device, far more than the processor's part of it. So two
workers on one machine behave like two machines with a device each, one queue and one database. In theory: a worker
holds as many chunks as it has threads and takes the next when it has finished one; a chunk is one micro-batch. So no
worker is idle while chunks wait, and at the end they are at most a chunk apart.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.fovea_stack import bulk_submission, full_database
from benchmarks.fovea_stack.stack_process import Fovea, database_missing, simulated_start
from benchmarks.measuring.alternating_runs import Spread, rates_alternate
from benchmarks.measuring.command_line import DATABASES_NAMED, Setting, rows_measure
from benchmarks.measuring.results_table import Row

ROWS, WORKERS = 1.2, 1.9
FEW = 1000  # photos in a database that counts as empty
DEVICE_MS = 300.0


def measure(setting: Setting) -> list[Row]:
    paths = setting.files(min(setting.served, FEW))
    rows = []
    for database, name in DATABASES_NAMED.items():
        if database in setting.databases and not database_missing(database):
            rows.append(_rows(setting, database, name, paths))
    return [*rows, _workers(setting, paths)]


def _rows(setting: Setting, database: str, name: str, paths: list[Path]) -> Row:
    """Both databases run side by side, so the runs can take turns."""
    with _simulated(setting, database, paths) as few, _simulated(setting, database, paths) as many:
        few.run(full_database.photos_add, min(FEW, setting.rows) - len(paths))
        many.run(full_database.photos_add, setting.rows - len(paths))
        for fovea in (few, many):
            fovea.run(simulated_start, 1, 0.0)
            fovea.run(bulk_submission.warm_up)
        sides = {"few": lambda: few.run(bulk_submission.run).rate, "many": lambda: many.run(bulk_submission.run).rate}
        rates = rates_alternate(sides, rounds=setting.rounds, unit="photos")
    details = (
        f"{setting.rows} photos over {min(FEW, setting.rows)}: {Spread.of(rates['many']).median:.0f} and "
        f"{Spread.of(rates['few']).median:.0f} photos a second; {len(paths)} {setting.source} photos, no model"
    )
    ratio = Spread.of_ratios(rates["few"], rates["many"])
    return Row(f"cost of a photo in a full database, {name}", ratio, ROWS, details, at_most=True)


def _workers(setting: Setting, paths: list[Path]) -> Row:
    with _simulated(setting, "sqlite", paths) as alone, _simulated(setting, "sqlite", paths) as pair:
        sides: dict[str, Callable[[], float]] = {}
        for fovea, count in ((alone, 1), (pair, 2)):
            fovea.run(simulated_start, count, DEVICE_MS)
            fovea.run(bulk_submission.warm_up)
            sides[str(count)] = lambda fovea=fovea, count=count: fovea.run(bulk_submission.run, workers=count).rate  # type: ignore[misc]
        rates = rates_alternate(sides, rounds=setting.rounds, unit="photos")
    details = (
        f"{Spread.of(rates['2']).median:.1f} over {Spread.of(rates['1']).median:.1f} photos a second; {len(paths)} "
        f"{setting.source} photos, SQLite, {DEVICE_MS:g} ms a micro-batch"
    )
    return Row("two workers over one", Spread.of_ratios(rates["2"], rates["1"]), WORKERS, details)


def _simulated(setting: Setting, database: str, paths: list[Path]) -> Fovea:
    """Its photos are in; its workers are still to be started."""
    fovea = Fovea(database, bundle=setting.bundle, device="cpu")
    fovea.run(bulk_submission.submit, paths)
    fovea.run(bulk_submission.submission_withhold)
    return fovea


if __name__ == "__main__":
    rows_measure(measure, description=__doc__)
