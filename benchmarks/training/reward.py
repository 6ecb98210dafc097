"""The CIDEr-D reward as a share of a self-critical step of the product's trainer.

The step is the shortest possible one: its encoder is frozen, because training it would lengthen the step and not the
reward. The decoder is untrained, so it draws captions of the greatest length.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor

from benchmarks.measuring.alternating_runs import Spread
from benchmarks.measuring.command_line import Setting, rows_measure
from benchmarks.measuring.results_table import Row
from benchmarks.training.product_trainer import trainer_create, trainer_steps
from training.objectives.self_critical import SelfCritic

TARGET = 0.1


def measure(setting: Setting) -> list[Row]:
    options = setting.options("quick", decoder_epochs=0, finetune_epochs=0, scst_epochs=4)
    trainer = trainer_create(setting, options)
    trainer_steps(trainer, steps=1)
    shares, steps = [], []
    for _ in range(setting.rounds):
        with rewards_timed() as seconds:
            done = trainer_steps(trainer, steps=setting.steps)
        shares.append(sum(seconds) / done.seconds)
        steps.append(1000 * done.seconds / setting.steps)
    details = (
        f"of a step of {Spread.of(steps).median:.0f} ms with {options.batch_photos} photos, {options.scst_samples} "
        f"captions drawn for each; {setting}"
    )
    return [Row("CIDEr-D reward in a self-critical step", Spread.of(shares), TARGET, details, at_most=True)]


@contextmanager
def rewards_timed() -> Iterator[list[float]]:
    """The seconds of each call of SelfCritic.rewards."""
    seconds: list[float] = []
    plain = SelfCritic.rewards

    def timed(self: SelfCritic, photos: Sequence[int], captions: Tensor) -> Tensor:
        begun = time.perf_counter()
        rewards = plain(self, photos, captions)
        seconds.append(time.perf_counter() - begun)
        return rewards

    SelfCritic.rewards = timed  # type: ignore[method-assign]
    try:
        yield seconds
    finally:
        SelfCritic.rewards = plain  # type: ignore[method-assign]


if __name__ == "__main__":
    rows_measure(measure, description=__doc__)
