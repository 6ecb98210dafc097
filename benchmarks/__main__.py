"""Runs the benchmarks one after the other. `make bench` keeps their tables in benchmarks/RESULTS.md."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import pages
from benchmarks.captioner import engine
from benchmarks.measuring.command_line import arguments, rows_print, setting_open
from benchmarks.measuring.machine import machine, today
from benchmarks.measuring.results_table import HEADER, section_write
from benchmarks.serving import latency, peers, scaling, system, tuning
from benchmarks.training import features, reward, stage1

RESULTS = Path(__file__).with_name("RESULTS.md")
BENCHMARKS = {  # name of the benchmark, and of its module -> what measures
    module.__name__.rpartition(".")[2]: module.measure
    for module in (features, stage1, reward, engine, system, peers, latency, scaling, pages, tuning)
}


def main(argv: Sequence[str], *, results: Path = RESULTS) -> None:
    found = arguments(str(__doc__), argv, names=BENCHMARKS)
    command = shlex.join(["python", "-m", "benchmarks", *argv])
    print(HEADER, flush=True)
    with setting_open(found) as setting:
        for name in found.names or BENCHMARKS:
            rows = rows_print(BENCHMARKS[name], setting)
            origin = f"`{command}` on {today()}: {machine()}."
            section = name if setting.device.type == "cpu" else f"{name} on {setting.device.type}"
            section_write(results, section, rows, origin=origin, order=list(BENCHMARKS))
    print(f"Kept in {results}.", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
