"""`python -m launcher run` and `python -m launcher demo`."""

import argparse
import os
import sys


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m launcher", description=__doc__)
    parser.add_argument("what", choices=["run", "demo"])
    if parser.parse_args().what == "run":
        from launcher.run import run

        return run()
    from launcher.demo import demo

    return demo()


def leave(status: int) -> None:
    """End with this status, even if the last lines cannot be written (a closed terminal, a full disk)."""
    try:
        if sys.stdout is not None:  # it was closed when this program began
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)


if __name__ == "__main__":
    leave(main())
