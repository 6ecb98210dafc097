"""The staff's page of model versions."""

from django.test import Client

from tests.webapp.rows import model_version_make
from tests.webapp.staff_pages import act, html_of
from webapp.captioning.models import CaptionJob, ModelVersion

State = CaptionJob.State


def test_model_version_shows_its_card_as_text_and_tables(page: Client) -> None:
    card = "# Trained on *photos*\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<script>alert(1)</script>\n\n[x](javascript:y)"
    version = model_version_make(card=card, metrics={"scores": {"cider": 52.13, "bleu_4": 21.9}})
    html = html_of(page, f"captioning/modelversion/{version.pk}/change/")
    assert "<h1>Trained on <em>photos</em></h1>" in html
    assert "<td>2</td>" in html
    assert "<script>alert" not in html
    assert 'href="javascript' not in html
    assert "52.13" in html


def test_model_versions_list_their_scores(page: Client) -> None:
    model_version_make(metrics={"scores": {"cider": 52.13, "bleu_4": 21.94}})
    model_version_make(metrics={})
    html = html_of(page, "captioning/modelversion/")
    assert "52.1<" in html
    assert "21.9<" in html


def test_model_version_is_activated_and_the_former_retires(page: Client) -> None:
    former = model_version_make(state=ModelVersion.State.ACTIVE)
    verified = model_version_make(state=ModelVersion.State.VERIFIED)
    assert "1 activated" in act(page, "modelversion", "activate", verified)
    former.refresh_from_db()
    verified.refresh_from_db()
    assert (former.state, verified.state) == ("retired", "active")


def test_model_version_that_is_not_verified_is_not_activated(page: Client) -> None:
    candidate = model_version_make()
    assert "is not verified yet" in act(page, "modelversion", "activate", candidate)


def test_two_model_versions_are_not_activated_at_once(page: Client) -> None:
    versions = [model_version_make(state=ModelVersion.State.VERIFIED) for _ in range(2)]
    assert "exactly one" in act(page, "modelversion", "activate", *versions)
    assert not ModelVersion.objects.filter(state="active").exists()


def test_rejected_model_version_is_sent_to_be_verified_again(page: Client) -> None:
    rejected = model_version_make(state=ModelVersion.State.REJECTED, error="vocab.json differs")
    assert "sent to a worker" in act(page, "modelversion", "verify", rejected)
    rejected.refresh_from_db()
    assert (rejected.state, rejected.error) == ("candidate", "")


def test_model_versions_are_not_activated_without_the_right(viewer: Client) -> None:
    verified = model_version_make(state=ModelVersion.State.VERIFIED)
    act(viewer, "modelversion", "activate", verified)
    verified.refresh_from_db()
    assert verified.state == "verified"
