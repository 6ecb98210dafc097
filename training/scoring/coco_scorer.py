"""COCO's tokenizer and scorers, and a fallback for machines without Java."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pycocoevalcap.bleu.bleu_scorer import BleuScorer
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.meteor.meteor import Meteor
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer import ptbtokenizer

from captioner.vocabulary import caption_tokens
from training.errors import JavaMissing, ScorerError

_JAR = Path(ptbtokenizer.__file__).with_name(ptbtokenizer.STANFORD_CORENLP_3_4_1_JAR)
TOKENIZER = ("java", "-cp", str(_JAR), "edu.stanford.nlp.process.PTBTokenizer")
PUNCTUATION = frozenset(ptbtokenizer.PUNCTUATIONS)

Texts = Mapping[int, list[str]]


@dataclass(frozen=True)
class PhotoScore:
    """Scores x 100 of one photo's caption, and the counts that BLEU of any set of photos needs.

    `bleu_4` of one sentence is rough: 0 unless four words in a row match. `matches`, `ngrams`: of 1..4 words, how many
    of the caption's n-grams stand in a reference (clipped), and how many it has. `words`: of the caption;
    `reference_words`: of the reference closest in length.
    """

    cider: float
    bleu_4: float
    matches: tuple[int, ...]
    ngrams: tuple[int, ...]
    words: int
    reference_words: int


@dataclass(frozen=True)
class Scores:
    """Corpus scores x 100, as papers print them (CIDEr 52.0 is COCO's 0.520).

    BLEU: Papineni et al. 2002, closest reference length. ROUGE-L: Lin 2004. CIDEr: Vedantam et al. 2015
    (CIDEr-D, n-gram weights from these references, so scores of different sets of photos do not compare).
    METEOR: Denkowski and Lavie 2014; None where it was not asked for or its program does not run.
    """

    bleu_1: float
    bleu_2: float
    bleu_3: float
    bleu_4: float
    rouge_l: float
    cider: float
    meteor: float | None = None
    photos: Mapping[int, PhotoScore] = field(default_factory=dict, repr=False)

    def to_dict(self) -> dict[str, float | None]:
        """The corpus scores alone."""
        return {name: value for name, value in asdict(self).items() if name != "photos"}


@dataclass(frozen=True)
class Scorer:
    """A tokenizer with COCO's scorers behind it. Use COCO, FALLBACK or `scorer_choose`.

    `comparable`: with published scores. `tokenize`: captions to the same captions, tokens joined by spaces.
    """

    name: str
    comparable: bool
    tokenize: Callable[[Texts], dict[int, list[str]]]

    def scores(self, references: Texts, captions: Mapping[int, str], *, meteor: bool = False) -> Scores:
        """Scores of one caption per photo against its references (pycocoevalcap).

        `references` and `captions` have the same photo ids; each photo has one reference or more, as raw text.
        METEOR is computed on request: it takes as long as all the others together, and 1 GB. The fallback has none,
        because it is a Java program. Raises ScorerError if the ids differ or the tokenizer fails.
        """
        _pairs_check(references, captions)
        truth = self.tokenize(references)
        said = self.tokenize({photo: [captions[photo]] for photo in references})
        bleu = BleuScorer(n=4)
        for photo, texts in truth.items():
            bleu += (said[photo][0], texts)
        corpus, (*_, bleu_4s) = bleu.compute_score(option="closest")
        rouge, _ = Rouge().compute_score(truth, said)
        cider, ciders = Cider().compute_score(truth, said)
        return Scores(
            **{f"bleu_{order}": 100 * float(score) for order, score in enumerate(corpus, start=1)},
            rouge_l=100 * float(rouge),
            cider=100 * float(cider),
            meteor=_meteor_score(truth, said) if meteor and self.comparable else None,
            photos={
                photo: PhotoScore(
                    cider=100 * float(ciders[row]),
                    bleu_4=100 * float(bleu_4s[row]),
                    matches=tuple(bleu.ctest[row]["correct"]),
                    ngrams=tuple(bleu.ctest[row]["guess"]),
                    words=(words := bleu.ctest[row]["testlen"]),
                    reference_words=min((abs(length - words), length) for length in bleu.ctest[row]["reflen"])[1],
                )
                for row, photo in enumerate(truth)
            },
        )


def scorer_choose() -> Scorer:
    """COCO's own scorer, or the fallback if no `java` is on the PATH. Label its scores with its name.

    Raises ScorerError if there is a `java` that does not work. So a run learns of it at its start.
    """
    if shutil.which("java") is None:
        return FALLBACK
    COCO.tokenize({0: ["a caption"]})
    return COCO


def captions_tokenize(captions: Texts) -> dict[int, list[str]]:
    """Captions as COCO's PTBTokenizer splits them: lower case, tokens joined by spaces, punctuation dropped.

    The same program and options as pycocoevalcap's PTBTokenizer. That writes its input beside its own source; here a
    pipe takes it, so a read-only installation and parallel runs work.
    Raises JavaMissing, and ScorerError where the program fails.
    """
    java_require()
    lines = [" ".join(text.split()) for texts in captions.values() for text in texts]
    run = subprocess.run(
        [*TOKENIZER, "-preserveLines", "-lowerCase", "-encoding", "UTF-8"],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        encoding="utf-8",
        check=False,
        start_new_session=True,  # Ctrl-C is for this process alone
    )
    tokenized = run.stdout.split("\n")[: len(lines)]
    if run.returncode != 0 or len(tokenized) != len(lines):
        raise ScorerError(
            f"COCO's tokenizer ended with status {run.returncode}, {len(tokenized)} lines for {len(lines)} captions: "
            f"{run.stderr.strip()[-500:] or 'it said nothing'}. Check that `java -version` works (Java 8 or later)."
        )
    words = iter([" ".join(w for w in line.split() if w not in PUNCTUATION) for line in tokenized])
    return {photo: [next(words) for _ in texts] for photo, texts in captions.items()}


def java_require() -> None:
    """Raises JavaMissing where no `java` is on the PATH."""
    if shutil.which("java") is None:
        raise JavaMissing


def _words_tokenize(captions: Texts) -> dict[int, list[str]]:
    return {photo: [" ".join(caption_tokens(text)) for text in texts] for photo, texts in captions.items()}


COCO = Scorer("COCO's own scorer", True, captions_tokenize)
# Not comparable: its tokenizer splits hyphens and quotes in another way, so other n-grams match.
FALLBACK = Scorer("not comparable with published scores: no Java", False, _words_tokenize)


def _pairs_check(references: Texts, captions: Mapping[int, str]) -> None:
    if not captions:
        raise ScorerError("There is no caption to score: give one photo at least.")
    if unlike := references.keys() ^ captions.keys():
        raise ScorerError(
            f"{len(unlike)} photos have a caption or references but not both (photo id {min(unlike)} is one): "
            "score the same photos that have references."
        )
    if bare := [photo for photo, texts in references.items() if not texts]:
        raise ScorerError(f"Photo id {bare[0]} has no reference caption: leave it out or add one.")


def _meteor_score(references: Texts, captions: Texts) -> float | None:
    scorer = Meteor()
    try:
        with scorer.meteor_p as process:
            try:
                score, _ = scorer.compute_score(references, captions)
            finally:
                process.kill()
    except (OSError, ValueError):  # the program died, of too little memory for example: the other scores stand
        if scorer.lock.locked():  # compute_score lets go of it only when it succeeds, and __del__ waits for it
            scorer.lock.release()
        return None
    return 100 * float(score)
