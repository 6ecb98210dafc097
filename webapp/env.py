"""The environment variables of Fovea: name, type, default and meaning of each.

`read` never raises. A wrong value becomes a `Problem`, and the default is used. A Django system check shows all
problems at once.
"""

import difflib
import os
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Variable:
    """One variable. `parse` converts its text to a value, or raises ValueError with the remedy."""

    parse: Callable[[str], Any]
    default: Any
    help: str
    secret: bool = False  # NAME_FILE may name a file that holds it


@dataclass(frozen=True)
class Problem:
    name: str
    value: str
    remedy: str


def _text(value: str) -> str:
    return value


def _boolean(value: str) -> bool:
    lowered = value.lower()
    if lowered in {"1", "true", "yes", "on"}:
        return True
    if lowered in {"0", "false", "no", "off"}:
        return False
    raise ValueError("use 1 or 0")


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise ValueError(f"use a whole number from {low} to {high}")
        return number

    return parse


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError(f"use one of: {', '.join(choices)}")
        return value

    return parse


def _device(value: str) -> str:
    if value in {"auto", "cpu", "cuda"} or (value.startswith("cuda:") and value[5:].isdigit()):
        return value
    raise ValueError("use auto, cpu, cuda or cuda:0, cuda:1, …")


def _list(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


def _path(value: str) -> Path:
    path = Path(value).expanduser().absolute()
    for character in str(path):
        category = unicodedata.category(character)
        if category in {"Cc", "Cs"}:  # logs, rows and pages cannot show it
            what = f"the byte {ord(character) - 0xDC00:#x}, which is no UTF-8" if category == "Cs" else ascii(character)
            raise ValueError(f"the path contains {what}; rename the folder, or choose another one")
    return path


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        try:
            parts = urlsplit(value)
            _ = parts.port  # urlsplit checks the port only when it is read
        except ValueError as error:
            raise ValueError(
                "use scheme://user:password@host:port/name, with / # ? @ : [ of the password percent-encoded"
            ) from error
        if parts.scheme not in schemes:
            raise ValueError(f"use a URL that starts with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return value

    return parse


_MB = 2**20

VARIABLES: dict[str, Variable] = {
    "FOVEA_DATA_DIR": Variable(_path, BASE_DIR / "var", "database, media, models and secrets live here"),
    "FOVEA_CACHE_DIR": Variable(
        _path, "", "networks compiled for this machine; `cache` in the data folder if empty; may be deleted"
    ),
    "FOVEA_HOST": Variable(_text, "127.0.0.1", "address the site listens on"),
    "FOVEA_PORT": Variable(_integer(1, 65535), 8000, "port the site listens on"),
    "FOVEA_WEB_PROCESSES": Variable(
        _integer(0, 64), 0, "processes that serve the site; 0: one for every 4 cores, at most 4"
    ),
    "FOVEA_DEBUG": Variable(_boolean, False, "Django's debug pages; never on a public address"),
    "FOVEA_LOG_LEVEL": Variable(_choice("DEBUG", "INFO", "WARNING", "ERROR"), "INFO", "how much the processes log"),
    "FOVEA_SECRET_KEY": Variable(_text, "", "signs sessions; generated in the data folder if empty", secret=True),
    "FOVEA_ADMIN_PASSWORD": Variable(
        _text, "", "password of the first account `admin`; generated if empty", secret=True
    ),
    "FOVEA_ALLOWED_HOSTS": Variable(_list, ["127.0.0.1", "localhost", "[::1]"], "host names the site answers to"),
    "FOVEA_CSRF_TRUSTED_ORIGINS": Variable(_list, [], "origins behind a proxy, such as https://photos.example.org"),
    "FOVEA_HTTPS": Variable(_boolean, False, "the site is reached over HTTPS: secure cookies, proxy header trusted"),
    "FOVEA_SIGNUP_OPEN": Variable(_boolean, True, "anybody may sign up"),
    "FOVEA_DATABASE_URL": Variable(
        _url("sqlite", "postgres", "postgresql"), "", "SQLite in the data folder if empty", secret=True
    ),
    "FOVEA_BROKER_URL": Variable(
        _url("redis", "rediss", "unix"), "", "`make run` starts an embedded broker if empty", secret=True
    ),
    "FOVEA_UPLOAD_MAX_BYTES": Variable(_integer(1024, 1024 * _MB), 20 * _MB, "largest photo in bytes"),
    "FOVEA_UPLOAD_MAX_PIXELS": Variable(_integer(1, 500_000_000), 50_000_000, "largest photo in pixels"),
    "FOVEA_UPLOAD_MAX_FILES": Variable(_integer(1, 10_000), 100, "files in one request"),
    "FOVEA_ZIP_MAX_BYTES": Variable(_integer(1024, 64 * 1024 * _MB), 2048 * _MB, "largest zip in bytes"),
    "FOVEA_ZIP_MAX_FILES": Variable(_integer(1, 1_000_000), 10_000, "files in one zip"),
    "FOVEA_DEFAULT_BUNDLE": Variable(
        _path, BASE_DIR / "models" / "default", "model bundle registered when no model is active"
    ),
    "FOVEA_DEVICE": Variable(_device, "auto", "device of the worker's model: auto, cpu, cuda, cuda:1"),
    "FOVEA_WORKER_THREADS": Variable(_integer(1, 256), 8, "tasks a worker holds at a time"),
    "FOVEA_WORKER_MAX_BATCH": Variable(_integer(0, 512), 0, "photos in one micro-batch; 0: 16 on a CPU, 64 on a GPU"),
    "FOVEA_WORKER_MAX_WAIT_MS": Variable(_integer(0, 1000), 5, "how long a micro-batch waits for more photos"),
    "FOVEA_DECODE_PROCESSES": Variable(
        _integer(1, 64), 2, "child processes for opening untrusted files, per worker and per web process"
    ),
    "FOVEA_DECODE_TIMEOUT_SECONDS": Variable(_integer(1, 600), 20, "longest time a child may spend on one file"),
    "FOVEA_DECODE_MEMORY_MB": Variable(_integer(256, 65536), 2048, "memory a child may use"),
}


def _source(name: str, variable: Variable, environ: Mapping[str, str]) -> str | None:
    if variable.secret and (path := environ.get(f"{name}_FILE")):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{name}_FILE={path} cannot be read ({error}); name a readable text file") from error
    return environ.get(name)


def read(environ: Mapping[str, str]) -> tuple[dict[str, Any], list[Problem]]:
    """The value of every variable (its default if unset, empty or wrong), and the problems."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, variable in VARIABLES.items():
        values[name] = variable.default
        text = None
        try:
            text = _source(name, variable, environ)
            if not text and isinstance(variable.default, Path):
                text = str(variable.default)  # checked too: the checkout may lie in a folder of any name
            if text:
                values[name] = variable.parse(text)
        except ValueError as error:
            shown = "(hidden)" if variable.secret else text or ""
            problems.append(Problem(name, shown if shown.isprintable() else ascii(shown)[1:-1], str(error)))
    return values, problems


def web_processes(values: Mapping[str, Any]) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(values["FOVEA_WEB_PROCESSES"]) or max(1, min(4, cores // 4))


def unknown(environ: Mapping[str, str]) -> list[Problem]:
    """`FOVEA_*` names that nothing reads, probably misspelt, each with the nearest known name."""
    known = set(VARIABLES) | {f"{name}_FILE" for name, variable in VARIABLES.items() if variable.secret}
    problems = []
    for name in sorted(name for name in environ if name.startswith("FOVEA_") and name not in known):
        near = difflib.get_close_matches(name, known, n=1)
        remedy = f"did you mean {near[0]}?" if near else "no such variable; see webapp/env.py"
        problems.append(Problem(name, environ[name], remedy))
    return problems


def url_shown(url: str, *, user: bool = False) -> str:
    """The URL without password and query. Without the user too, unless `user`: a broker's user may be a secret."""
    parts = urlsplit(url)
    who = f"{parts.username}@" if user and parts.username else ""
    return f"{parts.scheme}://{who}{parts.netloc.rpartition('@')[2]}{parts.path}" if url else ""
