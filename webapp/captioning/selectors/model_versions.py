"""Reads: the registered models."""

from webapp.captioning.models import ModelVersion


def model_version_active() -> ModelVersion | None:
    """The model version that workers load."""
    return ModelVersion.objects.filter(state=ModelVersion.State.ACTIVE).first()


def model_version_candidate(*, model_version_id: int) -> ModelVersion | None:
    """The row if a worker still has to verify it."""
    return ModelVersion.objects.filter(id=model_version_id, state=ModelVersion.State.CANDIDATE).first()
