"""Fixtures of the training tests."""

import shutil

import pytest
import torch

from tests.missing_services import service_missing
from tests.training.small_runs import sources


@pytest.fixture(scope="session")
def java() -> str:
    """The path of the Java that COCO's scorer runs on."""
    path = shutil.which("java")
    if path is None:
        service_missing("no java on the PATH: apt-get install default-jre-headless")
    return path


@pytest.fixture
def no_java(monkeypatch):
    """No `java` on the PATH: it takes a second an epoch. What is scored with it has its own tests."""
    monkeypatch.setenv("PATH", "/nowhere")


@pytest.fixture
def seeded():
    """Random weights and draws are the same each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        yield


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return sources(tmp_path_factory.mktemp("dataset"))
