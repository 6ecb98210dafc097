"""Stage 1, the decoder alone, in captions a second: the product's trainer over the tutorial's loop.

The trainer uses cached features. The loop decodes and encodes the photos again in every step.

The tutorial's side: 200 captions of one length, drawn at random, with a photo for each; photos decoded at full size;
its model, in torch's default memory layout; Adam at 1e-3; float32. The product's side is measured twice: with the
tutorial's model and batches, and with those of recipe `quick`. The latter is also measured over an improved loop, which
decodes JPEG at a fraction of its size and has the product's memory layout.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.measuring.alternating_runs import Spread, rates_alternate
from benchmarks.measuring.command_line import Setting, rows_measure
from benchmarks.measuring.eager_pytorch import DefaultLayout, pixels_read
from benchmarks.measuring.results_table import Row
from benchmarks.training.product_trainer import trainer_create, trainer_steps
from training.batches.caption_batches import caption_groups, same_length_batches
from training.batches.feature_cache import photos_tensor
from training.model.initial_model import model_create
from training.objectives.cross_entropy import caption_loss

TARGET = 20
LOOP_STEPS = 3  # a step of the tutorial's loop takes seconds


def measure(setting: Setting) -> list[Row]:
    sides = {
        "loop": _loop(setting),
        "improved loop": _loop(setting, improved=True),
        "recipe tutorial": _product(setting, "tutorial"),
        "recipe quick": _product(setting, "quick"),
    }
    rates = rates_alternate(sides, rounds=setting.rounds, unit="captions")

    def row(name: str, loop: str, told: str, target: float | None) -> Row:
        medians = f"{Spread.of(rates[name]).median:.0f} over {Spread.of(rates[loop]).median:.1f} captions a second"
        ratios = Spread.of_ratios(rates[name], rates[loop])
        return Row(f"stage 1, {name}, over {told}", ratios, target, f"{medians}; {setting}")

    return [
        row("recipe tutorial", "loop", "the tutorial's loop", TARGET),
        row("recipe quick", "loop", "the tutorial's loop", TARGET),
        row("recipe quick", "improved loop", "that loop improved", None),
    ]


def _product(setting: Setting, name: str) -> Callable[[], float]:
    trainer = trainer_create(setting, setting.options(name))
    trainer_steps(trainer, steps=1)  # the first step is slower: memory is yet to be taken

    def run() -> float:
        done = trainer_steps(trainer, steps=setting.steps)
        return done.captions / done.seconds

    return run


def _loop(setting: Setting, *, improved: bool = False) -> Callable[[], float]:
    """The tutorial's loop: captions a second of a few steps. `improved`: see above."""
    options, device = setting.options("tutorial"), setting.device
    initial = model_create(options, [text for photo in setting.photos for text in photo.captions])
    encoder, decoder = initial.encoder.to(device), initial.decoder.to(device)
    encode = encoder if improved else DefaultLayout(encoder)
    optimizer = torch.optim.Adam(decoder.parameters(), lr=options.decoder_rate)
    groups = caption_groups(setting.photos, initial.vocabulary, size=5, max_words=options.words_max)
    generator = np.random.default_rng(1)

    def step(rows: list[int], tokens: torch.Tensor) -> None:
        paths = [setting.photos[row].path for row in rows]
        if improved:
            pixels = photos_tensor(paths, preprocessing=initial.preprocessing)
        else:
            pixels = pixels_read(paths, size=setting.size)
        with torch.no_grad():
            features = encode(pixels.to(device))
        loss = caption_loss(decoder, features, tokens.to(device)).total
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        loss.item()

    def run() -> float:
        captions, begun = 0, time.perf_counter()
        batches = same_length_batches(groups, size=options.batch_captions, generator=generator)
        for _, (rows, tokens) in zip(range(min(LOOP_STEPS, setting.steps)), batches, strict=False):
            step(rows, tokens)
            captions += len(rows)
        return captions / (time.perf_counter() - begun)

    return run


if __name__ == "__main__":
    rows_measure(measure, description=__doc__)
