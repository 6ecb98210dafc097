"""The engine, encoder and search together: `Captioner` by ONNX Runtime over the same bundle in eager PyTorch.

Photos are decoded beforehand. Both sides have the same beam search and as many threads as the machine has cores.

- Over eager PyTorch by its defaults, with maps stored channel by channel. The product's own fallback stores them place
  by place; it is faster and measured too.
- The bundle over the model that it must be no slower than: an EfficientNet-Lite2 at 224 pixels and an LSTM of 512 with
  the attention of the paper and a plain beam search of width 3, also by ONNX Runtime. The row gives the words of a
  caption on each side, because they take the time.
- In batches of 16, the bundle over itself without its object head.
- With a ResNet-50 as the encoder (random weights: they take as long).
- Over the tutorial's way: batches of 16 over one photo at a time in eager PyTorch, greedy on both sides.
"""

from __future__ import annotations

import copy
import itertools
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.measuring.alternating_runs import Spread, rates_alternate
from benchmarks.measuring.captioner_load import EXPORTS
from benchmarks.measuring.command_line import Setting, rows_measure
from benchmarks.measuring.eager_pytorch import DefaultLayout
from benchmarks.measuring.results_table import Row
from captioner.bundle import Bundle, bundle_load
from captioner.config import DecoderConfig, DecodingDefaults, WeightsReference
from captioner.encoders import encoder_config, encoder_create, encoder_preprocessing
from captioner.engines import PyTorchEngine
from captioner.inference import THREADS, Captioner
from captioner.lstm_decoders import decoder_create
from captioner.preprocessing import photo_pixels

TARGETS = {1: None, 8: 2.5, 16: 2.5}  # of ONNX Runtime, by batch size
TARGET_RESNET = 1.3
TARGET_TUTORIAL = 3.5
TARGET_PLAIN = 1
TARGET_OBJECTS = 0.87  # at most 15 % slower
BATCH = 16
PHOTOS = 96
TURNS = 3  # of a round, all sides in each turn: a slow moment of the machine slows all sides


def measure(setting: Setting) -> list[Row]:
    bundle = bundle_load(setting.bundle)
    photos = [photo_pixels(path, preprocessing=bundle.config.preprocessing) for path in setting.files(PHOTOS)]
    engine, eager = _captioner(setting, bundle), _eager(setting, bundle)
    fallback = Captioner(bundle, device=str(setting.device))
    fallback.engine = PyTorchEngine(fallback.encoder, fallback.decoder, fallback.head)
    shape = {"decoder": DecoderConfig(), "decoding": DecodingDefaults()}
    plain = _captioner(setting, _reshaped(bundle, "efficientnet_lite2", **shape))
    plainly = f"over Lite2, LSTM 512, beam 3 ({_words(engine, photos)} over {_words(plain, photos)} words a caption)"
    resnet = _reshaped(bundle, "resnet50")
    compare, on_cpu = partial(_compare, setting), setting.device.type == "cpu"
    rows = []
    for batch, target in TARGETS.items():
        captioners = {"engine": engine, "eager": eager, "fallback": fallback, "plain": plain}
        rows += compare(
            {name: _run(captioner, photos, batch) for name, captioner in captioners.items()},
            {
                f"engine, batch {batch}, over eager PyTorch": ("engine", "eager", target if on_cpu else None),
                f"engine, batch {batch}, over its fallback": ("engine", "fallback", None),
                f"bundle, batch {batch}, {plainly}": ("engine", "plain", TARGET_PLAIN),
            },
        )
    if bundle.object_head is not None:
        rows += compare(
            {
                "objects": _run(engine, photos, BATCH),
                "none": _run(_captioner(setting, _without_objects(bundle)), photos, BATCH),
            },
            {f"bundle, batch {BATCH}, over itself without objects": ("objects", "none", TARGET_OBJECTS)},
        )
    rows += compare(
        {
            "engine": _run(_captioner(setting, resnet), photos, BATCH),
            "eager": _run(_eager(setting, resnet), photos, BATCH),
        },
        {f"engine, ResNet-50, batch {BATCH}, over eager PyTorch": ("engine", "eager", TARGET_RESNET)},
    )
    rows += compare(
        {"batches": _run(engine, photos, BATCH, beam=1), "one by one": _run(eager, photos, 1, beam=1)},
        {"engine over the tutorial's way": ("batches", "one by one", TARGET_TUTORIAL)},
    )
    return rows


def _eager(setting: Setting, bundle: Bundle) -> Captioner:
    captioner = Captioner(bundle, device=str(setting.device))
    head = captioner.head and copy.deepcopy(captioner.head).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    captioner.engine = PyTorchEngine(DefaultLayout(captioner.encoder), captioner.decoder, head)
    return captioner


def _captioner(setting: Setting, bundle: Bundle) -> Captioner:
    captioner = Captioner(bundle, device=str(setting.device), exports=Path(os.environ[EXPORTS]))
    if isinstance(captioner.engine, PyTorchEngine):
        raise SystemExit("Nothing but PyTorch runs this bundle here: see the warning above.")
    return captioner


def _compare(
    setting: Setting, sides: dict[str, Callable[[], float]], pairs: dict[str, tuple[str, str, float | None]]
) -> list[Row]:
    """Runs all sides in turns. `pairs`: name of the row -> the first side, the second that it is divided by, target."""
    rates = rates_alternate(sides, rounds=setting.rounds * TURNS, unit="photos")
    rows = []
    for name, (ours, theirs, target) in pairs.items():
        told = f"{Spread.of(rates[ours]).median:.1f} over {Spread.of(rates[theirs]).median:.1f} photos a second"
        ratios = Spread.of_ratios(rates[ours], rates[theirs])
        rows.append(Row(name, ratios, target, f"{told}; {setting.source} photos, {setting.device.type}"))
    return rows


def _run(
    captioner: Captioner, photos: Sequence[np.ndarray], batch: int, *, beam: int | None = None
) -> Callable[[], float]:
    """Captions the photos of the next turn, `batch` at a time, and returns how many a second."""
    caption = partial(captioner.caption_batch, beam=beam)
    turns = itertools.cycle(photos[turn::TURNS] for turn in range(TURNS))

    def run() -> float:
        some = next(turns)
        torch.set_num_threads(THREADS if isinstance(captioner.engine, PyTorchEngine) else 1)
        caption(some[:batch])
        begun = time.perf_counter()
        for first in range(0, len(some), batch):
            caption(some[first : first + batch])
        return len(some) / (time.perf_counter() - begun)

    return run


def _words(captioner: Captioner, photos: Sequence[np.ndarray]) -> float:
    """The mean length of their captions."""
    results = [
        result
        for first in range(0, len(photos), BATCH)
        for result in captioner.caption_batch(photos[first : first + BATCH])
    ]
    return round(sum(len(result.words) for result in results) / len(results), 1)


def _reshaped(bundle: Bundle, encoder: str, **changes: Any) -> Bundle:
    """The bundle with another encoder and other parts of its configuration. Its weights are kept where they fit.

    The other weights are random: they take as long, and captions are about as long. An object head stays with its
    network.
    """
    preprocessing = encoder_preprocessing(encoder, size=bundle.config.preprocessing.size)
    named = replace(encoder_config(encoder), weights=WeightsReference("bundle", ""))
    config = replace(bundle.config, encoder=named, preprocessing=preprocessing, **changes)
    torch.manual_seed(0)
    decoder = decoder_create(
        config.decoder, vocabulary_size=len(bundle.vocabulary), feature_channels=named.feature_channels
    ).eval()
    made = encoder_create(named, preprocessing=preprocessing)
    for module, trained in ((made, bundle.encoder), (decoder, bundle.decoder)):
        own, known = module.state_dict(), trained.state_dict()
        fitting = {name for name in own.keys() & known.keys() if own[name].shape == known[name].shape}
        module.load_state_dict({name: known[name] if name in fitting else own[name] for name in own})
    made_of = replace(bundle, config=config, encoder=made, decoder=decoder)
    if encoder == bundle.config.encoder.name:
        return made_of
    return _without_objects(made_of)


def _without_objects(bundle: Bundle) -> Bundle:
    return replace(bundle, config=replace(bundle.config, objects=None), object_words=None, object_head=None)


if __name__ == "__main__":
    rows_measure(measure, description=__doc__)
