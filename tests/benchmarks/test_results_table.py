"""The sections of RESULTS.md."""

from benchmarks.measuring.alternating_runs import Spread
from benchmarks.measuring.results_table import Row, section_write, sections_read


def row(name: str) -> Row:
    return Row(name, Spread(1, 2, 3), None, "")


def test_section_takes_the_place_of_its_former_one_and_leaves_the_others(tmp_path):
    results = tmp_path / "RESULTS.md"
    for name, text in (("system", "old"), ("features", "kept"), ("system", "new")):
        section_write(results, name, [row(text)], origin="measured", order=["features", "system"])

    sections = sections_read(results)
    assert list(sections) == ["features", "system"]
    assert "| kept |" in sections["features"]
    assert "| new |" in sections["system"]
    assert "| old |" not in results.read_text()


def test_section_of_another_device_stands_beside_that_of_the_cpu(tmp_path):
    results = tmp_path / "RESULTS.md"
    for name in ("system on xpu", "peers", "system on cuda", "system"):
        section_write(results, name, [row(f"of {name}")], origin="measured", order=["system", "peers"])

    sections = sections_read(results)
    assert list(sections) == ["system", "system on cuda", "system on xpu", "peers"]
    assert "| of system on cuda |" in sections["system on cuda"]


def test_section_of_a_benchmark_that_is_gone_goes_too(tmp_path):
    results = tmp_path / "RESULTS.md"
    section_write(results, "former", [row("one")], origin="", order=["former"])

    section_write(results, "system", [row("two")], origin="", order=["system"])

    assert list(sections_read(results)) == ["system"]
