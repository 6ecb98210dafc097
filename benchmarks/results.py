"""benchmarks/RESULTS.md: a section for each benchmark, each as it was last measured."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.timing import HEADER, Row

INTRODUCTION = """# Benchmarks

Written by `make bench`. Each number is of runs that took turns on one machine, over the rounds; most are ratios, so \
that what the machine is cancels out. What is compared, and how, stands at the top of the module of that name.
"""


def section_write(results: Path, name: str, rows: Sequence[Row], *, origin: str, order: Sequence[str]) -> None:
    """Puts a benchmark's table in the place of its former one; `origin` says by which command, when, on what.

    `order`: of the benchmarks; a section is of the one that it is named after, as in "system" or "system on cuda".
    """
    sections = sections_read(results)
    sections[name] = "\n".join([origin, "", HEADER, *map(str, rows)])
    known = [each for one in order for each in sorted(sections) if each.partition(" on ")[0] == one]
    body = "".join(f"\n## {each}\n\n{sections[each]}\n" for each in known)
    results.write_text(INTRODUCTION + body, encoding="utf-8")


def sections_read(results: Path) -> dict[str, str]:
    if not results.exists():
        return {}
    parts = re.split(r"^## (.+)\n", results.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}
