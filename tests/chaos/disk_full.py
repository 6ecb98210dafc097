"""The disk full while media are stored, while rows are written, while a bundle is saved, and below a whole `make run`.

Each is refused with its remedy, leaves neither a row without files nor files without a row, and works again without a
restart once there is room. The disk is a real one, of some megabytes in memory, which only root can have.
"""

import itertools
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

import httpx
from django.conf import settings
from django.db import connection

from tests.bundles import bundle_make
from tests.chaos.figures import Figures
from tests.chaos.promises import captioned_once
from tests.databases import UNPRIVILEGED, Postgres
from tests.disks import Disk, small_disk
from tests.launcher.run_on_full_disk import site_outlives_full_disk
from tests.pictures import noise
from tests.processes import ROOT
from tests.stack import Stack
from tests.webapp.zips import zipped
from webapp.batches.models import Batch
from webapp.captioning.models import ModelVersion
from webapp.photos.models import Photo

MEGABYTES = 64
PAGE = 4096
STEPS = {"full": 120, "small": 24}  # how many amounts of free space are tried, each a page more
CYCLES = {"full": 6, "small": 2}  # of a whole `make run`, whose logs find no room either
ROWS = 100  # more than fit into what is left of a table's last page

REGISTER = [sys.executable, "manage.py", "register_model"]


def run(stack: Stack, scale: str, seed: int) -> Figures:
    """`seed` is of no use: every amount of free space is tried."""
    if os.geteuid() != 0:
        return Figures(0, note="NOT RUN: only root can mount a small disk")
    connection.close()
    refusals = 0
    with ExitStack() as context:
        disk = context.enter_context(small_disk(Path(settings.DATA_DIR), megabytes=MEGABYTES))
        temporary = disk.folder / "tmp"
        temporary.mkdir()
        web = stack.web_start(TMPDIR=str(temporary))
        worker = stack.worker_start()
        client = context.enter_context(stack.client(web))
        assert _upload(client, stack.picture()) == 202
        large = noise(size=(2600, 2000))  # does not fit into the site's memory: it is spooled to the disk
        disk.fill()
        for content in (stack.picture(), large):
            refusals += _upload(client, content) == 507
        assert refusals == 2, "an upload onto a full disk was taken"
        refusals += _zip_refused(client, stack)
        for step in range(STEPS[scale]):
            disk.fill(leave=step * PAGE)
            refusals += _upload(client, stack.picture()) == 507
            _orphans_none()
        if connection.vendor == "postgresql":
            refusals += _rows_refused(client, stack)
        other = bundle_make(stack.folder / "other", seed=1)
        disk.fill()
        refusals += _bundle_refused(other)
        disk.free()
        for content in (stack.picture(), large):
            assert _upload(client, content) == 202, "an upload is refused though there is room again"
        subprocess.run([*REGISTER, other], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
        _orphans_none()
        figures = captioned_once(stack, seconds=120)
        assert worker.running.poll() is None, "the worker ended"
        assert web.running.poll() is None, "the site ended"
        connection.close()
    site = stack.folder / "site"
    site.mkdir()
    refusals += site_outlives_full_disk(site, stack.bundle, cycles=CYCLES[scale])
    return Figures(kills=refusals, note="refusals, each with its remedy; no orphan", **figures)


def _upload(client: httpx.Client, content: bytes) -> int:
    """The status of the answer, whose text is looked at too."""
    answer = client.post("photos/", files={"file": ("photo.jpg", content)})
    assert answer.status_code in {202, 507}, f"an upload is answered {answer.status_code}: {answer.text[:300]}"
    assert answer.status_code == 202 or "Free some space" in answer.text, answer.text
    return answer.status_code


def _zip_refused(client: httpx.Client, stack: Stack) -> bool:
    content = zipped({f"{number}.jpg": stack.picture() for number in range(3)})
    answer = client.post("batches/", files={"archive": ("photos.zip", content)})
    assert answer.status_code == 507, f"a zip is answered {answer.status_code}: {answer.text[:300]}"
    assert "Free some space" in answer.text, answer.text
    assert not Batch.objects.exists()
    return True


def _rows_refused(client: httpx.Client, stack: Stack) -> bool:
    """The photos' table on a full disk of its own, while the media have room."""
    folder = Postgres.of(settings.ENV["FOVEA_DATABASE_URL"]).folder / "small"
    folder.mkdir()
    shutil.chown(folder, UNPRIVILEGED)
    with small_disk(folder, megabytes=2) as disk:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
            cursor.execute("ALTER TABLE photos_photo SET TABLESPACE small")
        disk.fill()
        Disk(Path(settings.DATA_DIR)).free()
        refused = next((True for _ in range(ROWS) if _upload(client, stack.picture()) == 507), False)
        assert refused, "the table's disk is full, and no row was refused"
        _orphans_none()
        disk.free()
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE photos_photo SET TABLESPACE pg_default")
            cursor.execute("DROP TABLESPACE small")
        connection.close()
    return True


def _bundle_refused(bundle: Path) -> bool:
    models, versions = sorted(Path(settings.MODELS_DIR).iterdir()), ModelVersion.objects.count()
    done = subprocess.run([*REGISTER, bundle], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, f"registering on a full disk ends with {done.returncode}"
    assert "make room" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    assert sorted(Path(settings.MODELS_DIR).iterdir()) == models, "a part of the bundle was left"
    assert ModelVersion.objects.count() == versions
    return True


def _orphans_none() -> None:
    """The files of the media folder are those that rows name, each with its label."""
    media = Path(settings.MEDIA_ROOT)
    rows = itertools.chain.from_iterable(Photo.objects.values_list("original", "thumbnail", "preview"))
    files = {str(path.relative_to(media)) for path in media.glob("*/*/*/*") if path.is_file()}
    named = set(rows)
    named |= {str(PurePosixPath(name).with_name("label.json")) for name in named}
    assert files == named, f"files without a row: {sorted(files - named)}; rows without files: {sorted(named - files)}"
    assert not any((media / "incoming").iterdir()), "an unfinished upload was left"
