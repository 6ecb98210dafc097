"""Reads: the registered models."""

from webapp.captioning.models import ModelVersion


def model_version_active() -> ModelVersion | None:
    """The one that the workers load."""
    return ModelVersion.objects.filter(state=ModelVersion.State.ACTIVE).first()


def model_version_candidate(*, model_version_id: int) -> ModelVersion | None:
    """The row if a worker has yet to verify it."""
    return ModelVersion.objects.filter(id=model_version_id, state=ModelVersion.State.CANDIDATE).first()
