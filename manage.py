#!/usr/bin/env python
"""Django's command line: `python manage.py help` lists the commands."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    from django.core.management import execute_from_command_line
    from django.db import OperationalError, ProgrammingError

    try:
        execute_from_command_line(sys.argv)
    except (OperationalError, ProgrammingError) as error:  # such as a folder without a database
        if "--traceback" in sys.argv:
            raise
        from webapp.jobs import broker_missing

        remedy = broker_missing() or "See that it runs and has room, and that its tables are made: manage.py migrate."
        sys.exit(f"The database did not take that ({str(error).strip()}). {remedy}")


if __name__ == "__main__":
    main()
