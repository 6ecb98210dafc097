"""`make chaos`: every scenario, one after the other, and a table of what they measured. Status 1 where one failed."""

import argparse
import secrets
import shlex
import sys
import tempfile
from pathlib import Path

from tests.bundles import bundle_make
from tests.chaos import DATABASES, SCENARIOS
from tests.chaos.figures import HEADER
from tests.chaos.running import scenario_run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("scenario", nargs="*", metavar="SCENARIO", help=f"all, or some of: {', '.join(SCENARIOS)}")
    parser.add_argument("--seed", type=int, default=None, help="another, another schedule of deaths; random if none")
    parser.add_argument("--scale", choices=("small", "full"), default="full")
    parser.add_argument("--database", choices=(*DATABASES, "both"), default="both")
    asked = parser.parse_args()
    if unknown := set(asked.scenario) - set(SCENARIOS):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}; choose from {', '.join(SCENARIOS)}")
    seed = secrets.randbelow(10**6) if asked.seed is None else asked.seed
    print(f"`{shlex.join(['python', '-m', 'tests.chaos', *sys.argv[1:]])}`, seed {seed}\n\n{HEADER}", flush=True)
    held = True
    with tempfile.TemporaryDirectory(prefix="fovea-chaos-") as folder:
        bundle = bundle_make(Path(folder) / "bundle")
        for scenario in asked.scenario or SCENARIOS:
            for database in DATABASES if asked.database == "both" else (asked.database,):
                outcome = scenario_run(scenario, database=database, scale=asked.scale, seed=seed, bundle=bundle)
                print(outcome, flush=True)
                held = held and outcome.held
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
