"""Each role's requirements name what its packages import, and constraints.txt pins them all."""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from webapp.env import BASE_DIR

OURS = ("webapp", "captioner", "worker", "training", "launcher", "benchmarks", "tests")
ROLES = {  # requirements -> the packages that must run with them alone
    "webapp/requirements.txt": ["webapp", "launcher.migrate_and_seed"],
    "worker/requirements.txt": ["webapp", "captioner", "worker"],
    "training/requirements.txt": ["webapp", "captioner", "worker", "training"],
    "requirements.txt": ["webapp", "captioner", "worker", "training", "launcher"],
    "tests/requirements.txt benchmarks/requirements.txt": ["benchmarks"],
}


def requirements(path: Path) -> Iterator[Requirement]:
    for line in path.read_text().splitlines():
        if line.startswith("-r "):
            yield from requirements(path.parent / line.removeprefix("-r "))
        elif line and not line.startswith("#"):
            yield Requirement(line)


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*OURS, include_external_packages=True)


@pytest.mark.parametrize("role", ROLES)
def test_requirements_name_what_is_imported(role, graph):
    named = {
        canonicalize_name(requirement.name) for path in role.split() for requirement in requirements(BASE_DIR / path)
    }
    distributions = packages_distributions()
    missing = {}
    for package in ROLES[role]:
        for module in {package} | graph.find_descendants(package):
            for imported in graph.find_modules_directly_imported_by(module):
                if imported.partition(".")[0] in OURS or imported in sys.stdlib_module_names:
                    continue
                providers = {canonicalize_name(name) for name in distributions.get(imported, [imported])}
                if not providers & named:
                    missing[module] = providers
    assert missing == {}


def test_constraints_pin_every_requirement():
    pins = re.findall(r"^([\w.-]+)==", (BASE_DIR / "constraints.txt").read_text(), flags=re.MULTILINE)
    files = ("tests/requirements.txt", "benchmarks/requirements.txt")
    named = {canonicalize_name(requirement.name) for path in files for requirement in requirements(BASE_DIR / path)}
    assert named <= {canonicalize_name(name) for name in pins}
