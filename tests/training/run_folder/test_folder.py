"""What a run keeps and shows."""

import io

import pytest
from PIL import Image

from tests.training.tiny_models import record
from training.errors import CheckpointError, TrainingError
from training.run_folder.folder import RunFolder

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
