"""docker-compose.yml against what the code reads: what can be known without a Docker engine."""

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from webapp import env

FILES = ("docker-compose.yml", "docker-compose.gpu.yml")


@pytest.fixture(params=FILES)
def any_compose(request) -> dict[str, Any]:
    return load(request.param)


@pytest.fixture
def compose() -> dict[str, Any]:
    return load("docker-compose.yml")


def load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((env.BASE_DIR / name).read_text())
    return loaded


def command_text(service: dict[str, Any]) -> str:
    return " ".join(service["command"])


def test_compose_sets_only_variables_that_the_code_reads(any_compose):
    set_there = {name for service in any_compose["services"].values() for name in service.get("environment", {})}
    ours = {name for name in set_there if name.startswith("FOVEA_")}
    assert ours, "no FOVEA_ variable was found"
    assert ours <= set(env.VARIABLES)


def test_compose_defaults_are_values_that_the_code_takes(compose):
    environ = {}
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if name.startswith("FOVEA_"):
                required = re.sub(r"\$\{\w+:\?[^}]*\}", "secret", value)
                environ[name] = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", required)
    assert env.read(environ)[1] == []


def test_compose_has_the_expected_services_and_health_checks(compose):
    services = compose["services"]
    assert {"web", "worker", "redis", "db"} <= set(services)
    assert {name for name, service in services.items() if "healthcheck" not in service} == {"prepare"}


def test_compose_keeps_data_in_named_volumes(compose):
    mounted = {
        volume.partition(":")[0] for service in compose["services"].values() for volume in service.get("volumes", [])
    }
    assert mounted == set(compose["volumes"])


def test_compose_redis_forgets_no_message(compose):
    command = command_text(compose["services"]["redis"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command


def test_compose_gives_torch_to_the_worker_alone(compose):
    targets = {name: service["build"]["target"] for name, service in compose["services"].items() if "build" in service}
    assert {name for name, target in targets.items() if target == "worker"} == {"worker"}
    assert "torch" not in (env.BASE_DIR / "webapp" / "requirements.txt").read_text().split()


def test_compose_config_accepts_the_files():
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker compose is not installed (it needs no engine to check a file)")
    for overlay in ([], ["--file", "docker-compose.gpu.yml"]):
        command = [docker, "compose", "--file", "docker-compose.yml", *overlay, "config", "--quiet"]
        subprocess.run(command, cwd=env.BASE_DIR, env={"POSTGRES_PASSWORD": "x", "PATH": "/usr/bin:/bin"}, check=True)


def test_dockerfile_copies_only_what_is_there_and_every_package():
    copied = []
    for line in (env.BASE_DIR / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            copied += line.split()[1:-1]
    assert [name for name in copied if not (env.BASE_DIR / name).exists()] == []
    assert {"captioner", "launcher", "samples", "training", "webapp", "worker", "models"} <= set(copied)
