import json
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from tests.webapp.rows import caption_make, model_version_make, names_found
from webapp.accounts.models import User
from webapp.photos.models import Photo
from webapp.photos.search_index import index_drop


@pytest.fixture
def wrong(user: User) -> Photo:
    """A photo whose text is not what its caption says."""
    photo = caption_make(user, model_version_make()).photo
    Photo.objects.filter(pk=photo.pk).update(text="other")
    return photo


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    try:
        call_command("check_texts", *arguments)
    except SystemExit as ended:
        return int(str(ended.code)), capsys.readouterr().out
    return 0, capsys.readouterr().out


def test_check_texts_says_that_all_is_well(user: User, capsys: pytest.CaptureFixture[str]) -> None:
    caption_make(user, model_version_make())
    assert check(capsys) == (0, "1 photos have the right text.\n")


def test_check_texts_names_what_differs_and_fails(wrong: Photo, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = check(capsys)
    assert status == 1
    assert f"photo {wrong.pk} ({wrong.name}): text is 'other', should be 'a dog runs'" in said
    assert "Run this again with --repair." in said


def test_check_texts_repairs(wrong: Photo, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = check(capsys, "--repair")
    assert (status, "It was repaired." in said) == (0, True)
    assert check(capsys)[0] == 0


def test_check_texts_tells_programs(wrong: Photo, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = check(capsys, "--json")
    difference, counts = [json.loads(line) for line in said.splitlines()]
    assert status == 1
    assert (difference["photo"], difference["stands"]["text"], difference["should"]["text"]) == (
        wrong.pk, "other", "a dog runs",
    )  # fmt: skip
    assert counts == {"photos": 1, "differ": 1, "index_differs": False, "counts_differ": [], "repaired": False}


def test_check_texts_finds_wrong_objects_and_repairs_them(user: User, capsys: pytest.CaptureFixture[str]) -> None:
    photo = caption_make(user, model_version_make(), objects=[{"word": "cat", "probability": 0.9}]).photo
    Photo.objects.update(search_objects="dog")
    status, told = check(capsys)
    assert (status, "search_objects is 'dog', should be 'cat'" in told) == (1, True)
    check(capsys, "--repair")
    assert [names_found(user, query) for query in ("cat -dog", "cat")] == [[], [photo.name]]
    assert check(capsys)[0] == 0


@pytest.mark.django_db(transaction=True)
def test_check_texts_builds_a_lost_index_anew(user: User, capsys: pytest.CaptureFixture[str]) -> None:
    caption_make(user, model_version_make())
    index_drop(connection)
    try:
        status, said = check(capsys)
        assert (status, "The search index differs" in said) == (1, True)
    finally:
        repaired: Any = check(capsys, "--repair")
    assert repaired[0] == 0
    assert names_found(user, "dogs -cat") == []
    assert len(names_found(user, "do")) == 1
