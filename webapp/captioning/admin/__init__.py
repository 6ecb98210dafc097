"""The staff's view of photos, jobs, models and workers. Rows are read here; actions call the services."""

from webapp.captioning.admin.model_versions import ModelVersionAdmin
from webapp.captioning.admin.photos import CaptionJobAdmin, PhotoAdmin
from webapp.captioning.admin.workers import WorkerHeartbeatAdmin

__all__ = ["CaptionJobAdmin", "ModelVersionAdmin", "PhotoAdmin", "WorkerHeartbeatAdmin"]
