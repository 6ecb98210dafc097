import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
_django = get_asgi_application()

from django.conf import settings  # noqa: E402  (after Django is set up)

from webapp.body_limit import BodyLimit  # noqa: E402

_FORM_BYTES = 16 * 2**20  # what a form adds to its files, at the most
_largest = max(settings.ZIP_MAX_BYTES, settings.UPLOAD_MAX_FILES * settings.UPLOAD_MAX_BYTES)
application = BodyLimit(_django, max_bytes=_largest + _FORM_BYTES)
