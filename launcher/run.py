"""`make run`: the site until Ctrl-C or TERM."""

import os
from dataclasses import replace
from typing import NoReturn

from launcher.errors import LaunchError
from launcher.start_and_stop import Fovea, model_unusable
from launcher.stop_signals import StopAsked, Stopper
from launcher.supervision import State
from launcher.terminal import path_shown, say


def run() -> int:
    stopper = Stopper()
    try:
        say("Fovea is starting …")
        with Fovea(os.environ, say=say, waiting=stopper.wait) as fovea:
            try:
                _watch(fovea, stopper)
            finally:
                say("\nStopping …")
    except StopAsked:
        say("Stopped; nothing is left running. `make run` goes on where this ended.")
        return 0
    except LaunchError as error:
        say(str(error))
        return 1


def _watch(fovea: Fovea, stopper: Stopper) -> NoReturn:
    web_answers = worker_told = False
    before: dict[str, State] = {}
    second = 0
    while True:
        states = fovea.states()
        if not web_answers and fovea.answers("/healthz"):
            web_answers = True
            say(f"  Open {fovea.url} (Ctrl-C stops everything; logs are in {path_shown(fovea.logs)})")
        if not worker_told and model_unusable(states["worker"]):
            worker_told = True
            fovea.stop("worker")
            said = "".join(f"\n    {line}" for line in fovea.log_tail("worker", lines=3))
            say(f"  The worker cannot use its model and is not started again; the site stays up. It said:{said}")
            say("  Repair that, stop with Ctrl-C, and start again.")
        if web_answers and not worker_told and second % 2 == 0 and fovea.answers("/readyz") == 200:
            worker_told = True
            say("  The worker is ready: captions appear on the open page.")
        for name, state in states.items():
            if name in before and (line := change_told(name, before[name], state)):
                ends = " ".join(fovea.log_tail(name, lines=1))
                say(f"  {line} Its log, {path_shown(fovea.logs / name)}.log, ends: {ends}")
            before[name] = state if state.pid else replace(state, pid=before.get(name, state).pid)
        second += 1
        stopper.wait(1)


def change_told(name: str, before: State, now: State) -> str:
    """The line that tells a person of a program's change; empty where there is nothing to tell."""
    if before.pid and now.pid and before.pid != now.pid:
        return f"The {name} ended unexpectedly and was started again."
    if now.name == "FATAL" != before.name:
        return f"The {name} cannot be started, and is not tried again."
    return ""
