from pathlib import Path

import pytest
from django.test import Client

from webapp import jobs
from webapp.accounts.models import User


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


def files_of(media: Path) -> list[Path]:
    """Every file and every unfinished upload below the media folder."""
    incoming = media / "incoming"
    unfinished = list(incoming.iterdir()) if incoming.exists() else []
    return [path for path in media.rglob("*") if path.is_file()] + unfinished
