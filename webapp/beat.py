"""`python -m webapp.beat`: publishes the sweep every few seconds, for whichever worker is free. Run one of it."""

import os
from typing import Any

import celery.beat


class Scheduler(celery.beat.Scheduler):
    """Remembers nothing, so it keeps no file; publishes nothing while the last message still waits for a worker."""

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        from webapp import jobs

        lengths = jobs.queue_lengths()
        if lengths is not None and lengths[jobs.HOUSEKEEPING] == 0:
            super().apply_entry(entry, producer)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    import django

    django.setup()
    from webapp.jobs import app

    app.Beat(loglevel="WARNING", quiet=True).run()


if __name__ == "__main__":
    main()
