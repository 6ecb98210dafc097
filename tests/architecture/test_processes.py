"""What the processes load: the model belongs to the worker alone."""

import json
import subprocess
import sys

from webapp.env import BASE_DIR

FORBIDDEN = {
    "torch",
    "torchvision",
    "timm",
    "onnxruntime",
    "captioner",
    "worker.loaded_model",
    "training.run.epoch_loop",
}

WEB = """
import webapp.server.asgi
from django.urls import get_resolver

def resolve(patterns):
    for pattern in patterns:
        resolve(getattr(pattern, "url_patterns", []))

resolve(get_resolver().url_patterns)
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


def test_web_process_loads_no_model() -> None:
    loaded = modules_loaded(WEB)
    assert "django" in loaded
    assert not FORBIDDEN & loaded, f"it loads {FORBIDDEN & loaded}"


def test_benchmark_of_serving_burdens_no_child_of_a_stack_with_torch() -> None:
    """By themselves, as `python -m benchmarks.serving.peers`: a spawned child imports its parent's main module."""
    loaded = modules_loaded("from benchmarks.serving import latency, peers, scaling, system, tuning")
    assert "benchmarks.serving.peers" in loaded
    assert "torch" not in loaded


def test_modules_loaded_sees_a_forbidden_module() -> None:
    assert "captioner" in modules_loaded("import captioner")
