"""A caption model's words, together with the words of the objects that its classifier sees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from captioner.objects.object_words import OPEN, PERSON, THING, ObjectWord, ObjectWords
from captioner.vocabulary import Vocabulary

TAUGHT = 100  # captions with a word from which on the caption model's own opinion of it counts more than half
TAKES = 0.3  # of the evidence that has to count for a word to take the place of others
OPEN_SHARE = 0.65  # how far an object may stand where a noun of a place or thing does that may be any
MET = 25  # captions with a word from which on the caption model knows where people stand beside it


class ObjectVocabulary:
    """V taught words, then the new ones of a table of O objects: W words in all.

    A *form* is an object's singular or plural, where captions have a place for it. F: how many forms there are.

    `words`, `information`: of the W words. `taught`: V.
    `feed`: int64 (W,), what the decoder is fed for a word: the word itself, or a taught neighbour of a new one.
    `objects`, as a tensor `object_of`: for each word the object that it says; O: none.
    `people`: bool (W,), words for people.
    `first`: int64 (W,), the first word of one like "tennis racket"; -1: it is one word.
    `form_tokens`, `form_objects`: int64 (F,), each form's word and object.
    `rates`: (F, W), how far a form may stand in a noun's place, people aside. `anywhere`: 1 where it may if it must.
    `known`: (O,), how much of the evidence counts: the more often the model was taught the word, the less; 0 where the
    object is like no noun. `taught_share`: (O,), the rest of it. `once`: bool (O,), objects whose words take the place
    of others: these are said once, and no such noun follows them.
    `borrowed`: for each object, and for none, whether its word is the classifier's rather than the model's own.
    `sayable`: bool (O,), the borrowed objects: captions may be made to say them. `unmet`: those that captions of
    training hardly had.
    `articles`: of each object's word that captions may say, "" if it takes none.
    """

    def __init__(self, vocabulary: Vocabulary, table: ObjectWords, *, device: torch.device | str = "cpu") -> None:
        self.words, self.taught = list(vocabulary.words), len(vocabulary)
        self._index, self._feed = dict(vocabulary.index), list(range(self.taught))
        self._table = table
        self._plurals = {word.word: word.plural for word in table.words if word.plural}
        counts = [_captions(vocabulary, word) for word in table.words]
        share = torch.tensor([TAUGHT / (TAUGHT + count) for count in counts])
        said = [self._said(word, own=bool(mine > 0.5)) for word, mine in zip(table.words, share, strict=True)]
        forms = [
            (object_, number, token)
            for number in (0, 1)
            for object_, tokens in enumerate(said)
            if (token := tokens[number]) is not None
        ]
        self.feed = torch.tensor(self._feed, device=device)
        self.information = [vocabulary.information[token] for token in self._feed]
        self.objects = self._objects()
        self.object_of = torch.tensor(self.objects, device=device)
        self.form_objects = torch.tensor([object_ for object_, _, _ in forms], dtype=torch.int64, device=device)
        self.form_tokens = torch.tensor([token for _, _, token in forms], dtype=torch.int64, device=device)
        self.rates, self.anywhere = (rates.to(device) for rates in self._rates(forms))

        self.known = share.to(device) * torch.zeros(len(share), device=device).index_put(
            (self.form_objects[self.rates.any(1)],), torch.ones((), device=device)
        )
        self.taught_share = (1 - share).to(device)
        has_form = torch.tensor([one is not None for one, _ in said])
        self.once = (share > TAKES).to(device) & has_form.to(device)
        sayable = (share > 0.5) & has_form
        self.borrowed = [*sayable.tolist(), False]
        self.sayable = sayable.to(device)
        self.unmet = torch.tensor([count < MET for count in counts], device=device) & self.sayable
        people = [noun for nouns in table.nouns.get(PERSON, ()) for noun in nouns]
        self.people = self._which(self._index[noun] for noun in people if noun in self._index).to(device)
        firsts = [vocabulary.index.get(word.split()[0], -1) if " " in word else -1 for word in self.words]
        self.first = torch.tensor(firsts, device=device)
        self.articles = {
            word.word: word.article for word, (one, _) in zip(table.words, said, strict=True) if one is not None
        }

    def _which(self, tokens: Iterable[int]) -> Tensor:
        """bool (W,)"""
        which = torch.zeros(len(self.words), dtype=torch.bool)
        which[list(tokens)] = True
        return which

    def _said(self, word: ObjectWord, *, own: bool) -> tuple[int | None, int | None]:
        """The tokens of its singular and plural. None where captions have no place for it, or it has no such form.

        `own`: the word would be the classifier's.
        """
        like = self._like(word)
        if like:
            one = self._token(word.word, like[:1])
            plurals = [self._plurals.get(each, f"{each}s") for each in like]
            return one, self._token(word.plural, [*(each for each in plurals if each in self._index), like[0]])
        anything = [noun for noun in self._table.nouns.get(THING, ((), ()))[0] if noun in self._index]
        return (self._token(word.word, anything), None) if own and anything else (None, None)

    def _like(self, word: ObjectWord) -> list[str]:
        """Words of the vocabulary that the decoder may be fed in its place, the nearest first."""
        return [each for each in (word.word, *word.synonyms, *word.like) if word.kind and each in self._index]

    def _token(self, text: str, like: Sequence[str]) -> int | None:
        if not text:
            return None
        if text not in self._index:
            self._index[text] = len(self.words)
            self.words.append(text)
            self._feed.append(self._feed[self._index[like[0]]])
        return self._index[text]

    def _objects(self) -> list[int]:
        found = [len(self._table.words)] * len(self.words)
        for number, word in reversed(list(enumerate(self._table.words))):
            for name in word.names:
                if name in self._index:
                    found[self._index[name]] = number
        return found

    def _rates(self, forms: Sequence[tuple[int, int, int]]) -> tuple[Tensor, Tensor]:
        """`rates` and `anywhere`, (F, W). `forms`: the object, the number (0: singular) and the token of each."""
        rates, anywhere = torch.zeros(2, len(forms), len(self.words))
        members: list[dict[str, set[int]]] = [
            {
                kind: {self._index[noun] for noun in nouns[number] if noun in self._index}
                for kind, nouns in self._table.nouns.items()
            }
            for number in (0, 1)
        ]
        for object_, number, token in forms:
            members[number].setdefault(self._table.words[object_].kind, set()).add(token)
        for form, (object_, number, _) in enumerate(forms):
            word, nouns = self._table.words[object_], members[number]
            anywhere[form, sorted(set().union(*nouns.values()))] = 1.0
            if self._like(word):
                for kind, rate in ((OPEN, OPEN_SHARE), (PERSON, 1.0), (word.kind, 1.0)):
                    rates[form, sorted(nouns.get(kind, ()))] = rate
            own = [self._index[name] for name in word.names if name in self._index]
            rates[form, own] = anywhere[form, own] = 0.0
        return rates, anywhere


def _captions(vocabulary: Vocabulary, word: ObjectWord) -> int:
    """How many captions of training have the word."""
    return sum(vocabulary.counts[vocabulary.index[name]] for name in word.names if name in vocabulary.index)
