"""`/metrics` for Prometheus: the figures of `worker_status`, read from the database at each scrape.

This process counts nothing itself, so several web processes report the same. Labels contain no user or file names.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from webapp.captioning.selectors.operating_state import Operation, operation
from webapp.captioning.selectors.workers import WorkerState, WorkerStatus
from webapp.processes.background_calls import Background

TIMEOUT_SECONDS: Final = 4.0  # for a silent database; Prometheus gives up after ten

_operation: Final = Background(operation, name="metrics")


class OperationCollector(Collector):
    def __init__(self, now: Operation) -> None:
        self._now = now

    def collect(self) -> Iterable[Metric]:
        yield from _photos(self._now)
        yield from _workers(self._now.workers)


def _photos(now: Operation) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "fovea_healthy", "1 if every worker makes progress and the broker answers, else 0.", float(now.healthy)
    )
    yield GaugeMetricFamily("fovea_broker_up", "1 if the broker answers, else 0.", float(now.queues is not None))
    messages = GaugeMetricFamily(
        "fovea_queue_messages", "Messages in each queue; absent if the broker does not answer.", labels=["queue"]
    )
    for queue, length in (now.queues or {}).items():
        messages.add_metric([queue], length)
    yield messages
    waiting = GaugeMetricFamily("fovea_photos_waiting", "Photos that wait for a worker, by lane.", labels=["lane"])
    for lane, count in now.waiting.items():
        waiting.add_metric([lane], count)
    yield waiting
    yield GaugeMetricFamily("fovea_photos_running", "Photos that workers are captioning.", now.running)
    yield GaugeMetricFamily("fovea_photos_failed", "Photos that could not be captioned.", now.failed)
    yield GaugeMetricFamily(
        "fovea_photos_quarantined", "Photos set aside because opening them crashed or hung a process.", now.quarantined
    )
    yield GaugeMetricFamily(
        "fovea_oldest_waiting_seconds",
        "Waiting time of the photo that has waited longest; 0 if none waits.",
        now.oldest_waiting_seconds or 0,
    )
    yield GaugeMetricFamily(
        "fovea_captions_per_minute", "Captions written in the last minute.", now.captions_per_minute
    )


def _workers(workers: list[WorkerStatus]) -> Iterator[Metric]:
    up = GaugeMetricFamily(
        "fovea_worker_up",
        "1 if the worker's heartbeat is fresh and it makes progress or is idle, else 0.",
        labels=["worker", "device", "model_version"],
    )
    state = GaugeMetricFamily("fovea_worker_state", "1 for the state the worker is in.", labels=["worker", "state"])
    started = GaugeMetricFamily(
        "fovea_worker_start_time_seconds", "When the worker started, in Unix time.", labels=["worker"]
    )
    seen = GaugeMetricFamily(
        "fovea_worker_last_seen_time_seconds", "When the worker last sent a heartbeat, in Unix time.", labels=["worker"]
    )
    last = GaugeMetricFamily(
        "fovea_worker_last_caption_time_seconds",
        "When the worker last wrote a caption, in Unix time; absent before its first caption.",
        labels=["worker"],
    )
    running = GaugeMetricFamily(
        "fovea_worker_photos_running", "Photos that the worker captions now.", labels=["worker"]
    )
    captions = CounterMetricFamily(
        "fovea_captions", "Captions that the worker has written since it started.", labels=["worker"]
    )
    failures = CounterMetricFamily(
        "fovea_failures", "Photos that the worker has failed to caption since it started.", labels=["worker"]
    )
    for worker in workers:
        up.add_metric([worker.name, worker.device, worker.model_version or ""], float(worker.works))
        for each in WorkerState:
            state.add_metric([worker.name, each.value], float(worker.state is each))
        started.add_metric([worker.name], worker.started_at.timestamp())
        seen.add_metric([worker.name], worker.seen_at.timestamp())
        if worker.last_caption_at is not None:
            last.add_metric([worker.name], worker.last_caption_at.timestamp())
        running.add_metric([worker.name], worker.running)
        captions.add_metric([worker.name], worker.captions)
        failures.add_metric([worker.name], worker.failures)
    yield from (up, state, started, seen, last, running, captions, failures)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """503 if the database is unreachable or silent. An unreachable broker is only a metric (`fovea_broker_up`)."""
    try:
        now = _operation.start().result(TIMEOUT_SECONDS)
    except TimeoutError:
        return _away(f"no answer within {TIMEOUT_SECONDS:g} s")
    except DatabaseError as error:
        return _away(str(error).strip())
    registry = CollectorRegistry()
    registry.register(OperationCollector(now))
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(registry), content_type=content_type)


def _away(why: str) -> HttpResponse:
    return HttpResponse(f"The database is unavailable: {why}\n", status=503, content_type="text/plain; charset=utf-8")
