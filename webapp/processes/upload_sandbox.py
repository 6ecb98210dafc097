"""The child processes in which the site opens uploaded files."""

from functools import cache

from django.conf import settings

from webapp.processes.sandbox import Sandbox


@cache
def upload_sandbox() -> Sandbox:
    return Sandbox(
        processes=settings.ENV["FOVEA_DECODE_PROCESSES"],
        timeout=settings.ENV["FOVEA_DECODE_TIMEOUT_SECONDS"],
        memory_mb=settings.ENV["FOVEA_DECODE_MEMORY_MB"],
        tries=2,
    )
