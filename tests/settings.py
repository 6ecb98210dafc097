"""The settings of the tests: webapp's own, in a data folder of this run's, free of the caller's `FOVEA_*` variables.

The environment is set here, before webapp.settings reads it, so that the processes which tests start see the same.
`TEST_DATABASE_URL` runs the tests on another database than SQLite, such as PostgreSQL.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

for _name in [name for name in os.environ if name.startswith("FOVEA_")]:
    del os.environ[_name]
_folder = Path(tempfile.mkdtemp(prefix="fovea-tests-"))
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ["FOVEA_DATA_DIR"] = str(_folder)
os.environ["FOVEA_CACHE_DIR"] = str(_folder / "cache")  # of all workers that tests start
os.environ["FOVEA_DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL", "")
os.environ["FOVEA_BROKER_URL"] = "redis://127.0.0.1:1/0"  # nothing listens: a test asks for the fixture `broker`

os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.settings"  # of the processes that tests start: as in production

from webapp.settings import *  # noqa: E402, F403

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file as in production: SQLite's shared memory ignores the time-out, and other processes do not see it.
    DATABASES["default"]["TEST"] = {"NAME": str(_folder / "test.sqlite3")}  # noqa: F405

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # as slow as a real one is, it adds up
