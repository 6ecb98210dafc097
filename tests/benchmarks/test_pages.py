"""The benchmark of the pages runs on few rows. How fast a page is is not tested; its queries are: test_page_queries."""

import pytest

from benchmarks import pages
from benchmarks.fovea_stack.stack_process import database_missing
from benchmarks.measuring import command_line
from benchmarks.measuring.command_line import rows_measure
from benchmarks.measuring.results_table import Row
from tests.missing_services import service_missing

pytestmark = pytest.mark.slow

SMALL = ["--photos", "1", "--rounds", "1", "--rows", "200"]
TOLD = 2  # pages that lie as deep as there are rows


@pytest.fixture(autouse=True)
def no_shared_photos(monkeypatch, tmp_path):
    monkeypatch.setattr(command_line, "SHARED", tmp_path / "none")


def measured(database: str) -> list[Row]:
    return rows_measure(pages.measure, description="", argv=[*SMALL, "--databases", database])


@pytest.mark.parametrize(("database", "name"), command_line.DATABASES_NAMED.items())
def test_pages_are_measured_on_each_database(database, name, capsys):
    if database_missing(database):
        service_missing(f"{name} is not installed")

    rows = measured(database)

    assert len(rows) > 40
    assert len([row for row in rows if row.target is None]) == TOLD
    assert all(row.spread.median > 0 and row.at_most for row in rows)
    assert f"| review search, {name} | " in capsys.readouterr().out


def test_page_over_the_limit_is_told_with_its_slowest_query_and_plan(monkeypatch, capsys):
    monkeypatch.setattr(pages, "RATIO", 0.0)

    rows = {row.name: row for row in measured("sqlite")}

    assert "; slowest: " in rows["admin, photos by state, SQLite"].details
    assert "SEARCH captioning_captionjob USING " in capsys.readouterr().err
