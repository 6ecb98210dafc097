"""Secrets generated in the data folder on first start. Only their owner can read them."""

import os
import secrets
from pathlib import Path


def secret_ensure(path: Path, *, length: int = 48) -> str:
    """The secret in `path`. Makes it (mode 0600) if it is missing. Two processes may call this at the same time."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    value = secrets.token_urlsafe(length)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(value + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)  # fails if another process was first; its value counts
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    return path.read_text(encoding="utf-8").strip()
