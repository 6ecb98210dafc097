"""A database that is away, locked or full, and what people are told of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import Client

from tests.pictures import picture, upload
from tests.webapp.conftest import PHOTO_FILES, files_of
from tests.webapp.pages import JSON
from webapp.accounts.models import User
from webapp.captioning.services.photo_intake import photo_submit
from webapp.photos.models import Photo

FULL = OperationalError("database or disk is full")
AWAY = [OperationalError("connection refused"), InterfaceError("connection already closed")]


@contextmanager
def failing(error: Exception, *, when: Callable[[str], bool] = bool) -> Iterator[None]:
    """Statements that `when` is true for fail."""

    def execute(run: Any, sql: str, *arguments: Any) -> Any:
        if when(sql):
            raise error
        return run(sql, *arguments)

    with connection.execute_wrapper(execute):
        yield


@pytest.fixture
def visitor(member: Client) -> Client:
    """`member`, who sees the site's answer to an exception as people do."""
    member.raise_request_exception = False
    return member


@pytest.mark.parametrize("error", AWAY, ids=["refused", "closed"])
@pytest.mark.parametrize("path", ["/", "/upload/", "/batches/"])
def test_page_without_a_database_tells_to_try_again(visitor: Client, error: Exception, path: str) -> None:
    with failing(error):
        response = visitor.get(path)
    assert response.status_code == 503
    assert "The database does not answer. Try again" in response.content.decode()


@pytest.mark.parametrize("error", AWAY, ids=["refused", "closed"])
def test_upload_by_script_without_a_database_tells_to_try_again(visitor: Client, error: Exception) -> None:
    with failing(error):
        response = visitor.post("/upload/", {"file": upload()}, headers=JSON)
    (result,) = response.json()["results"]
    assert (response.status_code, result["code"]) == (503, "database_unavailable")


def test_upload_whose_row_finds_no_room_is_507_and_leaves_no_file(media: Path, visitor: Client) -> None:
    with failing(FULL, when=lambda sql: sql.startswith("INSERT")):
        response = visitor.post("/upload/", {"file": upload()}, headers=JSON)
    (result,) = response.json()["results"]
    assert (response.status_code, result["code"]) == (507, "no_space")
    assert "Free some space" in result["message"]
    assert not files_of(media)
    assert visitor.post("/upload/", {"file": upload()}, headers=JSON).status_code == 200


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a database in a file of this machine")
def test_row_for_which_a_sqlite_file_has_no_room_is_507_and_leaves_no_file(media: Path, visitor: Client) -> None:
    with connection.cursor() as cursor:
        (most,) = cursor.execute("PRAGMA max_page_count").fetchone()
        (there,) = cursor.execute("PRAGMA page_count").fetchone()
        cursor.execute(f"PRAGMA max_page_count = {there + 4}")  # room for some rows
        try:
            codes = []
            for n in range(255):  # until the last page is full
                codes.append(visitor.post("/upload/", {"file": upload(picture((n, 0, 0)))}, headers=JSON).status_code)
                if codes[-1] != 200:
                    break
        finally:
            cursor.execute(f"PRAGMA max_page_count = {most}")
    assert set(codes) == {200, 507}
    assert len(files_of(media)) == PHOTO_FILES * Photo.objects.count()
    assert visitor.post("/upload/", {"file": upload()}, headers=JSON).status_code == 200


@pytest.mark.parametrize(
    ("error", "left"),
    [(FULL, 0), (OperationalError("server closed the connection"), PHOTO_FILES)],
    ids=["full", "unknown"],
)
@pytest.mark.django_db(transaction=True)
def test_files_of_a_photo_whose_commit_fails_stay_only_if_the_row_may_be_there(
    media: Path, user: User, monkeypatch: pytest.MonkeyPatch, error: Exception, left: int
) -> None:
    def commit() -> None:
        raise error

    monkeypatch.setattr(connection, "commit", commit)
    with pytest.raises(OperationalError):
        photo_submit(owner=user, file=upload(), name="photo.jpg")
    assert len(files_of(media)) == left


def test_page_on_a_full_disk_tells_the_remedy(visitor: Client) -> None:
    with failing(FULL):
        response = visitor.get("/")
    assert response.status_code == 507
    assert "Free some space" in response.content.decode()


def test_other_errors_stay_without_a_reason(visitor: Client) -> None:
    with failing(RuntimeError("the secret detail")):
        response = visitor.get("/")
    assert response.status_code == 500
    assert "secret" not in response.content.decode()
