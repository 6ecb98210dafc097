import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from webapp.env import BASE_DIR


def test_imports_point_one_way():
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("package", ["benchmarks", "captioner", "launcher", "training", "webapp", "worker"])
def test_no_modules_import_each_other(package):
    """Imports inside functions and those for type checking alone count too."""
    files = {module_name(path): path for path in (BASE_DIR / package).rglob("*.py")}
    imports = {name: {one for one in imported(path, files) if one != name} for name, path in files.items()}

    list(TopologicalSorter(imports).static_order())  # raises CycleError, which names them


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(BASE_DIR).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path, modules: dict[str, Path]) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            for name in node.names:
                module = f"{node.module}.{name.name}"
                found.add(module if module in modules else str(node.module))
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found & modules.keys()
