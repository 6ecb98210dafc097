"""`manage.py worker_status [--json]`: the workers, the queues, and whether there is progress."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from webapp import jobs
from webapp.gallery.selectors.workers import worker_progress, workers_alive, workers_known


class Command(BaseCommand):
    help = "Shows the workers and the queues. Exit status 1 if no worker makes progress or the broker does not answer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        status = _status()
        if options["json"]:
            self.stdout.write(json.dumps(status, default=str))
        else:
            for line in _lines(status):
                self.stdout.write(line)
        if status["progress"] != "ok" or status["queues"] is None:
            sys.exit(1)


def _status() -> dict[str, Any]:
    alive = set(workers_alive().values_list("pk", flat=True))
    progress = worker_progress()
    return {
        "progress": progress.progress.value,
        "message": progress.message,
        "queues": jobs.queue_lengths(),
        "workers": [
            {
                "name": worker.name,
                "alive": worker.pk in alive,
                "device": worker.device,
                "model_version": str(worker.model_version) if worker.model_version else None,
                "captions": worker.captions,
                "failures": worker.failures,
                "started_at": worker.started_at,
                "seen_at": worker.seen_at,
                "last_caption_at": worker.last_caption_at,
                "error": worker.error,
            }
            for worker in workers_known()
        ],
    }


def _lines(status: dict[str, Any]) -> list[str]:
    lines = [status["message"] or "Workers make progress."]
    for worker in status["workers"]:
        alive = "alive" if worker["alive"] else f"last seen {worker['seen_at']:%Y-%m-%d %H:%M:%S} UTC"
        counts = f"{worker['captions']} captions, {worker['failures']} failures"
        lines.append(
            f"{worker['name']}  {alive}  {worker['device']}  {worker['model_version'] or 'no model'}  {counts}"
        )
        lines += [f"    {worker['error']}"] if worker["error"] else []
    if status["queues"] is None:
        return [*lines, "The broker does not answer: photos are kept, and captioned once it is back."]
    return [*lines, "Messages: " + ", ".join(f"{length} {queue}" for queue, length in status["queues"].items())]
