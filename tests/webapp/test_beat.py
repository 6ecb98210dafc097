"""Beat's scheduler, with a real broker; as a process it is in tests/worker/test_process.py."""

from celery.beat import ScheduleEntry

from tests.brokers import Broker
from webapp import jobs
from webapp.beat import Scheduler


def _sweep(scheduler: Scheduler) -> ScheduleEntry:
    return scheduler.schedule["sweep"]


def test_beat_publishes_the_sweep_as_housekeeping(broker: Broker) -> None:
    scheduler = Scheduler(app=jobs.app)
    scheduler.apply_entry(_sweep(scheduler))
    assert jobs.queue_lengths() == {"housekeeping": 1, "interactive": 0, "bulk": 0}


def test_beat_waits_while_the_last_sweep_waits(broker: Broker) -> None:
    scheduler = Scheduler(app=jobs.app)
    for _ in range(3):
        scheduler.apply_entry(_sweep(scheduler))
    assert broker.length(jobs.HOUSEKEEPING) == 1


def test_beat_without_a_broker_goes_on() -> None:
    scheduler = Scheduler(app=jobs.app, lazy=True)
    scheduler.setup_schedule()
    scheduler.apply_entry(_sweep(scheduler))
    assert jobs.queue_lengths() is None
