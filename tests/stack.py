"""A whole Fovea for the tests: broker, workers and web, each the product's own process, and this process's ORM.

In pytest it uses the test's database and data folder (fixtures `broker` and `transactional_db`); a process that has no
Django yet gets all of it from `fovea`.
"""

import itertools
import json
import os
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import httpx

from tests.brokers import Broker, wait_until
from tests.databases import postgres
from tests.processes import Process, WebProcess, WorkerProcess

if TYPE_CHECKING:
    from webapp.accounts.models import User

PASSWORD = "correct horse"

P = TypeVar("P", bound=Process)


class Stack:
    """
    Args:
        folder: of the processes' logs.
        bundle: what the workers caption with.
        broker: one that runs, and that this process's settings name.
    """

    def __init__(self, folder: Path, *, bundle: Path, broker: Broker) -> None:
        self.folder, self.bundle, self.broker = folder, bundle, broker
        self._processes: list[Process] = []
        self._seeds = itertools.count()

    def __enter__(self) -> Self:
        from django.contrib.auth import get_user_model

        self.user: User = get_user_model().objects.create_user(username="chaos", password=PASSWORD)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()

    # --- Processes ----------------------------------------------------------------------------------------------------

    def worker_start(self, **environment: str) -> WorkerProcess:
        """A worker that is ready. Its `start` starts it again after its end, as a supervisor would."""
        return self.workers_start(1, **environment)[0]

    def workers_start(
        self, count: int, *, program: Sequence[str] = ("worker",), **environment: str
    ) -> list[WorkerProcess]:
        """Several that are ready; they start at the same time."""
        workers = [
            self._start(WorkerProcess(self._log("worker"), self.bundle, program=program, **environment))
            for _ in range(count)
        ]
        return [worker.ready() for worker in workers]

    def web_start(self, **environment: str) -> WebProcess:
        """A site that answers."""
        return self._start(WebProcess(self._log("web"), **environment)).ready()

    @contextmanager
    def client(self, web: WebProcess) -> Iterator[httpx.Client]:
        """The API as the stack's user."""
        with httpx.Client(base_url=f"{web.url}/api/v1/", timeout=30, trust_env=False) as client:
            answer = client.post("auth/login/", json={"username": self.user.username, "password": PASSWORD})
            client.headers["Authorization"] = f"Token {answer.raise_for_status().json()['token']}"
            yield client

    def logs(self, *, lines: int = 30) -> str:
        """The last lines of each process's log."""
        logs = sorted(self.folder.glob("*.log"))
        tails = [(log.name, log.read_text(errors="replace").splitlines()[-lines:]) for log in logs]
        return "\n".join("\n".join([f"--- {name}", *tail]) for name, tail in tails)

    def _start(self, process: P) -> P:
        process.start()
        self._processes.append(process)
        return process

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}-{len(self._processes)}.log"

    # --- Photos -------------------------------------------------------------------------------------------------------

    def picture(self) -> bytes:
        """A JPEG that no other photo of this stack has."""
        from tests.photos import picture

        return picture(next(self._seeds))

    def photos_submit(self, count: int, *, lane: str = "interactive", publish: bool = True) -> list[int]:
        """Rows and files of so many photos, and messages unless told not to. Returns the ids of their jobs."""
        from django.db import transaction

        from tests.photos import photo_store

        with transaction.atomic():
            ids = [photo_store(self.user, self.picture(), lane=lane).job.pk for _ in range(count)]
        if publish:
            self.jobs_publish(ids, lane=lane)
        return ids

    def jobs_publish(self, ids: Sequence[int], *, lane: str = "interactive") -> None:
        """As uploads do it, one by one, or as a bulk does, in chunks. An absent broker loses them."""
        from webapp import jobs
        from webapp.captioning.models import CaptionJob
        from webapp.captioning.services.caption_jobs import jobs_publish

        if lane == jobs.BULK:
            jobs.caption_photos_enqueue(ids, queue=lane)
        else:
            for job in CaptionJob.objects.filter(pk__in=ids).order_by("pk"):
                jobs_publish([job])

    def jobs_published(self) -> list[int]:
        """The jobs that messages in the queues stand for, as often as they do."""
        import redis

        from webapp import jobs

        with redis.Redis.from_url(self.broker.url, socket_timeout=5) as client:
            messages = [json.loads(text) for queue in jobs.QUEUES for text in cast("Any", client.lrange(queue, 0, -1))]
        payloads = [json.loads(b64decode(message["body"]))[1] for message in messages]
        return [job_id for payload in payloads for job_id in payload.get("job_ids", [])]

    def jobs_in_state(self, *states: str) -> int:
        from webapp.captioning.models import CaptionJob

        return CaptionJob.objects.filter(state__in=states).count()

    def all_finished(self, *, seconds: float) -> None:
        """Wait until no photo waits or is in anybody's hands."""
        wait_until(
            lambda: not self.jobs_in_state("queued", "running"), seconds=seconds, what="the end of all caption jobs"
        )


@contextmanager
def fovea(database: str, *, bundle: Path, durable: bool = False) -> Iterator[Stack]:
    """A stack on a new database, in a temporary folder, for a process that has no Django yet: it sets it up.

    Args:
        database: sqlite or postgresql.
        durable: PostgreSQL flushes to the disk, as it does in production.
    """
    with ExitStack() as context:
        folder = Path(context.enter_context(TemporaryDirectory(prefix="fovea-chaos-")))
        broker = context.enter_context(Broker())
        for name in [name for name in os.environ if name.startswith("FOVEA_") and name != "FOVEA_CACHE_DIR"]:
            del os.environ[name]  # exports may be shared with other stacks
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "webapp.settings",
            "FOVEA_DATA_DIR": str(folder / "data"),
            "FOVEA_DATABASE_URL": context.enter_context(postgres(durable=durable)) if database == "postgresql" else "",
            "FOVEA_BROKER_URL": broker.url,
            "OMP_NUM_THREADS": "1",  # the test bundle's layers are so small that threads only wait for each other
        }
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        yield context.enter_context(Stack(folder, bundle=bundle, broker=broker))
