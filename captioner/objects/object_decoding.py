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
from dataclasses import dataclass, replace
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
SLIGHT = 0.02  # evidence that changes nothing worth its time
NEVER = -27.6  # log-probability of a word that nothing speaks for

S = TypeVar("S", bound=State)


@dataclass(frozen=True)
class _Forms:
    """Nouns in one number: int64 (U,), and the words of the objects: int64 (O,), as places in `columns`.

    `rates`: r, (U, O). `people`: bool (U,).
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
        places = torch.zeros(len(self.words), dtype=torch.int64, device=device)
        parts = [part for forms in (self.singular, self.plural) for part in (forms.nouns, forms.objects)]
        self.columns = torch.tensor(sorted(set(torch.cat(parts).tolist())), device=device)
        places[self.columns] = torch.arange(len(self.columns), device=device)
        self.singular, self.plural = (
            replace(forms, nouns=places[forms.nouns], objects=places[forms.objects])
            for forms in (self.singular, self.plural)
        )
        self.objects = self._objects(table)
        self.object_of = torch.tensor(self.objects, device=device)
        known = [
            0.0 if one is None else _share(vocabulary, word) for word, (one, _) in zip(table.words, said, strict=True)
        ]
        self.known = torch.tensor(known, device=device)
        # Whether the word of an object is the classifier's rather than the caption model's own. The last: no object.
        self.borrowed = [*(share > 0.5 for share in known), False]
        closing = {token for tokens, own in zip(said, self.borrowed, strict=False) for token in tokens if own}
        self.closing = torch.tensor([token in closing for token in range(len(self.words))], device=device)
        self.nouns = {word.word for word in table.words if word.kind}
        self.mass = {word.word for word in table.words if word.kind and not word.plural}
        compounds = [
            (place, self._index[first])
            for place, token in enumerate(self.columns.tolist())
            if " " in self.words[token] and (first := self.words[token].split()[0]) in vocabulary.index
        ]
        # Words of more than one word, as places in `columns`, and the first word of each.
        self.compounds = torch.tensor([place for place, _ in compounds], dtype=torch.int64, device=device)
        self.firsts = torch.tensor([first for _, first in compounds], dtype=torch.int64, device=device)

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

    def _objects(self, table: ObjectWords) -> list[int]:
        """For each word which object it says; O: none."""
        found = [len(table.words)] * len(self.words)
        for number, word in reversed(list(enumerate(table.words))):
            for name in word.names:
                if name in self._index:
                    found[self._index[name]] = number
        return found


def _share(vocabulary: Vocabulary, word: ObjectWord) -> float:
    """How much of the evidence counts: the more often the model was taught the word, the less."""
    count = sum(vocabulary.counts[vocabulary.index[name]] for name in word.names if name in vocabulary.index)
    return TAUGHT / (TAUGHT + count)


class ObjectState(NamedTuple, Generic[S]):
    """`evidence`: (B, A), of the objects that are seen in any photo of the batch. `said`: bool (B, K, A + 1)."""

    inner: S
    evidence: Tensor
    said: Tensor

    def select(self, captions: Tensor) -> ObjectState[S]:
        index = captions.unsqueeze(-1).expand(-1, -1, self.said.shape[-1])
        return ObjectState(self.inner.select(captions), self.evidence, self.said.gather(1, index))

    def keep(self, photos: Tensor) -> ObjectState[S]:
        return ObjectState(self.inner.keep(photos), self.evidence[photos], self.said[photos])


class ObjectStepper(Generic[S]):
    """A captioner.beam_search.Stepper over another one. `probabilities`: of the objects, (B, O).

    The words of its steps are those of `decoding.words`. Only columns of nouns and objects change.
    """

    def __init__(self, stepper: Stepper[S], decoding: ObjectDecoding, probabilities: Tensor) -> None:
        self._stepper, self._decoding = stepper, decoding
        evidence = (WEIGHT * probabilities * decoding.known).clamp(max=1.0)
        seen = (evidence.amax(0) > SLIGHT).nonzero().squeeze(1)
        self._evidence = evidence[:, seen]
        self._forms = [
            replace(forms, rates=forms.rates[:, seen], objects=forms.objects[seen])
            for forms in (decoding.singular, decoding.plural)
        ]
        place = torch.full((evidence.shape[1] + 1,), len(seen), device=seen.device)
        place[seen] = torch.arange(len(seen), device=seen.device)
        self._object_of = place[decoding.object_of]
        active = self._object_of[decoding.columns[decoding.compounds]] < len(seen)
        self._compounds, self._firsts = decoding.compounds[active], decoding.firsts[active]

    def start(self, photos: Tensor, /) -> ObjectState[S]:
        said = torch.zeros(len(photos), 1, self._evidence.shape[1] + 1, dtype=torch.bool, device=self._evidence.device)
        return ObjectState(self._stepper.start(photos), self._evidence, said)

    def step(self, state: ObjectState[S], tokens: Tensor, /) -> tuple[Tensor, Tensor, ObjectState[S]]:
        decoding = self._decoding
        said = state.said.scatter(2, self._object_of[tokens].unsqueeze(-1), value=True)
        logs, attention, inner = self._stepper.step(state.inner, decoding.feed[tokens])
        logs = torch.nn.functional.pad(logs, (0, len(decoding.words) - decoding.taught), value=NEVER)
        before = logs.index_select(2, decoding.columns).exp()
        after = before.clone()
        evidence = state.evidence.unsqueeze(1).masked_fill(said[:, :, :-1], 0.0)
        for forms in self._forms:
            _hand(before[:, :, forms.nouns], after, evidence, forms)
        if len(self._compounds):  # no "tennis tennis racket"
            repeats = tokens.unsqueeze(-1) == self._firsts
            after[:, :, self._compounds] = after[:, :, self._compounds].masked_fill(repeats, 0.0)
        # No noun follows a borrowed one: "a cup of coffee chair".
        after = after.masked_fill(decoding.closing[tokens].unsqueeze(-1), 0.0)
        logs.index_copy_(2, decoding.columns, after.clamp(min=1e-12).log())
        return logs, attention, ObjectState(inner, state.evidence, said)


def _hand(nouns: Tensor, after: Tensor, evidence: Tensor, forms: _Forms) -> None:
    """Moves probability in `after` (B, K, columns) from `nouns` (B, K, U) to the objects. `evidence`: (B, K, A)."""
    # The surer the caption model is of people, the less it hands over.
    doubt = torch.where(forms.people, 1 - (nouns * forms.people).sum(-1, keepdim=True), 1.0)
    wanted = (evidence @ forms.rates.T) * doubt
    handed = nouns * wanted.clamp(max=MOST)
    # Each noun divides what it hands among the objects as they asked for it.
    gains = ((handed * doubt / wanted.clamp(min=1e-9)) @ forms.rates) * evidence
    after.scatter_add_(2, forms.nouns.expand_as(handed), -handed)
    after.scatter_add_(2, forms.objects.expand_as(gains), gains)
