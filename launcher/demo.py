"""`make demo`: the main job once in a temporary folder, over HTTP as a user would do it: start, upload, captions."""

import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from launcher.errors import LaunchError
from launcher.ports import free_port
from launcher.start_and_stop import Fovea, model_unusable
from launcher.stop_signals import StopAsked, Stopper
from launcher.terminal import path_shown, say
from webapp.env import BASE_DIR

SAMPLES = BASE_DIR / "samples"
FIGURE_OF = SAMPLES / "camera.jpg"
FIGURE = BASE_DIR / "var" / "demo" / "attention.png"
SECONDS = 180.0  # before giving up; it takes a quarter of a minute on two idle cores
KEPT = {"FOVEA_CACHE_DIR", "FOVEA_DEFAULT_BUNDLE", "FOVEA_DEVICE", "FOVEA_LOG_LEVEL"}  # of the caller's settings
CERTAIN = 0.5  # as on the photo's page
UNSURE = 0.35  # a confidence below which one in six captions of Flickr8k's validation photos lies
FINAL_STATES = {"done", "failed", "quarantined", "cancelled"}


def demo() -> int:
    stopper = Stopper()
    started = time.monotonic()
    photos = sorted(SAMPLES.glob("*.jpg"))
    password = secrets.token_urlsafe(12)
    with tempfile.TemporaryDirectory(prefix="fovea-demo-") as folder:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("FOVEA_") or name in KEPT}
        environ.setdefault("FOVEA_CACHE_DIR", str(BASE_DIR / "var" / "cache"))  # the next demo starts faster
        environ |= {
            "FOVEA_DATA_DIR": folder,
            "FOVEA_PORT": str(free_port()),
            "FOVEA_ADMIN_PASSWORD": password,
        }
        (Path(folder) / "samples-submitted").touch()  # this user uploads them
        say("Fovea's main job, in a temporary folder: start, upload, caption.")
        try:
            with Fovea(environ, say=say, waiting=stopper.wait) as fovea, _figure(FIGURE_OF, environ) as figure:
                try:
                    rows = _captions(fovea, photos, password, stopper, give_up=started + SECONDS)
                    say(_table(rows))
                    wrong = [row["name"] for row in rows if row["state"] != "done"]
                    if wrong:
                        raise LaunchError(f"no caption for {', '.join(wrong)}.")
                    said, _ = figure.communicate()
                except LaunchError:
                    for name in ("web", "worker"):
                        say(f"\nThe last lines of the {name}'s log:")
                        say("".join(f"    {line}\n" for line in fovea.log_tail(name)))
                    raise
            if figure.returncode:
                raise LaunchError(f"the attention figure was not written.\n{said}")
        except StopAsked:
            say("Stopped.")
            return 1
        except LaunchError as error:
            say(f"Failed: {error}")
            return 1
    say(f"\n  Where the model looked for each word: {path_shown(FIGURE)}")
    say(f"  All of it took {time.monotonic() - started:.0f} seconds, from an empty folder. Now try `make run`.")
    return 0


@contextmanager
def _figure(photo: Path, environ: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """`manage.py caption --attention`, started beside the site: it draws where the model looks for each word."""
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "manage.py", "caption", str(photo), "--attention", str(FIGURE)]
    out: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, cwd=BASE_DIR, env=environ, start_new_session=True, **out) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def _captions(
    fovea: Fovea, photos: list[Path], password: str, stopper: Stopper, *, give_up: float
) -> list[dict[str, Any]]:
    """Uploads the photos and waits until each has its caption or its error. Returns the API's rows."""
    while not fovea.answers("/healthz"):
        _still_possible(fovea, give_up)
        stopper.wait(0.2)
    say(f"  The site answers at {fovea.url}; uploading {len(photos)} photos …")
    try:
        with httpx.Client(base_url=f"{fovea.url}/api/v1/", timeout=20, trust_env=False) as client:
            answer = client.post("auth/login/", json={"username": "admin", "password": password})
            client.headers["Authorization"] = f"Token {answer.raise_for_status().json()['token']}"
            files = [("file", (path.name, path.read_bytes(), "image/jpeg")) for path in photos]
            uploaded = client.post("photos/", files=files).raise_for_status().json()
            rows = [dict(item) for item in uploaded["results"]]
            for row in rows:
                while row["id"] and row["state"] not in FINAL_STATES:
                    _still_possible(fovea, give_up)
                    stopper.wait(0.2)
                    row.update(client.get(f"photos/{row['id']}/").raise_for_status().json())
    except httpx.HTTPStatusError as error:
        raise LaunchError(f"{error}: {error.response.text[:500]}") from error
    except httpx.HTTPError as error:
        raise LaunchError(f"The site did not answer: {error!r}") from error
    return rows


def _still_possible(fovea: Fovea, give_up: float) -> None:
    if model_unusable(fovea.states()["worker"]):
        raise LaunchError("the worker cannot use its model.")
    if time.monotonic() > give_up:
        raise LaunchError(f"not done after {SECONDS:.0f} seconds.")


def _says(text: str, word: str) -> bool:
    """Whether the text has the word, or its regular plural."""
    return bool(re.search(rf"\b{re.escape(word)}(s|es)?\b", text, re.IGNORECASE))


def objects_note(row: dict[str, Any]) -> str:
    """What the classifier is certain of and the caption does not say; whether the caption model knows such photos.

    It does not where the caption is unsure and its own words name no object that the classifier is certain of.
    """
    certain = [each for each in row["objects"] if each["probability"] >= CERTAIN]
    own = " ".join(word["text"] for word in row["words"] if word.get("seen") is None)
    notes = [
        f"{each['word']} ({each['probability']:.2f})" for each in certain if not _says(row["caption"], each["word"])
    ]
    if row["confidence"] < UNSURE and not any(_says(own, each["word"]) for each in certain):
        notes.append("outside what it was trained on")
    return ", ".join(notes)


def _table(rows: list[dict[str, Any]]) -> str:
    """`ms`: the worker's milliseconds for the photo: opening it, waiting for its batch, the model."""
    width = max(len(row.get("caption") or "") for row in rows)
    lines = [f"\n  {'photo':<14} {'caption':<{width}} {'confidence':>10} {'ms':>6}  it also sees"]
    for row in rows:
        if row["state"] == "done":
            ms = sum(row["timings"][part] for part in ("decode_ms", "wait_ms", "model_ms"))
            numbers = f"{row['confidence']:>10.2f} {ms:>6.0f}"
            lines.append(f"  {row['name']:<14} {row['caption']:<{width}} {numbers}  {objects_note(row)}".rstrip())
        else:
            lines.append(f"  {row['name']:<14} {(row['error'] or {}).get('message') or row['state']}")
    return "\n".join(lines)
