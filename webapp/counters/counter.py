"""What is counted: rows of a table by a subject and a label. The database keeps the counts by triggers.

A count over 100,000 rows takes tens of milliseconds; the sum of a few rows takes none. Triggers also see what bulk
updates, cascades and other programs write.
"""

from dataclasses import dataclass

from webapp.counters.triggers import Kept, kept_register

COUNTS = "counters_count"
SEPARATOR = "|"  # between the parts of a label


@dataclass(frozen=True)
class Counter:
    """
    Args:
        name: of the counter.
        table: whose rows are counted.
        subject: SQL for the primary key of what a row belongs to; `{row}` stands for the row.
        parts: SQL for the parts of the label, likewise.
        columns: those that subject and parts read.
    """

    name: str
    table: str
    subject: str
    parts: tuple[str, ...]
    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        kept_register(
            Kept(
                name=self.name,
                tables=(self.table,),
                sqlite=self._sqlite(),
                postgresql=self._postgresql(),
                fill=self._fill(),
                differs=self._differs(),
            )
        )

    def _key(self, row: str) -> tuple[str, str]:
        """SQL for the subject and the label of a row."""
        return self.subject.format(row=row), f" || '{SEPARATOR}' || ".join(self.parts).format(row=row)

    def _fill(self) -> tuple[str, ...]:
        subject, label = self._key("t")
        return (
            f"DELETE FROM {COUNTS} WHERE counter = '{self.name}'",
            f"""INSERT INTO {COUNTS}(counter, subject, label, n)
                SELECT '{self.name}', {subject}, {label}, count(*) FROM {self.table} t GROUP BY 2, 3""",
        )

    def _differs(self) -> str:
        subject, label = self._key("t")
        return f"""
            SELECT count(*) FROM (
                SELECT subject, label FROM (
                    SELECT subject, label, n FROM {COUNTS} WHERE counter = '{self.name}'
                    UNION ALL SELECT {subject}, {label}, -1 FROM {self.table} t
                ) counted GROUP BY subject, label HAVING sum(n) <> 0
            ) wrong"""

    def _sqlite(self) -> dict[str, str]:
        name = f"kept_{self.name}"
        old, new = self._add("old", -1), self._add("new", 1)
        changed = " OR ".join(f"old.{column} IS NOT new.{column}" for column in self.columns)
        columns = ", ".join(self.columns)
        return {
            f"{name}_insert": f"CREATE TRIGGER {name}_insert AFTER INSERT ON {self.table} BEGIN {new} END",
            f"{name}_delete": f"CREATE TRIGGER {name}_delete AFTER DELETE ON {self.table} BEGIN {old} END",
            f"{name}_update": f"CREATE TRIGGER {name}_update AFTER UPDATE OF {columns} ON {self.table} "
            f"WHEN {changed} BEGIN {old} {new} END",
        }

    def _add(self, row: str, by: int) -> str:
        """No ON CONFLICT: SQLite would put that of the statement that fired the trigger in its place."""
        subject, label = self._key(row)
        return f"""
            UPDATE {COUNTS} SET n = n + ({by})
            WHERE counter = '{self.name}' AND subject = {subject} AND label = {label};
            INSERT INTO {COUNTS}(counter, subject, label, n)
            SELECT '{self.name}', {subject}, {label}, {by} WHERE changes() = 0;"""

    def _postgresql(self) -> tuple[str, ...]:
        name = f"kept_{self.name}"
        added, removed = self._changed("added", 1), self._changed("removed", -1)
        function = f"""
            CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF TG_OP = 'INSERT' THEN {self._sum(added)}
                ELSIF TG_OP = 'DELETE' THEN {self._sum(removed)}
                ELSE {self._sum(f"{added} UNION ALL {removed}")}
                END IF;
                RETURN NULL;
            END $$"""
        old, new = "OLD TABLE AS removed", "NEW TABLE AS added"
        events = {"insert": new, "delete": old, "update": f"{old} {new}"}
        return (
            function,
            *(
                f"""CREATE OR REPLACE TRIGGER {name}_{event} AFTER {event.upper()} ON {self.table}
                    REFERENCING {rows} FOR EACH STATEMENT EXECUTE FUNCTION {name}()"""
                for event, rows in events.items()
            ),
        )

    def _changed(self, rows: str, by: int) -> str:
        subject, label = self._key(rows)
        return f"SELECT {subject} AS subject, {label} AS label, {by} AS n FROM {rows}"

    def _sum(self, changed: str) -> str:
        return f"""
            INSERT INTO {COUNTS}(counter, subject, label, n)
            SELECT '{self.name}', subject, label, sum(n) FROM ({changed}) changed
            GROUP BY subject, label HAVING sum(n) <> 0;"""
