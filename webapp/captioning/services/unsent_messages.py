"""Photos for which people wait need no message each, which costs a worker more than their rows do.

Where as many are in hand as a worker wants at a time, an upload sends none: its row is there, and whoever has the
others looks for the next ones once theirs are done, and does so until none waits or, as others want to be served too,
hands on by a message. Where that worker dies, the sweep finds the row as it does any other without a message.
"""

from datetime import timedelta
from typing import Final

from django.db import Error
from django.db.models.functions import Now

from webapp import jobs
from webapp.captioning.models import CaptionJob
from webapp.captioning.selectors.caption_jobs import jobs_people_wait_for
from webapp.captioning.selectors.workers import workers_alive

IN_HAND: Final = 2 * jobs.CHUNK_SIZE  # of each worker: one micro-batch is in the model, and the next one is made ready
FRESH_SECONDS: Final = 2.0  # a worker whose file hangs may look for the next ones much later


def waiting_followed() -> bool:
    """Whether those who have photos in hand will find those whose rows are there by now."""
    fresh = (Now() - timedelta(seconds=FRESH_SECONDS), Now())  # what is later is of another clock, and may be old
    in_hand = CaptionJob.objects.filter(
        state=CaptionJob.State.RUNNING, lane=CaptionJob.Lane.INTERACTIVE, lease_count=1, started_at__range=fresh
    )
    try:
        count = in_hand.count()
        return count >= IN_HAND and count >= IN_HAND * workers_alive().count()
    except Error:  # the photo is in all the same
        return False


def waiting_publish() -> bool:
    """Whoever has looked for the next ones does so no more: a message for the first of them, if there is one. Whoever
    takes it looks for all of them, should that one be gone. False where the broker did not take it."""
    first = jobs_people_wait_for().values_list("id", flat=True)[:1]
    return jobs.caption_photos_enqueue(first, queue=jobs.INTERACTIVE)
