"""Fixtures that every part of the tests uses."""

import os
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model

from tests.brokers import broker, broker_process, own_broker  # noqa: F401
from tests.bundles import bundle, tiny_bundle  # noqa: F401
from tests.clocks import database_clock  # noqa: F401
from tests.missing_services import SHARED

# On busy cores two threads of torch wait for each other: small models then take thirty times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture
def user(db):
    """Somebody who uploads photos; password `correct horse`."""
    return get_user_model().objects.create_user(username="ada", password="correct horse")


@pytest.fixture
def other_user(db):
    return get_user_model().objects.create_user(username="grace", password="correct horse")


@pytest.fixture
def staff_user(db):
    """Somebody who reviews captions; password `correct horse`."""
    return get_user_model().objects.create_superuser(username="edith", password="correct horse")


@pytest.fixture
def torch_threads():
    """Puts them back: their number is the whole process's, and what the test runs may change it."""
    import torch

    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """Real photos with human captions. They may not be redistributed, so most checkouts have none."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED.name}/ with the real photos is not beside the checkout")
    return SHARED
