"""All benchmarks, one after the other; `make bench` keeps their table in benchmarks/RESULTS.md."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import features, reward, stage1
from benchmarks.setting import machine, rows_measure, today
from benchmarks.timing import HEADER

RESULTS = Path(__file__).with_name("RESULTS.md")


def main(argv: Sequence[str], *, results: Path = RESULTS) -> None:
    rows = rows_measure(features.measure, stage1.measure, reward.measure, description=str(__doc__), argv=argv)
    command = shlex.join(["python", "-m", "benchmarks", *argv])
    results.write_text(
        "# Speed of training\n\n"
        f"Written by `{command}` (`make bench`) on {today()}: {machine()}. Each row is a "
        "ratio of runs that took turns on this machine, over the rounds. What is compared, and how, stands at the top "
        "of the modules features.py, stage1.py and reward.py.\n\n" + "\n".join([HEADER, *map(str, rows)]) + "\n",
        encoding="utf-8",
    )
    print(f"Kept in {results}.", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
