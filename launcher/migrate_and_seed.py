"""Before the site starts: migrations and, the first time, the account `admin` and the sample photos as its uploads.

It is a process of its own (`python -m launcher.migrate_and_seed`): no other part of the launcher needs Django.
"""

import io
import os
import sys
from contextlib import ExitStack
from pathlib import Path

import django
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.files import File
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import DatabaseError

from launcher.terminal import say
from webapp.data_folder.secrets import secret_ensure
from webapp.env import BASE_DIR

SAMPLES = BASE_DIR / "samples"
ADMIN = "admin"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    django.setup()
    try:
        call_command("check", stdout=io.StringIO())
        call_command("migrate", verbosity=0, interactive=False)
    except (SystemCheckError, DatabaseError) as error:
        sys.exit(str(error).strip())
    media_pair()
    account_ensure()
    samples_submit(marker=settings.DATA_DIR / "samples-submitted")


def media_pair() -> None:
    """Give media folder and database their common identity before the first upload. Say what is wrong with them."""
    from webapp.upkeep.selectors import media_messages
    from webapp.upkeep.services.media_identity import identity_settle

    identity_settle()
    for message in media_messages():
        say(f"  {message}")


def account_ensure() -> None:
    """Make the first account if there is none at all. A generated password is shown now and never again."""
    users = get_user_model().objects
    if users.exists():
        return
    password: str = settings.ENV["FOVEA_ADMIN_PASSWORD"]
    if password:
        say(f"  First start: log in as `{ADMIN}` with the password from FOVEA_ADMIN_PASSWORD.")
    else:
        path: Path = settings.DATA_DIR / "secrets" / "admin_password"
        password = secret_ensure(path, length=12)
        say(f"  First start: log in as `{ADMIN}`, password {password} (shown this once; kept in {path}).")
    users.create_superuser(username=ADMIN, password=password)


def samples_submit(*, marker: Path) -> None:
    """Upload the sample photos for `admin`, once: deleted samples do not come back."""
    from webapp.captioning.services.photo_intake import photos_upload

    owner = get_user_model().objects.filter(username=ADMIN).first()
    if marker.exists() or owner is None:
        return
    with ExitStack() as stack:
        files = [File(stack.enter_context(path.open("rb")), name=path.name) for path in sorted(SAMPLES.glob("*.jpg"))]
        photos_upload(owner=owner, files=files)
    marker.touch()


if __name__ == "__main__":
    main()
