"""Photos that a search finds, as a condition of a queryset: it goes with other filters, with orders and pages."""

from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, Q
from django.db.models.expressions import Col, OrderBy
from django.db.models.sql.compiler import SQLCompiler

from webapp.photos.search_index import VECTOR, index_name
from webapp.photos.search_query import SearchQuery, search_query

_KEY: Final = "pk"


def search_filter(text: str) -> Q:
    """For querysets of the model whose table has the index. Any text will do: see search_query.

    A text without a word filters nothing.
    """
    query = search_query(text)
    return Q(_Found(query)) if query else Q()


def search_order(text: str) -> tuple[OrderBy, ...]:
    """For `order_by`, first: rows that have the wanted terms in their text or file name come before those that have
    some only in the objects seen.

    The database then sorts all that it finds: of 100,000 photos 60 ms for every tenth, 0.2 s for all.
    """
    wanted = search_query(text).wanted
    return (_Found(SearchQuery(wanted, in_text=True)).desc(),) if wanted else ()


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
