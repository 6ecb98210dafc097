"""Another model activated while a bulk runs: no photo fails, and each caption is its own model version's."""

import itertools
import subprocess
import sys
import time

from tests.bundles import CAPTIONS, bundle_make
from tests.chaos.figures import Figures
from tests.chaos.promises import captioned_once
from tests.photos import photo_store
from tests.pictures import picture
from tests.processes import ROOT, WorkerProcess
from tests.stack import Stack
from webapp import jobs
from webapp.captioning.models import Caption, CaptionJob, ModelVersion
from webapp.captioning.selectors.workers import workers_alive
from webapp.captioning.services.model_versions import model_version_activate

PHOTOS = {"full": 400, "small": 40}  # after each swap
SWAPS = {"full": 5, "small": 2}
LOAD = 64  # photos that wait while the model is swapped
SWAP_SECONDS = 180.0  # the other bundle is exported by then, beside a full load

_texts = list(CAPTIONS.values())
OTHER = dict(zip(CAPTIONS, [*_texts[1:], _texts[0]], strict=True))  # says something else of each colour

State = CaptionJob.State


def run(stack: Stack, scale: str, seed: int) -> Figures:
    """`seed` is of no use: nothing is left to chance but the moments, which no seed decides."""
    colours: dict[int, str] = {}  # of each photo
    worker = stack.worker_start()
    first = ModelVersion.objects.get(state=ModelVersion.State.ACTIVE).pk
    other = bundle_make(stack.folder / "other", seed=1, captions=OTHER)
    command = [sys.executable, "manage.py", "register_model", str(other)]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    second = ModelVersion.objects.exclude(pk=first).get().pk
    while ModelVersion.objects.get(pk=second).state == ModelVersion.State.CANDIDATE:  # the worker tries it
        _load_keep(stack, colours)
    slowest = 0.0
    for swap in range(SWAPS[scale]):
        active = first if swap % 2 else second
        model_version_activate(model_version_id=active)
        start = time.monotonic()
        while not _captions_with(worker, active):
            _load_keep(stack, colours)
            assert time.monotonic() - start < SWAP_SECONDS, "the worker did not swap"
        slowest = max(slowest, time.monotonic() - start)
        later = _photos_submit(stack, colours, PHOTOS[scale])
        stack.all_finished(seconds=300)
        versions = set(Caption.objects.filter(photo__in=later).values_list("model_version", flat=True))
        assert versions == {active}, "a caption begun after the swap is of the former model"
    says = {first: CAPTIONS, second: OTHER}
    captions = list(Caption.objects.values_list("photo", "model_version", "text"))
    wrong = [text for photo, version, text in captions if text != says[version][colours[photo]]]
    assert not wrong, f"{len(wrong)} captions name a model version that does not say so, such as {wrong[0]!r}"
    by_first = sum(version == first for _, version, _ in captions)
    note = f"swaps; {by_first} captions by one model, {len(captions) - by_first} by the other"
    figures = captioned_once(stack, seconds=60)
    assert worker.running.poll() is None, "the worker ended"
    return Figures(kills=SWAPS[scale], recovery=slowest, note=note, **figures)


def _captions_with(worker: WorkerProcess, version: int) -> bool:
    return workers_alive().filter(name=worker.name, model_version=version).exists()


def _load_keep(stack: Stack, colours: dict[int, str]) -> None:
    waiting = stack.jobs_in_state(State.QUEUED)
    if waiting < LOAD:
        _photos_submit(stack, colours, LOAD - waiting)
    time.sleep(0.05)


def _photos_submit(stack: Stack, colours: dict[int, str], count: int) -> list[int]:
    """Photos of one colour each, of other sizes than all before. Returns their ids."""
    photos = []
    for number, colour in zip(range(len(colours), len(colours) + count), itertools.cycle(CAPTIONS), strict=False):
        size = (8 + number % 100, 8 + number // 100)
        photos.append(photo_store(stack.user, picture(colour, size=size, kind="PNG"), lane="bulk"))
        colours[photos[-1].pk] = colour
    jobs.caption_photos_enqueue([photo.job.pk for photo in photos], queue=jobs.BULK)
    return [photo.pk for photo in photos]
