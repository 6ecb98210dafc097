"""Scripts of the site are modules, so that two of a page may use the same names."""

import re
from pathlib import Path

import pytest

WEBAPP = Path(__file__).resolve().parents[2] / "webapp"
SCRIPTS = [
    (path.relative_to(WEBAPP).as_posix(), tag)
    for path in WEBAPP.rglob("*.html")
    for tag in re.findall(r"<script\b[^>]*static ['\"](?:js|review)/[^>]*>", path.read_text(encoding="utf-8"))
]


def test_scripts_are_found() -> None:
    assert len(SCRIPTS) >= 7


@pytest.mark.parametrize(("page", "tag"), SCRIPTS)
def test_script_is_a_module(page: str, tag: str) -> None:
    assert 'type="module"' in tag
