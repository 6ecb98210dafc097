"""The table that a run prints."""

import re

import pytest

from tests.training.tiny_models import record
from training.epoch.epoch_table import table_header, table_line

PLAIN = record(bleu_4=None, cider=None, peak=None, distance=None, comparable=False)  # a decoder without attention


@pytest.mark.parametrize(
    "shown",
    [
        record(),
        PLAIN,
        record(stage="self_critical", epoch=100, epochs=100, seconds=36_000.0, cider=100.0, bleu_4=100.0, distinct=1.0),
        record(comparable=False, cider=123.4, peak=100.0, distance=1.0, captions_per_second=12_345.0, data_share=1.0),
    ],
    ids=["usual", "without scores", "long", "wide"],
)
def test_table_line_stands_below_its_header(shown):
    header, line = table_header(), table_line(shown)

    assert line.startswith(shown.stage)
    for column in list(re.finditer(r"\S+", header))[1:]:  # all to the right but the first
        assert line[column.end() - 1] != " "
        assert line[column.end() : column.end() + 1] in {"", " "}
    assert len(line.partition("   *")[0]) == len(header)


def test_table_line_tells_an_epoch():
    cells = table_line(record()).split()

    assert cells == ["decoder", "1/2", "1:15", "4.500", "4.250", "12.3", "34.6", "50%", "3.2", "0.46", "1,234", "7%"]


def test_table_line_without_scores_and_attention_has_dashes():
    cells = table_line(PLAIN).split()

    assert [cells[index] for index in (5, 6, 8, 9)] == ["–"] * 4


@pytest.mark.parametrize(
    ("seconds", "time"), [(0.4, "0:00"), (59.6, "1:00"), (3599.4, "59:59"), (3599.6, "1:00:00"), (36_125.0, "10:02:05")]
)
def test_table_line_tells_the_time(seconds, time):
    assert table_line(record(seconds=seconds)).split()[2] == time


def test_table_line_marks_scores_that_do_not_compare():
    line = table_line(record(comparable=False))

    assert "12.3*" in line
    assert "34.6*" in line
    assert line.endswith("   * without Java: not comparable")
    assert "*" not in table_line(record())
