"""Search and filters of the gallery's page, without scripts: forms, links, marks, chips and empty results."""

import html
import re

import pytest
from django.test import Client

from tests.webapp.pages import page
from tests.webapp.rows import caption_make, decision_make, model_version_make, photo_make
from webapp.accounts.models import User
from webapp.batches.models import Batch, BatchItem
from webapp.captioning.models import Caption, ModelVersion
from webapp.photos.models import Photo

SCRIPT = "<script>alert(1)</script>"


def named(caption: Caption, name: str) -> Photo:
    Photo.objects.filter(pk=caption.photo_id).update(name=name)
    return caption.photo


def cards(shown: str) -> list[int]:
    return [int(number) for number in re.findall(r'id="card-(\d+)"', shown)]


def links(shown: str) -> dict[str, str]:
    """Where each link leads, by its words."""
    found = re.findall(r'<a [^>]*href="([^"]*)"[^>]*>(.*?)</a>', shown, flags=re.DOTALL)
    return {" ".join(re.sub("<[^>]*>", "", words).split()): html.unescape(address) for address, words in found}


@pytest.fixture
def dog(user: User, model_version: ModelVersion) -> Photo:
    return caption_make(user, model_version, text="a dog runs", confidence=0.9).photo


@pytest.fixture
def cat(user: User, model_version: ModelVersion) -> Photo:
    return caption_make(user, model_version, text="a cat sits", confidence=0.1).photo


def test_search_shows_what_it_finds_with_marks_and_says_how_much(member: Client, dog: Photo, cat: Photo) -> None:
    shown = page(member, "/", q="DOG")
    assert cards(shown) == [dog.pk]
    assert "a <mark>dog</mark> runs" in shown
    assert 'alt="a dog runs"' in shown
    assert re.search(r'id="find-count"[^>]*>1 found<', shown)


def test_page_without_a_search_marks_nothing(member: Client, dog: Photo) -> None:
    assert "<mark>" not in page(member, "/")


def test_search_and_text_are_shown_as_text(member: Client, user: User, model_version: ModelVersion) -> None:
    caption = caption_make(user, model_version, text=f"{SCRIPT} & a dog")
    Photo.objects.filter(pk=caption.photo_id).update(name=f"{SCRIPT} script.jpg")
    shown = page(member, "/", q=f'script "{SCRIPT}')
    assert cards(shown) == [caption.photo_id]
    assert "<script>alert" not in shown
    assert "&lt;<mark>script&gt;alert(1)&lt;/script</mark>&gt;" in shown


def test_form_without_scripts_keeps_all_that_is_chosen(member: Client, dog: Photo) -> None:
    shown = page(member, "/", q="dog", show="captioned", review="undecided", since="2020-01-02", sort="name")
    assert re.search(r'<input id="find-text"[^>]*value="dog"', shown)
    assert '<input type="hidden" name="show" value="captioned">' in shown
    assert '<option value="undecided" selected>' in shown
    assert 'name="since" value="2020-01-02"' in shown
    assert '<option value="name" selected>' in shown
    assert '<form id="find"' in shown
    assert 'method="get"' in shown


def test_tabs_keep_the_other_filters(member: Client, dog: Photo) -> None:
    assert links(page(member, "/", q="dog", sort="name"))["Captioned"] == "/?q=dog&show=captioned&sort=name"


def test_tabs_tell_counts_only_where_nothing_else_filters(member: Client, dog: Photo) -> None:
    assert "Captioned 1" in links(page(member, "/", sort="name"))
    assert "Captioned" in links(page(member, "/", q="dog"))


def test_pages_keep_the_query(member: Client, user: User, model_version: ModelVersion) -> None:
    for _ in range(25):
        caption_make(user, model_version)
    shown = page(member, "/", q="dog", sort="name")
    assert links(shown)["Next →"] == "?q=dog&sort=name&page=2"
    assert len(cards(page(member, "/", q="dog", sort="name", page=2))) == 1


def test_chip_leads_to_the_page_without_its_filter(member: Client, dog: Photo) -> None:
    found = links(page(member, "/", q="dog", review="undecided", sure="sure"))
    assert found["Remove the filter: “dog” ×"] == "/?review=undecided&sure=sure"
    assert found["Remove the filter: Not reviewed ×"] == "/?q=dog&sure=sure"
    assert found["Clear all"] == "/"


def test_batch_and_model_are_told_by_name(
    member: Client, user: User, dog: Photo, cat: Photo, model_version: ModelVersion
) -> None:
    model_version_make(name="other", state="retired")
    ModelVersion.objects.filter(pk=model_version.pk).update(state="active")
    batch = Batch.objects.create(owner=user, name="holiday", source=Batch.Source.ZIP)
    BatchItem.objects.create(batch=batch, name="x", key="x", photo=dog)
    shown = page(member, "/", batch=batch.pk, model=model_version.pk)
    assert cards(shown) == [dog.pk]
    assert {"Remove the filter: holiday ×", f"Remove the filter: {model_version} ×"} <= links(shown).keys()


def test_batch_of_somebody_else_is_neither_named_nor_filters(member: Client, other_user: User, dog: Photo) -> None:
    theirs = Batch.objects.create(owner=other_user, name="secret", source=Batch.Source.ZIP)
    shown = page(member, "/", batch=theirs.pk)
    assert cards(shown) == [dog.pk]
    assert "secret" not in shown


def test_values_that_nobody_offered_are_ignored(member: Client, dog: Photo) -> None:
    shown = page(member, "/", show="x", state="y", by="z", model="m", since="never", sort="up", page="-3")
    assert cards(shown) == [dog.pk]


def test_nothing_found_says_which_filter_to_drop(member: Client, user: User, staff_user: User, cat: Photo) -> None:
    decision_make(cat.caption, staff_user, "approved")  # type: ignore[arg-type]
    shown = links(page(member, "/", q="cat", review="approved", format="GIF"))
    assert shown["Without GIF"] == "/?q=cat&review=approved"
    assert "Without “cat”" not in shown
    assert "Without Approved" not in shown
    assert shown["Show all photos"] == "/"


def test_nothing_found_in_a_state_says_to_drop_the_state(member: Client, dog: Photo) -> None:
    assert links(page(member, "/", q="dog", show="failed"))["Without Failed"] == "/?q=dog"


def test_choices_tell_how_many_photos_they_would_find(member: Client, dog: Photo, cat: Photo) -> None:
    shown = page(member, "/", sure="sure")
    assert ">Sure (1)<" in shown
    assert ">Fairly sure (0)<" in shown
    assert ">JPEG (1)<" in shown
    assert ">JPEG<" in page(member, "/", q="dog")


def test_gallery_without_photos_has_nothing_to_search(member: Client) -> None:
    shown = page(member, "/")
    assert 'id="find"' not in shown
    assert "No photos yet" in shown


def test_request_of_the_typing_page_gets_the_address_without_empty_fields(member: Client, dog: Photo) -> None:
    query = {"q": "dog", "by": "", "review": "", "sort": "", "since": ""}
    response = member.get("/", query, headers={"HX-Request": "true"})
    assert response.headers["HX-Replace-Url"] == "/?q=dog"
    assert "HX-Replace-Url" not in member.get("/", query).headers


def test_open_page_of_a_search_keeps_its_marks_and_its_links(
    member: Client, user: User, model_version: ModelVersion
) -> None:
    photo = photo_make(user)
    shown = page(member, "/", q="photo")
    assert 'name="seen_tabs"' not in shown
    assert '<input type="hidden" name="found" value="q=photo" data-seen>' in shown
    caption_make(user, model_version, text="a photo of a dog", photo=photo)
    changed = page(member, "/state/", seen=f"{photo.pk}:running", found="q=photo")
    assert "a <mark>photo</mark> of a dog" in changed
    assert 'id="tabs"' not in changed


def test_open_page_in_another_order_keeps_it_in_its_tabs(member: Client, dog: Photo) -> None:
    changed = page(member, "/state/", seen_tabs="captioned:0:0:0:0", found="show=captioned&sort=name")
    assert links(changed)["Failed 0"] == "/?show=failed&sort=name"
