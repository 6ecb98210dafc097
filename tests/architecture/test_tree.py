"""What holds for every tracked file."""

import re
import subprocess
from pathlib import Path

import pytest

from webapp import env

LONGER_WITH_REASON = {  # module -> why it is longer than 300 lines
    "tests/captioner/test_bundle.py": "one contract, and each way a folder can break it",
    "tests/captioner/test_preprocessing.py": "one function, and each kind of file it must take or refuse",
}
LINES = 300


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=env.BASE_DIR, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [env.BASE_DIR / name for name in listed.stdout.split("\0") if name and (env.BASE_DIR / name).is_file()]


def texts(tracked: list[Path]) -> dict[str, str]:
    found = {}
    for path in tracked:
        try:
            found[str(path.relative_to(env.BASE_DIR))] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found


def test_modules_are_short(tracked):
    lengths = {name: text.count("\n") for name, text in texts(tracked).items() if name.endswith(".py")}
    assert lengths
    assert {name for name, lines in lengths.items() if lines > LINES} <= set(LONGER_WITH_REASON)


def test_tracked_files_name_no_registry_and_no_path_of_one_machine(tracked):
    unwanted = re.compile(
        r"https?://[^\s\"']*(pypi|/simple/|pythonhosted)|--(extra-)?index-url|/home/\w|/root/|/Users/\w"
    )
    hits = {name: match.group() for name, text in texts(tracked).items() if (match := unwanted.search(text))}
    hits.pop(str(Path(__file__).relative_to(env.BASE_DIR)), None)
    assert hits == {}


def test_tracked_files_are_small(tracked):
    assert [path.name for path in tracked if path.stat().st_size > 25 * 2**20] == []


def test_readme_describes_every_environment_variable():
    readme = (env.BASE_DIR / "README.md").read_text(encoding="utf-8")
    described = set(re.findall(r"^\| `(FOVEA_\w+)`", readme, flags=re.MULTILINE))
    assert described == set(env.VARIABLES)
