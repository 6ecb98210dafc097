"""Fixtures of the trainer's tests."""

import pytest
import torch


@pytest.fixture
def seeded():
    """Random weights and draws are the same each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        yield
