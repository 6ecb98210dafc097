"""The worker's settings, each changed alone: photos a second of a bulk over the rate with the defaults.

Each round starts a new worker for every setting, on the database of `make run`. The best values depend on the machine,
so there are no targets. A value that is much better should become the default.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.fovea_stack import bulk_submission
from benchmarks.fovea_stack.stack_process import Fovea, rate_with
from benchmarks.measuring.alternating_runs import Spread, rates_alternate
from benchmarks.measuring.command_line import Setting, rows_measure
from benchmarks.measuring.results_table import Row
from webapp import env

DATABASE = "sqlite"
BATCHES = (4, 8, 32)
BATCHES_GPU = (16, 32, 128)
VARIANTS = {
    "FOVEA_WORKER_MAX_WAIT_MS": (0, 50),
    "FOVEA_WORKER_THREADS": (2, 4, 16),
    "FOVEA_DECODE_PROCESSES": (1, 4),
}


def measure(setting: Setting) -> list[Row]:
    from worker.loaded_model import batch_size  # here: a stack's children import this module, and torch by that

    paths = setting.files(setting.served)
    batches = BATCHES if setting.device.type == "cpu" else BATCHES_GPU
    variants = {"FOVEA_WORKER_MAX_BATCH": batches, **VARIANTS}
    usually = {name: env.VARIABLES[name].default for name in variants}
    usually["FOVEA_WORKER_MAX_BATCH"] = batch_size(str(setting.device))
    with Fovea(DATABASE, bundle=setting.bundle, device=str(setting.device)) as fovea:
        fovea.run(bulk_submission.submit, paths)
        fovea.run(bulk_submission.submission_withhold)

        def side(**settings: str) -> Callable[[], float]:
            return lambda: fovea.run(rate_with, settings)

        sides = {"defaults": side()}
        for name, values in variants.items():
            sides |= {f"{name}={value}": side(**{name: str(value)}) for value in values}
        rates = rates_alternate(sides, rounds=setting.rounds, unit="photos")
    defaults = ", ".join(f"{name}={value}" for name, value in usually.items())
    usual = Spread.of(rates["defaults"]).median
    return [
        Row(
            f"{name}, over the defaults",
            Spread.of_ratios(rates[name], rates["defaults"]),
            None,
            f"{Spread.of(rates[name]).median:.1f} over {usual:.1f} photos a second ({defaults}); "
            f"{setting.served} {setting.source} photos, {setting.bundle.name}, {setting.device.type}",
        )
        for name in sides
        if name != "defaults"
    ]


if __name__ == "__main__":
    rows_measure(measure, description=__doc__)
