"""What a page costs as rows grow: with 100,000 photos of one owner over 1,000, on each database.

Both sites hold rows of every kind: jobs in every state, captions of two model versions, decisions of which some were
made twice, small batches and one of as many items as there are photos (rows.py). Each page is asked for in one process,
by Django's test client, by somebody who is logged in, and the whole request is timed (visits.py). The two sites live
side by side and take turns, so that what slows the machine slows both; a turn is the median of a few visits.

A search or a filter counts what it finds, so it may take longer with more rows: 19 of 20 visits to the many have to
take less than a limit. Nothing is asked of pages that lie as deep as there are rows: they are only told.
"""

from __future__ import annotations

import re
import sys

from tqdm import tqdm

from benchmarks.fovea_stack.stack_process import Fovea, database_missing
from benchmarks.measuring.alternating_runs import Spread
from benchmarks.measuring.command_line import DATABASES_NAMED, Setting
from benchmarks.measuring.results_table import Row
from benchmarks.pages.side import Queries, page_ms, page_p95_ms, page_queries, page_warm, side_open

RATIO = 1.5
LIMIT_MS = 200.0  # of searches and filters
FEWER = 100  # times
FEWEST = 60  # photos, with which the first page of each list is full
SHOWN = 500  # characters of a query


def measure(setting: Setting) -> list[Row]:
    rows = []
    for database in setting.databases:
        if not database_missing(database):
            rows += _database(setting, database)
    return rows


def _database(setting: Setting, database: str) -> list[Row]:
    with (
        Fovea(database, bundle=setting.bundle, device="cpu") as few,
        Fovea(database, bundle=setting.bundle, device="cpu") as many,
    ):
        few.run(side_open, max(FEWEST, setting.rows // FEWER))
        pages = many.run(side_open, setting.rows)
        return [
            _search(setting, DATABASES_NAMED[database], name, many=many)
            if kind == "search"
            else _page(setting, DATABASES_NAMED[database], name, far=kind == "far", few=few, many=many)
            for name, kind in tqdm(pages.items(), desc=f"pages on {DATABASES_NAMED[database]}")
        ]


def _page(setting: Setting, database: str, name: str, *, far: bool, few: Fovea, many: Fovea) -> Row:
    sides = {"few": few, "many": many}
    for side in sides.values():
        side.run(page_warm, name)
    times: dict[str, list[float]] = {"few": [], "many": []}
    for number in range(setting.rounds):
        for each in ("few", "many") if number % 2 == 0 else ("many", "few"):
            times[each].append(sides[each].run(page_ms, name))
    ratio = Spread.of_ratios(times["many"], times["few"])
    asked = {each: side.run(page_queries, name) for each, side in sides.items()}
    details = (
        f"{Spread.of(times['many']).median:.1f} over {Spread.of(times['few']).median:.1f} ms; "
        f"{asked['many'].count} and {asked['few'].count} queries"
    )
    row = Row(f"{name}, {database}", ratio, None if far else RATIO, details, at_most=True)
    slowest = asked["many"]
    if ratio.median <= RATIO or not slowest.count:
        return row
    tqdm.write(
        f"{row.name}: {slowest.slowest_ms:.1f} ms\n{slowest.slowest_sql[:SHOWN]}\n{slowest.slowest_plan}\n", sys.stderr
    )
    return Row(row.name, ratio, row.target, f"{details}; slowest: {_told(slowest)}", at_most=True)


def _search(setting: Setting, database: str, name: str, *, many: Fovea) -> Row:
    many.run(page_warm, name)
    spread = Spread.of([many.run(page_p95_ms, name) for _ in range(setting.rounds)])
    asked = many.run(page_queries, name)
    details = f"{asked.count} queries; slowest: {_told(asked)}"
    return Row(f"{name}, ms for 19 of 20, {database}", spread, LIMIT_MS, details, at_most=True)


def _told(asked: Queries) -> str:
    """A query in a few words: what it does to which tables, and how long that takes."""
    tables = dict.fromkeys(re.findall(r'(?:FROM|JOIN|UPDATE|INTO) "(\w+)"', asked.slowest_sql))
    verb = "count" if "COUNT(" in asked.slowest_sql else asked.slowest_sql.partition(" ")[0].lower()
    return f"{verb} of {', '.join(tables)} {asked.slowest_ms:.1f} ms"
