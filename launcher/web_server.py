"""`python -m launcher.web_server` becomes the site: uvicorn with the settings of the variables FOVEA_*."""

import os
import sys
from collections.abc import Mapping
from typing import Any

from webapp import env


def web_command(values: Mapping[str, Any]) -> list[str]:
    command = [sys.executable, "-m", "uvicorn", "webapp.server.asgi:application"]
    command += ["--host", values["FOVEA_HOST"], "--port", str(values["FOVEA_PORT"])]
    command += ["--workers", str(env.web_processes(values))]
    if not values["FOVEA_HTTPS"]:  # there is no proxy, so any X-Forwarded-For is forged
        command.append("--no-proxy-headers")
    level = values["FOVEA_LOG_LEVEL"].lower()
    return [*command, "--timeout-graceful-shutdown", "3", "--no-access-log", "--log-level", level]


def main() -> None:
    values, _ = env.read(os.environ)  # the site itself reports wrong values
    command = web_command(values)
    os.execv(command[0], command)  # noqa: S606  (no shell is wanted)


if __name__ == "__main__":
    main()
