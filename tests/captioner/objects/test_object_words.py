"""The table of everyday words that a person read."""

import json

import pytest
from timm.data.imagenet_info import ImageNetInfo

from captioner.errors import BundleCorrupt
from captioner.objects.object_words import ObjectWords, object_words_imagenet

# Class of ImageNet -> the word that people say of it. The hundred that photos show most often.
COMMON = {
    "tabby": "cat", "Egyptian cat": "cat", "tiger cat": "cat", "Siamese cat": "cat", "Persian cat": "cat",
    "golden retriever": "dog", "Labrador retriever": "dog", "German shepherd": "dog", "beagle": "dog", "pug": "dog",
    "Chihuahua": "dog", "dalmatian": "dog", "Siberian husky": "dog", "standard poodle": "dog", "dingo": "dog",
    "sorrel": "horse", "zebra": "zebra", "ox": "cow", "water buffalo": "cow", "ram": "sheep", "hog": "pig",
    "Indian elephant": "elephant", "African elephant": "elephant", "tusker": "elephant", "brown bear": "bear",
    "ice bear": "polar bear", "giant panda": "panda", "lion": "lion", "tiger": "tiger", "leopard": "leopard",
    "cheetah": "leopard", "timber wolf": "wolf", "red fox": "fox", "wood rabbit": "rabbit", "hare": "rabbit",
    "fox squirrel": "squirrel", "baboon": "monkey", "gorilla": "gorilla", "chimpanzee": "gorilla",
    "Arabian camel": "camel", "robin": "bird", "jay": "bird", "hummingbird": "bird", "drake": "duck",
    "goose": "goose", "black swan": "swan", "flamingo": "flamingo", "hen": "chicken", "cock": "chicken",
    "king penguin": "penguin", "macaw": "parrot", "bald eagle": "eagle", "great grey owl": "owl", "goldfish": "fish",
    "great white shark": "shark", "loggerhead": "turtle", "tree frog": "frog", "common iguana": "lizard",
    "king snake": "snake", "monarch": "butterfly", "trolleybus": "bus", "school bus": "bus", "minibus": "bus",
    "bullet train": "train", "passenger car": "train", "electric locomotive": "train", "steam locomotive": "train",
    "streetcar": "streetcar", "pickup": "truck", "trailer truck": "truck", "fire engine": "fire truck",
    "sports car": "car", "convertible": "car", "limousine": "car", "cab": "taxi", "minivan": "van",
    "tractor": "tractor", "moped": "motorcycle", "motor scooter": "motorcycle", "mountain bike": "bicycle",
    "airliner": "airplane", "warplane": "airplane", "speedboat": "boat", "canoe": "canoe", "container ship": "ship",
    "pizza": "pizza", "hotdog": "hot dog", "cheeseburger": "burger", "banana": "banana", "Granny Smith": "apple",
    "broccoli": "broccoli", "espresso": "cup of coffee", "toilet seat": "toilet", "washbasin": "sink",
    "refrigerator": "refrigerator", "microwave": "microwave", "laptop": "laptop", "desktop computer": "computer",
    "television": "tv", "cellular telephone": "cellphone", "teddy": "teddy bear", "umbrella": "umbrella",
    "traffic light": "traffic light", "park bench": "bench", "studio couch": "couch",
}  # fmt: skip


@pytest.fixture(scope="module")
def table() -> ObjectWords:
    return object_words_imagenet()


def class_index(name: str) -> int:
    info = ImageNetInfo()
    return next(index for index in range(1000) if info.index_to_description(index).split(",")[0] == name)


@pytest.mark.parametrize(("name", "word"), COMMON.items())
def test_common_class_has_its_everyday_word(name: str, word: str, table: ObjectWords) -> None:
    index = class_index(name)
    assert word in [each.word for each in table.words if index in each.classes]


def test_every_class_has_a_word(table: ObjectWords) -> None:
    assert {index for word in table.words for index in word.classes} == set(range(1000))
    assert table.classes == 1000


def test_words_that_captions_may_say_differ(table: ObjectWords) -> None:
    said = [word.word for word in table.words if word.kind]
    assert len(said) == len(set(said)) > 150


def test_each_kind_has_nouns_that_a_caption_model_may_know(table: ObjectWords) -> None:
    assert {word.kind for word in table.words if word.kind} <= set(table.nouns)


def test_kitchen_is_seen_by_what_stands_in_it(table: ObjectWords) -> None:
    kitchen = next(word for word in table.words if word.word == "kitchen")
    assert class_index("microwave") in kitchen.classes
    assert class_index("toilet seat") not in kitchen.classes


def test_table_is_the_same_after_json(table: ObjectWords) -> None:
    assert ObjectWords.from_json(table.to_json()) == table


WORD: dict[str, object] = {
    "word": "cat",
    "plural": "cats",
    "kind": "animal",
    "like": [],
    "synonyms": [],
    "classes": [0],
}


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        json.dumps({"words": [{"word": "cat"}], "nouns": {}}),
        *(
            json.dumps({"words": [WORD | {key: value}], "nouns": {}})
            for key, value in (("word", " "), ("classes", []), ("classes", [-7]), ("trust", "x"), ("trust", 2))
        ),
    ],
)
def test_malformed_table_is_named(text: str) -> None:
    with pytest.raises(BundleCorrupt, match="table of object words is malformed"):
        ObjectWords.from_json(text)


@pytest.mark.parametrize("words", [[], [WORD, WORD | {"classes": [1]}]])
def test_table_without_words_or_with_one_twice_is_named(words: list[object]) -> None:
    with pytest.raises(BundleCorrupt, match="is empty, or has a word twice"):
        ObjectWords.from_json(json.dumps({"words": words, "nouns": {}}))


def test_table_from_before_articles_is_read() -> None:
    assert ObjectWords.from_json(json.dumps({"words": [WORD], "nouns": {}})).words[0].article == "a"


@pytest.mark.parametrize(
    ("word", "article"),
    [
        ("hourglass", "an"),
        ("unicycle", "a"),
        ("elephant", "an"),
        ("broccoli", ""),
        ("mashed potatoes", ""),
        ("wool", ""),
    ],
)
def test_words_of_imagenet_have_their_article(word: str, article: str) -> None:
    assert next(each for each in object_words_imagenet().words if each.word == word).article == article
