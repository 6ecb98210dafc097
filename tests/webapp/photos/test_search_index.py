"""The index follows the rows, whatever becomes of the table. test_search_postgresql runs this file on PostgreSQL."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.db.models.signals import post_migrate

from tests.webapp.photos.search_rows import TABLE, ScratchPhoto, row_change, row_make, search_table, texts_found
from webapp.photos.search_index import (
    index_build,
    index_differs,
    index_drop,
    index_follow,
    index_name,
    index_restore,
)
from webapp.photos.search_words import search_words

pytestmark = pytest.mark.django_db(transaction=True)

NO_TRIGGERS = "PostgreSQL keeps its index without triggers"


@pytest.fixture(autouse=True)
def _table(transactional_db: None) -> Iterator[None]:
    with search_table():
        yield


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def field_make(name: str, field: models.Field) -> models.Field:
    field.set_attributes_from_name(name)
    field.model = ScratchPhoto
    return field


def triggers_lose() -> None:
    """As a later migration does on SQLite: the table is made anew."""
    old, new = ScratchPhoto._meta.get_field("name"), field_make("name", models.CharField(max_length=300))
    with connection.schema_editor() as editor:
        editor.alter_field(ScratchPhoto, old, new)


def test_index_follows_each_way_to_write() -> None:
    row = row_make("a dog")
    assert texts_found("dog") == ["a dog"]
    row_change(row, "a cat")
    assert (texts_found("dog"), texts_found("cat")) == ([], ["a cat"])
    assert ScratchPhoto.objects.update(text="a bird", search_words=search_words("a bird")) == 1
    assert (texts_found("cat"), texts_found("bird")) == ([], ["a bird"])
    made = ScratchPhoto.objects.bulk_create([ScratchPhoto(text=text, search_words=text) for text in ("fox", "foxes")])
    assert texts_found("fox") == ["fox", "foxes"]
    made[0].search_words = "wolf"
    ScratchPhoto.objects.bulk_update(made, ["search_words"])
    assert texts_found("wolf") == ["fox"]
    assert ScratchPhoto.objects.filter(text="fox").update(search_objects="lynx") == 1
    assert texts_found("lynx") == texts_found("wolf lynx") == ["fox"]
    assert ScratchPhoto.objects.filter(text="fox").update(search_objects="") == 1
    assert texts_found("lynx") == []
    assert ScratchPhoto.objects.filter(text="fox").delete()[0] == 1
    assert texts_found("wolf") == []
    assert not index_differs(connection, table=TABLE)


def test_row_gets_its_own_key_and_not_the_index_s() -> None:
    row_make("a dog").delete()
    row = row_make("a dog")
    assert ScratchPhoto.objects.get().pk == row.pk


def test_index_forgets_what_was_rolled_back() -> None:
    row = row_make("a dog")
    with transaction.atomic():
        try:
            with transaction.atomic():
                row_change(row, "a cat")
                raise ValueError
        except ValueError:
            row_make("a bird")
    assert (texts_found("dog"), texts_found("cat"), texts_found("bird")) == (["a dog"], [], ["a bird"])
    assert not index_differs(connection, table=TABLE)


def test_index_is_built_from_rows_that_were_there() -> None:
    index_drop(connection, table=TABLE)
    row_make("a dog")
    index_drop(connection, table=TABLE)
    index_build(connection, table=TABLE)
    index_build(connection, table=TABLE)
    row_make("two dogs")
    assert texts_found("dog") == ["a dog", "two dogs"]


def test_missing_index_differs() -> None:
    index_drop(connection, table=TABLE)
    assert index_differs(connection, table=TABLE)
    assert not index_restore(connection, table=TABLE)  # no migration made it yet


def test_index_is_looked_after_at_the_end_of_migrate() -> None:
    row_make("a dog")
    triggers_lose()
    follow = partial(index_follow, table=TABLE)
    post_migrate.connect(follow)
    try:
        call_command("migrate", verbosity=0)
    finally:
        post_migrate.disconnect(follow)
    row_make("two dogs")
    assert texts_found("dog") == ["a dog", "two dogs"]


def test_emptied_table_has_an_empty_index() -> None:
    """As tests are cleaned up: TRUNCATE on PostgreSQL, DELETE on SQLite."""
    row_make("a dog")
    for statement in connection.ops.sql_flush(no_style(), [TABLE], reset_sequences=True):
        execute(statement)
    assert texts_found("dog") == []
    row_make("two dogs")
    assert texts_found("dog") == ["two dogs"]
    assert not index_differs(connection, table=TABLE)


def test_later_column_keeps_the_index() -> None:
    """Where a column may be empty, SQLite's table is not made anew."""
    row_make("a dog")
    with connection.schema_editor() as editor:
        editor.add_field(ScratchPhoto, field_make("later", models.IntegerField(null=True)))
    row_make("two dogs")
    assert texts_found("dog") == ["a dog", "two dogs"]
    assert not index_restore(connection, table=TABLE)
    assert not index_differs(connection, table=TABLE)


def test_index_is_whole_after_a_later_change_of_the_table() -> None:
    """What `migrate` does at its end: on SQLite the index is stale until then."""
    dog, cat = row_make("a dog"), row_make("a cat")
    triggers_lose()
    row_change(dog, "a wolf")
    cat.delete()
    row_make("two dogs")
    assert index_differs(connection, table=TABLE) == (connection.vendor == "sqlite")

    assert index_restore(connection, table=TABLE) == (connection.vendor == "sqlite")
    assert not index_restore(connection, table=TABLE)
    assert not index_differs(connection, table=TABLE)
    assert (texts_found("dog"), texts_found("wolf"), texts_found("cat")) == (["two dogs"], ["a wolf"], [])
    row_make("dogs again")
    assert texts_found("dog") == ["dogs again", "two dogs"]


@pytest.mark.skipif(connection.vendor != "sqlite", reason=NO_TRIGGERS)
def test_index_survives_the_change_of_another_table() -> None:
    class Other(models.Model):
        number = models.IntegerField()

        class Meta:
            app_label = "scratch"
            apps = ScratchPhoto._meta.apps

        def __str__(self) -> str:
            return ""

    later = models.BigIntegerField()
    later.set_attributes_from_name("number")
    with connection.schema_editor() as editor:
        editor.create_model(Other)
    with connection.schema_editor() as editor:
        editor.alter_field(Other, Other._meta.get_field("number"), later)
        editor.delete_model(Other)
    assert not index_differs(connection, table=TABLE)


@pytest.mark.skipif(connection.vendor != "sqlite", reason=NO_TRIGGERS)
def test_index_that_says_other_things_differs_until_it_is_built() -> None:
    row = row_make("a dog")
    execute(f"INSERT INTO {index_name(TABLE)}(rowid, search_words) VALUES ({row.pk}, 'ghost')")
    assert texts_found("ghost") == ["a dog"]
    assert index_differs(connection, table=TABLE)
    index_build(connection, table=TABLE)
    assert not index_differs(connection, table=TABLE)


@pytest.mark.skipif(connection.vendor != "sqlite", reason=NO_TRIGGERS)
def test_corrupt_index_is_built_anew() -> None:
    row_make("a dog")
    execute(f"UPDATE {index_name(TABLE)}_data SET block = X'0123456789'")
    connection.close()
    assert index_differs(connection, table=TABLE)
    index_build(connection, table=TABLE)
    assert not index_differs(connection, table=TABLE)
    assert texts_found("dog") == ["a dog"]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="pg_dump copies PostgreSQL")
def test_copy_and_packed_database_have_the_index(tmp_path: Path) -> None:
    row_make("a cat").delete()
    row_make("a dog")
    execute("VACUUM")
    assert texts_found("dog") == ["a dog"]
    connection.ensure_connection()
    with closing(sqlite3.connect(tmp_path / "copy.sqlite3")) as copy:
        connection.connection.backup(copy)
        copy.execute(
            f"INSERT INTO {TABLE}(owner, name, text, search_words, search_objects) VALUES (1, '', '', 'hat', 'dog')"
        )
        index = index_name(TABLE)
        found = copy.execute(f"SELECT search_words FROM {index} WHERE {index} MATCH 'dog*'").fetchall()
    assert sorted(found) == [("a dog ¦ img jpg",), ("hat",)]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no such index")
def test_missing_gin_index_differs_until_it_is_built() -> None:
    execute(f"DROP INDEX {index_name(TABLE)}")
    assert index_differs(connection, table=TABLE)
    index_build(connection, table=TABLE)
    assert not index_differs(connection, table=TABLE)
