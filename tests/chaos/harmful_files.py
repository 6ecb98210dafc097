"""Photos that crash, hang or bloat the process that opens them, among the neighbours of one bulk.

Each is opened twice at most and then quarantined with its reason, where staff see it and retry it; the neighbours are
captioned. The crash is real: whichever process has the file open is killed with -9, as the kernel does for lack of
memory. So is the hang, a pipe that nobody writes to, and so is the memory: a picture larger than its child may be.
"""

import os
import random
import signal
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from tests.chaos.figures import Figures
from tests.chaos.promises import captioned_once
from tests.hanging_files import pipe_replaced
from tests.photos import photo_store
from tests.pictures import picture
from tests.processes import WorkerProcess, group_processes
from tests.stack import Stack
from webapp.captioning.models import CaptionJob
from webapp.photos.models import Photo

NEIGHBOURS = {"full": 100, "small": 20}
OPENINGS = 2
REASONS = {"crash": "SIGKILL", "hang": "took longer than", "bloat": "more memory"}


def run(stack: Stack, scale: str, seed: int) -> Figures:
    harmful = {
        "crash": photo_store(stack.user, picture(1, mode="L", size=(7000, 7000), kind="PNG"), lane="bulk"),
        "hang": photo_store(stack.user, picture(2), lane="bulk"),
        "bloat": photo_store(
            stack.user, picture((3, 4, 5, 6), mode="RGBA", size=(6500, 6500), kind="PNG"), lane="bulk"
        ),
    }
    ids = stack.photos_submit(NEIGHBOURS[scale], lane="bulk", publish=False)
    ids += [photo.job.pk for photo in harmful.values()]
    random.Random(seed).shuffle(ids)
    worker = stack.worker_start(FOVEA_DECODE_TIMEOUT_SECONDS="6", FOVEA_DECODE_MEMORY_MB="600")
    with pipe_replaced(_original(harmful["hang"])), _Killer(worker, _original(harmful["crash"])) as killer:
        stack.jobs_publish(ids, lane="bulk")
        stack.all_finished(seconds=180)
    assert worker.running.poll() is None, "the worker ended"
    assert 0 < killer.kills <= OPENINGS, f"the file that crashes its decoder was opened {killer.kills} times"
    for harm, photo in harmful.items():
        photo.job.refresh_from_db()
        assert photo.job.state == CaptionJob.State.QUARANTINED, f"{harm}: {photo.job.state} {photo.job.error_message}"
        assert REASONS[harm] in photo.job.error_message, f"{harm}: {photo.job.error_message}"
        assert photo.job.token <= OPENINGS, f"{harm}: opened {photo.job.token} times"
    done = CaptionJob.objects.filter(state=CaptionJob.State.DONE).count()
    assert done == NEIGHBOURS[scale], f"{done} of {NEIGHBOURS[scale]} neighbours were captioned"
    _original(harmful["bloat"]).write_bytes(stack.picture())
    _retry_in_the_admin(list(harmful.values()))
    note = f"openings: {', '.join(f'{harm} {photo.job.token}' for harm, photo in harmful.items())}; all retried"
    return Figures(kills=killer.kills, note=note, **captioned_once(stack, seconds=60))


def _original(photo: Photo) -> Path:
    return Path(settings.MEDIA_ROOT) / photo.original


class _Killer:
    """Kills every process of a worker that opens a file, with -9."""

    def __init__(self, worker: WorkerProcess, path: Path) -> None:
        self._group, self._path = worker.running.pid, str(path)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.kills = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        dead: set[int] = set()
        while not self._ended.wait(0.005):
            for pid in group_processes(self._group) - dead:
                if self._path in _open_files(pid):
                    os.kill(pid, signal.SIGKILL)
                    dead.add(pid)
        self.kills = len(dead)


def _open_files(pid: int) -> set[str]:
    files = set()
    with suppress(OSError):  # it ended meanwhile
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                files.add(str(descriptor.readlink()))
    return files


def _retry_in_the_admin(photos: list[Photo]) -> None:
    """As staff do it: the list of what is quarantined, the reasons on it, all chosen, `Try again`."""
    staff = get_user_model().objects.create_superuser(username="staff", password="correct horse")
    client = Client(headers={"host": "localhost"})
    client.force_login(staff)
    page = client.get("/admin/captioning/captionjob/", {"state__exact": CaptionJob.State.QUARANTINED}).content.decode()
    for reason in REASONS.values():
        assert reason in page, f"the admin does not say: {reason}"
    chosen = [photo.job.pk for photo in photos]
    client.post("/admin/captioning/captionjob/", {"action": "retry", "_selected_action": chosen})
    waiting = CaptionJob.objects.filter(pk__in=chosen).exclude(state=CaptionJob.State.QUARANTINED)
    assert waiting.count() == len(chosen), "the admin did not queue them again"
