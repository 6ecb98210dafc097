"""What ends a run before its last epoch."""

import os
import signal

import pytest

from tests.training.tiny_models import record
from training.run.early_stopping import RunStopped, StopRequest, patience_exhausted


def test_stop_is_not_asked_for_unless_something_happened():
    with StopRequest(minutes=60) as stop:
        stop.check()


@pytest.mark.parametrize(("number", "named"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_stop_comes_at_the_next_check_after_a_signal(number, named):
    with StopRequest() as stop:
        os.kill(os.getpid(), number)

        with pytest.raises(RunStopped, match=named):
            stop.check()


@pytest.fixture
def ctrl_c_heard():
    """As at a terminal: a program that a shell began in the background ignores Ctrl-C."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


@pytest.mark.usefixtures("ctrl_c_heard")
def test_stop_at_the_second_ctrl_c_is_immediate():
    with StopRequest():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_stop_comes_when_the_time_is_up():
    with StopRequest(minutes=0) as stop, pytest.raises(RunStopped, match="limit of 0 minutes"):
        stop.check()


def test_stop_gives_the_signals_back():
    former = signal.getsignal(signal.SIGTERM)

    with StopRequest():
        assert signal.getsignal(signal.SIGTERM) != former

    assert signal.getsignal(signal.SIGTERM) == former


@pytest.mark.parametrize(
    ("ciders", "patience", "over"),
    [
        ([], 1, False),
        ([3.0, 2.0], 0, False),
        ([3.0, 2.0], 2, False),
        ([3.0, 2.0, 3.0], 2, True),
        ([3.0, 2.0, 4.0], 2, False),
        ([1.0, 2.0, 3.0, 3.0], 1, True),
    ],
)
def test_patience_ends_with_as_many_epochs_that_were_no_better(ciders, patience, over):
    assert patience_exhausted([record(cider=cider) for cider in ciders], patience=patience) == over
