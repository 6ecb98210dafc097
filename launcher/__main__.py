"""`python -m launcher run` and `python -m launcher demo`."""

import argparse
import sys


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m launcher", description=__doc__)
    parser.add_argument("what", choices=["run", "demo"])
    if parser.parse_args().what == "run":
        from launcher.run import run

        return run()
    from launcher.demo import demo

    return demo()


if __name__ == "__main__":
    sys.exit(main())
