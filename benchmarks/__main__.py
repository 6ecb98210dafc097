"""The benchmarks, one after the other; `make bench` keeps their tables in benchmarks/RESULTS.md."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import engine, features, latency, pages, peers, reward, scaling, stage1, system, tuning
from benchmarks.results import section_write
from benchmarks.setting import arguments, machine, rows_print, setting_open, today
from benchmarks.timing import HEADER

RESULTS = Path(__file__).with_name("RESULTS.md")
BENCHMARKS = {
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
