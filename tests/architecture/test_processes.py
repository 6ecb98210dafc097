"""What the processes load: the model belongs to the worker alone."""

import json
import subprocess
import sys

import pytest

from webapp.env import BASE_DIR

FORBIDDEN = {"torch", "torchvision", "timm", "onnxruntime", "captioner", "worker.engine", "training.learning.loop"}

WEB = """
import webapp.asgi
from django.urls import get_resolver

def resolve(patterns):
    for pattern in patterns:
        resolve(getattr(pattern, "url_patterns", []))

resolve(get_resolver().url_patterns)
"""

BEAT = """
import celery.apps.beat
celery.apps.beat.Beat.start_scheduler = lambda self: None  # all but publishing for ever
from webapp.beat import main
main()
"""


def modules_loaded(code: str) -> set[str]:
    report = "\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", "import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'webapp.settings'\n" + code + report],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(("process", "code"), [("web", WEB), ("beat", BEAT)])
def test_process_loads_no_model(process: str, code: str) -> None:
    loaded = modules_loaded(code)
    assert "django" in loaded
    assert not FORBIDDEN & loaded, f"{process} loads {FORBIDDEN & loaded}"


def test_benchmark_of_serving_burdens_no_child_of_a_stack_with_torch() -> None:
    """By themselves, as `python -m benchmarks.peers`: a spawned child imports its parent's main module."""
    loaded = modules_loaded("from benchmarks import latency, peers, scaling, system, tuning")
    assert "benchmarks.peers" in loaded
    assert "torch" not in loaded


def test_modules_loaded_sees_a_forbidden_module() -> None:
    assert "captioner" in modules_loaded("import captioner")
