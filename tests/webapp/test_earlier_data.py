"""A database of an earlier version keeps all that is in it, on SQLite and on PostgreSQL."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.databases import postgres
from tests.schemas import manage, manage_killed, postgres_restore, sqlite_restore

pytestmark = pytest.mark.slow

DUMP = """
import json
from django.core.management import call_command
from webapp.accounts.models import User
from webapp.api.models import AuthToken
from webapp.batches.models import *
from webapp.captioning.models import *
from webapp.finding.photo_filter import PhotoFilter
from webapp.finding.selectors import FoundPhotos
from webapp.photos.models import *

def values(model, *names):
    return [list(row) for row in model.objects.order_by("pk").values_list(*names)]

print(json.dumps({
    "photos": values(Photo, "name", "owner__username", "original", "job__state", "job__lane", "job__error_message"),
    "texts": values(Photo, "name", "text", "text_by", "review_state", "caption__model_version__name", "search_words"),
    "sure": values(Photo, "name", "confidence", "model_version__name"),
    "decided": values(Caption, "text", "review_state"),
    "found": [photo.name for photo in FoundPhotos(User.objects.get(username="ada"), PhotoFilter(q="BROWN dog"))[:9]],
    "captions": values(Caption, "text", "photo__name", "model_version__name", "confidence"),
    "attention": [bytes(caption.attention).hex() for caption in Caption.objects.order_by("pk")],
    "words": Caption.objects.order_by("pk").first().words,
    "decisions": values(Decision, "verdict", "text", "reviewer__username", "caption__text"),
    "versions": values(ModelVersion, "name", "state", "path"),
    "folders": [str(version.folder) for version in ModelVersion.objects.order_by("pk")],
    "vocabulary": ModelVersion.objects.order_by("pk").first().vocabulary,
    "batches": values(Batch, "name", "source", "state", "archive", "origin", "owner__username"),
    "submissions": sorted(len(batch.submission) for batch in Batch.objects.all()),
    "distinct": Batch.objects.values("submission").distinct().count(),
    "items": values(BatchItem, "batch__name", "name", "key", "sha256", "outcome", "photo__name", "error_message"),
    "tokens": values(AuthToken, "name", "scope", "user__username"),
    "workers": values(WorkerHeartbeat, "name", "captions"),
    "rights": sorted(User.objects.get(username="rita").get_all_permissions()),
    "login": User.objects.get(username="ada").check_password("correct horse"),
}))
"""


SQLITE_INDEX_OF_ONE_COLUMN = """
CREATE VIRTUAL TABLE photos_photo_search USING fts5(
    search_words, content='photos_photo', content_rowid='id', tokenize='ascii', columnsize=0
);
CREATE TRIGGER photos_photo_search_insert AFTER INSERT ON photos_photo BEGIN
    INSERT INTO photos_photo_search(rowid, search_words) VALUES (new.id, new.search_words);
END;
CREATE TRIGGER photos_photo_search_update AFTER UPDATE OF id, search_words ON photos_photo
WHEN old.id <> new.id OR old.search_words <> new.search_words BEGIN
    INSERT INTO photos_photo_search(photos_photo_search, rowid, search_words)
        VALUES ('delete', old.id, old.search_words);
    INSERT INTO photos_photo_search(rowid, search_words) VALUES (new.id, new.search_words);
END;
CREATE TRIGGER photos_photo_search_delete AFTER DELETE ON photos_photo BEGIN
    INSERT INTO photos_photo_search(photos_photo_search, rowid, search_words)
        VALUES ('delete', old.id, old.search_words);
END;
INSERT INTO photos_photo_search(photos_photo_search) VALUES ('rebuild');
"""
POSTGRESQL_INDEX_OF_ONE_COLUMN = """
CREATE FUNCTION photos_photo_search_vector(words text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(pg_catalog.string_agg('''' || word || ''':' || place, ' '), '')::pg_catalog.tsvector
    FROM pg_catalog.unnest(pg_catalog.string_to_array(words, ' ')) WITH ORDINALITY AS listed(word, place)
    WHERE word <> '' AND word <> '¦'
$$;
ALTER TABLE photos_photo ADD COLUMN search_vector tsvector
    GENERATED ALWAYS AS (photos_photo_search_vector(search_words)) STORED;
CREATE INDEX photos_photo_search ON photos_photo USING gin (search_vector);
"""


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_migrations_that_are_killed_go_on_where_they_stopped(database: str, tmp_path: Path) -> None:
    """Killed later and later, so that each migration is cut off at some place."""
    with postgres() if database == "postgresql" else nullcontext("") as url:
        if url:
            postgres_restore("c771c4c", tmp_path, url)
        else:
            sqlite_restore("c771c4c", tmp_path)
        seconds, killed = 0.5, 0
        while not manage_killed(tmp_path, "migrate", url=url, seconds=seconds):
            killed += 1
            seconds += 0.1
        found = looked_at(tmp_path, url)
    assert killed > 3
    assert found["check"] == "14 photos have the right text.\n"
    assert [verdict for verdict, *_ in found["decisions"]] == ["edited", "rejected"]
    assert "captioning.add_decision" in found["rights"]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_migrations_go_back_and_forth(database: str, tmp_path: Path) -> None:
    with postgres() if database == "postgresql" else nullcontext("") as url:
        if url:
            postgres_restore("c771c4c", tmp_path, url)
        else:
            sqlite_restore("c771c4c", tmp_path)
        manage(tmp_path, "migrate", url=url)
        manage(tmp_path, "migrate", "gallery", "0005", url=url)
        manage(tmp_path, "migrate", url=url)
        found = looked_at(tmp_path, url)
    assert found["check"] == "14 photos have the right text.\n"
    assert [verdict for verdict, *_ in found["decisions"]] == ["edited", "rejected"]
    assert "captioning.add_decision" in found["rights"]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_index_of_one_column_gets_a_second_one(database: str, tmp_path: Path) -> None:
    """As the migration 0003 of photos once made it."""
    with postgres() if database == "postgresql" else nullcontext("") as url:
        if url:
            postgres_restore("c771c4c", tmp_path, url)
        else:
            sqlite_restore("c771c4c", tmp_path)
        manage(tmp_path, "migrate", "captioning", "0008", url=url)
        if url:
            with psycopg.connect(url) as connection:
                connection.execute(POSTGRESQL_INDEX_OF_ONE_COLUMN)
        else:
            with closing(sqlite3.connect(tmp_path / "fovea.sqlite3")) as connection:
                connection.executescript(SQLITE_INDEX_OF_ONE_COLUMN)
        manage(tmp_path, "migrate", url=url)
        found = looked_at(tmp_path, url)
    assert found["check"] == "14 photos have the right text.\n"
    assert found["found"] == ["ada-done.jpg"]


def looked_at(data: Path, url: str = "") -> dict[str, Any]:
    found = json.loads(manage(data, "shell", "--no-imports", "-c", DUMP, url=url))
    return {"data": data, "check": manage(data, "check_texts", url=url), **found}


def key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def migrated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What stands in a database of c771c4c after this version's migrations; its data folder was moved besides."""
    data = tmp_path_factory.mktemp("moved")
    if request.param == "sqlite":
        sqlite_restore("c771c4c", data)
        manage(data, "migrate")
        yield looked_at(data)
    else:
        with postgres() as url:
            postgres_restore("c771c4c", data, url)
            manage(data, "migrate", url=url)
            yield looked_at(data, url)


def test_earlier_photos_keep_their_state(migrated: dict[str, Any]) -> None:
    states = ["queued", "running", "done", "failed", "quarantined", "paused", "cancelled"]
    assert [(row[1], row[3], row[4]) for row in migrated["photos"]] == [
        (owner, state, lane) for state in states for owner, lane in (("ada", "bulk"), ("admin", "interactive"))
    ]
    assert migrated["photos"][0][:3] == ["ada-queued.jpg", "ada", "photos/00/00ada/original"]
    assert migrated["photos"][6][5] == "Save it again."


def test_earlier_captions_keep_all_they_say(migrated: dict[str, Any]) -> None:
    assert migrated["captions"] == [
        ["a dog runs", "ada-done.jpg", "default", 0.5],
        ["a cat sits", "ada-done.jpg", "elsewhere", 0.4],
        ["two dogs", "admin-done.jpg", "default", 0.7],
    ]
    assert migrated["attention"] == ["00ff10", "", ""]
    assert migrated["words"] == [{"text": "a", "log_probability": -0.5}]


def test_earlier_decisions_stand(migrated: dict[str, Any]) -> None:
    assert migrated["decisions"] == [
        ["edited", "A brown dog runs.", "rita", "a dog runs"],
        ["rejected", "", "rita", "two dogs"],
    ]


def test_earlier_photos_get_the_text_that_their_captions_and_decisions_say(migrated: dict[str, Any]) -> None:
    texts = {name: told for name, *told in migrated["texts"]}
    edited = "A brown dog runs."
    assert texts["ada-done.jpg"] == [edited, "person", "edited", "default", "a brown dog runs ¦ ada done jpg"]
    assert texts["admin-done.jpg"] == ["two dogs", "model", "rejected", "default", "two dogs ¦ admin done jpg"]
    assert texts["ada-failed.jpg"] == ["", "", "undecided", None, "ada failed jpg"]
    assert migrated["decided"] == [["a dog runs", "edited"], ["a cat sits", "undecided"], ["two dogs", "rejected"]]
    assert migrated["found"] == ["ada-done.jpg"]
    sure = {name: told for name, *told in migrated["sure"]}
    assert [sure[f"{name}.jpg"] for name in ("ada-done", "admin-done", "ada-failed")] == [
        [None, "default"], [0.7, "default"], [None, None],
    ]  # fmt: skip


def test_earlier_data_passes_the_check_of_texts(migrated: dict[str, Any]) -> None:
    assert migrated["check"] == "14 photos have the right text.\n"


def test_earlier_model_versions_are_found_where_the_data_folder_lies_now(migrated: dict[str, Any]) -> None:
    copied, elsewhere = migrated["versions"]
    assert copied == ["default", "active", "models/abababababab"]
    assert elsewhere == ["elsewhere", "retired", "/opt/bundles/mine"]
    assert migrated["folders"] == [str(Path(migrated["data"]) / "models" / "abababababab"), "/opt/bundles/mine"]
    assert migrated["vocabulary"] == ["a", "dog"]


def test_earlier_batches_get_ids_of_their_own(migrated: dict[str, Any]) -> None:
    assert migrated["batches"] == [
        ["holiday", "folder", "running", "", "", "ada"],
        ["summer.zip", "zip", "unpacking", "archives/aa/aabb/archive.zip", "", "ada"],
        ["holiday", "folder", "cancelled", "", "", "admin"],
    ]
    assert (migrated["submissions"], migrated["distinct"]) == ([12, 12, 12], 3)


def test_earlier_items_are_known_by_name_and_content(migrated: dict[str, Any]) -> None:
    done, queued, paused = ("2", "0", "5")
    assert migrated["items"] == [
        [
            "holiday",
            "day one/done.jpg",
            key("day one/done.jpg"),
            f"{done}2".rjust(64, "0"),
            "taken",
            "ada-done.jpg",
            "",
        ],
        ["holiday", "caf\ufffd.jpg", key("caf\ufffd.jpg"), f"{queued}2".rjust(64, "0"), "taken", "ada-queued.jpg", ""],
        ["holiday", "later.jpg", key("later.jpg"), "", "pending", None, ""],
        ["holiday", "broken.jpg", key("broken.jpg"), "", "failed", None, "It is no picture."],
        ["summer.zip", "1.jpg", key("1.jpg"), "", "pending", None, ""],
        ["summer.zip", "2.jpg", key("2.jpg"), f"{paused}2".rjust(64, "0"), "taken", "ada-paused.jpg", ""],
    ]


def test_earlier_accounts_keep_their_passwords_tokens_and_rights(migrated: dict[str, Any]) -> None:
    assert migrated["login"]
    assert migrated["tokens"] == [["script", "read", "ada"]]
    assert migrated["rights"] == [
        "batches.change_batch",
        "captioning.add_decision",
        "captioning.view_decision",
        "photos.view_photo",
    ]
    assert migrated["workers"] == [["host:1", 7]]
