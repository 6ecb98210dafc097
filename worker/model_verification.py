"""Verifies a candidate model: a child process tries it, so a bad model cannot harm the worker."""

import logging
import threading
from pathlib import Path

from captioner.errors import BundleError
from webapp.captioning.selectors.model_versions import model_version_candidate
from webapp.captioning.services import model_versions
from webapp.processes.sandbox import Sandbox, SandboxError, SandboxHarmed
from worker.child_processes.bundle_trial import ModelUnfit, bundle_verify

log = logging.getLogger(__name__)

VERIFY_SECONDS = 300.0

_one_at_a_time = threading.Lock()  # in this process; a second message for the same candidate then finds it verified


def model_verify(*, model_version_id: int) -> None:
    """Verify a candidate and record the outcome. Does nothing to a model version that is no candidate.

    Raises:
        ImportError: a package that the model needs is not installed here; the candidate stays one.
        SandboxError: it could not be tried; the candidate stays one.
    """
    if not _one_at_a_time.acquire(blocking=False):
        return  # the sweep sends another message while the row is a candidate
    try:
        candidate = model_version_candidate(model_version_id=model_version_id)
        if candidate is None:
            return
        error = _error(candidate.folder)
        if error:
            log.warning("model version %s is rejected: %s", candidate, error)
            model_versions.model_version_rejected(model_version_id=model_version_id, error=error)
        else:
            model_versions.model_version_verified(model_version_id=model_version_id)
    finally:
        _one_at_a_time.release()


def _error(directory: Path) -> str:
    sandbox = Sandbox(processes=1, timeout=VERIFY_SECONDS)
    try:
        sandbox.run(bundle_verify, directory)
    except (BundleError, ModelUnfit) as error:
        return str(error)
    except SandboxHarmed as error:
        return f"loading and trying the model {error}"
    except (ImportError, SandboxError):
        raise  # nothing is known against the model: this machine cannot try it, or not now
    except Exception as error:
        log.exception("verifying %s", directory)
        return f"{type(error).__name__}: {error}"
    finally:
        sandbox.close()
    return ""
