"""The scenarios at their small size, on both databases. `make chaos` runs the full ones."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.chaos import DATABASES, MACHINE_CLOCK, SCENARIOS
from tests.chaos.figures import Outcome
from tests.chaos.running import scenario_run
from tests.clocks import faketime_library
from tests.databases import postgres_binaries

pytestmark = pytest.mark.slow

SEED = 4
AT_ONCE = 2  # most of a scenario is waiting


@pytest.fixture(scope="module")
def outcome_of(request: pytest.FixtureRequest, bundle: Path) -> Iterator[Callable[[str, str], Outcome]]:
    """Starts all scenarios that are asked for, a few at a time; gives the outcome of one once it has ended."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        started: dict[tuple[str, str], Future[Outcome]] = {}
        for item in request.session.items:
            if item.path == request.path and isinstance(item, pytest.Function):
                case = (str(item.callspec.params["scenario"]), str(item.callspec.params["database"]))
                started[case] = pool.submit(
                    scenario_run, case[0], database=case[1], scale="small", seed=SEED, bundle=bundle
                )
        yield lambda scenario, database: started[scenario, database].result()
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_promise_holds_in(scenario: str, database: str, outcome_of: Callable[[str, str], Outcome]) -> None:
    if database == "postgresql":
        postgres_binaries()
    if scenario in MACHINE_CLOCK:
        faketime_library()
    outcome = outcome_of(scenario, database)
    assert outcome.held, outcome.error
