"""Model versions: registered, verified, activated; one is active at a time."""

from pathlib import Path
from typing import Any

import pytest

from tests.brokers import Broker
from webapp import jobs
from webapp.captioning.models import ModelVersion
from webapp.captioning.selectors.model_versions import model_version_active, model_version_candidate
from webapp.captioning.services import model_versions
from webapp.errors import ActionRefused

pytestmark = pytest.mark.django_db

State = ModelVersion.State


def _description(letter: str = "a") -> dict[str, Any]:
    return {"version": letter * 64, "config": {"x": 1}, "vocabulary": ["dog"], "metrics": {"cider": 50}, "card": "# C"}


def _register(letter: str = "a") -> ModelVersion:
    return model_versions.model_version_register(
        description=_description(letter), path=Path(f"/models/{letter}"), name=letter
    )


def _verified(letter: str = "a") -> ModelVersion:
    row = _register(letter)
    model_versions.model_version_verified(model_version_id=row.pk)
    return row


def test_model_version_keeps_what_the_web_needs_of_its_bundle() -> None:
    row = ModelVersion.objects.get(pk=_register().pk)
    assert (row.config, row.vocabulary, row.metrics, row.card) == ({"x": 1}, ["dog"], {"cider": 50}, "# C")
    assert (row.path, row.state) == ("/models/a", State.CANDIDATE)


def test_model_version_registered_again_keeps_its_state() -> None:
    row = _verified()
    assert _register().pk == row.pk
    row.refresh_from_db()
    assert row.state == State.VERIFIED


def test_rejected_model_version_registered_again_is_a_candidate() -> None:
    row = _register()
    model_versions.model_version_rejected(model_version_id=row.pk, error="blind")
    assert _register().state == State.CANDIDATE
    row.refresh_from_db()
    assert (row.state, row.error) == (State.CANDIDATE, "")


def test_candidate_is_found_until_it_is_verified() -> None:
    row = _register()
    assert model_version_candidate(model_version_id=row.pk) == row
    model_versions.model_version_verified(model_version_id=row.pk)
    assert model_version_candidate(model_version_id=row.pk) is None


def test_activation_of_a_candidate_is_refused() -> None:
    with pytest.raises(ActionRefused, match="not verified yet"):
        model_versions.model_version_activate(model_version_id=_register().pk)


def test_activation_of_a_rejected_one_is_refused_with_its_reason() -> None:
    row = _register()
    model_versions.model_version_rejected(model_version_id=row.pk, error="one caption for all pictures")
    with pytest.raises(ActionRefused, match="one caption for all pictures"):
        model_versions.model_version_activate(model_version_id=row.pk)


def test_activation_retires_the_former_one() -> None:
    first, second = _verified("a"), _verified("b")
    model_versions.model_version_activate(model_version_id=first.pk)
    model_versions.model_version_activate(model_version_id=second.pk)
    first.refresh_from_db()
    assert first.state == State.RETIRED
    assert model_version_active() == second


def test_activation_of_a_retired_one_goes_back_to_it() -> None:
    first, second = _verified("a"), _verified("b")
    for row in (first, second, first):
        model_versions.model_version_activate(model_version_id=row.pk)
    assert model_version_active() == first


def test_activation_of_the_active_one_changes_nothing() -> None:
    row = _verified()
    before = model_versions.model_version_activate(model_version_id=row.pk).activated_at
    assert model_versions.model_version_activate(model_version_id=row.pk).activated_at == before


def test_verification_again_is_asked_of_a_worker(broker: Broker, django_capture_on_commit_callbacks: Any) -> None:
    row = _register()
    model_versions.model_version_rejected(model_version_id=row.pk, error="blind")
    with django_capture_on_commit_callbacks(execute=True):
        model_versions.model_version_verify(model_version_id=row.pk)
    row.refresh_from_db()
    assert (row.state, row.error) == (State.CANDIDATE, "")
    assert broker.length(jobs.INTERACTIVE) == 1


def test_verification_again_of_a_verified_one_is_refused() -> None:
    with pytest.raises(ActionRefused, match="verified already"):
        model_versions.model_version_verify(model_version_id=_verified().pk)
