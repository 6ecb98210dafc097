"""What a run says of the same photos after each epoch."""

import json
from pathlib import Path

import numpy as np
import pytest

from captioner.config import Preprocessing
from tests.training.datasets import SAYINGS, dataset_write
from tests.training.pages.html_reading import Reading
from training.data.dataset import dataset_read
from training.errors import TrainingError
from training.pages.attention_maps import PagePhoto
from training.pages.samples_page import (
    HTML,
    JSONL,
    MAPS_EPOCHS,
    EpochSamples,
    PhotoSample,
    ShownPhoto,
    photos_shown,
    samples_append,
    samples_page,
    samples_read,
    samples_write,
)

EVEN = np.full((3, 4), 0.25)
NONE = np.zeros((3, 0))
PHOTOS = [
    ShownPhoto(photo, (f"what people wrote of {photo}",), PagePhoto(f"p{row}", f"data:image/jpeg;base64,AAA{row}", 1.5))
    for row, photo in enumerate((7, 8))
]


def sample(photo: int, words: str, *, attention: np.ndarray = EVEN) -> PhotoSample:
    said = words.split()
    return PhotoSample.of(photo, said, [0.5] * (len(said) + 1), attention[: len(said)])


def epoch(
    number: int, *, stage: str = "decoder", words: str = "a dog runs", attention: np.ndarray = EVEN
) -> EpochSamples:
    said = tuple(sample(photo.id, words, attention=attention) for photo in PHOTOS)
    return EpochSamples(stage, number, said, f"CIDEr {number}.0")


def said(records: list[EpochSamples]) -> list[tuple[str, int, str]]:
    return [(record.stage, record.epoch, record.photos[0].text) for record in records]


def page(folder: Path, *records: EpochSamples) -> Reading:
    for record in records:
        samples_append(folder, record)
    return Reading(samples_page(folder, PHOTOS))


def test_sample_keeps_each_map_as_shares_of_its_greatest_weight():
    attention = np.array([[0.5, 0.25, 0.25, 0.0], [0.25, 0.25, 0.25, 0.25]])

    made = PhotoSample.of(7, ["a", "dog"], [0.5, 0.25, 1.0], attention)

    assert made.maps.dtype == np.uint8
    assert made.maps.tolist() == [[[255, 128], [128, 0]], [[255, 255], [255, 255]]]


@pytest.mark.parametrize(
    ("words", "attention", "shape"),
    [(["a", "dog"], np.zeros((2, 0)), (2, 0, 0)), ([], np.zeros((0, 4)), (0, 2, 2)), ([], np.zeros((0, 0)), (0, 0, 0))],
    ids=["no attention", "no word", "neither"],
)
def test_sample_without_maps_comes_back_as_it_was(words, attention, shape):
    made = PhotoSample.of(7, words, [0.5] * (len(words) + 1), attention)

    found = PhotoSample.from_dict(json.loads(json.dumps(made.to_dict())))
    assert found.maps.shape == made.maps.shape == shape
    assert (found.photo, found.words, found.probabilities) == (7, tuple(words), made.probabilities)


def test_sample_is_as_sure_as_the_geometric_mean_of_its_words():
    assert PhotoSample.of(7, ["dog"], [0.5, 0.125], EVEN[:1]).confidence == pytest.approx(0.25)


def test_sample_of_an_impossible_word_is_not_sure_at_all():
    assert PhotoSample.of(7, ["dog"], [0.0, 1.0], EVEN[:1]).confidence == pytest.approx(0, abs=1e-9)


def test_epoch_comes_back_from_the_folder_as_it_was(tmp_path):
    samples_append(tmp_path, epoch(3))

    (found,) = samples_read(tmp_path)
    assert (found.stage, found.epoch, found.note) == ("decoder", 3, "CIDEr 3.0")
    assert [photo.photo for photo in found.photos] == [7, 8]
    assert found.photos[0].words == ("a", "dog", "runs")
    np.testing.assert_array_equal(found.photos[0].maps, epoch(3).photos[0].maps)


def test_epochs_of_a_folder_that_has_none_are_none(tmp_path):
    assert samples_read(tmp_path) == []


def test_epochs_are_kept_in_order(tmp_path):
    for record in (epoch(1), epoch(2), epoch(1, stage="encoder")):
        samples_append(tmp_path, record)

    assert [(stage, number) for stage, number, _ in said(samples_read(tmp_path))] == [
        ("decoder", 1),
        ("decoder", 2),
        ("encoder", 1),
    ]


def test_epoch_appended_twice_takes_the_place_of_the_former_and_of_later_ones(tmp_path):
    for record in (epoch(1), epoch(2), epoch(3), epoch(2, words="two boats sail")):
        samples_append(tmp_path, record)

    assert said(samples_read(tmp_path)) == [("decoder", 1, "A dog runs."), ("decoder", 2, "Two boats sail.")]


@pytest.mark.parametrize(
    "torn", ['{"stage": "decoder", "ep', "", "3", "null", "[]", '{"stage": "decoder", "epoch": 2}', "\ufffd"]
)
def test_epochs_around_a_torn_line_are_kept(tmp_path, torn):
    samples_append(tmp_path, epoch(1))
    with (tmp_path / JSONL).open("a", encoding="utf-8") as file:
        file.write(f"{torn}\n")

    samples_append(tmp_path, epoch(3))

    assert [number for _, number, _ in said(samples_read(tmp_path))] == [1, 3]


def test_epoch_whose_maps_were_cut_off_is_dropped(tmp_path):
    record = epoch(1).to_dict()
    record["photos"][0]["maps"] = record["photos"][0]["maps"][:-4]
    (tmp_path / JSONL).write_text(json.dumps(record) + "\n")

    assert samples_read(tmp_path) == []


def test_samples_of_no_epoch_say_so(tmp_path):
    assert page(tmp_path).texts["p"] == ["No epoch has ended yet."]


def test_samples_show_the_newest_epoch_and_fold_the_older(tmp_path):
    reading = page(tmp_path, epoch(1, words="a a a"), epoch(2, words="a dog a"), epoch(3))

    assert reading.texts["h2"] == ["decoder, epoch 3 · CIDEr 3.0", "Earlier epochs"]
    folded = [summary for summary in reading.texts["summary"] if summary != "What it said before"]
    assert folded == ["decoder, epoch 2 · CIDEr 2.0", "decoder, epoch 1 · CIDEr 1.0"]
    assert reading.classed("article", "sample") == 3 * len(PHOTOS)
    assert reading.classed("article", "old") == 2 * len(PHOTOS)


def test_samples_show_every_word_with_its_map_and_probability(tmp_path):
    reading = page(tmp_path, epoch(1))

    assert reading.texts["figcaption"] == ["a 50%", "dog 50%", "runs 50%"] * 2
    assert len(reading.attributes["img"]) == 6
    assert "A dog runs. confidence 50%" in reading.texts["p"]


def test_samples_show_what_people_wrote_and_what_was_said_before(tmp_path):
    reading = page(tmp_path, epoch(1, words="a a a"), epoch(2, words="a dog a"), epoch(3))

    assert reading.texts["li"] == ["what people wrote of 7", "what people wrote of 8"]
    assert reading.texts["td"] == ["decoder 2", "A dog a.", "decoder 1", "A a a."] * 2


def test_samples_hold_each_photo_once(tmp_path):
    reading = page(tmp_path, *(epoch(number) for number in range(1, 6)))

    assert [reading.page.count(photo.picture.uri) for photo in PHOTOS] == [1, 1]
    assert reading.foreign == []


def test_samples_of_a_decoder_without_attention_tell_the_words_alone(tmp_path):
    reading = page(tmp_path, epoch(1, attention=NONE))

    assert "img" not in reading.attributes
    assert reading.texts["p"].count("a 50% dog 50% runs 50%") == len(PHOTOS)


def test_samples_of_a_caption_without_words_are_shown(tmp_path):
    reading = page(tmp_path, epoch(1, words=""))

    assert reading.texts["p"].count(" confidence 50%") == len(PHOTOS)


def test_samples_of_long_ago_have_no_maps(tmp_path):
    epochs = MAPS_EPOCHS + 6  # the newest, those with maps, and five without

    reading = page(tmp_path, *(epoch(1 + number) for number in range(epochs)))

    assert reading.classed("article", "sample") == epochs * len(PHOTOS)
    assert reading.classed("div", "looks") == (epochs - 5) * len(PHOTOS)


def test_samples_escape_what_was_said_and_written(tmp_path):
    evil = "<script>alert(1)</script>"
    photos = [ShownPhoto(7, (evil,), PHOTOS[0].picture)]
    for number in (1, 2):
        said = (sample(7, f"{evil} <b>"),)
        samples_append(tmp_path, EpochSamples(evil, number, said, "<i>"))

    reading = Reading(samples_page(tmp_path, photos))

    assert not reading.attributes.keys() & {"script", "b", "i"}
    assert reading.texts["li"] == [evil]


def test_samples_pass_over_photos_that_an_epoch_did_not_see(tmp_path):
    samples_append(tmp_path, EpochSamples("decoder", 1, (sample(8, "a dog"), sample(99, "a boat"))))

    reading = Reading(samples_page(tmp_path, PHOTOS))

    assert reading.texts["li"] == ["what people wrote of 8"]


def test_samples_are_written_into_the_folder(tmp_path):
    samples_append(tmp_path, epoch(1))

    samples_write(tmp_path, PHOTOS)

    assert (tmp_path / HTML).read_text(encoding="utf-8") == samples_page(tmp_path, PHOTOS)
    assert f"<h1>Samples of {tmp_path.name}</h1>" in samples_page(tmp_path, PHOTOS)


def test_samples_that_cannot_be_written_are_told(tmp_path):
    (tmp_path / HTML).mkdir()

    with pytest.raises(TrainingError, match=r"samples\.html could not be written"):
        samples_write(tmp_path, PHOTOS)


def test_photos_shown_are_the_same_each_time_and_no_more_than_asked(tmp_path):
    photos = dataset_read([dataset_write(tmp_path, copies=3)], images=[tmp_path / "images"]).photos

    shown = photos_shown(photos, preprocessing=Preprocessing(size=64), limit=5)

    assert [photo.id for photo in shown] == [
        photo.id for photo in photos_shown(photos[::-1], preprocessing=Preprocessing(size=64), limit=5)
    ]
    assert [photo.picture.name for photo in shown] == ["p0", "p1", "p2", "p3", "p4"]
    assert {photo.captions for photo in shown} <= {tuple(captions) for captions in SAYINGS.values()}
