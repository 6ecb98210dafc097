"""`python -m webapp.beat`: publishes the sweep every few seconds, for whichever worker is free. Run one of it."""

import os


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    import django

    django.setup()
    from webapp.jobs import app

    app.Beat(loglevel="INFO", quiet=True).run()


if __name__ == "__main__":
    main()
