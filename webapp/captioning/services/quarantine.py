"""Photos that harm the process that opens them. Each is tried once more, alone, then quarantined; it can be retried."""

from typing import Final

from django.db import transaction
from django.db.models import F

from webapp.captioning.models import CaptionJob
from webapp.captioning.services.leases import ENDED, Lease, lease_write, publish_on_commit

HARM_LIMIT: Final = 2  # times a file may crash its decoder, or exceed its time or memory

State = CaptionJob.State


def job_harm(*, lease: Lease, reason: str) -> None:
    """The file crashed its decoder, or exceeded its time or memory.

    Args:
        reason: what happened, as the end of "Opening this file …".

    Raises:
        StaleLease: another worker has the job now.
    """
    with transaction.atomic():
        counts = {"harm_count": F("harm_count") + 1, "lease_count": F("lease_count") - 1}  # harm is a result
        lease_write(lease, state=State.QUEUED, lease_expires_at=None, **counts)
        harmful = CaptionJob.objects.filter(id=lease.job_id, harm_count__gte=HARM_LIMIT)
        message = f"Opening this file {reason}, {HARM_LIMIT} times. Convert it to JPEG or PNG and upload it again."
        if not harmful.update(state=State.QUARANTINED, error_code="harmful", error_message=message, **ENDED):
            publish_on_commit([lease.job_id], queue=lease.queue)
