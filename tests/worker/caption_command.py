"""`manage.py caption`, run in process."""

import io

from django.core.management import CommandError, call_command


def caption_lines(*photos: str, **options: object) -> tuple[list[str], CommandError | None]:
    """The command's lines, and the error it ended with."""
    out = io.StringIO()
    try:
        call_command("caption", *photos, stdout=out, **options)
    except CommandError as error:
        return out.getvalue().splitlines(), error
    return out.getvalue().splitlines(), None
