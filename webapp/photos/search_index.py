"""The full-text index over two columns of normalised words, kept by the database itself.

One column has the words of text and file name, the other those of the objects seen in the photo. A query may ask for
the first alone: so the objects weigh less.

SQLite: an FTS5 table that holds no text of its own, and triggers. PostgreSQL: a generated `tsvector` column that no
model knows, with a GIN index. Neither database divides the text by rules of its own: see search_words.

Django changes many columns on SQLite by making the table anew. That drops the table's triggers, silently. So
`index_restore` follows each `migrate`; it builds the index again where triggers were lost.

On SQLite, write many rows of one transaction in the order of their keys: FTS5 stores what it has so far before it goes
back to a lower one. A row in order costs 0.11 ms more than without the index, one out of order 0.19 ms.

Names of tables come from code, never from a request.
"""

from typing import Final

from django.db import DatabaseError, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from webapp.photos.search_words import BORDER

TABLE: Final = "photos_photo"
WORDS: Final = "search_words"
OBJECTS: Final = "search_objects"
VECTOR: Final = "search_vector"  # on PostgreSQL
TEXT_WEIGHT: Final = "A"  # there, of text and file name; objects have the weight D, which takes no label


def index_name(table: str = TABLE) -> str:
    """Of the FTS5 table, and of the GIN index."""
    return f"{table}_search"


def index_build(connection: BaseDatabaseWrapper, *, table: str = TABLE) -> None:
    """Makes the index from the rows, whatever was there of it. Takes about a second for 100,000 photos on SQLite."""
    with transaction.atomic(using=connection.alias):
        index_drop(connection, table=table)
        if connection.vendor == "sqlite":
            name = index_name(table)
            statements = [*_sqlite_parts(table).values(), f"INSERT INTO {name}({name}) VALUES ('rebuild')"]  # noqa: S608
        else:
            statements = _postgresql_parts(table)
        _execute(connection, statements)


def index_drop(connection: BaseDatabaseWrapper, *, table: str = TABLE) -> None:
    """Also where parts of it are missing."""
    name = index_name(table)
    if connection.vendor == "sqlite":
        statements = [f"DROP TRIGGER IF EXISTS {part}" for part in _sqlite_parts(table) if part != name]
        if name in _sqlite_found(connection, table):
            # Emptied first: SQLite opens what it drops, and a corrupt index does not open.
            statements.append(f"REPLACE INTO {name}_data(id, block) VALUES (10, X'00000000000000')")  # noqa: S608
            statements.append(f"DROP TABLE {name}")
    else:
        statements = [
            f"ALTER TABLE {table} DROP COLUMN IF EXISTS {VECTOR}",  # with its GIN index
            f"DROP FUNCTION IF EXISTS {name}_vector(text)",
        ]
    with transaction.atomic(using=connection.alias):
        _execute(connection, statements)


def index_restore(connection: BaseDatabaseWrapper, *, table: str = TABLE) -> bool:
    """Builds the index again where it lost its triggers. Whether it had to. Costs one look at the schema otherwise.

    Where a migration has not made the index yet, or unmade it, nothing happens.
    """
    if connection.vendor != "sqlite":
        return False
    found = _sqlite_found(connection, table)
    if index_name(table) not in found or found == _sqlite_parts(table):
        return False
    index_build(connection, table=table)
    return True


def index_follow(*, using: str, table: str = TABLE, **_signal: object) -> None:
    """The receiver of `post_migrate` that calls index_restore."""
    index_restore(connections[using], table=table)


def index_differs(connection: BaseDatabaseWrapper, *, table: str = TABLE) -> bool:
    """Whether the index is missing, in part or whole, corrupt, or says anything else than the columns of words.

    Reads everything: about half a second for 100,000 photos, in which SQLite takes no other writes.
    """
    if connection.vendor == "sqlite":
        return _sqlite_found(connection, table) != _sqlite_parts(table) or _fts5_differs(connection, table)
    return _postgresql_differs(connection, table)


def _sqlite_parts(table: str) -> dict[str, str]:
    """The index and its triggers as SQLite's schema tells them, by name."""
    name = index_name(table)
    columns = f"{WORDS}, {OBJECTS}"
    forget = f"INSERT INTO {name}({name}, rowid, {columns}) VALUES ('delete', old.id, old.{WORDS}, old.{OBJECTS});"  # noqa: S608
    learn = f"INSERT INTO {name}(rowid, {columns}) VALUES (new.id, new.{WORDS}, new.{OBJECTS});"  # noqa: S608
    changed = f"old.id <> new.id OR old.{WORDS} <> new.{WORDS} OR old.{OBJECTS} <> new.{OBJECTS}"
    return {
        # ASCII's tokenizer divides at spaces, and takes all other scripts as they are.
        name: f"CREATE VIRTUAL TABLE {name} USING fts5({columns}, content='{table}', content_rowid='id', "
        "tokenize='ascii', columnsize=0)",
        f"{name}_insert": f"CREATE TRIGGER {name}_insert AFTER INSERT ON {table} BEGIN {learn} END",
        f"{name}_update": f"CREATE TRIGGER {name}_update AFTER UPDATE OF id, {columns} ON {table} WHEN {changed} "
        f"BEGIN {forget} {learn} END",
        f"{name}_delete": f"CREATE TRIGGER {name}_delete AFTER DELETE ON {table} BEGIN {forget} END",
    }


def _sqlite_found(connection: BaseDatabaseWrapper, table: str) -> dict[str, str]:
    names = list(_sqlite_parts(table))
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE name IN (%s, %s, %s, %s)", names)
        return dict(cursor.fetchall())


def _fts5_differs(connection: BaseDatabaseWrapper, table: str) -> bool:
    name = index_name(table)
    try:
        with transaction.atomic(using=connection.alias):
            # Rank 1: with the rows of the table too.
            _execute(connection, [f"INSERT INTO {name}({name}, rank) VALUES ('integrity-check', 1)"])  # noqa: S608
    except OperationalError:  # such as a lock: nothing was compared
        raise
    except DatabaseError:  # "database disk image is malformed"
        return True
    return False


def _postgresql_parts(table: str) -> list[str]:
    name = index_name(table)
    return [
        # Not to_tsvector: what it takes for a word depends on the locale, on digits and on dots.
        f"""
        CREATE FUNCTION {name}_vector(words text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
            SELECT coalesce(pg_catalog.string_agg('''' || word || ''':' || place, ' '), '')::pg_catalog.tsvector
            FROM pg_catalog.unnest(pg_catalog.string_to_array(words, ' ')) WITH ORDINALITY AS listed(word, place)
            WHERE word <> '' AND word <> '{BORDER}'
        $$
        """,  # noqa: S608
        f"ALTER TABLE {table} ADD COLUMN {VECTOR} tsvector GENERATED ALWAYS AS ({_postgresql_vector(name)}) STORED",
        f"CREATE INDEX {name} ON {table} USING gin ({VECTOR})",
    ]


def _postgresql_vector(name: str) -> str:
    """The border keeps a phrase from crossing from the last word of the text to the first object."""
    return f"setweight({name}_vector({WORDS}), '{TEXT_WEIGHT}') || {name}_vector('{BORDER} ' || {OBJECTS})"


def _postgresql_differs(connection: BaseDatabaseWrapper, table: str) -> bool:
    name = index_name(table)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_index "
            "WHERE indexrelid = to_regclass(%s) AND indrelid = to_regclass(%s) AND indisvalid",
            [name, table],
        )
        (indexes,) = cursor.fetchone()
        if not indexes:
            return True
        vector = _postgresql_vector(name)
        cursor.execute(f"SELECT EXISTS (SELECT FROM {table} WHERE {VECTOR} IS DISTINCT FROM ({vector}))")  # noqa: S608
        (differs,) = cursor.fetchone()
    return bool(differs)


def _execute(connection: BaseDatabaseWrapper, statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
