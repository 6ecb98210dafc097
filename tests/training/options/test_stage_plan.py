"""The stages of a run, from its options."""

from dataclasses import replace

import pytest

from tests.training.tiny_models import STAGES, encoder_tiny
from training.errors import OptionError
from training.options.stage_plan import DECODER, ENCODER, SELF_CRITICAL, Stage, stages_planned
from training.options.training_options import TrainingOptions

OPTIONS = TrainingOptions(
    decoder_epochs=3,
    decoder_rate=0.1,
    views=1,
    finetune_epochs=2,
    finetune_rate=0.02,
    finetune_encoder_rate=0.003,
    finetune_stages=2,
    finetune_views=4,
    scst_epochs=1,
    scst_rate=0.0004,
    scst_encoder_rate=0.00005,
)


def planned(**changes: object) -> list[Stage]:
    return stages_planned(replace(OPTIONS, **changes), encoder_tiny())  # type: ignore[arg-type]


def test_stages_follow_the_options_in_order():
    assert planned() == [
        Stage(DECODER, epochs=3, rate=0.1, encoder_rate=0.0, trained=0, views=1),
        Stage(ENCODER, epochs=2, rate=0.02, encoder_rate=0.003, trained=2, views=4),
        Stage(SELF_CRITICAL, epochs=1, rate=0.0004, encoder_rate=0.00005, trained=2, views=4),
    ]


@pytest.mark.parametrize(
    ("missing", "names"),
    [
        ("decoder_epochs", [ENCODER, SELF_CRITICAL]),
        ("finetune_epochs", [DECODER, SELF_CRITICAL]),
        ("scst_epochs", [DECODER, ENCODER]),
    ],
)
def test_stages_without_epochs_are_left_out(missing, names):
    assert [stage.name for stage in planned(**{missing: 0})] == names


def test_stage_encoder_without_a_first_stage_begins_with_the_decoder_alone():
    stage, _ = planned(decoder_epochs=0, finetune_stages=3)

    assert stage.frozen == 1
    assert [stage.learning(epoch) for epoch in range(1, 6)] == [0, 1, 2, 3, 3]


def test_stage_self_critical_without_an_encoder_stage_looks_as_the_first_does():
    _, stage = planned(finetune_epochs=0, scst_encoder_rate=0.0)

    assert (stage.trained, stage.views) == (0, 1)


def test_stage_self_critical_trains_the_encoder_without_an_encoder_stage_before_it():
    _, stage = planned(finetune_epochs=0)

    assert (stage.trained, stage.views) == (2, 4)


def test_stage_self_critical_with_a_rate_for_nothing_is_refused():
    with pytest.raises(OptionError, match=r"--scst-encoder-rate is 5e-05, but --finetune-stages 0"):
        planned(finetune_stages=0)


def test_stage_encoder_begins_with_the_encoder_where_the_decoder_has_learnt():
    stages = stages_planned(replace(OPTIONS, decoder_epochs=0), encoder_tiny(), learnt=True)

    assert stages[0].frozen == 0


@pytest.mark.parametrize(
    ("trained", "learning"), [(1, [1, 1, 1, 1]), (2, [1, 2, 2, 2]), (3, [1, 2, 3, 3]), (7, [3, 5, 7, 7])]
)
def test_stage_lets_the_encoder_learn_a_third_more_each_epoch(trained, learning):
    stage = Stage(ENCODER, 9, 1e-3, 1e-4, trained, 2)

    assert [stage.learning(epoch) for epoch in range(1, 5)] == learning


def test_stage_with_no_rate_for_the_encoder_leaves_it_as_it_is():
    stage = Stage(SELF_CRITICAL, 9, 1e-3, 0.0, 3, 2)

    assert [stage.learning(epoch) for epoch in range(1, 5)] == [0, 0, 0, 0]


def test_stages_may_train_the_whole_encoder():
    assert planned(finetune_stages=len(STAGES))[1].trained == len(STAGES)


def test_stages_more_than_the_encoder_has_are_told_with_their_names():
    with pytest.raises(
        OptionError, match=r"--finetune-stages is 4, .* has 3: stem, depthwise, last\. Give one of 0\.\.3"
    ):
        planned(finetune_stages=4)


def test_stages_more_than_the_encoder_has_do_not_matter_while_it_is_not_trained():
    assert [stage.trained for stage in planned(finetune_stages=4, finetune_epochs=0, scst_encoder_rate=0.0)] == [0, 0]
