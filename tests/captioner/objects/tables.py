"""A small table of objects, and a caption model that says the same words at every step."""

from typing import NamedTuple, Self

import torch
from torch import Tensor

from captioner.objects.object_words import ObjectWord, ObjectWords
from captioner.vocabulary import SPECIALS, Vocabulary

WORDS = ("a", "dog", "dogs", "man", "table", "tennis", "runs")
VOCABULARY = Vocabulary((*SPECIALS, *WORDS), (0, 0, 0, 0, 900, 300, 50, 400, 0, 20, 80))
CAT = ObjectWord("cat", "cats", "animal", ("dog",), (), (0,))
DOG = ObjectWord("dog", "dogs", "animal", (), (), (1,))
RACKET = ObjectWord("tennis racket", "tennis rackets", "sport", ("table",), (), (2,))
VELVET = ObjectWord("velvet", "", "", (), (), (3,))
TABLE = ObjectWords(
    (CAT, DOG, RACKET, VELVET),
    {
        "animal": (("dog",), ("dogs",)),
        "sport": ((), ()),
        "thing": (("bag", "table"), ()),
        "(person)": (("man",), ()),
        "(open)": (("table",), ()),
    },
)


class Fed(NamedTuple):
    """Remembers the tokens that it was fed."""

    tokens: Tensor

    def select(self, captions: Tensor) -> Self:
        return self

    def keep(self, photos: Tensor) -> Self:
        return self._replace(tokens=self.tokens[photos])


class Speaker:
    """Gives each word of WORDS the probability in `says`, whatever was said. The rest goes to <end>."""

    def __init__(self, **says: float) -> None:
        rest = 1 - sum(says.values())
        self.probabilities = torch.tensor([1e-9, 1e-9, rest, 1e-9, *(says.get(word, 1e-9) for word in WORDS)])

    def start(self, photos: Tensor, /) -> Fed:
        return Fed(torch.zeros(len(photos), 1, dtype=torch.int64))

    def step(self, state: Fed, tokens: Tensor, /) -> tuple[Tensor, Tensor, Fed]:
        logs = self.probabilities.log().expand(*tokens.shape, -1).clone()
        return logs, torch.zeros(*tokens.shape, 0), Fed(tokens)
