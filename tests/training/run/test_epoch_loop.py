"""The loop: it learns, keeps the best, and goes on where it was stopped as if it had not been."""

from dataclasses import replace

import pytest
import torch

from tests.training.small_runs import ALL_STAGES, OPTIONS, StopAfter, prepared
from training.epoch import training_steps
from training.epoch.validation import Validation
from training.errors import CheckpointError, DeviceExhausted, FileError, ScorerError, TrainingDiverged
from training.run.early_stopping import RunStopped
from training.run.epoch_loop import EpochLoop
from training.scoring.coco_scorer import COCO

pytestmark = pytest.mark.usefixtures("no_java")


def losses(loop):
    return [(record.stage, record.epoch, record.train_loss, record.validation_loss) for record in loop.records]


def test_loop_runs_every_stage_and_epoch(found, tmp_path):
    loop = EpochLoop(prepared(tmp_path / "run", found, options=ALL_STAGES))

    loop.run()

    assert [(record.stage, record.epoch) for record in loop.records] == [
        ("decoder", 1),
        ("decoder", 2),
        ("encoder", 1),
        ("encoder", 2),
        ("self_critical", 1),
    ]
    assert loop.records[1].train_loss < loop.records[0].train_loss
    assert 0 <= loop.records[0].data_share <= 1
    assert loop.records[0].captions_per_second > 0


@pytest.mark.slow
@pytest.mark.parametrize("checks", [3, 9, 14, 20])
def test_loop_stopped_anywhere_and_resumed_ends_where_it_would_have(found, tmp_path, checks):
    whole = EpochLoop(prepared(tmp_path / "whole", found, options=ALL_STAGES))
    whole.run()

    first = EpochLoop(prepared(tmp_path / "parts", found, options=ALL_STAGES, stop=StopAfter(checks)))
    with pytest.raises(RunStopped):
        first.run()
    resumed = EpochLoop(prepared(tmp_path / "parts", found, options=ALL_STAGES))
    if resumed.folder.checkpoint.exists():
        resumed.resume()
    resumed.run()

    assert losses(resumed) == losses(whole)
    assert all(torch.equal(resumed.best.weights[key], value) for key, value in whole.best.weights.items())


def test_loop_keeps_the_weights_of_the_best_epoch(found, tmp_path):
    made = prepared(tmp_path / "run", found, options=replace(OPTIONS, decoder_epochs=3))
    loop = EpochLoop(made)
    loop.run()

    best = loop.best_record()

    assert best.cider == max(record.cider or 0.0 for record in loop.records)
    model = made.validation(made.stages[0])
    trained = made.trainer(made.stages[0]).model
    trained.load_state_dict(loop.best.weights)
    assert model.judge(trained).loss == pytest.approx(best.validation_loss)


def fake_scores(monkeypatch, *judged: tuple[float, float]) -> None:
    """Epoch after epoch: CIDEr and validation loss."""
    judge, left = Validation.judge, list(judged)

    def faked(self, model):
        found = judge(self, model)
        cider, loss = left.pop(0)
        return replace(found, loss=loss, scores=replace(found.scores, cider=cider))

    monkeypatch.setattr(Validation, "judge", faked)


@pytest.mark.parametrize(
    ("judged", "best"), [([(0.0, 3.0), (0.0, 2.0), (0.0, 2.5)], 2), ([(4.0, 3.0)] * 3, 1)], ids=["better", "equal"]
)
def test_loop_of_epochs_with_the_same_score_keeps_the_one_of_the_lower_loss(found, tmp_path, monkeypatch, judged, best):
    fake_scores(monkeypatch, *judged)
    kept = []
    loop = EpochLoop(prepared(tmp_path / "run", found, options=replace(OPTIONS, decoder_epochs=3)))
    monkeypatch.setattr(loop.prepared, "epoch_show", lambda record, validated: kept.append(dict(loop.best.weights)))

    loop.run()

    assert loop.best_record().epoch == best
    assert all(torch.equal(loop.best.weights[key], value) for key, value in kept[best - 1].items())


def test_loop_goes_on_while_the_loss_of_epochs_with_the_same_score_falls(found, tmp_path, monkeypatch):
    fake_scores(monkeypatch, *[(0.0, 9.0 - epoch) for epoch in range(4)])
    loop = EpochLoop(prepared(tmp_path / "run", found, options=replace(OPTIONS, decoder_epochs=4, patience=1)))

    loop.run()

    assert len(loop.records) == 4


def test_loop_goes_on_from_a_checkpoint_that_does_not_tell_its_best_epoch(found, tmp_path, monkeypatch):
    fake_scores(monkeypatch, (0.0, 3.0), (0.0, 2.0))
    loop = EpochLoop(prepared(tmp_path / "run", found))
    loop.run()
    state = torch.load(loop.folder.checkpoint)
    del state["best_at"]  # as former versions wrote it, which kept the weights of the first of equals
    torch.save(state, loop.folder.checkpoint)
    resumed = EpochLoop(prepared(tmp_path / "run", found))

    resumed.resume()

    assert resumed.best_record().epoch == 1


def test_checkpoint_holds_what_it_always_held_so_that_earlier_ones_are_resumed(found, tmp_path):
    loop = EpochLoop(prepared(tmp_path / "run", found, options=replace(OPTIONS, decoder_epochs=1)))
    loop.run()

    state = torch.load(loop.folder.checkpoint)

    assert state.keys() == {"records", "best", "best_at", "stage", "trainer"}
    assert state["trainer"].keys() == {"model", "average", "optimizer", "scaler", "place"}
    assert {name.partition(".")[0] for name in state["best"]} == {"encoder", "decoder"}
    assert state["best"].keys() == state["trainer"]["model"].keys() == state["trainer"]["average"].keys()


def test_loop_goes_on_with_the_best_epoch_that_its_checkpoint_tells(found, tmp_path, monkeypatch):
    fake_scores(monkeypatch, (0.0, 3.0), (0.0, 2.0))
    EpochLoop(prepared(tmp_path / "run", found)).run()
    resumed = EpochLoop(prepared(tmp_path / "run", found))

    resumed.resume()

    assert resumed.best_record().epoch == 2


def test_loop_ends_a_stage_that_no_longer_gets_better(found, tmp_path):
    options = replace(OPTIONS, decoder_epochs=8, decoder_rate=0.0, patience=2)
    loop = EpochLoop(prepared(tmp_path / "run", found, options=options))

    loop.run()

    assert len(loop.records) == 3  # the first, and two that were no better


def test_loop_with_a_rate_that_breaks_it_says_what_to_change(found, tmp_path):
    loop = EpochLoop(prepared(tmp_path / "run", found, options=replace(OPTIONS, decoder_rate=1e30, clip=0.0, views=1)))

    with pytest.raises(
        TrainingDiverged, match=r"step \d of epoch \d of stage decoder.*lower --decoder-rate .now 1e\+30.*--clip 1"
    ):
        loop.run()


def test_loop_broken_by_the_last_step_of_an_epoch_says_what_to_change(found, tmp_path):
    options = replace(OPTIONS, decoder_rate=1e30, clip=0.0, views=1, batch_photos=4)  # one step an epoch
    loop = EpochLoop(prepared(tmp_path / "run", found, options=options))

    with pytest.raises(TrainingDiverged, match=r"loss on the validation photos is .*lower learning rate"):
        loop.run()
    assert not loop.folder.checkpoint.exists()


def test_loop_that_needs_too_much_memory_says_what_to_change(found, tmp_path, monkeypatch):
    made = prepared(tmp_path / "run", found)

    def hungry(model, batch):
        torch.empty(2**46, dtype=torch.uint8)  # more than any machine has

    monkeypatch.setattr(training_steps.StageTrainer, "__init__", _with_objective(hungry))

    with pytest.raises(DeviceExhausted, match=r"--batch-photos 2 .* Start again with --batch-photos 1"):
        EpochLoop(made).run()


def test_loop_whose_validation_needs_too_much_memory_says_what_to_change(found, tmp_path, monkeypatch):
    monkeypatch.setattr(Validation, "judge", lambda *_: torch.empty(2**46, dtype=torch.uint8))

    with pytest.raises(DeviceExhausted, match=r"stage decoder .* smaller --batch-photos"):
        EpochLoop(prepared(tmp_path / "run", found)).run()


def test_loop_whose_validation_fails_goes_on_with_it_and_takes_no_step_twice(found, tmp_path, monkeypatch):
    def judge(*_):
        raise ScorerError("COCO's tokenizer ended with status 1")

    whole = EpochLoop(prepared(tmp_path / "whole", found, options=replace(OPTIONS, decoder_epochs=1)))
    whole.run()
    with monkeypatch.context() as patched:
        patched.setattr(Validation, "judge", judge)
        failing = EpochLoop(prepared(tmp_path / "run", found, options=replace(OPTIONS, decoder_epochs=1)))
        with pytest.raises(ScorerError):
            failing.run()
    resumed = EpochLoop(prepared(tmp_path / "run", found, options=replace(OPTIONS, decoder_epochs=1)))
    resumed.resume()
    monkeypatch.setattr(training_steps.StageTrainer, "_learn", None)  # not a single one
    resumed.run()

    assert losses(resumed) == losses(whole)


def test_loop_whose_epoch_cannot_be_shown_keeps_it(found, tmp_path, monkeypatch):
    def shown(*_):
        raise FileError("samples.html could not be written")

    first = prepared(tmp_path / "run", found, options=replace(OPTIONS, decoder_epochs=1))
    monkeypatch.setattr(first, "epoch_show", shown)
    with pytest.raises(FileError):
        EpochLoop(first).run()
    resumed = EpochLoop(prepared(tmp_path / "run", found, options=replace(OPTIONS, decoder_epochs=1)))
    resumed.resume()

    assert [record.epoch for record in resumed.records] == [1]


def test_loop_does_not_go_on_with_another_scorer(found, tmp_path, monkeypatch):
    options = replace(OPTIONS, decoder_epochs=1)
    EpochLoop(prepared(tmp_path / "run", found, options=options)).run()
    resumed = prepared(tmp_path / "run", found, options=options)
    monkeypatch.setattr(resumed, "scorer", COCO)

    with pytest.raises(CheckpointError, match=r"scored by another scorer .*COCO's own scorer.*java -version"):
        EpochLoop(resumed).resume()


def _with_objective(objective):
    made = training_steps.StageTrainer.__init__

    def init(self, *args, **options):
        made(self, *args, **(options | {"objective": objective}))

    return init


def test_loop_does_not_resume_a_checkpoint_of_something_else(found, tmp_path):
    loop = EpochLoop(prepared(tmp_path / "run", found))
    loop.folder.path.mkdir()
    torch.save({"what": 1}, loop.folder.checkpoint)

    with pytest.raises(CheckpointError, match="not one of this version"):
        loop.resume()


def test_loop_does_not_resume_a_checkpoint_of_a_narrower_model(found, tmp_path):
    EpochLoop(prepared(tmp_path / "run", found, options=replace(OPTIONS, decoder_epochs=1))).run()
    loop = EpochLoop(prepared(tmp_path / "run", found, options=replace(OPTIONS, hidden=32)))
    loop.resume()

    with pytest.raises(
        CheckpointError, match=r"checkpoint\.pt is not one of .* the options of this run .*size mismatch"
    ):
        loop.run()


def test_loop_computes_features_once(found, tmp_path):
    EpochLoop(prepared(tmp_path / "run", found)).run()
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "features").iterdir()}

    EpochLoop(prepared(tmp_path / "again", found)).run()

    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "features").iterdir()} == made
