"""The learning rate over a stage."""

import pytest

from training.epoch.learning_rate import rate_share


def shares(steps: int, **options: object) -> list[float]:
    return [round(rate_share(step, steps=steps, **options), 4) for step in range(steps)]  # type: ignore[arg-type]


def test_schedule_warms_up_in_a_line_and_falls_like_half_a_cosine():
    assert shares(8, warmup=4, cosine=True) == [0.25, 0.5, 0.75, 1.0, 1.0, 0.8536, 0.5, 0.1464]


def test_schedule_without_cosine_stays_level():
    assert shares(4, warmup=2, cosine=False) == [0.5, 1.0, 1.0, 1.0]


def test_schedule_without_warmup_begins_at_its_height():
    assert shares(3, warmup=0, cosine=True) == [1.0, 0.75, 0.25]


@pytest.mark.parametrize("steps", [1, 5])
def test_schedule_of_nothing_but_warmup_ends_at_its_height(steps):
    assert shares(steps, warmup=steps, cosine=True)[-1] == 1.0
