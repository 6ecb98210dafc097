"""The caption model's next word, given what the classifier sees.

A copying mechanism (Yao et al. 2017, "Incorporating Copying Mechanism in Image Captioning for Learning Novel Objects",
section 3.3), with nothing to train. At each step every noun hands a share of its probability to the objects seen:

    P'(w) = P(w) * (1 - sum over o of e(o) r(w, o))        for a noun w
    P'(o) = P(o) + e(o) * sum over w of P(w) r(w, o)       for an object o

e(o) is the evidence: the classifier's probability, less what the caption model was taught of the word itself. r(w, o)
says whether o may stand where w does: 1 for nouns of one kind ("dog" and "cat") and for nouns of places and things that
the classifier may replace ("a table"), PERSON_SHARE for people, the less the surer the caption model is of them.

A word that the model was never taught has the input row of a taught neighbour (Hendricks et al. 2016, "Deep
Compositional Captioning", section 3.3): the decoder is fed "dog" where the caption says "cat". An object is said once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import torch
from torch import Tensor

from captioner.beam_search import State, Stepper
from captioner.objects.object_words import OPEN, PERSON, ObjectWord, ObjectWords
from captioner.vocabulary import Vocabulary

TAUGHT = 100  # captions with a word from which on the caption model's own opinion of it counts more than half
WEIGHT = 1.5  # of the evidence, at most 1 afterwards: chosen on 200 COCO and 1,000 Flickr8k photos, among 1, 1.5 and 2
PERSON_SHARE = 0.5
MOST = 0.97  # of a noun's probability that may go to objects

S = TypeVar("S", bound=State)


@dataclass(frozen=True)
class _Forms:
    """Nouns in one number. `nouns`: int64 (U,). `rates`: r, (U, O). `objects`: the word of each object, int64 (O,).

    `people`: bool (U,).
    """

    nouns: Tensor
    rates: Tensor
    objects: Tensor
    people: Tensor


class ObjectDecoding:
    """What decoding needs of a vocabulary of V words and a table of O objects. `words`: the V words, then new ones."""

    def __init__(self, vocabulary: Vocabulary, table: ObjectWords, *, device: torch.device | str = "cpu") -> None:
        self.words = list(vocabulary.words)
        self._index = dict(vocabulary.index)
        self._feed = list(range(len(vocabulary)))
        self._plurals = {word.word: word.plural for word in table.words if word.plural}
        said = [self._said(word) for word in table.words]
        self.information = [vocabulary.information[token] for token in self._feed]
        self.feed = torch.tensor(self._feed, device=device)
        self.taught = len(vocabulary)
        self.singular = self._forms(table, [one for one, _ in said], number=0, device=device)
        self.plural = self._forms(table, [many for _, many in said], number=1, device=device)
        self.object_of = self._objects(table).to(device)
        self.known = torch.tensor(
            [1.0 if one is None else _share(vocabulary, word) for word, (one, _) in zip(table.words, said, strict=True)]
        ).to(device)
        self.nouns = {word.word for word in table.words if word.kind}
        self.mass = {word.word for word in table.words if word.kind and not word.plural}
        self.compounds = [
            (token, self._index[first])
            for token, text in enumerate(self.words)
            if " " in text and (first := text.split()[0]) in vocabulary.index
        ]

    def _said(self, word: ObjectWord) -> tuple[int | None, int | None]:
        """The tokens of its singular and plural. None where it has no neighbour in the vocabulary, or no such form."""
        like = [each for each in (word.word, *word.synonyms, *word.like) if each in self._index]
        if not word.kind or not like:
            return None, None
        one = self._token(word.word, like[:1])
        plurals = [self._plurals.get(each, f"{each}s") for each in like]
        return one, self._token(word.plural, [*(each for each in plurals if each in self._index), like[0]])

    def _token(self, text: str, like: Sequence[str]) -> int | None:
        if not text:
            return None
        if text not in self._index:
            self._index[text] = len(self.words)
            self.words.append(text)
            self._feed.append(self._feed[self._index[like[0]]])
        return self._index[text]

    def _forms(
        self, table: ObjectWords, said: Sequence[int | None], *, number: int, device: torch.device | str
    ) -> _Forms:
        members: dict[str, set[int]] = {
            kind: {self._index[noun] for noun in nouns[number] if noun in self._index}
            for kind, nouns in table.nouns.items()
        }
        for word, token in zip(table.words, said, strict=True):
            if token is not None:
                members.setdefault(word.kind, set()).add(token)
        nouns = sorted(set().union(*members.values()))
        row = {token: place for place, token in enumerate(nouns)}
        rates = torch.zeros(len(nouns), len(table.words))
        for kind, rate in ((OPEN, 1.0), (PERSON, PERSON_SHARE)):
            rates[[row[token] for token in members.get(kind, ())]] = rate
        for column, (word, token) in enumerate(zip(table.words, said, strict=True)):
            rates[[row[each] for each in members.get(word.kind, ())], column] = 1.0
            own = [row[self._index[name]] for name in word.names if self._index.get(name) in row]
            rates[own, column] = 0.0
            if token is None:
                rates[:, column] = 0.0
        people = torch.zeros(len(nouns), dtype=torch.bool)
        people[[row[token] for token in members.get(PERSON, ())]] = True
        objects = torch.tensor([token or 0 for token in said])
        return _Forms(*(part.to(device) for part in (torch.tensor(nouns), rates, objects, people)))

    def _objects(self, table: ObjectWords) -> Tensor:
        """int64 (V',): which object a word says; O: none."""
        found = torch.full((len(self.words),), len(table.words))
        for number, word in reversed(list(enumerate(table.words))):
            found[[self._index[name] for name in word.names if name in self._index]] = number
        return found


def _share(vocabulary: Vocabulary, word: ObjectWord) -> float:
    """How much of the evidence counts: the more often the model was taught the word, the less."""
    count = sum(vocabulary.counts[vocabulary.index[name]] for name in word.names if name in vocabulary.index)
    return TAUGHT / (TAUGHT + count)


class ObjectState(NamedTuple, Generic[S]):
    """`evidence`: (B, O). `said`: of each caption, the objects that it has said, bool (B, K, O + 1)."""

    inner: S
    evidence: Tensor
    said: Tensor

    def select(self, captions: Tensor) -> ObjectState[S]:
        index = captions.unsqueeze(-1).expand(-1, -1, self.said.shape[-1])
        return ObjectState(self.inner.select(captions), self.evidence, self.said.gather(1, index))

    def keep(self, photos: Tensor) -> ObjectState[S]:
        return ObjectState(self.inner.keep(photos), self.evidence[photos], self.said[photos])


class ObjectStepper(Generic[S]):
    """A captioner.beam_search.Stepper over another one. `evidence`: probabilities of the objects, (B, O).

    The words of its steps are those of `decoding.words`.
    """

    def __init__(self, stepper: Stepper[S], decoding: ObjectDecoding, evidence: Tensor) -> None:
        self._stepper, self._decoding = stepper, decoding
        self._evidence = (WEIGHT * evidence * decoding.known).clamp(max=1.0)

    def start(self, photos: Tensor, /) -> ObjectState[S]:
        said = torch.zeros(len(photos), 1, self._evidence.shape[1] + 1, dtype=torch.bool, device=self._evidence.device)
        return ObjectState(self._stepper.start(photos), self._evidence, said)

    def step(self, state: ObjectState[S], tokens: Tensor, /) -> tuple[Tensor, Tensor, ObjectState[S]]:
        decoding = self._decoding
        said = state.said.scatter(2, decoding.object_of[tokens].unsqueeze(-1), value=True)
        logs, attention, inner = self._stepper.step(state.inner, decoding.feed[tokens])
        before = torch.nn.functional.pad(logs.exp(), (0, len(decoding.words) - decoding.taught))
        evidence = state.evidence.unsqueeze(1).masked_fill(said[:, :, :-1], 0.0)
        after = before.clone()
        for forms in (decoding.singular, decoding.plural):
            _hand(before[:, :, forms.nouns], after, evidence, forms)
        for token, first in decoding.compounds:  # no "tennis tennis racket"
            after[:, :, token].masked_fill_(tokens == first, 0.0)
        return after.clamp(min=1e-12).log(), attention, ObjectState(inner, state.evidence, said)


def _hand(nouns: Tensor, after: Tensor, evidence: Tensor, forms: _Forms) -> None:
    """Moves probability in `after` (B, K, V') from `nouns` (B, K, U) to the objects. `evidence`: (B, K, O)."""
    doubt = 1 - (nouns * forms.people).sum(-1, keepdim=True)
    wanted = (evidence @ forms.rates.T) * torch.where(forms.people, doubt, 1.0)
    handed = nouns * wanted.clamp(max=MOST)
    # Each noun divides what it hands among the objects as they asked for it.
    gains = ((handed / wanted.clamp(min=1e-9) * torch.where(forms.people, doubt, 1.0)) @ forms.rates) * evidence
    index = forms.nouns.expand_as(handed)
    after.scatter_add_(2, index, -handed)
    after.scatter_add_(2, forms.objects.expand_as(gains), gains)
