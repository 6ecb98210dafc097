"""The ceiling: the bare `Captioner` in one process decodes files one after the other, then captions them in batches.

    python -m benchmarks.captioner.bare_captioner BUNDLE DEVICE BATCH < paths, one a line

prints JSON: photos a second, and milliseconds a photo of decoding, of the model (both by the clock) and of processor
time. The clock starts after the model is loaded and has run a batch of each size that a GPU fills batches up to.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

BATCHES = (8, 16, 32)
BATCHES_GPU = (64, 128)
TRIED = 384  # photos of a run that finds the best batch size


@dataclass(frozen=True)
class Ceiling:
    batch: int
    rate: float
    decode_ms: float
    model_ms: float
    cpu_ms: float


def ceiling_measure(paths: Sequence[Path], *, bundle: Path, device: str, batch: int) -> Ceiling:
    """Measures in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.captioner.bare_captioner", str(bundle), device, str(batch)]
    done = subprocess.run(command, input="\n".join(map(str, paths)), stdout=subprocess.PIPE, text=True, check=True)
    return Ceiling(**json.loads(done.stdout))


def batch_best(paths: Sequence[Path], *, bundle: Path, device: str) -> int:
    """The batch size with which the bare Captioner is fastest."""
    batches = BATCHES_GPU if device.startswith("cuda") else BATCHES
    tried = [ceiling_measure(paths[:TRIED], bundle=bundle, device=device, batch=batch) for batch in batches]
    best = max(tried, key=lambda one: one.rate)
    said = ", ".join(f"batches of {one.batch} {one.rate:.1f}" for one in tried)
    print(f"ceiling: {said} photos a second", file=sys.stderr)
    return best.batch


def main(bundle: str, device: str, batch: str) -> None:
    from benchmarks.measuring.captioner_load import captioner_load
    from captioner.preprocessing import photo_pixels

    paths, size = [Path(line) for line in sys.stdin.read().splitlines()], int(batch)
    captioner = captioner_load(bundle, device=device)
    warm = [photo_pixels(path, preprocessing=captioner.preprocessing) for path in paths[:size]]
    for power in range(size.bit_length()):
        captioner.caption_batch(warm[: 1 << power])
    decoding = 0.0
    begun, used = time.perf_counter(), time.process_time()
    for first in range(0, len(paths), size):
        opened = time.perf_counter()
        images = [photo_pixels(path, preprocessing=captioner.preprocessing) for path in paths[first : first + size]]
        decoding += time.perf_counter() - opened
        captioner.caption_batch(images)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - used
    each = 1000 / len(paths)
    found = Ceiling(size, len(paths) / seconds, decoding * each, (seconds - decoding) * each, cpu * each)
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main(*sys.argv[1:])
