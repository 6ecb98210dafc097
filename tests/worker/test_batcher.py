"""The micro-batcher's algorithm, on models that do as the test tells them; the real one: test_loaded_model.py."""

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future

import numpy as np
import pytest

from tests.brokers import wait_until
from worker.batcher import Batcher, Captioned


class OutOfMemory(Exception):
    pass


class RecordingModel:
    """Answers with each image's first byte, notes its batches, and fails as it is told to."""

    def __init__(self, *, poison: int = -1, memory: int = 1000, dead: bool = False) -> None:
        self.poison, self.memory, self.dead = poison, memory, dead
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()

    def caption_batch(self, images: Sequence[np.ndarray]) -> list[int]:
        values = [int(image.flat[0]) for image in images]
        self.gate.wait()
        self.batches.append(values)
        if len(values) > self.memory:
            raise OutOfMemory(f"{len(values)} images")
        if self.poison in values:
            raise ValueError("poison")
        return values

    def check(self) -> None:
        if self.dead:
            raise RuntimeError("illegal memory access")


Make = Callable[..., Batcher]


@pytest.fixture
def deaths() -> list[str]:
    return []


@pytest.fixture
def make(deaths: list[str]) -> Iterator[Make]:
    made: list[Batcher] = []

    def batcher(**options: object) -> Batcher:
        defaults = {"max_batch": 4, "max_wait": 0.05, "hang_seconds": 30.0, "out_of_memory": OutOfMemory}
        made.append(Batcher(**{**defaults, **options}, on_fatal=deaths.append))  # type: ignore[arg-type]
        return made[-1]

    yield batcher
    for each in made:
        each.close()


def _submit(
    batcher: Batcher, model: RecordingModel, values: Sequence[int], *, interactive: bool = True
) -> list[Future[Captioned]]:
    images = [np.full((2, 2, 3), value, dtype=np.uint8) for value in values]
    return [batcher.submit(image, model=model, interactive=interactive) for image in images]


def _held(batcher: Batcher, model: RecordingModel) -> Future[Captioned]:
    """Keep the batcher busy with one photo, so that what follows queues up, until `model.gate` is set."""
    model.gate.clear()
    (future,) = _submit(batcher, model, [200])
    wait_until(lambda: not any(batcher._lanes), what="the first micro-batch")
    return future


def _results(futures: Sequence[Future[Captioned]]) -> list[object]:
    return [future.result(10).result for future in futures]


def test_batcher_gives_each_photo_its_own_result(make: Make) -> None:
    assert _results(_submit(make(), RecordingModel(), [1, 2, 3])) == [1, 2, 3]


def test_batcher_takes_together_what_has_queued_up(make: Make) -> None:
    batcher, model = make(max_wait=0.0), RecordingModel()
    _held(batcher, model)
    futures = _submit(batcher, model, [1, 2, 3])
    model.gate.set()
    _results(futures)
    assert model.batches == [[200], [1, 2, 3]]


def test_batcher_keeps_to_its_maximum(make: Make) -> None:
    batcher, model = make(max_batch=2, max_wait=0.0), RecordingModel()
    _held(batcher, model)
    futures = _submit(batcher, model, [1, 2, 3])
    model.gate.set()
    _results(futures)
    assert model.batches[1:] == [[1, 2], [3]]


def test_batcher_waits_for_more_only_while_below_its_maximum(make: Make) -> None:
    batcher, model = make(max_batch=2, max_wait=60.0), RecordingModel()
    assert _results(_submit(batcher, model, [1, 2])) == [1, 2]  # well before the minute is over


def test_batcher_serves_interactive_photos_first_and_by_themselves(make: Make) -> None:
    batcher, model = make(max_batch=2, max_wait=0.0), RecordingModel()
    _held(batcher, model)
    bulk = _submit(batcher, model, [1, 2, 3], interactive=False)
    interactive = _submit(batcher, model, [10])
    model.gate.set()
    _results(bulk + interactive)
    assert model.batches[1:] == [[10], [1, 2], [3]]


def test_batcher_never_mixes_models(make: Make) -> None:
    batcher, former, active = make(max_wait=0.0), RecordingModel(), RecordingModel()
    _held(batcher, former)
    futures = [*_submit(batcher, former, [1]), *_submit(batcher, active, [2, 3])]
    former.gate.set()
    _results(futures)
    assert former.batches == [[200], [1]]
    assert active.batches == [[2, 3]]


def test_batcher_isolates_the_photo_at_fault(make: Make) -> None:
    batcher, model = make(max_wait=0.0), RecordingModel(poison=2)
    _held(batcher, model)
    first, poisonous, last = _submit(batcher, model, [1, 2, 3])
    model.gate.set()
    assert _results([first, last]) == [1, 3]
    with pytest.raises(ValueError, match="poison"):
        poisonous.result(10)


def test_batcher_lives_on_after_a_poisonous_photo(make: Make, deaths: list[str]) -> None:
    batcher, model = make(), RecordingModel(poison=2)
    (poisonous,) = _submit(batcher, model, [2])
    assert poisonous.exception(10) is not None
    assert _results(_submit(batcher, model, [5])) == [5]
    assert deaths == []


def test_batcher_halves_when_memory_runs_out(make: Make) -> None:
    batcher, model = make(max_wait=0.0), RecordingModel(memory=2)
    _held(batcher, model)
    futures = _submit(batcher, model, [1, 2, 3, 4])
    model.gate.set()
    assert _results(futures) == [1, 2, 3, 4]
    assert model.batches[1:] == [[1, 2, 3, 4], [1, 2], [3, 4]]


def test_batcher_lets_go_of_what_a_batch_too_large_had_computed(make: Make) -> None:
    class Heavy(RecordingModel):
        computed: list[weakref.ref[np.ndarray]] = []

        def caption_batch(self, images: Sequence[np.ndarray]) -> list[int]:
            assert not any(computed() is not None for computed in self.computed)
            activations = np.ones(10)
            self.computed.append(weakref.ref(activations))
            try:
                if len(images) > 1:
                    raise MemoryError
            except MemoryError as error:
                raise OutOfMemory(f"{len(images)} images") from error
            return [int(image.flat[0]) for image in images]

    batcher, model = make(), Heavy()
    assert _results(_submit(batcher, model, [1, 2, 3, 4])) == [1, 2, 3, 4]
    assert len(model.computed) == 7


def test_batcher_ends_the_process_when_the_model_is_broken(make: Make, deaths: list[str]) -> None:
    (future,) = _submit(make(), RecordingModel(poison=1, dead=True), [1])
    assert future.exception(10) is not None
    assert deaths == ["the model cannot caption any more: illegal memory access"]


def test_batcher_ends_the_process_when_not_one_photo_fits_into_memory(make: Make, deaths: list[str]) -> None:
    (future,) = _submit(make(), RecordingModel(memory=0, dead=True), [1])
    assert isinstance(future.exception(10), OutOfMemory)
    assert deaths


def test_batcher_ends_the_process_when_the_model_hangs(make: Make, deaths: list[str]) -> None:
    batcher, model = make(hang_seconds=0.1), RecordingModel()
    _held(batcher, model)
    wait_until(lambda: deaths, what="the end of the process")
    assert deaths == ["the model has not answered for 0.1 s"]
    model.gate.set()


def test_batcher_captions_what_has_queued_up_before_it_closes(make: Make) -> None:
    batcher, model = make(max_wait=60.0), RecordingModel()
    futures = _submit(batcher, model, [1, 2])
    batcher.close()
    assert _results(futures) == [1, 2]


def test_batcher_tells_how_long_photos_waited_and_took(make: Make) -> None:
    (future,) = _submit(make(), RecordingModel(), [1])
    captioned = future.result(10)
    assert captioned.wait_ms >= 0
    assert captioned.model_ms >= 0


def test_batcher_serves_many_threads(make: Make) -> None:
    batcher, model = make(), RecordingModel()
    wrong: list[int] = []

    def ask(value: int) -> None:
        (future,) = _submit(batcher, model, [value], interactive=bool(value % 2))
        if future.result(10).result != value:
            wrong.append(value)

    threads = [threading.Thread(target=ask, args=[value]) for value in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sorted(value for batch in model.batches for value in batch) == list(range(60))
