"""Photos that a search finds, as a condition of a queryset: it goes with other filters, with orders and pages."""

from dataclasses import replace
from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, Q
from django.db.models.expressions import Col
from django.db.models.sql.compiler import SQLCompiler

from webapp.photos.search_index import VECTOR, index_name
from webapp.photos.search_query import SearchQuery, search_query

_KEY: Final = "pk"


def search_filter(text: str, *, in_text: bool = False) -> Q:
    """For querysets of the model whose table has the index. Any text will do: see search_query.

    `in_text`: each wanted term stands in the text or the file name; without it, objects that were seen count too.
    A text without a word filters nothing.
    """
    query = search_query(text)
    return Q(_Found(replace(query, in_text=in_text))) if query else Q()


class _Found(Func):
    """Whether the index of the row's table finds the row. The query is a parameter of the statement."""

    def __init__(self, query: SearchQuery) -> None:
        super().__init__(F(_KEY), output_field=BooleanField())
        self.query = query

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_context: Any
    ) -> tuple[str, tuple[Any, ...]]:
        """SQLite lists all that the index finds, once, and looks rows up in the list in the order of the queryset."""
        key = self._key()
        row, parameters = compiler.compile(key)
        index = connection.ops.quote_name(index_name(key.target.model._meta.db_table))
        found = f"{row} {'IN' if self.query.wanted else 'NOT IN'} (SELECT rowid FROM {index} WHERE {index} MATCH %s)"  # noqa: S608 - names of ours
        return found, (*parameters, self.query.fts5)

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_context: Any
    ) -> tuple[str, tuple[Any, ...]]:
        """The planner chooses between the index of words and the others."""
        alias = compiler.quote_name_unless_alias(self._key().alias)
        return f"{alias}.{connection.ops.quote_name(VECTOR)} @@ %s::tsquery", (self.query.tsquery,)

    def _key(self) -> Col:
        (key,) = self.get_source_expressions()
        assert isinstance(key, Col)
        return key
