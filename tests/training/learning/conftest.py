"""Fixtures of the trainer's tests."""

import pytest
import torch

from tests.training.learning.runs import sources


@pytest.fixture
def seeded():
    """Random weights and draws are the same each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        yield


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return sources(tmp_path_factory.mktemp("dataset"))


@pytest.fixture
def no_java(monkeypatch):
    """Java takes a second an epoch; what is scored with it has its own tests."""
    monkeypatch.setenv("PATH", "/nowhere")
