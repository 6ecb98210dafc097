"""The web process killed with -9 after an upload's commit and before its message: the row alone remains.

The moment is hit for certain: the broker stands still, so that publishing waits for it (2 s) once the row is committed.
A web process that has just started first greets the broker on a new connection; so nothing of the message is sent yet,
and the queue, looked at afterwards, is empty.
"""

import random
import threading
import time
from contextlib import suppress

import httpx

from tests.brokers import wait_until
from tests.chaos.figures import Figures
from tests.chaos.promises import captioned_once
from tests.processes import WebProcess
from tests.stack import Stack
from webapp import jobs
from webapp.captioning.models import CaptionJob

KILLS = {"full": 50, "small": 3}


def run(stack: Stack, scale: str, seed: int) -> Figures:
    chance = random.Random(seed)
    web = stack.web_start()
    with stack.client(web) as client:
        for number in range(KILLS[scale]):
            stack.broker.freeze()
            upload = threading.Thread(target=_upload, args=(client, stack.picture()))
            upload.start()
            wait_until(lambda: CaptionJob.objects.count() > number, what="the commit")  # noqa: B023
            time.sleep(chance.uniform(0, 0.5))
            web.kill()
            upload.join()
            stack.broker.thaw()
            _restart(web)
    published = sum(stack.broker.length(queue) for queue in jobs.QUEUES)
    assert not published, f"{published} of {KILLS[scale]} kills came after the message"
    stack.worker_start()
    start = time.monotonic()
    counts = captioned_once(stack, seconds=60)
    return Figures(kills=KILLS[scale], recovery=time.monotonic() - start, **counts)


def _upload(client: httpx.Client, picture: bytes) -> None:
    with suppress(httpx.TransportError):  # whom it would have answered is dead
        answer = client.post("photos/", files=[("file", ("photo.jpg", picture, "image/jpeg"))])
        raise AssertionError(f"the upload was answered {answer.status_code} before the kill")


def _restart(web: WebProcess) -> None:
    web.start()
    web.ready()
