"""A PostgreSQL server of a test's own: an empty cluster on a Unix socket, run as an unprivileged user."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services import service_missing

UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """The URL of a new server, stopped and removed afterwards. `durable`: it flushes to the disk, as in production."""
    binaries = postgres_binaries()
    folder = Path(tempfile.mkdtemp(prefix="fovea-postgres-"))  # a short path: a socket's may have 107 characters
    as_user = {"user": UNPRIVILEGED} if os.geteuid() == 0 else {}
    if as_user:
        shutil.chown(folder, UNPRIVILEGED)
    data = folder / "data"
    settings = f"-k {folder} -c listen_addresses='' -c fsync={'on' if durable else 'off'}"
    settings += "" if durable else " -c shared_buffers=16MB"

    def run(*command: str | Path) -> None:
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, **as_user)  # type: ignore[call-overload]

    try:
        run(binaries / "initdb", "--auth=trust", "--username=fovea", "--no-sync", "--pgdata", data)
        run(binaries / "pg_ctl", "--wait", "--pgdata", data, "--log", folder / "log", "--options", settings, "start")
        try:
            yield f"postgresql://fovea@{str(folder).replace('/', '%2F')}/postgres"
        finally:
            run(binaries / "pg_ctl", "--mode=immediate", "--pgdata", data, "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
