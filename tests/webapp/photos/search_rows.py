"""A table with the index of search, and what a search finds in plain Python."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

from django.apps.registry import Apps
from django.db import connection, models

from webapp.photos.search_filter import search_filter
from webapp.photos.search_index import index_build, index_drop
from webapp.photos.search_query import SearchQuery, Term
from webapp.photos.search_words import BORDER, search_words

TABLE = "scratch_photo"


class ScratchPhoto(models.Model):
    """What search needs of a photo."""

    owner = models.IntegerField(default=1)
    name = models.CharField(max_length=255, default="img.jpg")
    text = models.TextField(default="")
    search_words = models.TextField(default="")
    search_objects = models.TextField(default="")

    objects: ClassVar[models.Manager["ScratchPhoto"]] = models.Manager()

    class Meta:
        app_label = "scratch"
        apps = Apps()
        db_table = TABLE

    def __str__(self) -> str:
        return self.name


@contextmanager
def search_table() -> Iterator[None]:
    """The empty table with its index. SQLite makes tables outside of transactions alone."""
    with connection.schema_editor() as editor:
        editor.create_model(ScratchPhoto)
    try:
        with connection.schema_editor():  # as in a migration
            index_build(connection, table=TABLE)
        yield
    finally:
        with connection.schema_editor() as editor:
            index_drop(connection, table=TABLE)
            editor.delete_model(ScratchPhoto)


def row_make(text: str = "", *, name: str = "img.jpg", owner: int = 1, objects: Sequence[str] = ()) -> ScratchPhoto:
    return ScratchPhoto.objects.create(
        owner=owner, name=name, text=text, search_words=search_words(text, name), search_objects=search_words(*objects)
    )


def row_change(row: ScratchPhoto, text: str) -> None:
    row.text, row.search_words = text, search_words(text, row.name)
    row.save()


def texts_found(query: str) -> list[str]:
    return sorted(ScratchPhoto.objects.filter(search_filter(query)).values_list("text", flat=True))


def words_of(row: ScratchPhoto) -> list[str]:
    """Of text, file name and objects, with borders between them."""
    return f"{row.search_words} {BORDER} {row.search_objects}".split()


def query_finds(query: SearchQuery, words: list[str]) -> bool:
    return query_in(query, words) and not any(_stands_in(term, words) for term in query.unwanted)


def query_in(query: SearchQuery, words: list[str]) -> bool:
    """Whether all wanted terms are there."""
    return all(_stands_in(term, words) for term in query.wanted)


def _stands_in(term: Term, words: list[str]) -> bool:
    *first, last = term.words
    for start in range(len(words) - len(first)):
        *before, word = words[start : start + len(term.words)]
        if before == first and (word == last or (term.prefix and word.startswith(last))):
            return True
    return False
