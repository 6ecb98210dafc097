"""`manage.py worker_status [--json | --here]`: the workers, the queues, and whether there is progress."""

import json
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from enum import Enum
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from webapp import jobs
from webapp.captioning.selectors.operating_state import Operation, operation, span_text
from webapp.captioning.selectors.workers import WorkerState, WorkerStatus, workers_told
from webapp.upkeep.selectors import media_messages

HEADINGS = ("Worker", "State", "Device", "Model", "Up for", "Seen", "Last caption", "Captions", "Failures", "In hand")


class Command(BaseCommand):
    help = (
        "Shows the workers, the queues and what waits. Exit status 1 if no worker makes progress, one is stalled, "
        "or the broker or the database does not answer."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        either = parser.add_mutually_exclusive_group()
        either.add_argument("--json", action="store_true", help="one JSON object; its keys are in docs/watch.md")
        either.add_argument("--here", action="store_true", help="only whether this machine's worker does its part")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["here"]:
                well, told = _here()
            else:
                now = operation()
                media = media_messages()
                lines = [*_lines(now), *(f"Media      {message}" for message in media)]
                well, told = now.healthy, _json(now, media) if options["json"] else "\n".join(lines)
        except DatabaseError as error:
            told = jobs.broker_missing() or "The database does not answer:"
            raise CommandError(f"{told} {str(error).strip()}") from error
        self.stdout.write(told)
        if not well:
            sys.exit(1)


def _here() -> tuple[bool, str]:
    """Whether the newest worker of this machine is well: others are former processes of it."""
    workers, _ = workers_told(host=socket.gethostname())
    if not workers:
        return False, f"No worker of this machine, {socket.gethostname()}, has ever given a sign of life."
    worker = workers[0]
    well = worker.works or worker.state is WorkerState.STARTING
    return well, f"{worker.name}: {worker.state.value}. {worker.message}".rstrip()


def _json(now: Operation, media: list[str]) -> str:
    told = asdict(now) | {"healthy": now.healthy, "progress": now.progress.progress, "message": now.message}
    told["media"] = media
    return json.dumps(told, default=lambda value: value.value if isinstance(value, Enum) else value.isoformat())


def _lines(now: Operation) -> Iterator[str]:
    yield now.message or "All is well: photos are captioned as they come."
    yield ""
    if now.workers:
        yield from _table([HEADINGS, *map(_row, now.workers)])
        yield from (f"{worker.name}: {worker.message}" for worker in now.workers if worker.message)
        yield ""
    waiting = ", ".join(f"{count} {lane}" for lane, count in now.waiting.items())
    oldest = f"; the oldest for {span_text(now.oldest_waiting_seconds)}" if now.oldest_waiting_seconds else ""
    yield f"Waiting    {waiting}{oldest}"
    yield f"Photos     {now.running} in hand, {now.failed} failed, {now.quarantined} quarantined"
    yield f"Captions   {now.captions_per_minute} in the last minute"
    queues = now.queues or {}
    yield "Messages   " + (", ".join(f"{length} {queue}" for queue, length in queues.items()) or "unknown")


def _row(worker: WorkerStatus) -> tuple[str, ...]:
    return (
        worker.name, worker.state.value, worker.device, worker.model_version or "none",
        span_text(worker.uptime_seconds), f"{span_text(worker.seen_seconds)} ago",
        "none" if worker.last_caption_seconds is None else f"{span_text(worker.last_caption_seconds)} ago",
        str(worker.captions), str(worker.failures), str(worker.running),
    )  # fmt: skip


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as their widest cell; the three of counts to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        left = [cell.ljust(width) for cell, width in zip(row[:-3], widths, strict=False)]
        yield "  ".join([*left, *(cell.rjust(width) for cell, width in zip(row[-3:], widths[-3:], strict=True))])
