"""The staff's pages of accounts and tokens."""

from pathlib import Path

from django.test import Client

from tests.webapp.rows import caption_make, model_version_make, picture
from tests.webapp.staff_pages import html_of
from webapp.accounts.models import User
from webapp.api.models import AuthToken
from webapp.captioning.services.decisions import caption_approve
from webapp.captioning.services.photo_intake import photo_submit
from webapp.photos import storage


def test_tokens_are_revoked_and_never_shown(page: Client, user: User) -> None:
    token, secret = AuthToken.objects.create(user=user, name="laptop")
    html = html_of(page, "api/authtoken/")
    assert "laptop" in html
    assert secret not in html
    page.post(f"/admin/api/authtoken/{token.pk}/delete/", {"post": "yes"})
    assert not AuthToken.objects.exists()


def test_account_is_deleted_with_its_photos_files(
    page: Client, user: User, django_capture_on_commit_callbacks: object
) -> None:
    photo, _ = photo_submit(owner=user, file=picture(), name="cat.png", enqueue=False)
    folder: Path = storage.media_path(photo.original).parent
    assert f">{user.username}<" in html_of(page, "accounts/user/")
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        data = {"action": "delete_selected", "_selected_action": [user.pk], "post": "yes"}
        page.post("/admin/accounts/user/", data)
    assert not User.objects.filter(pk=user.pk).exists()
    assert not folder.exists()


def test_account_that_reviewed_is_not_deleted(page: Client, user: User, other_user: User) -> None:
    caption_approve(caption=caption_make(user, model_version_make()), reviewer=other_user, seen=None)
    page.post(f"/admin/accounts/user/{other_user.pk}/delete/", {"post": "yes"})
    assert User.objects.filter(pk=other_user.pk).exists()


def test_accounts_that_are_not_staff_see_no_admin(client: Client, user: User) -> None:
    client.force_login(user)
    response = client.get("/admin/photos/photo/")
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")
