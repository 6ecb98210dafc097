from pathlib import Path

import pytest
from django.test import Client

from webapp.accounts.models import User


@pytest.fixture
def media(settings, tmp_path: Path) -> Path:
    """An empty media folder."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


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
