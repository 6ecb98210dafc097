"""Model versions: a bundle is registered, a worker verifies it, and a person activates it."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from webapp import jobs
from webapp.captioning.models import ModelVersion
from webapp.captioning.services.texts import texts_settle_for
from webapp.errors import ActionRefused

State = ModelVersion.State


def model_version_register(*, description: Mapping[str, Any], path: Path, name: str) -> ModelVersion:
    """Create the row of a bundle, as a CANDIDATE. An existing row keeps its state unless it was rejected.

    Args:
        description: from `bundle_describe`: version, config, vocabulary, metrics, card.
        path: the bundle's folder for the workers; stored relative to the data folder.
        name: for people.
    """
    if path.is_relative_to(settings.DATA_DIR):
        path = path.relative_to(settings.DATA_DIR)
    known = {key: description[key] for key in ("config", "vocabulary", "metrics", "card")}
    with transaction.atomic():
        row, created = ModelVersion.objects.get_or_create(
            version=description["version"], defaults={**known, "name": name, "path": str(path)}
        )
        if not created:  # registering a rejected bundle again has it verified again
            row.name, row.path = name, str(path)
            if row.state == State.REJECTED:
                row.state, row.error = State.CANDIDATE, ""
            row.save(update_fields=["name", "path", "state", "error"])
    return row


def model_version_verify(*, model_version_id: int) -> None:
    """Have a worker verify a candidate, or a rejected version again.

    Raises:
        ActionRefused: it is verified already.
    """
    with transaction.atomic():
        unverified = ModelVersion.objects.filter(id=model_version_id, state__in=[State.CANDIDATE, State.REJECTED])
        if not unverified.update(state=State.CANDIDATE, error=""):
            raise ActionRefused("already_verified", f"Model version {model_version_id} is verified already.")
        transaction.on_commit(partial(jobs.model_verify_enqueue, model_version_id))


def model_version_verified(*, model_version_id: int) -> None:
    ModelVersion.objects.filter(id=model_version_id, state=State.CANDIDATE).update(state=State.VERIFIED, error="")


def model_version_rejected(*, model_version_id: int, error: str) -> None:
    ModelVersion.objects.filter(id=model_version_id, state=State.CANDIDATE).update(state=State.REJECTED, error=error)


def model_version_activate(*, model_version_id: int) -> ModelVersion:
    """Make this the version that workers load. The former one is retired, and can be activated again.

    The texts of photos that both have captioned change in the same transaction.

    Raises:
        ActionRefused: a candidate is not verified yet, or was rejected.
    """
    changed: list[int] = []
    with transaction.atomic():
        rows = {row.id: row for row in ModelVersion.objects.select_for_update(no_key=True).order_by("id")}
        chosen = rows[model_version_id]
        if chosen.state in {State.CANDIDATE, State.REJECTED}:
            why = f"was rejected: {chosen.error}" if chosen.state == State.REJECTED else "is not verified yet"
            raise ActionRefused("not_verified", f"{chosen} {why}. Have a worker verify it, then activate it.")
        if chosen.state != State.ACTIVE:
            ModelVersion.objects.filter(state=State.ACTIVE).update(state=State.RETIRED)
            ModelVersion.objects.filter(id=chosen.id).update(state=State.ACTIVE, activated_at=Now())
            changed = [chosen.id, *(row.id for row in rows.values() if row.state == State.ACTIVE)]
            texts_settle_for(changed)
            chosen.refresh_from_db()
    if changed and connection.features.has_select_for_update:  # captions recorded meanwhile saw the former one active
        texts_settle_for(changed)
    return chosen
