"""The admin's pages of photos, jobs, models and workers. Pages read rows; actions call the services."""

from webapp.captioning.admin.model_versions import ModelVersionAdmin
from webapp.captioning.admin.photos import CaptionJobAdmin, PhotoAdmin
from webapp.captioning.admin.workers import WorkerHeartbeatAdmin

__all__ = ["CaptionJobAdmin", "ModelVersionAdmin", "PhotoAdmin", "WorkerHeartbeatAdmin"]
