"""What a run was begun with, and what of it has changed."""

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from captioner.bundle import bundle_validate
from captioner.config import EncoderConfig, WeightsReference
from captioner.vocabulary import SPECIALS, Vocabulary
from tests.training.small_runs import OPTIONS
from training.data.dataset import CaptionedPhoto
from training.run_folder.data_sources import DataSources
from training.run_folder.fingerprint import Fingerprint

WORDS = Vocabulary((*SPECIALS, "dog", "cat"), (0,) * 6)
ENCODER = EncoderConfig("efficientnet_lite0", WeightsReference("file", "first.pth", "a1b2"), 8)


@pytest.fixture
def photo(tmp_path) -> CaptionedPhoto:
    (tmp_path / "images").mkdir()
    path = tmp_path / "images" / "dog.png"
    path.write_bytes(b"a dog")
    return CaptionedPhoto(1, path, ("A dog.", "One dog."))


def sources(photo: CaptionedPhoto, **changes: object) -> DataSources:
    made = DataSources((Path("train.json"),), (Path("val.json"),), (photo.path.parent,))
    return replace(made, **changes)  # type: ignore[arg-type]


def fingerprint(photo: CaptionedPhoto, *, words: Vocabulary = WORDS, **changes: object) -> Fingerprint:
    return Fingerprint.of([photo], sources=sources(photo, **changes), vocabulary=words, encoder=ENCODER)


def changes(now: Fingerprint, former: Fingerprint, photo: CaptionedPhoto, **found: object) -> list[str]:
    return now.changes(former, options=OPTIONS, sources=sources(photo, **found))


def test_fingerprint_of_a_copy_elsewhere_is_the_same(photo, tmp_path):
    before = fingerprint(photo)
    copy = Path(shutil.copytree(tmp_path / "images", tmp_path / "elsewhere")) / "dog.png"
    os.utime(copy, (1, 1))

    assert fingerprint(replace(photo, path=copy)) == before


@pytest.mark.parametrize("captions", [("A dog.", "Two dogs."), ("One dog.", "A dog.")])
def test_captions_that_changed_are_named_with_their_files(photo, captions):
    now = fingerprint(replace(photo, captions=captions))

    (change,) = changes(now, fingerprint(photo), photo)
    assert change == "the captions, or which photos have any, in train.json, val.json"


def test_photo_of_another_name_is_another_one(photo):
    before = fingerprint(photo)
    renamed = replace(photo, path=photo.path.rename(photo.path.with_name("cat.png")))

    (change,) = changes(fingerprint(renamed), before, photo)
    assert change.startswith("the captions, or which photos have any")


def test_photo_that_changed_is_told_with_its_folder(photo):
    before = fingerprint(photo)
    photo.path.write_bytes(b"another dog")

    assert changes(fingerprint(photo), before, photo) == [f"sizes of photos in {photo.path.parent}"]


def test_weights_of_an_encoder_that_changed_are_named(photo):
    before = fingerprint(photo)

    now = replace(before, encoder="c3d4")

    assert before.encoder == "a1b2"
    assert changes(now, before, photo) == ["the first weights of efficientnet_lite0"]


def test_bundles_that_changed_are_named_with_their_versions(photo, bundle):
    found = {"start_from": bundle, "teachers": (bundle, bundle)}
    now = fingerprint(photo, **found)
    version = bundle_validate(bundle)
    assert (now.start_from, now.teachers) == (version, (version, version))

    former = replace(now, start_from="former", teachers=(version, "older"))

    assert changes(now, former, photo, **found) == [
        f"the bundle {bundle} (version former, now {version})",
        f"the teacher {bundle} (version older, now {version})",
    ]


def test_words_that_changed_by_themselves_are_split_otherwise(photo):
    before = fingerprint(photo)
    words = Vocabulary((*SPECIALS, "cat", "dog"), (0,) * 6)

    assert changes(fingerprint(photo, words=words), before, photo) == [
        "how captions are split into words, which is nltk's work"
    ]


def test_words_that_changed_with_their_captions_are_not_told_of(photo):
    words = Vocabulary((*SPECIALS, "dogs"), (0,) * 5)
    now = fingerprint(replace(photo, captions=("Dogs.",)), words=words)

    (change,) = changes(now, fingerprint(photo), photo)
    assert change.startswith("the captions")


def test_fingerprint_comes_back_from_json(photo, bundle):
    kept = fingerprint(photo, teachers=(bundle,))

    assert Fingerprint.from_dict(json.loads(json.dumps(kept.to_dict()))) == kept


def test_fingerprint_of_a_former_version_holds_for_the_captions_alone(photo):
    former = hashlib.sha256(json.dumps([["dog.png", ["A dog.", "One dog."]]]).encode()).hexdigest()

    assert changes(fingerprint(photo), Fingerprint.from_dict(former), photo) == []
    assert changes(fingerprint(replace(photo, captions=())), Fingerprint.from_dict(former), photo) != []
