"""Scores of captions: COCO's own tokenizer and scorers, and the plain faults that they do not show."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.meteor.meteor import Meteor
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer import ptbtokenizer
from tqdm import tqdm

from captioner.errors import PhotoError
from captioner.inference import Captioner
from captioner.preprocessing import photo_pixels
from training.data.coco import CaptionedPhoto, captioned_photos
from training.errors import DatasetError, JavaMissing, ScorerError

_JAR = Path(ptbtokenizer.__file__).with_name(ptbtokenizer.STANFORD_CORENLP_3_4_1_JAR)
TOKENIZER = ("java", "-cp", str(_JAR), "edu.stanford.nlp.process.PTBTokenizer")
BATCH = 32
PUNCTUATION = frozenset(ptbtokenizer.PUNCTUATIONS)

# A caption that ends in one of these was cut short: "a man in a". Self-critical training is known for it.
_ENDINGS = "a an the and or but of in on at to with for from by into onto over under near through while as is are be"
FUNCTION_WORDS = frozenset(_ENDINGS.split())


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

    def to_dict(self) -> dict[str, float | None]:
        return asdict(self)


@dataclass(frozen=True)
class TextFaults:
    """What is wrong with a set of captions whatever the references say. Shares are 0..1.

    distinct: different captions per photo; near 0 when a model says the same of every photo.
    function_word_endings: captions whose last word is a function word ("a man in a").
    repeated_trigrams: trigrams that occurred before in the same caption ("a dog and a dog and a dog").
    mean_words: words per caption.
    """

    distinct: float
    function_word_endings: float
    repeated_trigrams: float
    mean_words: float

    def to_dict(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True)
class Evaluation:
    """What `bundle_evaluate` found. captions: image id -> what the model wrote."""

    version: str
    photos: int
    beam: int
    scores: Scores
    faults: TextFaults
    captions: dict[int, str]


def bundle_evaluate(
    bundle: Path,
    *,
    images: Path,
    captions: Path,
    beam: int | None = None,
    limit: int | None = None,
    meteor: bool = False,
    device: str = "cpu",
) -> Evaluation:
    """Caption the photos of a COCO captions file as serving does (same pixels, same search), and score that.

    `beam`: the bundle's own default unless given. `limit`: how many photos of `photos_sample`. Shows a progress bar on
    a terminal. Raises CaptionerError (bundle, device), DatasetError (captions, photos), JavaMissing and ScorerError.
    """
    java_require()  # before minutes of decoding
    photos = photos_sample(captioned_photos(captions, images=images), limit=limit)
    captioner = Captioner.load(bundle, device=device)
    beam = beam or captioner.config.decoding.beam
    written: dict[int, str] = {}
    with tqdm(total=len(photos), desc="captioning", unit="photo", disable=None) as bar:
        for first in range(0, len(photos), BATCH):
            batch = photos[first : first + BATCH]
            pixels = [_photo_read(photo.path, captioner) for photo in batch]
            results = captioner.caption_batch(pixels, beam=beam)
            written |= {photo.id: result.text for photo, result in zip(batch, results, strict=True)}
            bar.update(len(batch))
    references = {photo.id: list(photo.captions) for photo in photos}
    return Evaluation(
        version=captioner.version,
        photos=len(photos),
        beam=beam,
        scores=coco_scores(references, written, meteor=meteor),
        faults=captions_faults(written.values()),
        captions=written,
    )


def photos_sample(photos: Sequence[CaptionedPhoto], *, limit: int | None) -> list[CaptionedPhoto]:
    """The same `limit` photos every time: the first by the SHA-256 of their file names. All of them if None.

    It depends neither on the file's order nor on a random generator, and a smaller sample lies within a larger one.
    """
    ordered = sorted(photos, key=lambda photo: hashlib.sha256(photo.path.name.encode()).digest())
    return ordered[:limit]


def coco_scores(references: Mapping[int, list[str]], captions: Mapping[int, str], *, meteor: bool = False) -> Scores:
    """Scores of one caption per photo against its references, by COCO's own scorer (pycocoevalcap).

    `references` and `captions` have the same photo ids; each photo has one reference or more, as raw text.
    METEOR, which takes about as long as all the others together and 1 GB, is computed on request.
    Raises JavaMissing, and ScorerError where the ids differ or the tokenizer fails.
    """
    if not captions:
        raise ScorerError("There is no caption to score: give one photo at least.")
    if unlike := references.keys() ^ captions.keys():
        raise ScorerError(
            f"{len(unlike)} photos have a caption or references but not both (photo id {min(unlike)} is one): "
            "score the same photos that have references."
        )
    if bare := [photo for photo, texts in references.items() if not texts]:
        raise ScorerError(f"Photo id {bare[0]} has no reference caption: leave it out or add one.")
    tokenized_references = captions_tokenize(references)
    tokenized_captions = captions_tokenize({photo: [captions[photo]] for photo in references})
    bleu, _ = Bleu(4).compute_score(tokenized_references, tokenized_captions, verbose=0)
    rouge, _ = Rouge().compute_score(tokenized_references, tokenized_captions)
    cider, _ = Cider().compute_score(tokenized_references, tokenized_captions)
    return Scores(
        **{f"bleu_{order}": 100 * float(score) for order, score in enumerate(bleu, start=1)},
        rouge_l=100 * float(rouge),
        cider=100 * float(cider),
        meteor=_meteor_score(tokenized_references, tokenized_captions) if meteor else None,
    )


def captions_tokenize(captions: Mapping[int, list[str]]) -> dict[int, list[str]]:
    """Captions as COCO's PTBTokenizer splits them: lower case, tokens joined by spaces, punctuation dropped.

    The same program and options as pycocoevalcap's PTBTokenizer, which writes its input beside its own source:
    here it goes through a pipe, so that a read-only installation and parallel runs work.
    """
    java_require()
    lines = [" ".join(text.split()) for texts in captions.values() for text in texts]
    run = subprocess.run(
        [*TOKENIZER, "-preserveLines", "-lowerCase", "-encoding", "UTF-8"],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        encoding="utf-8",
        check=False,
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


def captions_faults(captions: Iterable[str]) -> TextFaults:
    """Faults of a set of captions (see TextFaults); at least one caption."""
    texts = [caption.lower().strip(" .") for caption in captions]
    words = [text.split() for text in texts]
    trigrams = [list(zip(w, w[1:], w[2:], strict=False)) for w in words]
    total = sum(map(len, trigrams))
    return TextFaults(
        distinct=len(set(texts)) / len(texts),
        function_word_endings=float(np.mean([bool(w) and w[-1] in FUNCTION_WORDS for w in words])),
        repeated_trigrams=sum(len(t) - len(set(t)) for t in trigrams) / total if total else 0.0,
        mean_words=float(np.mean([len(w) for w in words])),
    )


def _meteor_score(references: dict[int, list[str]], captions: dict[int, list[str]]) -> float | None:
    scorer = Meteor()
    try:
        with scorer.meteor_p as process:
            try:
                score, _ = scorer.compute_score(references, captions)
            finally:
                process.kill()
    except (OSError, ValueError):  # the program died (2 GB are not there, say): the other scores stand
        if scorer.lock.locked():  # compute_score lets go of it only when it succeeds, and __del__ waits for it
            scorer.lock.release()
        return None
    return 100 * float(score)


def _photo_read(path: Path, captioner: Captioner) -> np.ndarray:
    try:
        return photo_pixels(path, preprocessing=captioner.preprocessing)
    except PhotoError as error:
        raise DatasetError(f"{path}: {error} Replace it, or take it out of the captions.") from error
