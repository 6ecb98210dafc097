"""The sweep: every few seconds each worker puts lost work back. Several may sweep at the same time."""

from webapp.batches.services.lost_batches import batches_publish_lost, batches_reclaim
from webapp.captioning.services.heartbeats import heartbeats_forget
from webapp.captioning.services.lost_jobs import candidates_publish_lost, jobs_publish_lost, jobs_reclaim
from webapp.counters.services import counts_fold
from webapp.upkeep.services.database_clock import clock_follow


def sweep() -> None:
    jobs_publish_lost()  # first, before the others fill a queue: only an empty queue tells that messages are lost
    clock_follow()  # just before: a lease that wrongly seems to have run out costs double work
    jobs_reclaim()
    batches_reclaim()
    batches_publish_lost()
    candidates_publish_lost()
    counts_fold()
    heartbeats_forget()  # last: after a jump of the clock the heartbeats have been moved
