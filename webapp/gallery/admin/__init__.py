"""The staff's view of the gallery. Rows are read here; actions call the services."""

from webapp.gallery.admin.batches import BatchAdmin, BatchItemAdmin
from webapp.gallery.admin.models import ModelVersionAdmin
from webapp.gallery.admin.photos import CaptionJobAdmin, PhotoAdmin
from webapp.gallery.admin.workers import WorkerHeartbeatAdmin

__all__ = ["BatchAdmin", "BatchItemAdmin", "CaptionJobAdmin", "ModelVersionAdmin", "PhotoAdmin", "WorkerHeartbeatAdmin"]
