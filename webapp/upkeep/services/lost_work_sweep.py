"""The sweep: every few seconds each worker brings back what was lost. Any number of them may do it at a time."""

from webapp.batches.services.lost_batches import batches_publish_lost, batches_reclaim
from webapp.captioning.services.heartbeats import heartbeats_forget
from webapp.captioning.services.lost_jobs import candidates_publish_lost, jobs_publish_lost, jobs_reclaim
from webapp.counters.services import counts_fold
from webapp.upkeep.services.database_clock import clock_follow


def sweep() -> None:
    jobs_publish_lost()  # before the others fill a queue: an empty queue tells that messages are lost
    clock_follow()  # at the last moment: a lease that only seems to have run out has its work done twice
    jobs_reclaim()
    batches_reclaim()
    batches_publish_lost()
    candidates_publish_lost()
    counts_fold()
    heartbeats_forget()  # last: where the clock was set to next year, they have been moved there
