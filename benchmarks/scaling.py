"""What a photo costs beside the model: in a full database over an empty one; and two workers over one.

**Rows.** The worker's device is simulated (simulated.py) and takes no time at all, so that all of the time is the
system's own: leases, decoding, micro-batches, rows. The same photos are captioned in a database that holds no more than
1,000 photos, and in one that holds 100,000, the rest of them captioned; the ratio is of seconds a photo, from the first
lease to the last row.

**Workers.** A micro-batch takes 300 ms on the simulated device, far more than the processor's part of it, so
that two workers on one machine stand for two machines: one queue and one database, a device each. On paper: a worker
holds as many chunks as it has threads, takes the next when it has finished one, and a chunk is one micro-batch; so none
stands still while chunks wait, and at the end they are at most a chunk apart.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks import bulk, filling
from benchmarks.setting import DATABASES_NAMED, Setting, rows_measure
from benchmarks.stacks import Fovea, database_missing, simulated_start
from benchmarks.timing import Row, Spread, rates_alternate

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
    """Both databases live side by side, so that the runs can take turns."""
    with _simulated(setting, database, paths) as few, _simulated(setting, database, paths) as many:
        few.run(filling.photos_add, min(FEW, setting.rows) - len(paths))
        many.run(filling.photos_add, setting.rows - len(paths))
        for fovea in (few, many):
            fovea.run(simulated_start, 1, 0.0)
            fovea.run(bulk.warm_up)
        sides = {"few": lambda: few.run(bulk.run).rate, "many": lambda: many.run(bulk.run).rate}
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
            fovea.run(bulk.warm_up)
            sides[str(count)] = lambda fovea=fovea, count=count: fovea.run(bulk.run, workers=count).rate  # type: ignore[misc]
        rates = rates_alternate(sides, rounds=setting.rounds, unit="photos")
    details = (
        f"{Spread.of(rates['2']).median:.1f} over {Spread.of(rates['1']).median:.1f} photos a second; {len(paths)} "
        f"{setting.source} photos, SQLite, {DEVICE_MS:g} ms a micro-batch"
    )
    return Row("two workers over one", Spread.of_ratios(rates["2"], rates["1"]), WORKERS, details)


def _simulated(setting: Setting, database: str, paths: list[Path]) -> Fovea:
    """Its photos are in; its workers are still to be started."""
    fovea = Fovea(database, bundle=setting.bundle, device="cpu")
    fovea.run(bulk.submit, paths)
    fovea.run(bulk.submission_withhold)
    return fovea


if __name__ == "__main__":
    rows_measure(measure, description=__doc__)
