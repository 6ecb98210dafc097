"""`python -m tests.chaos.single SCENARIO …`: one scenario in a process of its own; its figures as JSON on stdout."""

import argparse
import importlib
import json
import logging
import signal
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

from tests.stack import fovea


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.single", description=__doc__)
    parser.add_argument("scenario")
    parser.add_argument("--database", required=True)
    parser.add_argument("--scale", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seconds", type=int, required=True, help="then it is given up")
    parser.add_argument("--bundle", type=Path, required=True)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    signal.signal(signal.SIGALRM, lambda *_: _give_up(asked.seconds))
    signal.alarm(asked.seconds)
    with fovea(asked.database, bundle=asked.bundle) as stack:
        logging.getLogger().setLevel(logging.ERROR)  # here a broker that is away is no news
        from tests.chaos.promises import texts_right  # once Django is set up

        scenario = importlib.import_module(f"tests.chaos.{asked.scenario}")
        try:
            figures = scenario.run(stack, asked.scale, asked.seed)
            texts_right()
        except Exception as error:
            print(stack.logs(lines=2000), file=sys.stderr)
            traceback.print_exc()
            print(json.dumps({"error": str(error) or repr(error)}))
            return 1
    print(json.dumps({"figures": asdict(figures)}))
    return 0


def _give_up(seconds: int) -> NoReturn:
    raise TimeoutError(f"not done within {seconds} s")


if __name__ == "__main__":
    sys.exit(main())
