"""The caption model's next word, given what the classifier sees.

A copying mechanism (Yao et al. 2017, "Incorporating Copying Mechanism in Image Captioning for Learning Novel Objects",
section 3.3), with nothing to train. At each step every noun hands a share of its probability to the objects seen:

    P'(w) = P(w) * (1 - sum over o of e(o) r(w, o))        for a noun w
    P'(o) = P(o) + e(o) * sum over w of P(w) r(w, o)       for an object o

e(o) = min(1, WEIGHT p(o) t(o)) is the evidence: the classifier's probability p, and t(o), which is the less the more
captions of training had the word. r(w, o) says whether o may stand where w does: 1 for nouns of one kind ("dog" and
"cat"), OPEN_SHARE for nouns of places and things that may be any ("a table"). For people it is PERSON_SHARE times
(1 - P(people)). PERSON_GIVES takes its place in a photo of a sure object that captions of training hardly had: such a
photo is rarely one of people. The sum is at most MOST. A noun that the classifier sees too, and that the model was
taught well, has both on its side: OWN times its p is taken off the sum.

A word that the model was never taught has the input row of a taught neighbour (Hendricks et al. 2016, "Deep
Compositional Captioning", section 3.3): the decoder is fed "dog" where the caption says "cat". Such a word
is said once.

A caption that leaves a sure object out is searched again, and may then not end before it says it (Anderson et al. 2017,
"Guided Open Vocabulary Image Captioning with Constrained Beam Search", section 3.2). Until then the object may stand
for any noun of its number: P'(o) grows by the sum over w of P'(w) r'(w, o). The first caption stays where it is far
likelier.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Generic, NamedTuple, Self, TypeVar

import torch
from torch import Tensor

from captioner.beam_search import Hypothesis, State, Stepper
from captioner.objects.object_vocabulary import ObjectVocabulary
from captioner.vocabulary import END

WEIGHT = 1.75  # 1.5 to 2 did alike on 200 COCO and 1,000 Flickr8k photos
PERSON_SHARE, PERSON_GIVES = 0.5, 2.0
OWN = 2.0
MOST = 0.97  # of a noun's probability that may go to objects
SLIGHT = 0.1  # evidence that changes nothing worth its time
NEVER = -27.6  # log-probability of a word that nothing speaks for
SURE = 0.75  # probability from which on an object must be said
SLACK = 0.5  # how much lower the score of a caption that was made to say an object may be

S = TypeVar("S", bound=State)
Search = Callable[["ObjectStepper[S]", Tensor], list[list[Hypothesis]]]


class ObjectState(NamedTuple, Generic[S]):
    """Of B photos with K captions each. C: the columns of a step that change, F: the forms of objects that are seen.

    `said`: bool (B, K, F), the forms of the objects that a caption has said. `evidence`: (B, F). `own`: (B, C), what
    the classifier sees of the nouns themselves. `must`: bool (B, F), the forms one of which has to be said. `people`:
    (B,), what people give at most. `photos`: int64 (P,), those where anything changes.
    """

    inner: S
    said: Tensor
    evidence: Tensor
    own: Tensor
    must: Tensor
    people: Tensor
    photos: Tensor

    def select(self, captions: Tensor) -> Self:
        index = captions.unsqueeze(-1).expand(-1, -1, self.said.shape[-1])
        return self._replace(inner=self.inner.select(captions), said=self.said.gather(1, index))

    def keep(self, photos: Tensor) -> Self:
        said, evidence, own, must, people = (
            part[photos] for part in (self.said, self.evidence, self.own, self.must, self.people)
        )
        return self._replace(
            inner=self.inner.keep(photos),
            said=said,
            evidence=evidence,
            own=own,
            must=must,
            people=people,
            photos=_changing(evidence, must),
        )


class ObjectStepper(Generic[S]):
    """A captioner.beam_search.Stepper over another one. `words`: those of its steps, as places in `vocabulary`.

    They are the taught words and those of the objects that are seen in any photo of the batch. `information`: of each.
    `probabilities`: of the objects, (B, O). `must`: int64 (B,), an object that each caption has to say.
    """

    def __init__(
        self, stepper: Stepper[S], vocabulary: ObjectVocabulary, probabilities: Tensor, *, must: Tensor | None = None
    ) -> None:
        self._stepper, self._forced = stepper, must is not None
        taught, device = vocabulary.taught, probabilities.device
        evidence = (WEIGHT * probabilities * vocabulary.known).clamp(max=1.0)
        evidence = evidence.masked_fill(evidence <= SLIGHT, 0.0)
        active = evidence.any(0)
        if must is not None:
            active[must] = True
        forms = active[vocabulary.form_objects].nonzero().squeeze(1)
        objects, tokens = vocabulary.form_objects[forms], vocabulary.form_tokens[forms]
        self._evidence, self._form_objects = evidence[:, objects], objects
        none = torch.zeros_like(self._evidence, dtype=torch.bool)
        self._must = none if must is None else objects == must[:, None]
        sure = (probabilities * vocabulary.unmet >= SURE).any(1)
        self._people_give = torch.where(sure, PERSON_GIVES, PERSON_SHARE)
        self._once = vocabulary.once[objects]
        new = tokens[tokens >= taught].sort().values
        words = torch.cat([torch.arange(taught, device=device), new])
        self._new, self.words = len(new), words.tolist()
        self.information = [vocabulary.information[word] for word in self.words]
        self._feed, self._object_of = vocabulary.feed[words], vocabulary.object_of[words]

        # Only these columns of a step change: the forms, and the nouns that make room for them. All people are among
        # them, because what they give depends on the sum of their probabilities.
        rates = vocabulary.rates[forms][:, words]
        anywhere = vocabulary.anywhere[forms][:, words] if self._forced else rates
        form_words = torch.searchsorted(words, tokens)
        changing = (anywhere.any(0) | vocabulary.people[words]).index_fill(0, form_words, value=True)
        people = vocabulary.people[words]
        self._columns = torch.cat([(changing & ~people).nonzero(), people.nonzero()]).squeeze(1)
        self._first_person = len(self._columns) - int(people.sum())
        places = torch.empty_like(words).index_put((self._columns,), torch.arange(len(self._columns), device=device))
        self._form_columns = places[form_words]
        self._rates, self._takes = rates[:, self._columns], rates[:, self._columns].T.contiguous()
        self._anywhere = anywhere[:, self._columns]
        own = torch.nn.functional.pad(OWN * probabilities * vocabulary.taught_share, (0, 1))
        self._own = own[:, self._object_of[self._columns]]
        first = vocabulary.first[words[self._columns]]
        self._compounds = (first >= 0).nonzero().squeeze(1)
        self._firsts = first[self._compounds]

    def start(self, photos: Tensor, /) -> ObjectState[S]:
        inner, said = self._stepper.start(photos), torch.zeros_like(self._must[:, None])
        changing = _changing(self._evidence, self._must)
        return ObjectState(inner, said, self._evidence, self._own, self._must, self._people_give, changing)

    def step(self, state: ObjectState[S], tokens: Tensor, /) -> tuple[Tensor, Tensor, ObjectState[S]]:
        now = self._object_of[tokens].unsqueeze(-1) == self._form_objects
        said = state.said | now
        logs, attention, inner = self._stepper.step(state.inner, self._feed[tokens])
        logs = torch.nn.functional.pad(logs, (0, self._new), value=NEVER)
        state = state._replace(inner=inner, said=said)
        if self._forced:
            waits = (state.must[:, None] & ~said).any(-1)
            logs[:, :, END] = logs[:, :, END].masked_fill(waits, float("-inf"))
        photos = state.photos
        if len(photos):
            captions = torch.arange(tokens.shape[1], device=tokens.device)
            # Places in the flat tensor: on a CPU an index of three parts takes three times as long.
            places = ((photos[:, None] * tokens.shape[1] + captions) * logs.shape[2]).unsqueeze(-1) + self._columns
            logs.put_(places, self._changed(logs.take(places).exp_(), state, now[photos], tokens[photos]))
        return logs, attention, state

    def _changed(self, nouns: Tensor, state: ObjectState[S], now: Tensor, tokens: Tensor) -> Tensor:
        """Probabilities (P, K, C) -> log-probabilities, both of `state.photos`.

        `tokens`: (P, K), the last words. `now`: bool (P, K, F), the forms of the objects that they say.
        """
        photos = state.photos
        said, seen = state.said[photos], state.evidence[photos].unsqueeze(1)
        evidence = seen.masked_fill(said, 0.0)
        asked = evidence @ self._rates
        wanted = (asked - state.own[photos].unsqueeze(1)).clamp_(min=0.0)
        people = slice(self._first_person, None)
        give = (state.people[photos].unsqueeze(1) * (1 - nouns[:, :, people].sum(-1))).clamp_(max=1.0).unsqueeze(-1)
        wanted[:, :, people] *= give
        handed = nouns * wanted.clamp_(max=MOST)
        after = nouns - handed
        # Each noun divides what it hands among the objects as they asked for it.
        gains = (handed.div_(asked.clamp_(min=1e-9)) @ self._takes) * evidence
        if self._forced:
            room = after.clone()
            room[:, :, people] *= give
            gains += (room @ self._anywhere.T) * (state.must[photos].unsqueeze(1) & ~said)
        spoken = bool(said.any())
        if spoken:  # A word that takes the place of others is said once.
            takes = ((seen > 0) | state.must[photos].unsqueeze(1)) & self._once
            gains = torch.where(said & takes, -after[:, :, self._form_columns], gains)
        after.scatter_add_(2, self._form_columns.expand_as(gains), gains)
        if len(self._compounds):  # no "tennis tennis racket"
            repeats = tokens.unsqueeze(-1) == self._firsts
            after[:, :, self._compounds] = after[:, :, self._compounds].masked_fill(repeats, 0.0)
        if spoken and bool(now.any()):  # None of the nouns that it may stand for follows it: "a cup of coffee chair".
            after.masked_fill_((now & takes).float() @ self._anywhere > 0, 0.0)
        return after.clamp_(min=1e-12).log_()


def _changing(evidence: Tensor, must: Tensor) -> Tensor:
    return (evidence.any(1) | must.any(1)).nonzero().squeeze(1)


def object_search(
    stepper: Stepper[S], vocabulary: ObjectVocabulary, probabilities: Tensor, *, search: Search[S]
) -> list[list[Hypothesis]]:
    """The captions of each photo. `probabilities`: of the objects, (B, O). The tokens are words of `vocabulary`.

    `search`: a beam search with a stepper over photos. `stepper.start` is given the photos' numbers.
    """

    def searched(photos: Tensor, must: Tensor | None = None) -> list[list[Hypothesis]]:
        seeing = ObjectStepper(stepper, vocabulary, probabilities[photos], must=must)
        return [
            [replace(each, tokens=[seeing.words[token] for token in each.tokens]) for each in captions]
            for captions in search(seeing, photos)
        ]

    photos = torch.arange(len(probabilities), device=probabilities.device)
    found = searched(photos)
    unsaid = _unsaid(found, vocabulary, probabilities)
    if unsaid:
        forced = searched(photos[list(unsaid)], torch.tensor(list(unsaid.values()), device=photos.device))
        for photo, captions in zip(unsaid, forced, strict=True):
            if captions and captions[0].score >= found[photo][0].score - SLACK:
                found[photo] = captions
    return found


def _unsaid(
    found: Sequence[Sequence[Hypothesis]], vocabulary: ObjectVocabulary, probabilities: Tensor
) -> dict[int, int]:
    """Photo -> the likeliest of its sure objects that the best caption leaves out."""
    sure = (probabilities * vocabulary.sayable).masked_fill(probabilities < SURE, 0.0)
    unsaid = {}
    for photo in sure.any(1).nonzero().squeeze(1).tolist():
        left = sure[photo].clone()
        said = {vocabulary.objects[token] for captions in found[photo][:1] for token in captions.tokens}
        left[[object_ for object_ in said if object_ < len(left)]] = 0.0
        if bool(left.any()) and found[photo]:
            unsaid[photo] = int(left.argmax())
    return unsaid
