#!/usr/bin/env python
"""Django's command line: `python manage.py help` lists the commands."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    _database_check()
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


def _database_check() -> None:
    """A command without FOVEA_DATABASE_URL would find, or make, another database than the site's."""
    from webapp import env
    from webapp.data_folder.running_site import running_site, server_database

    values, _ = env.read(os.environ)
    folder = values["FOVEA_DATA_DIR"]
    server = server_database(folder)
    if server and not values["FOVEA_DATABASE_URL"] and running_site(folder) is None:
        sys.exit(f"The site of {folder} keeps its rows in {server}. Set FOVEA_DATABASE_URL, or start the site.")


if __name__ == "__main__":
    main()
