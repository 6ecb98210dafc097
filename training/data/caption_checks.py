"""Checks of captions as a whole, before the first step: unknown words, another script, one caption for all photos."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from captioner.errors import VocabularyError
from captioner.vocabulary import SPECIALS, Vocabulary, caption_tokens
from training.data.dataset import CaptionedPhoto
from training.data.vocabulary_builder import THRESHOLDS, vocabulary_build, vocabulary_coverage, vocabulary_thresholds

# Shares of all words. At --threshold 5, Flickr8k has 3 % unknown words, a hundred of its photos 19 %, ten 43 %.
UNKNOWN_MUCH, UNKNOWN_MOST = 0.2, 0.5
# Shares of all letters. A caption may name a place in its own script.
FOREIGN_MUCH, FOREIGN_MOST = 0.1, 0.5
SAME_MOST = 0.5  # share of the captions that say the same
SHOWN = 5  # words
SAME_LEARNT = "a model learns to say that of every photo"
SAME_JUDGED = "no score tells a good caption of one photo from that of another"
_FEW = 0.01  # share of the letters: a script that hardly occurs counts as unknown
_JAPANESE = {"HIRAGANA": "CJK", "KATAKANA": "CJK"}  # stand beside Chinese characters


@dataclass(frozen=True)
class Concern:
    """`message`: what is wrong, why that matters, what to do. `refused`: no model could learn from it."""

    message: str
    refused: bool = False


def unknown_concern(
    texts: Sequence[str],
    vocabulary: Vocabulary,
    *,
    what: str,
    remedy: str | Callable[[], str],
    to: str = "the model, which cannot say them",
    refuse: bool = True,
) -> list[Concern]:
    """A concern where `vocabulary` does not know many words of `texts`. `what`, `to`: their names in the message.

    `remedy`: a function where it takes another look at all captions. It is called only if needed.
    """
    rate = vocabulary_coverage(texts, vocabulary).unknown_rate
    if rate <= UNKNOWN_MUCH:
        return []
    counts = Counter(token for text in texts for token in caption_tokens(text) if token not in vocabulary.index)
    commonest = ", ".join(f"{word} {count:,}" for word, count in counts.most_common(SHOWN))
    return [
        Concern(
            f"{rate:.0%} of the words of {what} are unknown to {to} (commonest: {commonest}). "
            f"{remedy if isinstance(remedy, str) else remedy()}",
            refused=refuse and rate > UNKNOWN_MOST,
        )
    ]


def threshold_remedy(texts: Sequence[str], *, threshold: int) -> str:
    """Advice: a lower --threshold that leaves few words of `texts` unknown."""
    lower = [row for row in vocabulary_thresholds(texts, thresholds=THRESHOLDS) if row.threshold < threshold]
    if not lower:
        return "Give more captions."
    fitting = [row for row in lower if row.coverage.unknown_rate <= UNKNOWN_MUCH]
    row = fitting[-1] if fitting else lower[0]
    return (
        f"Give more captions, or --threshold {row.threshold} instead of {threshold}: {row.coverage.unknown_rate:.0%} "
        "would be unknown."
    )


def script_concern(
    texts: Iterable[str], known: Iterable[str], *, what: str, of: str, remedy: str, refuse: bool = True
) -> list[Concern]:
    """A concern where `texts` are in another script than `known`. `what`, `of`: their names in the message."""
    letters, theirs = scripts_count(texts), scripts_count(known)
    foreign = {
        script: count for script, count in letters.items() if theirs[script] <= _FEW * theirs.total() and theirs.total()
    }
    share = sum(foreign.values()) / max(1, letters.total())
    if share <= FOREIGN_MUCH:
        return []
    names = " and ".join(_script_name(script) for script in sorted(foreign, key=lambda script: -foreign[script])[:2])
    (other, _), *_ = theirs.most_common(1)
    return [
        Concern(
            f"{share:.0%} of the letters of {what} are {names}, and {of} are written in {_script_name(other)}: what is "
            f"learnt of one script does not help with another. {remedy}",
            refused=refuse and share > FOREIGN_MOST,
        )
    ]


def sameness_concern(texts: Sequence[str], *, what: str, effect: str) -> list[Concern]:
    """A concern where most of `texts` say the same. `effect`: what comes of that."""
    said = Counter(" ".join(text.lower().strip(" .!").split()) for text in texts)
    commonest, count = max(said.items(), key=lambda item: item[1], default=("", 0))
    if len(texts) < 2 or count <= SAME_MOST * len(texts):
        return []
    share = "All" if count == len(texts) else f"{count:,} of the"
    return [
        Concern(
            f"{share} {len(texts):,} {what} say the same ({commonest!r}): {effect}. Give captions that tell the photos "
            "apart."
        )
    ]


def captions_concerns(texts: Sequence[str], *, threshold: int) -> list[Concern]:
    """Concerns about captions to train on."""
    try:
        vocabulary = vocabulary_build(texts, threshold=threshold)
    except VocabularyError as error:
        return [Concern(str(error), refused=True)]
    remedy = partial(threshold_remedy, texts, threshold=threshold)
    return unknown_concern(texts, vocabulary, what="the captions", remedy=remedy) + sameness_concern(
        texts, what="captions", effect=SAME_LEARNT
    )


def training_concerns(
    train: Sequence[CaptionedPhoto],
    validation: Sequence[CaptionedPhoto],
    *,
    vocabulary: Vocabulary,
    threshold: int,
    bundles: Mapping[str, Sequence[str]],
) -> list[Concern]:
    """All concerns about a run. `bundles`: the words of those that it begins with and learns from, by flag and path."""
    texts, judged = ([text for photo in photos for text in photo.captions] for photos in (train, validation))
    found = list(chain.from_iterable(_bundle_concerns(texts, name, words) for name, words in bundles.items()))
    found += unknown_concern(
        texts, vocabulary, what="the captions to train on", remedy=partial(threshold_remedy, texts, threshold=threshold)
    )
    found += script_concern(
        judged,
        texts,
        what="the captions to validate on",
        of="those to train on",
        remedy="Give captions of one language.",
    ) or unknown_concern(
        judged,
        vocabulary,
        what="the captions to validate on",
        remedy=partial(_validation_remedy, texts, judged, threshold=threshold),
    )
    found += sameness_concern(texts, what="captions to train on", effect=SAME_LEARNT)
    found += sameness_concern(judged, what="captions to validate on", effect=SAME_JUDGED)
    if len(validation) == 1:
        found.append(Concern("There is only one photo to validate on, which cannot tell the best epoch. Give more."))
    return found


def scoring_concerns(photos: Sequence[CaptionedPhoto], *, words: Sequence[str], bundle: Path) -> list[Concern]:
    """Concerns about the captions that a bundle is scored by. `words`: all that it knows, special ones too."""
    texts = [text for photo in photos for text in photo.captions]
    what, remedy = "the captions to score by", "Such scores mean little. Give captions of its language, or train."
    foreign = script_concern(texts, words[len(SPECIALS) :], what=what, of=f"the words of {bundle}", remedy=remedy)
    found = foreign or unknown_concern(texts, _vocabulary(words), what=what, to=str(bundle), remedy=remedy)
    return found + sameness_concern(texts, what="captions to score by", effect=SAME_JUDGED)


def _vocabulary(words: Sequence[str]) -> Vocabulary:
    return Vocabulary(tuple(words), (0,) * len(words))


def _bundle_concerns(texts: Sequence[str], name: str, words: Sequence[str]) -> list[Concern]:
    remedy = f"leave {name.split(maxsplit=1)[0]} out, or give a bundle of that language."
    return script_concern(
        texts,
        words[len(SPECIALS) :],
        what="the captions to train on",
        of=f"the words of {name}",
        remedy=remedy.capitalize(),
    ) or unknown_concern(
        texts,
        _vocabulary(words),
        what="the captions to train on",
        to=name,
        remedy=f"Those that occur often enough are learnt from the beginning. If the language is another: {remedy}",
        refuse=False,
    )


def _validation_remedy(train: Sequence[str], validation: Sequence[str], *, threshold: int) -> str:
    """Advice: a lower --threshold if the captions to train on have the words, other captions if not."""
    lowest = vocabulary_coverage(validation, vocabulary_build(train, threshold=1)).unknown_rate
    if threshold > 1 and lowest <= UNKNOWN_MOST:
        return f"Give more to train on, or a lower --threshold than {threshold}: with 1, {lowest:.0%} would be unknown."
    return "Give captions of the same language, about the same kind of photos, to train and to validate on."


def scripts_count(texts: Iterable[str]) -> Counter[str]:
    """Letters by their script, as the first word of their names in Unicode: LATIN, CYRILLIC, CJK, ..."""
    characters = Counter(character for text in texts for character in unicodedata.normalize("NFKC", text))
    found: Counter[str] = Counter()
    for character, count in characters.items():
        if character.isalpha():
            script = unicodedata.name(character, "UNKNOWN").partition(" ")[0]
            found[_JAPANESE.get(script, script)] += count
    return found


def _script_name(script: str) -> str:
    return "Chinese or Japanese" if script == "CJK" else script.capitalize()
