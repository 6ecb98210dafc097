"""The page of one photo, and its files."""

import json
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from tests.pictures import picture
from tests.webapp.pages import caption, page
from tests.webapp.rows import decision_make
from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob, ModelVersion
from webapp.photos.models import Photo

State = CaptionJob.State


def test_photo_page_shows_what_the_model_wrote(member: Client, photo: Photo, model_version: ModelVersion) -> None:
    caption(photo, model_version)
    shown = page(member, f"/photos/{photo.pk}/")
    for text in (
        "A dog runs.",
        "73 % sure",
        "A cat sits.",
        "21 %",
        "default",
        "f" * 12,
        "opening 12 ms",
        "model 46 ms",
    ):
        assert text in shown


def test_photo_page_carries_a_map_for_each_word(member: Client, photo: Photo, model_version: ModelVersion) -> None:
    caption(photo, model_version)
    shown = page(member, f"/photos/{photo.pk}/")
    data = shown.split('id="attention-maps" type="application/json">')[1].split("</script>")[0]
    assert json.loads(data) == {"shape": [3, 2, 2], "data": "AAECAwQFBgcICQoL", "resize": "squash"}
    assert shown.count('<button class="word"') == 3


def sees(*objects: tuple[str, float]) -> list[dict[str, object]]:
    return [{"word": word, "probability": probability} for word, probability in objects]


def test_photo_page_tells_certain_objects_that_the_text_does_not_say(
    member: Client, photo: Photo, model_version: ModelVersion
) -> None:
    objects = sees(("espresso", 0.91), ("dog", 0.8), ("<b>table", 0.5), ("cat", 0.49))
    caption(photo, model_version, seen_objects=objects)
    assert "It also sees:</span> espresso, &lt;b&gt;table</p>" in page(member, f"/photos/{photo.pk}/")


def test_photo_page_without_such_objects_says_nothing_of_them(
    member: Client, photo: Photo, model_version: ModelVersion
) -> None:
    caption(photo, model_version, seen_objects=sees(("dog", 0.9), ("cat", 0.3)))
    assert "It also sees" not in page(member, f"/photos/{photo.pk}/")


def test_photo_page_compares_objects_with_the_persons_text_and_the_machines(
    member: Client, photo: Photo, model_version: ModelVersion, staff_user: User
) -> None:
    made = caption(photo, model_version, seen_objects=sees(("cat", 0.9), ("dog", 0.8), ("espresso", 0.7)))
    decision_make(made, staff_user, "edited", "Two cats sit.")
    assert "It also sees:</span> espresso</p>" in page(member, f"/photos/{photo.pk}/")


def test_photo_page_tells_what_the_active_model_sees_under_a_persons_text(
    member: Client, photo: Photo, model_version: ModelVersion, staff_user: User
) -> None:
    decision_make(caption(photo, model_version), staff_user, "edited", "Two dogs run.")
    active = ModelVersion.objects.create(version="e" * 64, name="newer", path="p", state="active")
    caption(photo, active, seen_objects=sees(("cat", 0.9)))
    retired = ModelVersion.objects.create(version="d" * 64, name="newest", path="p")
    caption(photo, retired, seen_objects=sees(("espresso", 0.9)))
    assert "It also sees:</span> cat</p>" in page(member, f"/photos/{photo.pk}/")


@pytest.mark.parametrize("attention", [bytes(12), b""])
def test_photo_page_marks_the_words_that_the_classifier_chose(
    member: Client, photo: Photo, model_version: ModelVersion, attention: bytes
) -> None:
    words = [{"text": "a", "log_probability": -0.5}, {"text": "cat", "log_probability": -4.0, "seen": 0.83}]
    caption(photo, model_version, words=words, attention=attention, attention_shape=[2, 2, 3] if attention else [])
    shown = page(member, f"/photos/{photo.pk}/")
    assert 'title="“cat”: 83 % sure, says the image classifier"' in shown
    assert 'cat <span class="unseen">(83 % sure, says the image classifier)</span>' in shown
    assert 'title="61 % sure of this word"' in shown
    assert (shown.count("data-classified"), shown.count("A dot marks")) == (1, 1)


def test_photo_page_explains_no_mark_where_there_is_none(
    member: Client, photo: Photo, model_version: ModelVersion
) -> None:
    caption(photo, model_version)
    shown = page(member, f"/photos/{photo.pk}/")
    assert "A dot marks" not in shown
    assert "data-classified" not in shown


def test_photo_page_of_a_model_that_does_not_attend_shows_plain_words(
    member: Client, photo: Photo, model_version: ModelVersion
) -> None:
    caption(photo, model_version, attention=b"", attention_shape=[])
    shown = page(member, f"/photos/{photo.pk}/")
    assert "attention-maps" not in shown
    assert shown.count('<span class="word"') == 3


def test_photo_page_shows_the_persons_text_and_the_machines(
    member: Client, photo: Photo, model_version: ModelVersion, staff_user: User
) -> None:
    made = caption(photo, model_version)
    decision_make(made, staff_user, "edited", "Two dogs run.")
    shown = page(member, f"/photos/{photo.pk}/")
    assert '<h1 class="caption">Two dogs run.</h1>' in shown
    assert "Edited by edith" in shown
    assert "A dog runs." in shown


def test_photo_page_says_who_rejected_a_caption(
    member: Client, photo: Photo, model_version: ModelVersion, staff_user: User
) -> None:
    decision_make(caption(photo, model_version), staff_user, "rejected")
    assert "rejected by edith" in page(member, f"/photos/{photo.pk}/")


def test_photo_page_keeps_a_persons_text_when_a_new_model_writes(
    member: Client, photo: Photo, model_version: ModelVersion, staff_user: User
) -> None:
    decision_make(caption(photo, model_version), staff_user, "approved")
    caption(photo, ModelVersion.objects.create(version="e" * 64, name="newer", path="p"), "A wolf howls.")
    assert '<h1 class="caption">A dog runs.</h1>' in page(member, f"/photos/{photo.pk}/")


def test_photo_page_escapes_what_people_wrote(
    member: Client, photo: Photo, model_version: ModelVersion, staff_user: User
) -> None:
    made = caption(photo, model_version)
    decision_make(made, staff_user, "edited", "<script>alert(1)</script>")
    assert "<script>alert" not in page(member, f"/photos/{photo.pk}/")


def test_photo_page_says_why_it_failed_and_offers_another_try(member: Client, photo: Photo) -> None:
    CaptionJob.objects.update(state=State.QUARANTINED, error_code="harmful", error_message="Opening it crashed, twice.")
    shown = page(member, f"/photos/{photo.pk}/")
    assert "Opening it crashed, twice." in shown
    assert "Try again" in shown
    member.post(f"/photos/{photo.pk}/retry/")
    assert CaptionJob.objects.get().state == State.QUEUED


def test_photo_retry_that_comes_too_late_is_told(member: Client, photo: Photo) -> None:
    response = member.post(f"/photos/{photo.pk}/retry/", follow=True)
    assert "only a failed or cancelled caption can be retried" in response.content.decode()


def test_photo_page_asks_again_by_itself_without_scripts_while_it_waits(member: Client, photo: Photo) -> None:
    refresh = '<noscript><meta http-equiv="refresh" content="5"></noscript>'
    assert refresh in page(member, f"/photos/{photo.pk}/")
    CaptionJob.objects.update(state=State.FAILED)
    assert refresh not in page(member, f"/photos/{photo.pk}/")


def test_photo_delete_leads_to_the_gallery(member: Client, photo: Photo) -> None:
    response = member.post(f"/photos/{photo.pk}/delete/", follow=True)
    assert "photo.jpg was deleted" in response.content.decode()
    assert not Photo.objects.exists()


@pytest.mark.parametrize("path", ["", "delete/", "retry/"])
def test_photo_of_somebody_else_is_not_there(client: Client, other_user: User, photo: Photo, path: str) -> None:
    client.force_login(other_user)
    method = client.post if path else client.get
    assert method(f"/photos/{photo.pk}/{path}").status_code == 404
    assert Photo.objects.exists()


def test_photo_is_not_deleted_by_a_link(member: Client, photo: Photo) -> None:
    assert member.get(f"/photos/{photo.pk}/delete/").status_code == 405


def test_photo_page_is_open_to_staff_without_the_owners_buttons(client: Client, staff_user: User, photo: Photo) -> None:
    client.force_login(staff_user)
    shown = page(client, f"/photos/{photo.pk}/")
    assert "Delete" not in shown
    assert "Download" not in shown
    assert client.post(f"/photos/{photo.pk}/delete/").status_code == 404


@pytest.mark.parametrize("kind", ["thumbnail", "preview"])
def test_media_shows_a_picture_of_ours(member: Client, photo: Photo, kind: str) -> None:
    response = member.get(f"/media/{photo.pk}/{kind}/")
    assert response.content[:2] == b"\xff\xd8"
    assert response.headers["Content-Type"] == "image/jpeg"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"].startswith("private")
    assert response.headers["Vary"] == "Cookie"


def test_media_sends_the_original_as_a_download_only(member: Client, photo: Photo) -> None:
    response = member.get(f"/media/{photo.pk}/original/")
    assert response.content == picture()
    assert response.headers["Content-Disposition"] == 'attachment; filename="photo.jpg"'
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Cache-Control"] == "private, no-store"


def test_media_gives_staff_the_pictures_and_not_the_original(client: Client, staff_user: User, photo: Photo) -> None:
    client.force_login(staff_user)
    assert client.get(f"/media/{photo.pk}/preview/").status_code == 200
    assert client.get(f"/media/{photo.pk}/original/").status_code == 404


@pytest.mark.parametrize(
    ("permission", "status"),
    [
        ("photos.view_photo", 200),
        ("captioning.view_decision", 200),
        ("captioning.add_decision", 200),
        ("api.view_authtoken", 404),
    ],
)
def test_photo_is_shown_to_staff_by_permission(
    client: Client, other_user: User, photo: Photo, permission: str, status: int
) -> None:
    app, codename = permission.split(".")
    other_user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    client.force_login(other_user)
    paths = [f"/media/{photo.pk}/thumbnail/", f"/media/{photo.pk}/preview/", f"/photos/{photo.pk}/"]
    assert [client.get(path).status_code for path in paths] == [404] * 3  # the permission alone is not enough
    User.objects.filter(pk=other_user.pk).update(is_staff=True)
    assert [client.get(path).status_code for path in paths] == [status] * 3
    assert client.get(f"/media/{photo.pk}/original/").status_code == 404


@pytest.mark.parametrize("kind", ["thumbnail", "preview", "original"])
def test_media_of_somebody_else_is_not_there(client: Client, other_user: User, photo: Photo, kind: str) -> None:
    client.force_login(other_user)
    assert client.get(f"/media/{photo.pk}/{kind}/").status_code == 404


def test_media_wants_a_login(client: Client, photo: Photo) -> None:
    assert client.get(f"/media/{photo.pk}/thumbnail/").status_code == 302


def test_media_knows_no_other_kind(member: Client, photo: Photo) -> None:
    assert member.get(f"/media/{photo.pk}/sha256/").status_code == 404


def test_media_that_is_missing_from_the_disk_is_not_found(media: Path, member: Client, photo: Photo) -> None:
    (media / photo.thumbnail).unlink()
    assert member.get(f"/media/{photo.pk}/thumbnail/").status_code == 404
