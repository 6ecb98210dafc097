"""What the image classifier sees, as REST tells it."""

import pytest
from rest_framework.test import APIClient

from tests.webapp.api.test_api_photos import client_of
from tests.webapp.rows import caption_make, model_version_make
from webapp.accounts.models import User
from webapp.api.models import AuthToken
from webapp.captioning.models import Caption
from webapp.captioning.services.decisions import caption_edit


@pytest.fixture
def api(user: User) -> APIClient:
    return client_of(user, scope=AuthToken.Scope.READ)


def test_detail_tells_the_objects_and_the_words_that_the_classifier_chose(api: APIClient, user: User) -> None:
    caption = caption_make(user, model_version_make())
    objects = [{"word": "espresso", "probability": 0.91}, {"word": "cup", "probability": 0.2}]
    words = [{"text": "a", "log_probability": -0.5}, {"text": "cup", "log_probability": -3.0, "seen": 0.2}]
    Caption.objects.update(seen_objects=objects, words=words)
    body = api.get(f"/api/v1/photos/{caption.photo_id}/").json()
    assert (body["objects"], body["words"]) == (objects, words)


def test_detail_tells_the_objects_of_the_active_model_under_a_persons_text(
    api: APIClient, user: User, staff_user: User
) -> None:
    old = caption_make(user, model_version_make())
    caption_edit(caption=old, reviewer=staff_user, text="Two dogs run.", seen=None)
    new = caption_make(user, model_version_make(state="active"), photo=old.photo)
    objects = [{"word": "espresso", "probability": 0.91}]
    Caption.objects.filter(pk=new.pk).update(seen_objects=objects)
    body = api.get(f"/api/v1/photos/{old.photo_id}/").json()
    assert (body["caption"], body["objects"]) == ("Two dogs run.", objects)
