"""What a test does when a service or a data set is missing."""

import os
from pathlib import Path
from typing import NoReturn

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"  # real photos that may not ship with the project


def service_missing(reason: str) -> NoReturn:
    """Skip the test on a person's machine; fail it in CI, where every service is installed."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason} (missing services fail where CI=true)")
    pytest.skip(reason)
