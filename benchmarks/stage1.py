"""Stage 1, the decoder alone, in captions a second: the product's trainer on cached features over the tutorial's loop,
which decodes and encodes the photos again in every step.

The tutorial's side: 200 captions of one length, drawn at random, with a photo for each; its model; Adam at 1e-3;
float32. What favours it: the product's memory layout (channels last), and JPEG decoded at a fraction of its size.
The product's side twice: with the tutorial's model and batches, and with the model and batches of recipe `quick`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.setting import Setting, rows_measure
from benchmarks.timing import Row, Spread, rates_alternate
from benchmarks.trainers import trainer_create, trainer_steps
from training.data.batches import caption_groups, same_length_batches
from training.data.features import photos_tensor
from training.learning.losses import caption_loss
from training.learning.parts import parts_create

TARGET = 20
LOOP_STEPS = 3  # a step of the tutorial's loop takes seconds


def measure(setting: Setting) -> list[Row]:
    sides = {f"recipe {name}": _product(setting, name) for name in ("tutorial", "quick")}
    rates = rates_alternate({"loop": _loop(setting), **sides}, rounds=setting.rounds, unit="captions")
    theirs = Spread.of(rates["loop"])
    return [
        Row(
            f"stage 1, {name}, over the tutorial's loop",
            Spread.of_ratios(rates[name], rates["loop"]),
            TARGET,
            f"{Spread.of(rates[name]).median:.0f} over {theirs.median:.1f} captions a second; {setting}",
        )
        for name in sides
    ]


def _product(setting: Setting, name: str) -> Callable[[], float]:
    trainer = trainer_create(setting, setting.options(name))
    trainer_steps(trainer, steps=1)  # the first step is slower: memory is yet to be taken

    def run() -> float:
        done = trainer_steps(trainer, steps=setting.steps)
        return done.captions / done.seconds

    return run


def _loop(setting: Setting) -> Callable[[], float]:
    """The tutorial's loop: captions a second of a few steps."""
    options, device = setting.options("tutorial"), setting.device
    parts = parts_create(options, [text for photo in setting.photos for text in photo.captions])
    encoder, decoder = parts.encoder.to(device), parts.decoder.to(device)
    optimizer = torch.optim.Adam(decoder.parameters(), lr=options.decoder_rate)
    groups = caption_groups(setting.photos, parts.vocabulary, size=5, max_words=options.words_max)
    generator = np.random.default_rng(1)

    def step(rows: list[int], tokens: torch.Tensor) -> None:
        pixels = photos_tensor([setting.photos[row].path for row in rows], preprocessing=parts.preprocessing)
        with torch.no_grad():
            features = encoder(pixels.to(device))
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
