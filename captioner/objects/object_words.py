"""The table of a bundle's object head: which everyday word each class has, and how far the word is trusted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from captioner.errors import BundleCorrupt

IMAGENET = Path(__file__).with_name("imagenet_words.json")
PERSON, OPEN = "(person)", "(open)"  # nouns of people; other nouns that another thing may take the place of
THING = "thing"  # the kind whose nouns the decoder is fed for an object that is like nothing it was taught


@dataclass(frozen=True)
class ObjectWord:
    """An everyday word.

    `plural`: empty if captions have none. `kind`: words of one kind stand in the same places of a caption; empty: the
    word is said only where it must be. `like`: words that the decoder is fed in its place, the nearest first.
    `synonyms`: other words for it. `classes`: those of the classifier that mean it. `trust`: 0..1, how often people who
    described photos named it where the classifier saw it. `article`: "a", "an", or "" for a mass noun.
    """

    word: str
    plural: str
    kind: str
    like: tuple[str, ...]
    synonyms: tuple[str, ...]
    classes: tuple[int, ...]
    trust: float = 1.0
    article: str = "a"

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Raises ValueError for values that a table cannot have, TypeError for other keys."""
        values: dict[str, Any] = {}
        for key, value in data.items():
            values[key] = tuple(value) if isinstance(value, list) else value
        word = cls(**values)
        if not word.word.split() or not word.classes or min(word.classes) < 0 or not 0 <= word.trust <= 1:
            raise ValueError(f"the word {word.word!r}")
        return word

    @property
    def names(self) -> tuple[str, ...]:
        """All words that say it."""
        return tuple(dict.fromkeys(name for name in (self.word, self.plural, *self.synonyms) if name))


@dataclass(frozen=True)
class ObjectWords:
    """`nouns`: for each kind, other nouns of it that a caption model may know: in the singular, in the plural."""

    words: tuple[ObjectWord, ...]
    nouns: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]

    @property
    def classes(self) -> int:
        """How many classes the classifier has."""
        return 1 + max(index for word in self.words for index in word.classes)

    def to_json(self) -> str:
        return json.dumps({"words": [asdict(word) for word in self.words], "nouns": self.nouns}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ObjectWords:
        """Raises BundleCorrupt."""
        try:
            data: Any = json.loads(text)
            words = tuple(ObjectWord.from_dict(each) for each in data["words"])
            nouns = {kind: (tuple(one), tuple(many)) for kind, (one, many) in data["nouns"].items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BundleCorrupt(f"The table of object words is malformed: {error!r}.") from error
        if not words or len({word.word for word in words}) < len(words):
            raise BundleCorrupt("The table of object words is empty, or has a word twice.")
        return cls(words, nouns)


def object_words_imagenet() -> ObjectWords:
    """The table of ImageNet's 1,000 classes, each word trusted fully."""
    return ObjectWords.from_json(IMAGENET.read_text(encoding="utf-8"))
