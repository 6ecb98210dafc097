"""The owner corrects the text on the photo's page, without a script and with one."""

from typing import Any

import pytest
from django.test import Client

from tests.webapp.pages import caption, page, rows
from tests.webapp.rows import decision_make
from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob, Decision, ModelVersion
from webapp.photos.models import Photo


@pytest.fixture
def captioned(photo: Photo, model_version: ModelVersion) -> Photo:
    """A dog runs, says the model."""
    caption(photo, model_version)
    return photo


def post(client: Client, photo: Photo, action: str = "save", *, in_place: bool = False, **values: Any) -> Any:
    headers = {"HX-Request": "true"} if in_place else {}
    return client.post(f"/photos/{photo.pk}/text/", {"action": action, "seen": "", **values}, headers=headers)


def stands(photo: Photo) -> tuple[str, str]:
    photo.refresh_from_db()
    return photo.text, photo.text_by


def newest() -> int:
    return Decision.objects.latest("id").pk


def test_text_is_saved_and_its_page_comes_again(member: Client, captioned: Photo) -> None:
    response = post(member, captioned, text="Two dogs.")
    assert response.headers["Location"] == f"/photos/{captioned.pk}/"
    shown = page(member, f"/photos/{captioned.pk}/")
    assert '<h1 class="caption">Two dogs.</h1>' in shown
    assert "Edited by you" in shown
    assert "Put back" in shown
    assert "<span>The model wrote</span> A dog runs." in shown


def test_text_is_saved_in_place_for_the_script(member: Client, captioned: Photo) -> None:
    shown = post(member, captioned, in_place=True, text="Two dogs.").content.decode()
    assert shown.lstrip().startswith('<section id="panel"')
    assert 'data-alt="Two dogs."' in shown


def test_no_caption_is_a_choice_that_the_pages_tell(member: Client, captioned: Photo) -> None:
    post(member, captioned, "none", text="typed before")
    assert stands(captioned) == ("", "person")
    assert "No caption</h1>" in page(member, f"/photos/{captioned.pk}/")
    card = page(member, "/")
    assert '<p class="caption none">No caption</p>' in card
    assert 'alt="photo.jpg, without a caption"' in card


def test_put_back_shows_the_models_text(member: Client, captioned: Photo) -> None:
    post(member, captioned, text="Two dogs.")
    post(member, captioned, "put_back", seen=newest())
    assert stands(captioned) == ("A dog runs.", "model")
    shown = page(member, f"/photos/{captioned.pk}/")
    assert "Written by the model" in shown
    assert "Put back by you" in shown


def test_history_says_who_wrote_which_text(member: Client, captioned: Photo, staff_user: User) -> None:
    post(member, captioned, text="Two <dogs>.")
    decision_make(captioned.captions.get(), staff_user, "edited", "Three dogs.")
    history = page(member, f"/photos/{captioned.pk}/").split('<details class="history">')[1].split("</details>")[0]
    assert history.index("Edited by edith") < history.index("<q>Three dogs.</q>") < history.index("Edited by you")
    assert "<q>Two &lt;dogs&gt;.</q>" in history


def test_alternative_is_taken_by_its_button(member: Client, captioned: Photo) -> None:
    assert '<button class="alternative" name="text" value="A cat sits."' in page(member, f"/photos/{captioned.pk}/")
    post(member, captioned, text="A cat sits.")
    assert stands(captioned) == ("A cat sits.", "person")


def test_alternative_that_stands_is_not_offered(member: Client, captioned: Photo) -> None:
    post(member, captioned, text="A cat sits.")
    assert "It also considered" not in page(member, f"/photos/{captioned.pk}/")


@pytest.mark.parametrize(
    "text", ["كلب يجري على الشاطئ", "犬が走る。", "👨‍👩‍👧 at the beach", "<b>bold</b> & \"quoted\""],
    ids=["Arabic", "Japanese", "emoji", "markup"],
)  # fmt: skip
def test_text_of_any_script_stands_and_is_escaped(member: Client, captioned: Photo, text: str) -> None:
    post(member, captioned, text=text)
    assert stands(captioned) == (text, "person")
    shown = page(member, f"/photos/{captioned.pk}/")
    assert "<b>bold" not in shown
    if text.isalpha():
        assert text in shown


@pytest.mark.parametrize("in_place", [False, True])
def test_second_page_is_told_and_keeps_what_was_typed(member: Client, captioned: Photo, in_place: bool) -> None:
    post(member, captioned, text="Two dogs.")
    response = post(member, captioned, in_place=in_place, text="Three <dogs>.")
    shown = response.content.decode()
    assert response.status_code == 409
    assert "After you opened this page, you wrote: <q>Two dogs.</q> Your text is still in the field." in shown
    assert ">Three &lt;dogs&gt;.</textarea>" in shown
    assert '<details class="editor" open>' in shown
    assert stands(captioned) == ("Two dogs.", "person")
    post(member, captioned, text="Three <dogs>.", seen=newest())
    assert stands(captioned) == ("Three <dogs>.", "person")


@pytest.mark.parametrize(
    ("verdict", "text", "told"),
    [
        ("edited", "", "edith chose “no caption”"),
        ("rejected", "", "edith rejected the model’s text"),
        ("approved", "A dog runs.", "edith approved the model’s text"),
    ],
)
def test_conflict_says_what_the_other_decided(
    member: Client, captioned: Photo, staff_user: User, verdict: str, text: str, told: str
) -> None:
    decision_make(captioned.captions.get(), staff_user, verdict, text)
    assert told in post(member, captioned, text="Three dogs.").content.decode()


def test_put_back_in_ignorance_of_a_newer_text_changes_nothing(
    member: Client, captioned: Photo, staff_user: User
) -> None:
    post(member, captioned, text="Two dogs.")
    seen = newest()
    decision_make(captioned.captions.get(), staff_user, "edited", "Three dogs.")
    response = post(member, captioned, "put_back", seen=seen)
    assert (response.status_code, stands(captioned)) == (409, ("Three dogs.", "person"))
    assert "Nothing was changed." in response.content.decode()


def test_text_that_is_too_long_is_refused_and_stays_in_its_field(member: Client, captioned: Photo) -> None:
    response = post(member, captioned, text="x" * 1001)
    assert response.status_code == 422
    assert "The caption has 1001 characters; the limit is 1000." in response.content.decode()
    assert f">{'x' * 1001}</textarea>" in response.content.decode()


def test_photo_without_a_caption_says_that_its_text_comes_later(member: Client, photo: Photo) -> None:
    assert "once the photo has a caption" in page(member, f"/photos/{photo.pk}/")
    assert post(member, photo, text="Two dogs.").status_code == 409


@pytest.mark.parametrize("action", ["approve", "", "save"])  # to save there must be a text
def test_text_form_refuses_what_is_none_of_its_actions(member: Client, captioned: Photo, action: str) -> None:
    assert post(member, captioned, action).status_code == 400
    assert not Decision.objects.exists()


@pytest.mark.parametrize("who", ["other_user", "staff_user"])
def test_text_of_somebody_elses_photo_is_not_there(
    client: Client, captioned: Photo, who: str, request: pytest.FixtureRequest
) -> None:
    client.force_login(request.getfixturevalue(who))
    assert post(client, captioned, text="Two dogs.").status_code == 404
    assert stands(captioned) == ("A dog runs.", "model")


def test_staff_see_the_history_without_the_owners_editor(
    client: Client, captioned: Photo, user: User, staff_user: User
) -> None:
    decision_make(captioned.captions.get(), user, "edited", "Two dogs.")
    client.force_login(staff_user)
    shown = page(client, f"/photos/{captioned.pk}/")
    assert "Edited by ada" in shown
    assert f"/photos/{captioned.pk}/text/" not in shown


def test_text_is_not_written_by_a_link_or_another_site(user: User, captioned: Photo) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    assert client.get(f"/photos/{captioned.pk}/text/").status_code == 405
    assert post(client, captioned, text="Two dogs.").status_code == 403


def test_text_wants_a_login(client: Client, captioned: Photo) -> None:
    assert post(client, captioned, text="Two dogs.").headers["Location"].startswith("/accounts/login/")


def test_page_that_is_captioned_again_does_not_reload_under_the_editor(member: Client, captioned: Photo) -> None:
    CaptionJob.objects.update(state=CaptionJob.State.QUEUED)
    assert 'http-equiv="refresh"' not in page(member, f"/photos/{captioned.pk}/")


def test_state_brings_the_editor_with_the_caption(member: Client, captioned: Photo) -> None:
    shown = member.get("/state/", {"seen_photo": f"{captioned.pk}:running"}).content.decode()
    assert ">A dog runs.</textarea>" in shown
    assert 'value="A cat sits."' in shown


def test_photo_page_leads_to_the_photos_beside_it(member: Client, user: User, other_user: User) -> None:
    oldest, middle, newer = rows(user, 3)
    rows(other_user, 1)
    assert beside(page(member, f"/photos/{middle.pk}/")) == {"prev": newer.pk, "next": oldest.pk}
    assert beside(page(member, f"/photos/{newer.pk}/")) == {"next": middle.pk}
    assert beside(page(member, f"/photos/{oldest.pk}/")) == {"prev": middle.pk}


def test_photo_page_keeps_the_filter(member: Client, user: User) -> None:
    (older,), _, (newer,) = (rows(user, 1, state=state) for state in ("failed", "queued", "failed"))
    assert f"/photos/{newer.pk}/?show=failed" in page(member, "/", show="failed")
    shown = page(member, f"/photos/{newer.pk}/", show="failed")
    assert beside(shown, "?show=failed") == {"next": older.pk}
    assert '<a href="/?show=failed">← All photos</a>' in shown


def beside(shown: str, kept: str = "") -> dict[str, int]:
    """The ids behind the links to the photos beside the shown one."""
    links = [part.split('">')[0] for part in shown.split('<a rel="')[1:]]
    pairs = [link.split('" href="/photos/') for link in links]
    assert all(path.endswith(f"/{kept}") for _, path in pairs)
    return {rel: int(path.split("/")[0]) for rel, path in pairs}
