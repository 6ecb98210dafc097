"""A PostgreSQL server of a test's own: an empty cluster on a Unix socket, run as an unprivileged user."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from django.db import connection
from django.db.models import Model

from tests.missing_services import service_missing

OWNER = "fovea"  # of the database
UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root


class Postgres:
    """A server whose data, log and socket lie in a folder."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self.folder = folder
        self._settings = "-c fsync=on" if durable else "-c fsync=off -c shared_buffers=16MB"
        self._binaries = postgres_binaries()

    @classmethod
    def of(cls, url: str) -> Self:
        """The server that such a URL names."""
        return cls(Path(unquote(urlsplit(url).netloc.partition("@")[2])))

    @property
    def url(self) -> str:
        return f"postgresql://{OWNER}@{str(self.folder).replace('/', '%2F')}/postgres"

    def create(self) -> None:
        if os.geteuid() == 0:
            shutil.chown(self.folder, UNPRIVILEGED)
        self._run("initdb", "--auth=trust", f"--username={OWNER}", "--no-sync")

    def start(self) -> None:
        settings = f"-k {self.folder} -c listen_addresses='' {self._settings}"
        self._run("pg_ctl", "--wait", "--log", self.folder / "log", "--options", settings, "start")

    def stop(self) -> None:
        """At once, as a crash would: what was committed is there again after the next start."""
        self._run("pg_ctl", "--mode=immediate", "stop")

    @contextmanager
    def paused(self) -> Iterator[None]:
        """It stands still, with all its connections, and takes new ones that it does not answer."""
        main = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(main, signal.SIGSTOP)
        children = [int(pid) for pid in Path(f"/proc/{main}/task/{main}/children").read_text().split()]
        for child in children:
            os.kill(child, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in (main, *children):
                os.kill(process, signal.SIGCONT)

    def _run(self, program: str, *arguments: str | Path) -> None:
        as_user = {"user": UNPRIVILEGED} if os.geteuid() == 0 else {}
        command = [self._binaries / program, "--pgdata", self.folder / "data", *arguments]
        subprocess.run(command, check=True, cwd=self.folder, stdout=subprocess.DEVNULL, **as_user)  # type: ignore[call-overload]


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """The URL of a new server, stopped and removed afterwards. `durable`: it flushes to the disk, as in production."""
    folder = Path(tempfile.mkdtemp(prefix="fovea-postgres-"))  # a short path: a socket's may have 107 characters
    try:
        server = Postgres(folder, durable=durable)
        server.create()
        server.start()
        try:
            yield server.url
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def table_hidden(model: type[Model]) -> Iterator[None]:
    """The model's rows cannot be read, as in a database that was not migrated."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE elsewhere RENAME TO {table}")


def postgres_binaries() -> Path:
    """The folder of the server's programs; a test that asks is skipped where there are none."""
    found = postgres_found()
    if found is None:
        service_missing("PostgreSQL's server is not installed (Debian: postgresql)")
    return found


def postgres_found() -> Path | None:
    if found := shutil.which("initdb"):
        return Path(found).parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return debian[-1].parent if debian else None
