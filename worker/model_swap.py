"""The swap of models: the next model is loaded beside the one in use, then replaces it.

Photos that are already decoded for the former model are still captioned by it.
"""

import gc
import logging
import time
from pathlib import Path

from captioner.inference import Captioner
from webapp.captioning.selectors.model_versions import model_version_active
from worker.loaded_model import LoadedModel, batch_size, device_resolve

log = logging.getLogger(__name__)

RELOAD_SECONDS = 60.0  # until a model version that did not load is tried again


class ModelSlot:
    """The model in use on one device.

    Args:
        device: auto, cpu, cuda or cuda:N.
        max_batch: photos in one micro-batch at most; 0: as many as suit the device.
        exports: a folder for ONNX Runtime's networks; None: PyTorch runs.
    """

    def __init__(self, *, device: str, max_batch: int = 0, exports: Path | None = None) -> None:
        self.device = device_resolve(device)
        self.max_batch = max_batch or batch_size(self.device)
        self.current: LoadedModel | None = None
        self._exports = exports

    def load(self, directory: Path, *, model_version_id: int) -> LoadedModel:
        """Load and try a bundle beside the current one. Slow; any thread may do it.

        Raises:
            BundleError: the bundle is missing, corrupt or incompatible.
        """
        model = LoadedModel(Captioner.load(directory, device=self.device, exports=self._exports), model_version_id)
        model.check()
        if self.device.startswith("cuda"):
            model.warm_up(self.max_batch)  # or the first photos would wait for it
        return model

    def swap(self, model: LoadedModel) -> None:
        """Use this one from now on."""
        former, self.current = self.current, model
        if former is not None:
            log.info("model version %d replaces %d", model.model_version_id, former.model_version_id)
            del former
            gc.collect()


class ModelFollower:
    """Swaps the model in a slot to the active model version. `error`: why the active one is not in use; else empty."""

    def __init__(self, slot: ModelSlot) -> None:
        self.error = ""
        self._slot = slot
        self._refused: int | None = None  # an active model version that did not load
        self._retry_at = 0.0  # the cause may pass, such as too little memory

    def follow(self) -> bool:
        """Swap to the active model version if it is another one. Returns whether it was tried.

        The former model stays in use until the new one has loaded.
        """
        active, current = model_version_active(), self._slot.current
        if active is None or (current is not None and active.pk == current.model_version_id):
            return False
        if active.pk == self._refused and time.monotonic() < self._retry_at:
            return False
        try:
            self._slot.swap(self._slot.load(active.folder, model_version_id=active.pk))
        except Exception as error:
            log.exception("model version %s does not load; the former one stays in use", active)
            self._refused, self._retry_at = active.pk, time.monotonic() + RELOAD_SECONDS
            self.error = (
                f"{active} does not load, the former model stays in use: {error} It is tried again every minute; "
                "activate another version to end that."
            )
        else:
            self._refused, self.error = None, ""
        return True
