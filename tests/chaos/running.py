"""One scenario in a process of its own, which ends, with all that it started, whatever happens in it."""

import json
import os
import subprocess
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from launcher.leftover_processes import session_end
from tests.chaos import MACHINE_CLOCK
from tests.chaos.figures import Figures, Outcome
from tests.clocks import machine_clock

ROOT = Path(__file__).resolve().parents[2]
SECONDS = {"small": 420, "full": 1800}  # then a scenario is given up


def scenario_run(scenario: str, *, database: str, scale: str, seed: int, bundle: Path) -> Outcome:
    command = [
        sys.executable, "-m", "tests.chaos.single", scenario, "--database", database, "--scale", scale,
        "--seed", str(seed), "--seconds", str(SECONDS[scale]), "--bundle", str(bundle),
    ]  # fmt: skip
    start = time.monotonic()
    clock: AbstractContextManager[dict[str, str]] = machine_clock() if scenario in MACHINE_CLOCK else nullcontext({})
    with clock as environment:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True, env=os.environ | environment
        )
        try:
            said, _ = process.communicate(timeout=SECONDS[scale] + 60)
        except subprocess.TimeoutExpired:
            said = ""
        finally:
            session_end(process.pid, patience=20)
            process.wait()
            assert process.stdout
            process.stdout.close()
    seconds = time.monotonic() - start
    try:
        answer = json.loads(said.strip().rpartition("\n")[2])
    except ValueError:
        answer = {"error": f"it ended with status {process.returncode} and said nothing"}
    if "figures" in answer:
        return Outcome(scenario, database, seconds, Figures(**answer["figures"]))
    return Outcome(scenario, database, seconds, error=answer["error"])
