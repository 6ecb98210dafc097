"""Reads: the registered models."""

from django.db.models import QuerySet

from webapp.captioning.models import ModelVersion


def model_version_active() -> ModelVersion | None:
    """The model version that workers load."""
    return ModelVersion.objects.filter(state=ModelVersion.State.ACTIVE).first()


def model_versions_used() -> QuerySet[ModelVersion]:
    """Those that have been active, newest first, with what names them."""
    used = (ModelVersion.State.ACTIVE, ModelVersion.State.RETIRED)
    return ModelVersion.objects.filter(state__in=used).only("name", "version").order_by("-created_at", "-pk")


def model_version_candidate(*, model_version_id: int) -> ModelVersion | None:
    """The row if a worker still has to verify it."""
    return ModelVersion.objects.filter(id=model_version_id, state=ModelVersion.State.CANDIDATE).first()
