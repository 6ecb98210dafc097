"""The engine, encoder and search together: `Captioner` by ONNX Runtime over the same bundle in eager PyTorch.

Photos are decoded beforehand. Both sides have the bundle's own decoding and as many threads as the machine has cores.
Twice more: with a ResNet-50 in the bundle's encoder's place (random weights: they take as long), and over the
tutorial's way, one photo at a time, eager, greedy on both sides, against batches of 16.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.captioners import EXPORTS
from benchmarks.setting import Setting, rows_measure
from benchmarks.timing import Row, Spread, rates_alternate
from captioner.bundle import Bundle, bundle_load
from captioner.config import WeightsReference
from captioner.decoders import decoder_create
from captioner.encoders import encoder_config, encoder_create, encoder_preprocessing
from captioner.engines import PyTorchEngine
from captioner.inference import THREADS, Captioner
from captioner.preprocessing import photo_pixels

TARGETS = {1: None, 8: 2.5, 16: 2.5}  # by batch size
TARGET_RESNET = 1.3
TARGET_TUTORIAL = 3.5
BATCH = 16
PHOTOS = 96  # of a timed run
SINGLE = 16  # when they come one at a time, which takes longer


def measure(setting: Setting) -> list[Row]:
    bundle = bundle_load(setting.bundle)
    photos = [photo_pixels(path, preprocessing=bundle.config.preprocessing) for path in setting.files(PHOTOS)]
    eager, engine = _captioners(setting, bundle)
    rows = []
    for batch, target in TARGETS.items():
        some = photos if batch > 1 else photos[:SINGLE]
        sides = {"engine": _run(engine, some, batch), "eager": _run(eager, some, batch)}
        rows.append(_row(setting, f"engine, batch {batch}, over eager PyTorch", target, sides))
    eager_resnet, resnet = _captioners(setting, _with_resnet(bundle))
    sides = {"engine": _run(resnet, photos, BATCH), "eager": _run(eager_resnet, photos, BATCH)}
    rows.append(_row(setting, f"engine, ResNet-50, batch {BATCH}, over eager PyTorch", TARGET_RESNET, sides))
    sides = {
        "batches": _run(engine, photos, BATCH, beam=1),
        "one by one": _run(eager, photos[:SINGLE], 1, beam=1),
    }
    rows.append(_row(setting, "engine over the tutorial's way", TARGET_TUTORIAL, sides))
    return rows


def _captioners(setting: Setting, bundle: Bundle) -> tuple[Captioner, Captioner]:
    device = str(setting.device)
    eager = Captioner(bundle, device=device)
    eager.engine = PyTorchEngine(eager.encoder, eager.decoder)
    engine = Captioner(bundle, device=device, exports=Path(os.environ[EXPORTS]))
    if isinstance(engine.engine, PyTorchEngine):
        raise SystemExit("Nothing but PyTorch runs this bundle here: see the warning above.")
    return eager, engine


def _row(setting: Setting, name: str, target: float | None, sides: dict[str, Callable[[], float]]) -> Row:
    """The first side over the second."""
    ours, theirs = rates_alternate(sides, rounds=setting.rounds, unit="photos").values()
    told = f"{Spread.of(ours).median:.1f} over {Spread.of(theirs).median:.1f} photos a second"
    return Row(name, Spread.of_ratios(ours, theirs), target, f"{told}; {setting.source} photos, {setting.device.type}")


def _run(
    captioner: Captioner, photos: Sequence[np.ndarray], batch: int, *, beam: int | None = None
) -> Callable[[], float]:
    caption = partial(captioner.caption_batch, beam=beam)

    def run() -> float:
        torch.set_num_threads(THREADS if isinstance(captioner.engine, PyTorchEngine) else 1)
        caption(photos[:batch])
        begun = time.perf_counter()
        for first in range(0, len(photos), batch):
            caption(photos[first : first + batch])
        return len(photos) / (time.perf_counter() - begun)

    return run


def _with_resnet(bundle: Bundle) -> Bundle:
    """The bundle with an untrained ResNet-50 as its encoder, and with a decoder that takes its channels."""
    config = replace(encoder_config("resnet50"), weights=WeightsReference("bundle", ""))
    preprocessing = encoder_preprocessing("resnet50", size=bundle.config.preprocessing.size)
    torch.manual_seed(0)
    encoder = encoder_create(config, preprocessing=preprocessing)
    decoder = decoder_create(
        bundle.config.decoder, vocabulary_size=len(bundle.vocabulary), feature_channels=config.feature_channels
    ).eval()
    _like(decoder, bundle.decoder)
    changed = replace(bundle.config, encoder=config, preprocessing=preprocessing)
    return replace(bundle, config=changed, encoder=encoder, decoder=decoder)


def _like(decoder: nn.Module, trained: nn.Module) -> None:
    """Takes over all weights but those of another shape: captions are then about as long."""
    known = trained.state_dict()
    own = decoder.state_dict()
    decoder.load_state_dict({name: known[name] if known[name].shape == own[name].shape else own[name] for name in own})


if __name__ == "__main__":
    rows_measure(measure, description=__doc__)
