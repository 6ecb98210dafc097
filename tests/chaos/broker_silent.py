"""The broker down, and then accepting but silent: uploads answer as ever, and are captioned once it is back."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx

from tests.chaos.figures import Figures
from tests.chaos.promises import captioned_once
from tests.stack import Stack
from webapp import jobs

UPLOADS = {"full": 100, "small": 6}  # in each of the two states
AT_ONCE = 4
ANSWER_SECONDS = 5.0


def run(stack: Stack, scale: str, seed: int) -> Figures:
    chance = random.Random(seed)
    web = stack.web_start()
    worker = stack.worker_start()
    slowest: list[float] = []
    with stack.client(web) as client:
        _upload(stack, client)  # for the first one the web starts its sandbox: that is no fault of the broker's
        for away, back in (
            (stack.broker.kill, stack.broker.start),
            (stack.broker.freeze, stack.broker.thaw),
        ):
            slowest.append(_uploads(stack, client, away, chance, count=UPLOADS[scale]))
            back()
            time.sleep(jobs.BROKER_REST_SECONDS)  # so long the web asks no more of a broker that failed it
            _upload(stack, client)
    counts = captioned_once(stack, seconds=90)
    assert worker.running.poll() is None, "the worker ended"
    note = f"slowest answer {slowest[0]:.1f} s while down, {slowest[1]:.1f} s while silent"
    return Figures(kills=2, recovery=max(slowest), note=note, **counts)


def _uploads(
    stack: Stack, client: httpx.Client, away: Callable[[], None], chance: random.Random, *, count: int
) -> float:
    """The slowest answer in seconds. The broker goes away among the uploads, not before them."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = [pool.submit(partial(_upload, stack, client)) for _ in range(AT_ONCE)]
        time.sleep(chance.uniform(0, 0.2))
        away()
        answers += [pool.submit(partial(_upload, stack, client)) for _ in range(count - AT_ONCE)]
        slowest = max(answer.result() for answer in answers)
    assert slowest < ANSWER_SECONDS, f"an upload was answered after {slowest:.1f} s"
    return slowest


def _upload(stack: Stack, client: httpx.Client) -> float:
    start = time.monotonic()
    answer = client.post("photos/", files=[("file", ("photo.jpg", stack.picture(), "image/jpeg"))])
    seconds = time.monotonic() - start
    assert answer.status_code == httpx.codes.ACCEPTED, f"an upload was answered {answer.status_code}: {answer.text}"
    return seconds
