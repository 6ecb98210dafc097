"""The command line of the benchmarks, and those of training on few small pictures. No speed is tested."""

import json
import re

import pytest

from benchmarks import __main__
from benchmarks.measuring import command_line
from benchmarks.measuring.command_line import rows_measure
from benchmarks.measuring.results_table import HEADER
from benchmarks.training import features, reward, stage1
from tests.training.datasets import captions_write, dataset_write

SMALL = ["--photos", "24", "--encoder", "efficientnet_lite0", "--size", "64", "--rounds", "2", "--steps", "2"]
TARGET = r"(at (least|most) [\d.]+ \| (yes|no)|- \| -)"
LINE = re.compile(rf"\| [^|]+ \| \d+\.\d+ \| \d+\.\d+ - \d+\.\d+ \| {TARGET} \| [^|]+ \|")


@pytest.fixture(autouse=True)
def no_shared_photos(monkeypatch, tmp_path):
    monkeypatch.setattr(command_line, "SHARED", tmp_path / "none")


@pytest.mark.slow
@pytest.mark.parametrize(("benchmark", "rows"), [(features, 1), (stage1, 3), (reward, 1)])
def test_benchmark_prints_its_rows_as_a_table(benchmark, rows, capsys):
    rows_measure(benchmark.measure, description="", argv=SMALL)

    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == HEADER.splitlines()
    assert len(lines) == 2 + rows
    assert all(LINE.fullmatch(line) for line in lines[2:])


@pytest.mark.slow
def test_benchmark_takes_the_photos_that_it_is_given(tmp_path, capsys):
    captions = dataset_write(tmp_path / "colours", copies=2)
    given = ["--captions", str(captions), "--images", str(tmp_path / "colours" / "images")]

    rows_measure(features.measure, description="", argv=[*SMALL, *given])

    said = capsys.readouterr()
    assert "8 colours photos" in said.out
    assert "no photos here" not in said.err


def test_setting_without_photos_says_that_its_pictures_are_made(capsys):
    with command_line.setting_open(command_line.arguments("", [*SMALL, "--photos", "3"])) as opened:
        assert len(opened.photos) == 3
        assert str(opened) == "3 synthetic photos, efficientnet_lite0 at 64 px, cpu"

    assert "no photos here: pictures of patches" in capsys.readouterr().err


def test_setting_takes_the_shared_photos_where_they_are(tmp_path, monkeypatch):
    dataset_write(tmp_path / "flickr8k", "captions_train.json")
    monkeypatch.setattr(command_line, "SHARED", tmp_path / "flickr8k")

    with command_line.setting_open(command_line.arguments("", SMALL)) as opened:
        assert str(opened).startswith("4 flickr8k photos")


def test_setting_refuses_captions_without_their_folder(tmp_path, capsys):
    captions = captions_write(tmp_path / "captions.json", json.dumps({}))

    with pytest.raises(SystemExit):
        command_line.arguments("", ["--captions", str(captions)])

    assert "Give --captions and --images together" in capsys.readouterr().err


@pytest.mark.slow
def test_benchmarks_keep_their_tables_with_machine_date_and_command(tmp_path, capsys):
    __main__.main(["reward", *SMALL], results=tmp_path / "RESULTS.md")
    __main__.main(["features", *SMALL], results=tmp_path / "RESULTS.md")

    text = (tmp_path / "RESULTS.md").read_text()
    assert re.findall(r"^## (\w+)$", text, flags=re.MULTILINE) == ["features", "reward"]
    assert [line for line in text.splitlines() if LINE.fullmatch(line)][-1] in capsys.readouterr().out
    assert re.search(r"`python -m benchmarks reward --photos 24 .*` on \d{4}-\d\d-\d\d: .+, \d+ cores, Python 3", text)


def test_benchmark_that_does_not_exist_is_refused_with_those_that_do(capsys):
    with pytest.raises(SystemExit):
        __main__.main(["sistem"])

    assert "There is no benchmark sistem: choose from features, " in capsys.readouterr().err
