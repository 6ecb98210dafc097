"""`make run`: the site until Ctrl-C or TERM."""

import os
import signal
import threading
from dataclasses import replace
from types import FrameType
from typing import NoReturn

from launcher.errors import LaunchError
from launcher.site import Site, model_unusable, path_shown
from launcher.supervision import State
from launcher.telling import say


class StopAsked(BaseException):
    """Ctrl-C, TERM or a closed terminal."""


class Stopper:
    """Turns the signals that ask a program to end into StopAsked, raised where it waits and nowhere else."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked.set()

    def wait(self, seconds: float) -> None:
        if self._asked.wait(seconds):
            raise StopAsked


def run() -> int:
    stopper = Stopper()
    try:
        say("Fovea is starting …")
        with Site(os.environ, say=say, waiting=stopper.wait) as site:
            try:
                _watch(site, stopper)
            finally:
                say("\nStopping …")
    except StopAsked:
        say("Stopped; nothing is left running. `make run` goes on where this ended.")
        return 0
    except LaunchError as error:
        say(str(error))
        return 1


def _watch(site: Site, stopper: Stopper) -> NoReturn:
    web_answers = worker_told = False
    before: dict[str, State] = {}
    second = 0
    while True:
        states = site.states()
        if not web_answers and site.answers("/healthz"):
            web_answers = True
            say(f"  Open {site.url} (Ctrl-C stops everything; logs are in {path_shown(site.logs)})")
        if not worker_told and model_unusable(states["worker"]):
            worker_told = True
            site.stop("worker")
            said = "".join(f"\n    {line}" for line in site.log_tail("worker", lines=3))
            say(f"  The worker cannot use its model and is not started again; the site stays up. It said:{said}")
            say("  Mend that, stop with Ctrl-C, and start again.")
        if web_answers and not worker_told and second % 2 == 0 and site.answers("/readyz") == 200:
            worker_told = True
            say("  The worker is ready: captions appear on the open page.")
        for name, state in states.items():
            if name in before and (line := change_told(name, before[name], state)):
                ends = " ".join(site.log_tail(name, lines=1))
                say(f"  {line} Its log, {path_shown(site.logs / name)}.log, ends: {ends}")
            before[name] = state if state.pid else replace(state, pid=before.get(name, state).pid)
        second += 1
        stopper.wait(1)


def change_told(name: str, before: State, now: State) -> str:
    """What to tell a person of a program's change; empty where it is none of their business."""
    if before.pid and now.pid and before.pid != now.pid:
        return f"The {name} ended unexpectedly and was started again."
    if now.name == "FATAL" != before.name:
        return f"The {name} cannot be started, and is not tried again."
    return ""
