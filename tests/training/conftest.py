"""Fixtures of the training tests."""

import shutil

import pytest

from tests.services import service_missing


@pytest.fixture(scope="session")
def java() -> str:
    """The path of the Java that COCO's scorer runs on."""
    path = shutil.which("java")
    if path is None:
        service_missing("no java on the PATH: apt-get install default-jre-headless")
    return path
