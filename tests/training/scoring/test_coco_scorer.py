"""COCO's scores, against values worked out by hand and against COCO's own wrapper; and what stands in without Java."""

import stat

import pytest
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

from training.errors import JavaMissing, ScorerError
from training.scoring.coco_scorer import COCO, FALLBACK, captions_tokenize, scorer_choose

java_required = pytest.mark.usefixtures("java")

REFERENCES = {
    7: ["A dog runs on the grass .", "A brown dog is running outside ."],
    3: ["Two children play football .", "Children with a ball ."],
    9: ["A man rides a bicycle down the street .", "A cyclist on the road ."],
}


@pytest.fixture
def java_at(tmp_path, monkeypatch):
    """Puts a shell script in Java's place."""

    def place(script: str) -> None:
        program = tmp_path / "java"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    return place


@java_required
def test_coco_scores_of_the_references_themselves_are_full_marks():
    scores = COCO.scores({photo: texts[:1] for photo, texts in REFERENCES.items()}, _first(REFERENCES))

    assert (scores.bleu_1, scores.bleu_4, scores.rouge_l) == pytest.approx((100, 100, 100))
    assert scores.cider == pytest.approx(1000)  # CIDEr-D goes up to 10


@java_required
def test_coco_scores_bleu_counts_matching_words():
    references = {1: ["a dog runs fast"], 2: ["a man sits there"]}

    scores = COCO.scores(references, {1: "A dog sleeps fast.", 2: "A man sits there."})

    assert scores.bleu_1 == pytest.approx(100 * 7 / 8)
    assert scores.bleu_2 == pytest.approx(100 * (7 / 8 * 4 / 6) ** 0.5)


@java_required
def test_coco_scores_of_captions_of_other_photos_are_lower():
    captions = _first(REFERENCES)
    shuffled = {7: captions[3], 3: captions[9], 9: captions[7]}

    assert COCO.scores(REFERENCES, shuffled).cider < 20 < COCO.scores(REFERENCES, captions).cider


@java_required
def test_coco_scores_do_not_depend_on_the_order_of_the_captions():
    captions = {7: "a dog", 3: "two children", 9: "a man rides a bicycle"}

    assert COCO.scores(REFERENCES, captions) == COCO.scores(REFERENCES, dict(reversed(captions.items())))


@java_required
def test_coco_scores_of_an_empty_caption_are_zero():
    scores = COCO.scores(REFERENCES, dict.fromkeys(REFERENCES, ""))

    assert (scores.bleu_4, scores.rouge_l, scores.cider) == pytest.approx((0, 0, 0), abs=1e-6)


@java_required
def test_coco_scores_print_nothing(capfd):
    COCO.scores(REFERENCES, _first(REFERENCES))

    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@java_required
def test_coco_scores_have_meteor_on_request():
    scores = COCO.scores(REFERENCES, _first(REFERENCES), meteor=True)

    assert scores.meteor is not None
    assert 50 < scores.meteor <= 100


def test_coco_scores_stand_without_meteor_when_its_program_dies(java, java_at):
    java_at(f'case "$*" in *meteor*) exit 3;; esac\nexec {java} "$@"')

    scores = COCO.scores(REFERENCES, _first(REFERENCES), meteor=True)

    assert scores.meteor is None
    assert scores.bleu_1 == pytest.approx(100)


def test_coco_scores_name_a_photo_without_a_caption():
    with pytest.raises(ScorerError, match=r"1 photos .*photo id 9"):
        COCO.scores(REFERENCES, {7: "a dog", 3: "two children"})


def test_coco_scores_name_a_photo_without_references():
    with pytest.raises(ScorerError, match=r"Photo id 3 has no reference"):
        COCO.scores(REFERENCES | {3: []}, _first(REFERENCES))


def test_coco_scores_refuse_no_captions():
    with pytest.raises(ScorerError, match="no caption"):
        COCO.scores({}, {})


def test_tokenizer_without_java_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(JavaMissing, match=r"apt-get install default-jre-headless"):
        captions_tokenize(REFERENCES)


def test_tokenizer_that_fails_repeats_what_java_said(java_at):
    java_at("echo 'Error: no such class' >&2; exit 1")

    with pytest.raises(ScorerError, match=r"status 1.*no such class.*java -version"):
        captions_tokenize(REFERENCES)


@java_required
def test_tokenizer_gives_the_same_as_cocos_own_wrapper(capfd):
    captions = {
        1: ["A man's dog isn't here ; it ran -- off !", 'He says " wow " ( twice ) ...'],
        2: ["Don't stop at the U.S. border", "A 3-year-old's b/w T-shirt & $5.50 hat", "café naïve"],
    }
    theirs = PTBTokenizer().tokenize({photo: [{"caption": text} for text in captions[photo]] for photo in captions})

    assert captions_tokenize(captions) == theirs


@java_required
def test_tokenizer_keeps_captions_apart_whatever_they_hold():
    captions = {1: ["two\nlines", "", "a\r\nb", "x\u2028y"], 2: ["  ", "last"]}

    assert captions_tokenize(captions) == {1: ["two lines", "", "a b", "x y"], 2: ["", "last"]}


@java_required
def test_photo_scores_are_those_of_cocos_scorer():
    captions = {7: "A dog runs on the green grass.", 3: "Two children with a ball.", 9: "A man rides a bicycle."}
    truth = captions_tokenize(REFERENCES)
    said = captions_tokenize({photo: [captions[photo]] for photo in REFERENCES})

    photos = COCO.scores(REFERENCES, captions).photos

    assert [photo.cider for photo in photos.values()] == pytest.approx(100 * Cider().compute_score(truth, said)[1])
    assert [photo.bleu_4 for photo in photos.values()] == pytest.approx(
        [100 * score for score in Bleu(4).compute_score(truth, said, verbose=0)[1][3]]
    )
    assert list(photos) == list(REFERENCES)


def test_photo_scores_count_the_matching_ngrams():
    scores = FALLBACK.scores({1: ["a dog runs fast", "a dog ran away from the house"]}, {1: "A dog sleeps fast."})

    assert scores.photos[1].matches == (3, 1, 0, 0)
    assert scores.photos[1].ngrams == (4, 3, 2, 1)
    assert (scores.photos[1].words, scores.photos[1].reference_words) == (4, 4)


def test_scores_as_a_dictionary_are_those_of_the_corpus():
    names = {"bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider", "meteor"}

    assert FALLBACK.scores(REFERENCES, _first(REFERENCES)).to_dict().keys() == names


@java_required
def test_scorer_with_java_is_cocos():
    assert scorer_choose() is COCO
    assert COCO.comparable


def test_scorer_with_a_java_that_does_not_work_is_refused_at_once(java_at):
    java_at("echo 'No Java runtime present' >&2; exit 1")

    with pytest.raises(ScorerError, match=r"No Java runtime present.*java -version"):
        scorer_choose()


def test_scorer_without_java_says_that_it_does_not_compare(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    scorer = scorer_choose()

    assert not scorer.comparable
    assert scorer.name == "not comparable with published scores: no Java"


def test_fallback_scores_without_java(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    scores = FALLBACK.scores(REFERENCES, _first(REFERENCES), meteor=True)

    assert scores.bleu_1 == pytest.approx(100)
    assert scores.meteor is None  # a Java program


@java_required
def test_fallback_scores_plain_captions_as_coco_does():
    captions = {7: "a brown dog runs outside", 3: "two children with a ball", 9: "a man on the road"}

    assert FALLBACK.scores(REFERENCES, captions).cider == pytest.approx(COCO.scores(REFERENCES, captions).cider)


def _first(references: dict[int, list[str]]) -> dict[int, str]:
    return {photo: texts[0] for photo, texts in references.items()}
