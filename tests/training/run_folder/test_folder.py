"""What a run keeps and shows."""

import io
import json
import re

import pytest
from PIL import Image

from tests.training.tiny_models import record
from training.errors import CheckpointError, TrainingError
from training.run_folder.folder import EpochRecord, RunFolder, table_header, table_line

PLAIN = record(bleu_4=None, cider=None, peak=None, distance=None, comparable=False)  # a decoder without attention
HEADER = "stage,epoch,epochs,seconds,train_loss,validation_loss,bleu_4,cider,comparable,distinct,peak,distance,"


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def keys(folder: RunFolder) -> list[tuple[str, int]]:
    return [record.key for record in folder.records()]


@pytest.mark.parametrize("kept", [record(), PLAIN, record(seconds=1 / 3, train_loss=float("nan"), stage="a, b")])
def test_record_comes_back_from_the_table_as_it_was(folder, kept):
    folder.record_append(kept)

    (found,) = folder.records()
    assert repr(found) == repr(kept)  # by which NaN equals itself


@pytest.mark.parametrize("kept", [record(), PLAIN])
def test_record_comes_back_from_json_as_it_was(kept):
    assert EpochRecord.from_dict(json.loads(json.dumps(kept.to_dict()))) == kept


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"flavour": 1}, KeyError),
        ({"comparable": "perhaps"}, KeyError),
        ({"epoch": "one"}, ValueError),
        ({"train_loss": ""}, ValueError),
        ({"train_loss": None}, TypeError),
    ],
)
def test_record_of_another_form_is_refused(change, error):
    with pytest.raises(error):
        EpochRecord.from_dict(record().to_dict() | change)


def test_record_that_lacks_a_field_is_refused():
    with pytest.raises(KeyError, match="cider"):
        EpochRecord.from_dict({key: value for key, value in record().to_dict().items() if key != "cider"})


def test_records_of_a_run_that_has_none_are_none(folder):
    assert folder.records() == []


def test_records_are_appended_in_order(folder):
    for stage, epoch in (("decoder", 1), ("decoder", 2), ("encoder", 1)):
        folder.record_append(record(stage=stage, epoch=epoch))

    assert keys(folder) == [("decoder", 1), ("decoder", 2), ("encoder", 1)]


def test_record_of_an_epoch_that_is_there_takes_its_place_and_that_of_later_ones(folder):
    folder.records_write([record(epoch=epoch) for epoch in (1, 2, 3)])

    folder.record_append(record(epoch=2, cider=99.0))

    assert keys(folder) == [("decoder", 1), ("decoder", 2)]
    assert folder.records()[1].cider == 99.0


def test_records_written_take_the_place_of_all_that_were(folder):
    folder.records_write([record(epoch=epoch) for epoch in (1, 2, 3)])

    folder.records_write([record(epoch=7)])

    assert keys(folder) == [("decoder", 7)]


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,2\n",
        b"\xff\xfe\x00\n",
        (HEADER + "captions_per_second,data_share,rate,encoder_rate\ndecoder,1\n").encode(),
        (HEADER + "captions_per_second,data_share,rate,encoder_rate,more\n" + "1," * 16 + "1\n").encode(),
        (HEADER + "captions_per_second,data_share,rate,encoder_rate\ndecoder,one" + ",1" * 14 + "\n").encode(),
        (HEADER + "captions_per_second,data_share,rate,encoder_rate\ndecoder" + ",1" * 20 + "\n").encode(),
    ],
    ids=["others", "no text", "short row", "more columns", "no number", "long row"],
)
def test_records_of_a_table_that_is_not_ours_are_told(folder, content):
    folder.path.mkdir()
    folder.metrics.write_bytes(content)

    with pytest.raises(TrainingError, match=r"metrics\.csv is not the table of a run .* Move it away"):
        folder.record_append(record())
    assert folder.metrics.read_bytes() == content


def test_settings_come_back_as_they_were(folder):
    settings = {"options": {"hidden": 7, "encoder": "é"}, "data": "abc"}

    folder.settings_write(settings)

    assert folder.settings_read() == settings


def test_settings_begin_a_run(folder):
    assert not folder.begun()

    folder.settings_write({})

    assert folder.begun()


def test_settings_of_a_folder_without_a_run_are_told(folder):
    with pytest.raises(
        CheckpointError, match=r"No run was started in .*run: it has no options\.json.*without --resume"
    ):
        folder.settings_read()


@pytest.mark.parametrize("left", ["checkpoint.pt", "bundle"])
def test_settings_that_were_cleared_away_are_missed(folder, left):
    (folder.path / left).mkdir(parents=True)

    assert folder.begun()
    with pytest.raises(CheckpointError, match=r"cannot go on without its options\.json.*Put it back"):
        folder.settings_read()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b"[1]", "holds no JSON object"),
        (b"", "cannot be read"),
    ],
)
def test_settings_that_are_damaged_are_told(folder, content, said):
    folder.path.mkdir()
    folder.settings.write_bytes(content)

    with pytest.raises(CheckpointError, match=rf"options\.json {said}.*start again"):
        folder.settings_read()


def test_curves_are_drawn_of_the_table(folder):
    folder.records_write([record(epoch=1), record(epoch=2)])

    folder.curves_draw()

    assert Image.open(io.BytesIO(folder.curves.read_bytes())).format == "PNG"


def test_curves_of_a_run_without_epochs_are_not_drawn(folder):
    folder.curves_draw()

    assert not folder.curves.exists()


@pytest.mark.parametrize(
    "shown",
    [
        record(),
        PLAIN,
        record(stage="self_critical", epoch=100, epochs=100, seconds=36_000.0, cider=100.0, bleu_4=100.0, distinct=1.0),
        record(comparable=False, cider=123.4, peak=100.0, distance=1.0, captions_per_second=12_345.0, data_share=1.0),
    ],
    ids=["usual", "without scores", "long", "wide"],
)
def test_table_line_stands_below_its_header(shown):
    header, line = table_header(), table_line(shown)

    assert line.startswith(shown.stage)
    for column in list(re.finditer(r"\S+", header))[1:]:  # all to the right but the first
        assert line[column.end() - 1] != " "
        assert line[column.end() : column.end() + 1] in {"", " "}
    assert len(line.partition("   *")[0]) == len(header)


def test_table_line_tells_an_epoch():
    cells = table_line(record()).split()

    assert cells == ["decoder", "1/2", "1:15", "4.500", "4.250", "12.3", "34.6", "50%", "3.2", "0.46", "1,234", "7%"]


def test_table_line_without_scores_and_attention_has_dashes():
    cells = table_line(PLAIN).split()

    assert [cells[index] for index in (5, 6, 8, 9)] == ["–"] * 4


@pytest.mark.parametrize(
    ("seconds", "time"), [(0.4, "0:00"), (59.6, "1:00"), (3599.4, "59:59"), (3599.6, "1:00:00"), (36_125.0, "10:02:05")]
)
def test_table_line_tells_the_time(seconds, time):
    assert table_line(record(seconds=seconds)).split()[2] == time


def test_table_line_marks_scores_that_do_not_compare():
    line = table_line(record(comparable=False))

    assert "12.3*" in line
    assert "34.6*" in line
    assert line.endswith("   * without Java: not comparable")
    assert "*" not in table_line(record())
