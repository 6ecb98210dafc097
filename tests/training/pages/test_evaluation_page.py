"""The page of an evaluation: what tests/training/scoring/test_evaluate_files.py does not ask of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from captioner.errors import PhotoError
from tests.pictures import picture_write
from tests.training.pages.html_reading import Reading
from training.data.dataset import CaptionedPhoto
from training.pages.evaluation_page import evaluation_page
from training.scoring.attention_focus import Focus
from training.scoring.bundle_evaluation import Evaluation
from training.scoring.caption_faults import captions_faults
from training.scoring.coco_scorer import COCO, FALLBACK

# From right to wrong, one for each photo.
SAID = ("A dog runs on the grass.", "A dog runs on the sea.", "A boat runs to the sea.", "Nothing.")
REFERENCES = (
    ("a dog runs on the grass", "the dog is on grass"),
    ("a dog runs on the sand", "a dog by the sea"),
    ("two boats sail on the sea", "a boat"),
    ("three black birds sing", "birds at night"),
)


@pytest.fixture
def evaluation(tmp_path) -> Evaluation:
    return evaluation_of(tmp_path, SAID)


def evaluation_of(folder: Path, said: tuple[str, ...]) -> Evaluation:
    photos = tuple(
        CaptionedPhoto(number, picture_write(folder, f"{number}.png", "red", kind="PNG"), texts)
        for number, texts in enumerate(REFERENCES)
    )
    captions = dict(enumerate(said))
    return Evaluation(
        bundle=folder / "the-model",
        version="0123456789abcdef" * 4,
        photos=photos,
        beam=3,
        scorer=FALLBACK,
        scores=FALLBACK.scores({photo.id: list(photo.captions) for photo in photos}, captions),
        faults=captions_faults(said),
        focus=None,
        captions=captions,
    )


def test_page_tells_first_how_good_the_model_is(evaluation):
    reading = Reading(evaluation_page(evaluation))

    facts = dict(zip(reading.texts["dt"], reading.texts["dd"], strict=True))
    assert reading.texts["h1"] == ["How well the-model captions photos"]
    assert facts == {
        "CIDEr": f"{evaluation.scores.cider:.1f}",
        "BLEU-4": f"{evaluation.scores.bleu_4:.1f}",
        "Photos": "4",
        "Beam": "3",
        "Model": "0123456789ab",
    }


def test_page_shows_the_best_photos_best_first_and_the_worst_worst_first(evaluation):
    reading = Reading(evaluation_page(evaluation))

    assert reading.texts["h2"][-2:] == ["The best 2", "The worst 2"]
    assert reading.texts["h3"] == [SAID[0], SAID[1], SAID[3], SAID[2]]


def test_page_marks_the_words_that_people_wrote_too_but_no_function_words(evaluation):
    marked = Reading(evaluation_page(evaluation)).texts["b"]

    assert marked == ["dog", "runs", "grass", "dog", "grass", "dog", "runs", "dog", "sea", "sea", "boat"]


@pytest.mark.parametrize(("scorer", "warned"), [(FALLBACK, True), (COCO, False)])
def test_page_warns_of_scores_that_do_not_compare(evaluation, scorer, warned):
    reading = Reading(evaluation_page(replace(evaluation, scorer=scorer)))

    assert reading.classed("p", "danger") == warned
    assert f"x 100, {scorer.name}." in reading.texts["p"]


def test_page_counts_photos_by_their_score(evaluation):
    titles = Reading(evaluation_page(evaluation)).texts["title"][1:]

    counts = {name: int(count) for name, count in (title.split(": ") for title in titles)}
    assert list(counts)[:2] == ["0", "20"]
    assert list(counts)[-1] == "300+"
    assert sum(counts.values()) == 4
    assert counts["0"] == sum(score.cider < 20 for score in evaluation.scores.photos.values()) > 0


@pytest.mark.parametrize("focus", [None, Focus(peak=3.2, distance=0.5, content_distance=0.25)])
def test_page_tells_of_attention_where_there_is_one(evaluation, focus):
    reading = Reading(evaluation_page(replace(evaluation, focus=focus)))

    assert ("Attention" in reading.texts["h2"]) is (focus is not None)
    assert ("3.2" in reading.texts["td"]) is (focus is not None)


def test_page_escapes_what_the_model_said_and_names_of_files(tmp_path):
    folder = tmp_path / "<i>"

    reading = Reading(evaluation_page(evaluation_of(folder, ("<u>a dog</u>", *SAID[1:]))))

    assert not reading.attributes.keys() & {"u", "i"}
    assert "<u>a dog</u>" in reading.texts["h3"]


def test_page_needs_nothing_else(evaluation):
    assert Reading(evaluation_page(evaluation)).foreign == []


def test_page_of_a_photo_that_is_gone_is_refused(evaluation):
    evaluation.photos[0].path.unlink()

    with pytest.raises(PhotoError):
        evaluation_page(evaluation)
