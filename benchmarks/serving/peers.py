"""Fovea over other servers of the same `Captioner`, with the same photos and the same clients.

**LitServe's batching server over HTTP.** The client is http_uploads.py. It has twice as many connections as a
micro-batch has photos. Each posts one file after the other as a multipart form; the requests to both servers are the
same. LitServe answers with the caption. Fovea answers that the photo is taken in; the client polls the list of
captioned photos until all are there, then reads their captions. The clock runs from the first request to the last
caption that the client has. So Fovea's time includes its work on an upload that LitServe does not do: the file is
opened in a process that may crash, kept on disk, given a thumbnail, a preview and a row, and its caption is durable.
A second row shows Fovea without that work: the same photos as a bulk, taken in before, over LitServe's rate.

**Plain Celery** has a task for each photo, no batching, and results in the same kind of broker. The files are on disk
for both. The client publishes all photos and waits for all. The clock runs from before the first message to the last
result (Fovea: the last row). It is measured twice: one process with one Captioner and all threads, as in Fovea; and a
process for each core, each with its own Captioner and one thread.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks.fovea_stack import bulk_submission
from benchmarks.fovea_stack.site_client import account_open, photos_captioned, site_open
from benchmarks.fovea_stack.stack_process import Fovea
from benchmarks.measuring.alternating_runs import Spread, rates_alternate
from benchmarks.measuring.command_line import Setting, rows_measure
from benchmarks.measuring.results_table import Row
from benchmarks.peer_servers.server_start import Rate, litserve_missing, litserve_server, plain_celery
from benchmarks.serving.system import submitted
from webapp import env

LITSERVE = 1.0
CELERY, CELERY_GPU = 1.3, 4.0
DATABASE = "sqlite"  # what `make run` has


def measure(setting: Setting) -> list[Row]:
    from worker.loaded_model import batch_size  # here: a stack's children import this module, and torch by that

    paths, device = setting.files(setting.served), str(setting.device)
    connections = 2 * batch_size(device)  # so that the next micro-batch fills while the model works on the last
    cores = len(os.sched_getaffinity(0))
    with ExitStack() as context:
        fovea = context.enter_context(Fovea(DATABASE, bundle=setting.bundle, device=device))
        submitted(fovea, paths, workers=setting.workers)
        sides: dict[str, Callable[[], float]] = {
            "Fovea, HTTP": _over_http(fovea, paths, connections, setting.web_processes)
        }
        if "litserve" in setting.peers and not litserve_missing():
            server = litserve_server(setting.bundle, device=device, connections=connections)
            sides["LitServe"] = _warmed(context.enter_context(server), paths, connections)
        sides["Fovea, bulk"] = lambda: _asked_rate(fovea.run(bulk_submission.run))
        pools: dict[str, tuple[int, int | None]] = {"Celery": (1, None)} if "celery" in setting.peers else {}
        if pools and setting.device.type == "cpu":
            pools["Celery, a process a core"] = (cores, 1)
        for name, (processes, threads) in pools.items():
            pool = plain_celery(setting.bundle, device=device, processes=processes, threads=threads)
            sides[name] = _warmed(context.enter_context(pool), paths, connections)
        rates = rates_alternate(sides, rounds=setting.rounds, unit="photos")
    of = f"{setting.served} {setting.source} photos, {setting.bundle.name}, {device}{setting.several}"
    target = CELERY if setting.device.type == "cpu" else CELERY_GPU
    site = env.web_processes({"FOVEA_WEB_PROCESSES": setting.web_processes})
    http = f"over LitServe, uploads over HTTP{f', {site} web processes' if site > 1 else ''}"
    pairs = [
        (http, "Fovea, HTTP", "LitServe", LITSERVE),
        ("over LitServe, photos taken in before", "Fovea, bulk", "LitServe", None),
        ("over plain Celery", "Fovea, bulk", "Celery", target),
        ("over plain Celery with a process a core", "Fovea, bulk", "Celery, a process a core", None),
    ]
    rows = []
    for name, ours, theirs, wanted in pairs:
        if theirs in rates:
            mine, other = Spread.of(rates[ours]).median, Spread.of(rates[theirs]).median
            details = f"{mine:.1f} over {other:.1f} photos a second; {of}"
            rows.append(Row(name, Spread.of_ratios(rates[ours], rates[theirs]), wanted, details))
    return rows


def _over_http(fovea: Fovea, paths: list[Path], connections: int, processes: int) -> Callable[[], float]:
    """Each run uses a new account: an account takes the same file in only once."""
    url = fovea.run(site_open, processes)
    numbers = itertools.count()

    def run(photos: list[Path]) -> float:
        headers = fovea.run(account_open, url, f"client{next(numbers)}")
        begun = time.perf_counter()
        captions = photos_captioned(url, photos, headers=headers, connections=connections)
        return len(captions) / (time.perf_counter() - begun)

    run(paths[:connections])
    return lambda: run(paths)


def _warmed(rate: Rate, paths: list[Path], connections: int) -> Callable[[], float]:
    rate(paths[:connections])
    return lambda: rate(paths)


def _asked_rate(run: bulk_submission.Run) -> float:
    return run.photos / run.asked_seconds


if __name__ == "__main__":
    rows_measure(measure, description=__doc__)
