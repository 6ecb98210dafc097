"""The form and its download."""

import pytest
from django.test import Client

from tests.webapp.exchange.exporting import downloaded, exported, photo_add, unzipped
from tests.webapp.pages import page
from webapp.accounts.models import User
from webapp.batches.models import Batch

DOWNLOAD = "/exports/download/"


def test_gallery_and_batch_lead_to_the_form(member: Client, user: User) -> None:
    batch = Batch.objects.create(owner=user, name="Crete", source=Batch.Source.ZIP)
    assert 'href="/exports/"' in page(member, "/")
    assert f'href="/exports/?batch={batch.pk}"' in page(member, batch.get_absolute_url())


def test_form_explains_every_form_and_counts_the_photos(member: Client, user: User) -> None:
    photo_add(user, 1)
    shown = page(member, "/exports/")
    assert "Of your 1 photo; 1 is captioned." in shown
    for form in ("csv", "jsonl", "coco", "txt", "xmp"):
        assert f'value="{form}"' in shown
        assert f'id="format-{form}-help"' in shown


def test_form_keeps_what_it_was_given(member: Client, user: User) -> None:
    batch = Batch.objects.create(owner=user, name="<Crete>", source=Batch.Source.ZIP)
    shown = page(member, "/exports/", batch=batch.pk, q='a "dog"', reviewed="true")
    assert "in the batch “&lt;Crete&gt;”" in shown
    assert 'value="a &quot;dog&quot;"' in shown
    assert f'name="batch" value="{batch.pk}"' in shown
    assert 'value="true" checked' in shown


def test_form_takes_chosen_photos_by_post(member: Client) -> None:
    shown = member.post("/exports/", {"ids": "3,1"}).content.decode()
    assert "Of the 2 photos that you chose." in shown
    assert 'name="ids" value="3,1"' in shown


@pytest.mark.parametrize("method", ["get", "post"])
def test_download_is_the_export_as_a_file(member: Client, user: User, method: str) -> None:
    photo_add(user, 1, text="a dog")
    response = getattr(member, method)(DOWNLOAD, {"format": "csv"})
    assert downloaded(response) == exported(user, "csv")
    assert response["Content-Disposition"] == 'attachment; filename="captions.csv"'
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Cache-Control"] == "private, no-store"


def test_download_has_own_photos_alone_also_for_staff(client: Client, staff_user: User, user: User) -> None:
    photo_add(user, 1, text="a secret")
    photo_add(staff_user, 2, text="a dog")
    client.force_login(staff_user)
    answer = downloaded(client.post(DOWNLOAD, {"format": "txt", "ids": "1,2"}))
    assert list(unzipped(answer)) == ["photo-2.txt", "captions.csv"]


@pytest.mark.parametrize("path", ["/exports/", DOWNLOAD])
def test_batch_of_another_person_is_not_found(member: Client, other_user: User, path: str) -> None:
    batch = Batch.objects.create(owner=other_user, name="b", source=Batch.Source.ZIP)
    assert member.get(path, {"format": "csv", "batch": str(batch.pk)}).status_code == 404


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "Format: Choose one of: csv"), ({"format": "<b>"}, "“&lt;b&gt;” is none of: csv, jsonl"),
        ({"format": "csv", "ids": "1,x"}, "“x” is not the number of a photo"),
        ({"format": "csv", "batch": "x"}, "Enter a whole number"),
        ({"format": "csv", "q": "a\0b"}, "Null characters are not allowed"),
    ],
)  # fmt: skip
def test_download_that_is_asked_for_wrongly_shows_the_form_and_why(
    member: Client, asked: dict[str, str], said: str
) -> None:
    response = member.get(DOWNLOAD, asked)
    assert response.status_code == 400
    assert said in response.content.decode()


@pytest.mark.parametrize("path", ["/exports/", DOWNLOAD])
def test_exports_ask_for_a_login(client: Client, db: None, path: str) -> None:
    assert client.get(path)["Location"] == f"/accounts/login/?next={path}"


def test_posting_needs_the_forms_token(user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    assert client.post(DOWNLOAD, {"format": "csv"}).status_code == 403
