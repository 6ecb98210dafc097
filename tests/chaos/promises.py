"""The promises that most scenarios end with, and how long a photo is stranded."""

import io
import time
from dataclasses import dataclass, field
from typing import Any

from django.core.management import call_command
from django.db.models import Count

from tests.brokers import wait_until
from tests.processes import WorkerProcess
from tests.stack import Stack
from webapp.captioning.models import Caption, CaptionJob, WorkerHeartbeat
from webapp.photos.models import Photo

RECOVERY_SECONDS = 30.0  # from the death of whatever died to work again


def captioned_once(stack: Stack, *, seconds: float) -> dict[str, Any]:
    """Wait for the end of all work; then each photo has its one caption. Returns photos, lost and doubled."""
    stack.all_finished(seconds=seconds)
    captions = Photo.objects.annotate(number=Count("captions")).values_list("job__state", "number")
    lost = sum(state != CaptionJob.State.DONE or not number for state, number in captions)
    doubled = sum(max(number - 1, 0) for _, number in captions)
    assert not lost, f"{lost} of {len(captions)} photos have no caption"
    assert not doubled, f"{doubled} captions too many for {len(captions)} photos"
    assert Caption.objects.count() == len(captions)
    return {"photos": len(captions), "lost": lost, "doubled": doubled}


def texts_right() -> None:
    """Each photo has the text that its captions and decisions say, and the search finds it by that."""
    said = io.StringIO()
    try:
        call_command("check_texts", stdout=said)
    except SystemExit as ended:
        raise AssertionError(f"check_texts ended with status {ended.code}: {said.getvalue()[:2000]}") from ended


@dataclass
class Strandings:
    """Which leases died with their worker, and how long it took until somebody else held the next one.

    Time is the rows' own: the next lease's `started_at`, by the database's clock, which is this machine's. What is
    promised is the time without that in which the only worker was starting: it is the machine's, and ten times as long
    on a busy one.
    """

    lost: list[tuple[float, float]] = field(default_factory=list)  # from a death to the photo's next lease
    starts: list[tuple[float, float]] = field(default_factory=list)  # from a worker's start to its first sign of life
    _since: dict[tuple[int, int], float] = field(default_factory=dict)  # (job, token that died) -> time of death

    def died(self, worker: WorkerProcess, *, started: float) -> int:
        """It has just been killed, and was started at `started` (`time.time()`). Returns how many photos it held."""
        self.look()
        now = time.time()
        self.starts.append((started, _ready_at(worker) or now))
        held = CaptionJob.objects.filter(worker=worker.name, state=CaptionJob.State.RUNNING)
        keys = list(held.values_list("id", "token"))
        self._since |= dict.fromkeys(keys, now)
        return len(keys)

    def look(self) -> bool:
        """Whether all are in hand again. Ask often: of two leases since the last look, only the later is seen."""
        rows = CaptionJob.objects.filter(id__in=[job_id for job_id, _ in self._since]).values_list(
            "id", "token", "started_at"
        )
        now = {job_id: (token, started_at) for job_id, token, started_at in rows}
        for job_id, token in list(self._since):
            latest, started_at = now[job_id]
            if latest > token and started_at is not None:
                self.lost.append((self._since.pop((job_id, token)), started_at.timestamp()))
        return not self._since

    def recovered(self, worker: WorkerProcess, *, started: float) -> tuple[float, float]:
        """Wait until all are in hand again, of `worker` that was started at `started` and is ready.

        Returns:
            The slowest recovery in seconds, and the slowest without the starts of workers in it.
        """
        self.starts.append((started, _ready_at(worker) or time.time()))
        wait_until(self.look, seconds=2 * RECOVERY_SECONDS, what=f"the next lease of {len(self._since)} photos")
        assert self.lost, "no kill met a photo in hand"
        net = max(end - start - self._starting(start, end) for start, end in self.lost)
        assert net <= RECOVERY_SECONDS, f"a stranded photo waited {net:.1f} s, besides the starts of workers"
        return max(end - start for start, end in self.lost), net

    def _starting(self, start: float, end: float) -> float:
        return sum(max(0.0, min(end, ready) - max(start, begun)) for begun, ready in self.starts)


def _ready_at(worker: WorkerProcess) -> float | None:
    beat = WorkerHeartbeat.objects.filter(name=worker.name, model_version__isnull=False).first()
    return beat.started_at.timestamp() if beat else None


def looking(strandings: Strandings, *, seconds: float) -> None:
    """Sleep, and look meanwhile."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        strandings.look()
        time.sleep(min(0.1, left))
