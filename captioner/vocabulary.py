"""Words and their indices, and the way between a caption's text and its words."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from captioner.errors import BundleCorrupt, BundleMissing, VocabularyError

PAD, START, END, UNKNOWN = range(4)
SPECIALS = ("<pad>", "<start>", "<end>", "<unk>")


@functools.cache
def _tokenizer():  # type: ignore[no-untyped-def]
    # Imported on use: nltk takes a third of a second, and serving never tokenises. NLTKWordTokenizer,
    # unlike nltk.word_tokenize, needs no data download.
    from nltk.tokenize import NLTKWordTokenizer

    return NLTKWordTokenizer()


def caption_tokens(text: str) -> list[str]:
    """The words of a caption: Penn Treebank tokens (nltk), lower case, without punctuation.

    COCO's scorer drops punctuation as well, so a model need not spend words on it. Clitics stay tokens of
    their own ("dog's" gives "dog", "'s").
    """
    return [token for token in _tokenizer().tokenize(text.lower()) if any(c.isalnum() for c in token)]


def caption_text(words: Iterable[str]) -> str:
    """A sentence for people: clitics joined to their word, first letter capital, a full stop at the end."""
    text = ""
    for word in words:
        text += word if not text or word.startswith("'") or word == "n't" else f" {word}"
    return f"{text[0].upper()}{text[1:]}." if text else ""


@dataclass(frozen=True)
class Vocabulary:
    """`words[index]` is the word; the first four are the special tokens. `counts` are those of the training set."""

    words: tuple[str, ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.words[: len(SPECIALS)] != SPECIALS:
            raise VocabularyError(f"A vocabulary must begin with {', '.join(SPECIALS)}; this begins {self.words[:4]}.")
        if len(self.words) == len(SPECIALS):
            raise VocabularyError("The vocabulary is empty: no word reached the threshold. Lower it or add captions.")
        if len(self.index) != len(self.words):
            raise VocabularyError("The vocabulary holds the same word more than once.")
        if len(self.counts) != len(self.words):
            raise VocabularyError(f"{len(self.words)} words, but {len(self.counts)} counts.")

    def __len__(self) -> int:
        return len(self.words)

    @functools.cached_property
    def index(self) -> dict[str, int]:
        return {word: index for index, word in enumerate(self.words)}

    @functools.cached_property
    def information(self) -> tuple[float, ...]:
        """Of each word, in nats: -log of its share of the training set's words (one never seen: as if seen once)."""
        counts = [max(1, count) for count in self.counts]
        total = sum(counts)
        return tuple(math.log(total / count) for count in counts)

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """Indices of `tokens`, <unk> for those that are not known. Adds neither <start> nor <end>."""
        return [self.index.get(token, UNKNOWN) for token in tokens]

    def decode(self, ids: Sequence[int]) -> list[str]:
        """Words of `ids` up to the first <end>, without special tokens."""
        words = []
        for index in ids:
            if index == END:
                break
            if index >= len(SPECIALS):
                words.append(self.words[index])
        return words

    def to_json(self) -> str:
        return json.dumps({"words": self.words, "counts": self.counts}, ensure_ascii=False, indent=0) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        """Raises BundleCorrupt when the text is not JSON of the right form, VocabularyError when its words are not."""
        try:
            data = json.loads(text)
            words, counts = tuple(data["words"]), tuple(data["counts"])
        except (ValueError, TypeError, KeyError) as error:
            raise BundleCorrupt(f"The vocabulary is malformed: {error!r}.") from error
        if not all(isinstance(word, str) for word in words) or not all(isinstance(count, int) for count in counts):
            raise BundleCorrupt("The vocabulary is malformed: words must be strings and counts whole numbers.")
        return cls(words, counts)

    def save(self, path: Path) -> None:
        path.write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Raises BundleMissing, BundleCorrupt or VocabularyError."""
        try:
            return cls.from_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise BundleMissing(f"There is no vocabulary at {path}.") from error
        except UnicodeDecodeError as error:
            raise BundleCorrupt(f"The vocabulary {path} is not UTF-8 text: {error}.") from error
