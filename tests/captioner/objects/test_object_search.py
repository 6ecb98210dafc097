"""Sure objects that a caption leaves out are said once, if the caption stays likely."""

import torch
from torch import Tensor

from captioner.beam_search import Hypothesis, beam_search
from captioner.objects.object_decoding import ObjectStepper, object_search
from captioner.objects.object_vocabulary import ObjectVocabulary
from tests.captioner.objects.tables import TABLE, VOCABULARY, Speaker

WORDS = ObjectVocabulary(VOCABULARY, TABLE)
SPEAKER = Speaker(a=0.3, dog=0.3, runs=0.1)


def captions(*photos: dict[str, float], speaker: Speaker = SPEAKER, searched: list[int] | None = None) -> list[str]:
    """The best caption of each photo with these probabilities of objects. `searched`: takes the size of each search."""

    def search(stepper: ObjectStepper, numbers: Tensor) -> list[list[Hypothesis]]:
        if searched is not None:
            searched.append(len(numbers))
        return beam_search(stepper, numbers, beam=3, max_words=4, length_penalty=0.7)

    seen = torch.tensor([[photo.get(word.word, 0.0) for word in TABLE.words] for photo in photos])
    with torch.inference_mode():
        found = object_search(speaker, WORDS, seen, search=search)
    return [" ".join(WORDS.words[token] for token in best[0].tokens) for best in found]


def test_sure_object_that_fits_nowhere_is_said_once():
    assert "velvet" not in captions({})[0]
    assert captions({"velvet": 0.9})[0].split().count("velvet") == 1


def test_object_that_is_not_sure_is_left_out():
    assert captions({"velvet": 0.69}) == captions({})


def test_far_likelier_caption_stays_without_the_object():
    verbs = Speaker(a=0.5, runs=0.3)
    assert captions({"velvet": 0.9}, speaker=verbs) == captions({}, speaker=verbs)


def test_photos_that_say_their_objects_are_searched_once():
    searched: list[int] = []
    said = captions({"cat": 0.9}, {"velvet": 0.9}, speaker=Speaker(dog=0.6), searched=searched)
    assert said[0] == "cat"
    assert searched == [2, 1]


def test_photos_beside_it_do_not_change_a_caption():
    alone = [captions(photo)[0] for photo in ({"velvet": 0.9}, {}, {"cat": 0.9})]
    assert captions({"velvet": 0.9}, {}, {"cat": 0.9}) == alone
