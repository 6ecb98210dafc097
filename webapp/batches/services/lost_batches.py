"""Puts lost batches back, using only the rows: zips that no worker unpacks any more."""

from django.db.models import Q
from django.db.models.functions import Now

from webapp import jobs
from webapp.batches.models import Batch
from webapp.batches.services.zip_unpacking import UNPACK_LEASE_SECONDS
from webapp.captioning.services.lost_jobs import leases_cut, queues_empty, settled


def batches_reclaim() -> None:
    """Publish zips whose unpacking lease ran out."""
    leases_cut(Batch.objects.all(), "unpack_lease_expires_at", seconds=UNPACK_LEASE_SECONDS)
    for batch in Batch.objects.filter(state=Batch.State.UNPACKING, unpack_lease_expires_at__lt=Now()):
        lost = Batch.objects.filter(id=batch.id, unpack_lease_expires_at=batch.unpack_lease_expires_at)
        if lost.update(unpack_lease_expires_at=None):
            jobs.batch_unpack_enqueue(batch.id, queue=jobs.HOUSEKEEPING)


def batches_publish_lost() -> None:
    """Publish waiting zips whose message is lost. A worker that has no room for a zip drops its message, so each sweep
    sends another one. Its queue is served first."""
    if jobs.HOUSEKEEPING in queues_empty():
        unleased = Q(state=Batch.State.UNPACKING, unpack_lease_expires_at=None)
        for batch_id in Batch.objects.filter(unleased, settled("created_at")).values_list("id", flat=True):
            jobs.batch_unpack_enqueue(batch_id, queue=jobs.HOUSEKEEPING)
