"""Is a candidate model fit to caption? Tried in a child process, so that the worst model does not harm the worker."""

import logging
import threading
from pathlib import Path

import numpy as np

from captioner.errors import BundleError
from webapp.gallery.selectors.model_versions import model_version_candidate
from webapp.gallery.services import model_versions
from webapp.sandbox import Sandbox, SandboxError

log = logging.getLogger(__name__)

VERIFY_SECONDS = 300.0
PROBES = 6

_one_at_a_time = threading.Lock()  # a second message for the same candidate finds it verified


class ModelUnfit(Exception):
    """The bundle is whole, but its captions are of no use."""


def model_verify(*, model_version_id: int) -> None:
    """Verify a candidate, and write down the outcome. Others than candidates are left alone.

    Raises:
        ImportError: what the model needs is not installed here; the candidate remains one.
    """
    if not _one_at_a_time.acquire(blocking=False):
        return  # the sweep sends another message while the row is a candidate
    try:
        candidate = model_version_candidate(model_version_id=model_version_id)
        if candidate is None:
            return
        error = _error(Path(candidate.path))
        if error:
            log.warning("model version %s is rejected: %s", candidate, error)
            model_versions.model_version_rejected(model_version_id=model_version_id, error=error)
        else:
            model_versions.model_version_verified(model_version_id=model_version_id)
    finally:
        _one_at_a_time.release()


def bundle_verify(directory: Path) -> None:
    """Load a bundle and caption probes with it: distinct pictures must not all get one caption.

    Raises:
        BundleError: missing, corrupt or incompatible.
        ModelUnfit: the same caption, or none, for every probe.
    """
    from captioner.inference import Captioner  # in the child alone

    captioner = Captioner.load(directory)
    captions = {result.text for result in captioner.caption_batch(_probes(captioner.preprocessing.size))}
    if captions <= {""}:
        raise ModelUnfit("it writes no words")
    if len(captions) == 1:
        raise ModelUnfit(
            f"it writes {captions.pop()!r} for {PROBES} distinct pictures: "
            "check that weights, vocabulary and preprocessing belong together"
        )


def _error(directory: Path) -> str:
    sandbox = Sandbox(processes=1, timeout=VERIFY_SECONDS)
    try:
        sandbox.run(bundle_verify, directory)
    except (BundleError, ModelUnfit) as error:
        return str(error)
    except ImportError:
        raise  # nothing is wrong with the model: this machine cannot try it
    except SandboxError as error:
        return f"loading and trying the model {error}"
    except Exception as error:
        log.exception("verifying %s", directory)
        return f"{type(error).__name__}: {error}"
    finally:
        sandbox.close()
    return ""


def _probes(size: int) -> list[np.ndarray]:
    """Pictures that have nothing in common: white, noise, stripes, a landscape's colours, a disc, squares."""
    y, x = np.mgrid[0:size, 0:size] / size
    grey = [np.ones_like(x), np.random.default_rng(0).random((size, size)), np.sin(40 * x) / 2 + 0.5]
    colours = [np.repeat(each[..., None], 3, axis=2) for each in grey]
    sky = (y < 0.5)[..., None]
    colours.append(np.where(sky, [0.4, 0.6, 1.0], [0.2, 0.6, 0.2]))
    colours.append(np.where((np.hypot(x - 0.5, y - 0.5) < 0.3)[..., None], [0.9, 0.2, 0.1], [0.1, 0.1, 0.1]))
    colours.append(np.where(((x * 8).astype(int) + (y * 8).astype(int))[..., None] % 2, [0.9, 0.8, 0.1], [0.4, 0, 0.5]))
    return [(255 * picture).astype(np.uint8) for picture in colours]
