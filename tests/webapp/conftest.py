import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.db.models.functions import Now
from django.test import Client

from tests.pictures import upload
from webapp import jobs
from webapp.accounts.models import User
from webapp.captioning.models import ModelVersion, WorkerHeartbeat
from webapp.captioning.services import photo_intake
from webapp.captioning.services.photo_intake import photo_submit
from webapp.photos.models import Photo

PHOTO_FILES = 4  # original, thumbnail, preview and label


@pytest.fixture(autouse=True)
def _broker_untried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_broker_rests_until", 0.0)


@pytest.fixture
def media(settings, tmp_path: Path) -> Path:
    """An empty media folder."""
    folder = tmp_path / "media"
    settings.MEDIA_ROOT = folder
    return folder


@pytest.fixture
def member(client: Client, user: User) -> Client:
    """A browser in which `user` is logged in."""
    client.force_login(user)
    return client


@pytest.fixture
def photo(media: Path, user: User) -> Photo:
    return photo_submit(owner=user, file=upload(), name="photo.jpg")[0]


@pytest.fixture
def model_version(db: None) -> ModelVersion:
    return ModelVersion.objects.create(
        version="f" * 64, name="default", path="models/f", config={"preprocessing": {"resize": "squash"}}
    )


@pytest.fixture
def worker(model_version: ModelVersion) -> WorkerHeartbeat:
    return WorkerHeartbeat.objects.create(
        name="w1", device="cpu", started_at=Now(), seen_at=Now(), model_version=model_version
    )


@pytest.fixture
def full_for(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes the disk full while the photo of that name is taken in; with an empty name, for every file."""
    real_create, real_sync = photo_intake.photo_submit, os.fsync
    taken: list[str] = []

    def fill(name: str) -> None:
        def create(**kwargs: object) -> object:
            taken[:] = [str(kwargs["name"])]
            return real_create(**kwargs)  # type: ignore[arg-type]

        def sync(descriptor: int) -> None:
            if taken[0].endswith(name):
                raise OSError(errno.ENOSPC, "No space left on device")
            real_sync(descriptor)

        monkeypatch.setattr(photo_intake, "photo_submit", create)
        monkeypatch.setattr(os, "fsync", sync)

    return fill


def files_of(media: Path) -> list[Path]:
    """Every file and every unfinished upload below the media folder."""
    incoming = media / "incoming"
    unfinished = list(incoming.iterdir()) if incoming.exists() else []
    return [path for path in media.rglob("*") if path.is_file()] + unfinished


@pytest.fixture
def page(client: Client, staff_user: User) -> Client:
    client.force_login(staff_user)
    return client


@pytest.fixture
def viewer(client: Client, db: None) -> Client:
    """Staff who may look at everything and do nothing."""
    user = User.objects.create_user("vera", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(user)
    return client
