"""Under load, interactive uploads send no message: a message costs a worker more time than a row does.

If the workers already hold as many interactive photos as they want, an upload writes only its row. A task that has
finished its photos then looks for waiting rows. It repeats this until none waits, or sends one message and ends so that
other queues are served too. If its worker dies, the sweep finds the rows, like all rows without a message.
"""

from datetime import timedelta
from typing import Final

from django.db import Error
from django.db.models.functions import Now

from webapp import jobs
from webapp.captioning.models import CaptionJob
from webapp.captioning.selectors.caption_jobs import jobs_people_wait_for
from webapp.captioning.selectors.workers import workers_alive

IN_HAND: Final = 2 * jobs.CHUNK_SIZE  # photos per worker: one micro-batch in the model, and one being prepared
FRESH_SECONDS: Final = 2.0  # a worker whose file hangs may look for waiting rows much later


def waiting_followed() -> bool:
    """Whether tasks are busy enough that one of them will find a waiting row without a message."""
    fresh = (Now() - timedelta(seconds=FRESH_SECONDS), Now())  # a set-back clock leaves times in the future
    in_hand = CaptionJob.objects.filter(
        state=CaptionJob.State.RUNNING, lane=CaptionJob.Lane.INTERACTIVE, lease_count=1, started_at__range=fresh
    )
    try:
        count = in_hand.count()
        return count >= IN_HAND and count >= IN_HAND * workers_alive().count()
    except Error:  # the photo is stored anyway
        return False


def waiting_publish() -> bool:
    """Send one message for the first waiting row, if there is one: the calling task stops looking for rows. The task
    that takes the message looks for all waiting rows. False if the broker did not take the message."""
    first = jobs_people_wait_for().values_list("id", flat=True)[:1]
    return jobs.caption_photos_enqueue(first, queue=jobs.INTERACTIVE)
