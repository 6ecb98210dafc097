import multiprocessing
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402  (after Django is set up)

from webapp.env import web_processes  # noqa: E402
from webapp.processes.end_with_parent import process_die_with_parent  # noqa: E402
from webapp.server.body_limit import BodyLimit  # noqa: E402
from webapp.server.request_threads import ThreadedHandler  # noqa: E402

if (_parent := multiprocessing.parent_process()) is not None:  # one of several: an orphan would keep the port
    process_die_with_parent(_parent.pid)

_FORM_BYTES = 16 * 2**20  # most bytes that a form adds to its files
_largest = max(settings.ZIP_MAX_BYTES, settings.UPLOAD_MAX_FILES * settings.UPLOAD_MAX_BYTES)
application = BodyLimit(ThreadedHandler(processes=web_processes(settings.ENV)), max_bytes=_largest + _FORM_BYTES)
