"""The spread of ratios, rows with targets, and the order of runs."""

import pytest

from benchmarks.measuring.alternating_runs import Spread, rates_alternate
from benchmarks.measuring.results_table import HEADER, Row


def test_spread_is_of_the_ratios_round_by_round():
    assert Spread.of_ratios([10, 40, 60], [10, 20, 20]) == Spread(1, 2, 3)


@pytest.mark.parametrize(("median", "at_most", "met"), [(2, False, True), (1.9, False, False), (2.1, True, False)])
def test_row_is_met_by_its_median(median, at_most, met):
    assert Row("one", Spread(0, median, 9), 2, "", at_most=at_most).met is met


def test_row_is_a_line_of_the_table():
    row = str(Row("reward", Spread(0.01, 0.0204, 0.03), 0.1, "some photos", at_most=True))

    assert row == "| reward | 0.020 | 0.010 - 0.030 | at most 0.1 | yes | some photos |"
    assert row.count("|") == HEADER.splitlines()[0].count("|")


def test_row_without_a_target_is_only_told():
    assert str(Row("idle", Spread(1, 2, 3), None, "")) == "| idle | 2.00 | 1.00 - 3.00 | - | - |  |"


def test_runs_take_turns_and_every_other_round_the_other_way_round(capsys):
    order = []

    def runs(name: str, rate: float) -> float:
        order.append(name)
        return rate

    rates = rates_alternate({"a": lambda: runs("a", 2.0), "b": lambda: runs("b", 1.0)}, rounds=3, unit="photos")

    assert order == ["a", "b", "b", "a", "a", "b"]
    assert rates == {"a": [2.0] * 3, "b": [1.0] * 3}
    assert "round 3/3: a 2.0, b 1.0 photos a second" in capsys.readouterr().err
