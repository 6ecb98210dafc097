"""LitServe's batching server around the same `Captioner`.

    python -m benchmarks.peer_servers.litserve_server BUNDLE DEVICE PORT

It is set up as LitServe's documentation says: one worker with the model. Requests are gathered into batches, with the
limits of Fovea's worker for their size and the wait. Photos come as multipart forms; the same code decodes them. The
model is warmed up with each size of a batch, as in a worker with a GPU.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import litserve
import numpy as np

from benchmarks.measuring.captioner_load import captioner_load
from captioner.inference import CaptionResult
from captioner.preprocessing import photo_pixels
from webapp import env
from worker.loaded_model import LoadedModel, batch_size

MAX_WAIT = env.VARIABLES["FOVEA_WORKER_MAX_WAIT_MS"].default / 1000


class CaptionApi(litserve.LitAPI):  # type: ignore[misc]
    def __init__(self, bundle: str, *, max_batch: int) -> None:
        super().__init__(max_batch_size=max_batch, batch_timeout=MAX_WAIT)
        self._bundle, self._max_batch = bundle, max_batch

    def setup(self, device: str) -> None:
        self._captioner = captioner_load(self._bundle, device=device)
        model = LoadedModel(self._captioner, model_version_id=0)
        model.check()
        model.warm_up(self._max_batch)

    # LitServe makes a schema of these two methods' annotations; without any it takes a form and answers JSON.
    def decode_request(self, request):  # type: ignore[no-untyped-def]
        return photo_pixels(request["file"].file.read(), preprocessing=self._captioner.preprocessing)

    def batch(self, inputs: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return inputs

    def predict(self, images: Sequence[np.ndarray]) -> list[CaptionResult]:
        return self._captioner.caption_batch(images)

    def unbatch(self, output: list[CaptionResult]) -> list[CaptionResult]:
        return output

    def encode_response(self, output):  # type: ignore[no-untyped-def]
        return {"caption": output.text, "confidence": output.confidence}


if __name__ == "__main__":
    bundle, device, port = sys.argv[1:]
    accelerator = device.partition(":")[0]
    api = CaptionApi(bundle, max_batch=batch_size(device))
    server = litserve.LitServer(api, accelerator=accelerator, devices=1, timeout=False)
    server.run(host="127.0.0.1", port=int(port), log_level="warning", generate_client_file=False)
