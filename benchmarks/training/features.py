"""Feature caching: training.batches.feature_cache over the same encoder in eager PyTorch, decoding included in both.

The encoder is exported to ONNX Runtime in the first round and kept. The product also keeps it, for all views and runs.
"""

from __future__ import annotations

import shutil
import time

import torch

from benchmarks.measuring.alternating_runs import Spread, rates_alternate
from benchmarks.measuring.command_line import Setting, rows_measure
from benchmarks.measuring.results_table import Row
from captioner.encoders import encoder_config, encoder_create, encoder_preprocessing
from captioner.engines import ACCELERATED
from training.batches.feature_cache import BATCH, features_cached, photos_tensor

TARGET = 1.5


def measure(setting: Setting) -> list[Row]:
    preprocessing = encoder_preprocessing(setting.encoder, size=setting.size)
    encoder = encoder_create(encoder_config(setting.encoder), preprocessing=preprocessing).to(setting.device)
    paths = [photo.path for photo in setting.photos]
    cache = setting.scratch / "benchmark-features"

    def product() -> float:
        for features in cache.glob("*.float16"):
            features.unlink()
        begun = time.perf_counter()
        features_cached(paths, trunk=encoder, preprocessing=preprocessing, directory=cache, device=setting.device)
        return len(paths) / (time.perf_counter() - begun)

    def eager() -> float:
        begun = time.perf_counter()
        with torch.inference_mode():
            for first in range(0, len(paths), BATCH):
                pixels = photos_tensor(paths[first : first + BATCH], preprocessing=preprocessing)
                encoder(pixels.to(setting.device)).half().cpu()
        return len(paths) / (time.perf_counter() - begun)

    rates = rates_alternate({"product": product, "eager": eager}, rounds=setting.rounds, unit="photos")
    shutil.rmtree(cache, ignore_errors=True)
    ours, theirs = Spread.of(rates["product"]), Spread.of(rates["eager"])
    accelerated = setting.device.type == "cpu" and len(paths) >= ACCELERATED
    how = "exported to ONNX Runtime in the first round" if accelerated else "without ONNX Runtime"
    details = f"{ours.median:.0f} over {theirs.median:.0f} photos a second, decoding included, {how}; {setting}"
    ratios = Spread.of_ratios(rates["product"], rates["eager"])
    return [Row("feature caching over eager PyTorch, channels last", ratios, TARGET, details)]


if __name__ == "__main__":
    rows_measure(measure, description=__doc__)
