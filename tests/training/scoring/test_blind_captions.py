"""Captions that nobody looked at a photo for."""

from pathlib import Path

import pytest

from training.data.dataset import CaptionedPhoto
from training.scoring import blind_captions
from training.scoring.blind_captions import CENTRAL, DRAWN, blind_score, caption_central
from training.scoring.coco_scorer import FALLBACK

TEXTS = ["a dog runs on the grass", "a dog runs on the beach", "a brown dog runs on the grass", "two boats", "a cat"]


def photos(*captions: str) -> list[CaptionedPhoto]:
    return [CaptionedPhoto(number, Path(f"{number}.png"), (text,)) for number, text in enumerate(captions)]


def test_central_caption_is_the_one_most_like_the_others():
    assert caption_central(TEXTS) == "a dog runs on the grass"


def test_central_caption_of_equal_ones_is_that():
    assert caption_central(["A dog."] * 5) == "A dog."


def test_central_caption_of_many_is_looked_for_among_some(monkeypatch):
    monkeypatch.setattr(blind_captions, "COMPARED", 2)

    assert caption_central(TEXTS) in TEXTS


def test_blind_captions_that_are_all_the_same_win_where_photos_are_alike():
    alike = photos(*["a dog runs on the grass", "a dog runs on the grass today"] * 5, "two boats", "a cat")

    found = blind_score(TEXTS, alike, scorer=FALLBACK)

    assert (found.how, found.example) == (CENTRAL, "a dog runs on the grass")
    assert found.cider > 100


def test_blind_captions_drawn_win_where_the_central_one_fits_no_photo():
    dogs = [f"a dog runs {how}" for how in ("fast", "away", "home", "here", "there")]

    found = blind_score([*dogs, "two boats", "a cat"], photos(*["two boats", "a cat"] * 20), scorer=FALLBACK)

    assert found.how == DRAWN
    assert found.cider > 0


def test_blind_captions_are_the_same_each_time():
    shown = photos(*TEXTS)

    assert blind_score(TEXTS, shown, scorer=FALLBACK) == blind_score(TEXTS, shown, scorer=FALLBACK)


@pytest.mark.parametrize("count", [1, 9])
def test_blind_captions_of_photos_that_are_all_alike_score_nothing(count):
    found = blind_score(["a dog"] * 30, photos(*["a dog"] * count), scorer=FALLBACK)

    assert found.cider == 0


def test_blind_captions_are_kept_with_two_digits():
    kept = blind_score(TEXTS, photos(*TEXTS), scorer=FALLBACK).to_dict()

    assert kept.keys() == {"how", "cider", "bleu_4", "example"}
    assert kept["cider"] == round(float(kept["cider"]), 2)


def test_blind_captions_of_few_photos_are_drawn_many_times(monkeypatch):
    texts = [*["a dog runs"] * 20, "two boats", "a cat", "a red car", "three birds"]
    shown = photos("two boats", "a cat", "a red car", "three birds")
    scores = set()
    for seed in range(5):
        monkeypatch.setattr(blind_captions, "_SEED", seed)
        scores.add(blind_score(texts, shown, scorer=FALLBACK).cider)

    assert max(scores) < 60  # a single draw that hits one of the four photos scores some 250
