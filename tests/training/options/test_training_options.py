"""Options and recipes."""

from dataclasses import replace

import pytest

from training.errors import OptionError
from training.options.recipes import RECIPES, TUTORIAL, recipe, recipe_nearest
from training.options.training_options import TrainingOptions, options_described


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hidden": 0}, "--hidden is 0; it must be at least 1"),
        ({"dropout": 1.5}, r"--dropout is 1.5; it must be in 0..0.99"),
        ({"decoder": "transformer"}, "--decoder is 'transformer'; it must be one of show_attend_and_tell"),
        ({"decoder_rate": float("nan")}, "--decoder-rate is nan"),
        ({"beam": 51}, "--beam is 51; it must be in 1..50"),
        ({"hidden": "wide"}, "--hidden is 'wide'; it must be of type int"),
        ({"decoder_epochs": 0, "finetune_epochs": 0}, "nothing to train"),
    ],
)
def test_options_out_of_their_limits_are_told_with_flag_value_and_limit(change, said):
    with pytest.raises(OptionError, match=said):
        TrainingOptions(**change)


def test_options_come_back_from_json():
    options = replace(TUTORIAL, hidden=7)

    assert TrainingOptions.from_dict(options.to_dict()) == options


def test_options_of_another_version_are_told():
    with pytest.raises(OptionError, match="no option 'flavour'"):
        TrainingOptions.from_dict({"flavour": 1})


def test_options_of_a_version_that_had_fewer_are_told():
    with pytest.raises(OptionError, match="without the option 'certainty'"):
        TrainingOptions.from_dict({name: value for name, value in TUTORIAL.to_dict().items() if name != "certainty"})


def test_options_all_have_a_help_text():
    assert all(meta["help"] for _, _, meta in options_described())


def test_recipe_that_is_not_known_is_told_with_those_that_are():
    with pytest.raises(OptionError, match=r"no recipe 'fast'; there are tutorial, quick, best"):
        recipe("fast")


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_is_its_own_nearest(name):
    assert recipe_nearest(recipe(name)) == (name, {})


def test_recipe_nearest_tells_what_was_changed():
    assert recipe_nearest(replace(TUTORIAL, encoder="efficientnet_lite2")) == (
        "tutorial",
        {"encoder": "efficientnet_lite2"},
    )


def test_recipe_tutorial_is_the_tutorial():
    expected = {
        "encoder": "resnet50",
        "embedding": 256,
        "hidden": 100,
        "threshold": 8,
        "batching": "same_length",
        "batch_captions": 200,
        "decoder_epochs": 4,
        "decoder_rate": 1e-3,
        "label_smoothing": 0.0,
        "beam": 1,
        "max_words": 20,
    }
    assert {key: TUTORIAL.to_dict()[key] for key in expected} == expected
