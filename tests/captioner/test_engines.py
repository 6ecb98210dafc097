"""Engines: ONNX Runtime gives what PyTorch gives, from an export that is kept, or PyTorch runs the model."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from captioner.engines import CudaEngine, Engine, EngineUnfit, PyTorchEngine, engine_accelerate
from captioner.engines.cuda_graphs import _Captured
from captioner.engines.onnx_runtime import OnnxRuntimeEngine
from captioner.inference import Captioner
from tests.bundles import CAPTIONS, bundle_make

SIZE = 64  # of the photos that the bundle sees
NO_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
DEVICES = ["cpu", pytest.param("cuda", marks=NO_GPU)]


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exports")


@pytest.fixture(scope="module")
def reference(tiny_bundle) -> Captioner:
    return Captioner.load(tiny_bundle)


@pytest.fixture
def accelerated(tiny_bundle, exports, torch_threads) -> Captioner:
    return Captioner.load(tiny_bundle, exports=exports)


def pixels_of(count: int, device: str = "cpu") -> torch.Tensor:
    return torch.from_numpy(np.stack(photos(count))).permute(0, 3, 1, 2).to(device)


def photos(count: int) -> list[np.ndarray]:
    return list(np.random.default_rng(5).integers(0, 255, (count, SIZE, SIZE, 3), dtype=np.uint8))


def run(engine: Engine, pixels: torch.Tensor) -> list[torch.Tensor]:
    """All that an engine gives in two steps, the second of three captions a photo."""
    with torch.inference_mode():
        state, _ = engine.start(pixels)
        first, looked, after = engine.step(state, torch.ones(len(pixels), 1, dtype=torch.int64, device=pixels.device))
        spread = after.select(torch.zeros(len(pixels), 3, dtype=torch.int64, device=pixels.device))
        second, moved, last = engine.step(spread, first[:, 0].topk(3).indices)
    return [*state.memory, state.hidden, first, looked, second, moved, last.hidden, last.cell]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["show_attend_and_tell", "show_and_tell"])
@pytest.mark.parametrize("count", [1, 5])
def test_engine_of_onnx_runtime_gives_what_pytorch_gives(kind, count, exports, tmp_path):
    captioner = Captioner.load(bundle_make(tmp_path / "bundle", decoder=kind))
    reference = PyTorchEngine(captioner.encoder, captioner.decoder)
    engine = engine_accelerate(reference, size=SIZE, threads=1, exports=exports)
    pixels = pixels_of(count)

    for given, wanted in zip(run(engine, pixels), run(reference, pixels), strict=True):
        assert given.shape == wanted.shape
        assert torch.allclose(given, wanted, atol=2e-3, rtol=1e-3)


@pytest.mark.slow
def test_captioner_says_the_same_by_onnx_runtime_as_by_pytorch(accelerated, reference):
    assert isinstance(accelerated.engine, OnnxRuntimeEngine)
    for mine, wanted in zip(accelerated.caption_batch(photos(7)), reference.caption_batch(photos(7)), strict=True):
        assert mine.text == wanted.text
        assert mine.confidence == pytest.approx(wanted.confidence, rel=1e-3)
        assert [other.text for other in mine.alternatives] == [other.text for other in wanted.alternatives]
        assert np.abs(mine.attention.astype(int) - wanted.attention).max(initial=0) <= 1


@pytest.mark.slow
def test_captioner_exports_a_bundle_once(tiny_bundle, tmp_path, torch_threads, monkeypatch):
    Captioner.load(tiny_bundle, exports=tmp_path)
    kept = sorted(tmp_path.iterdir())
    monkeypatch.setattr("torch.onnx.export", None)  # not reached

    again = Captioner.load(tiny_bundle, exports=tmp_path)

    assert isinstance(again.engine, OnnxRuntimeEngine)
    assert [path.suffix for path in kept] == [".onnx", ".onnx"]
    assert sorted(tmp_path.iterdir()) == kept


@pytest.mark.slow
def test_captioner_exports_anew_what_was_damaged(tiny_bundle, tmp_path, torch_threads):
    Captioner.load(tiny_bundle, exports=tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:1000])

    again = Captioner.load(tiny_bundle, exports=tmp_path)

    assert isinstance(again.engine, OnnxRuntimeEngine)
    assert all(path.stat().st_size > 1000 for path in tmp_path.iterdir())


@pytest.mark.slow
def test_captioner_of_other_weights_does_not_take_the_export(tiny_bundle, exports, accelerated, tmp_path):
    other = bundle_make(tmp_path / "other", seed=1, captions={"red": "Another caption."})
    before = set(exports.iterdir())

    said = Captioner.load(other, exports=exports).caption_batch(photos(1))[0].text

    assert said == Captioner.load(other).caption_batch(photos(1))[0].text
    assert len(set(exports.iterdir()) - before) == 2


def test_captioner_without_onnx_runtime_is_run_by_pytorch(tiny_bundle, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)

    with pytest.warns(RuntimeWarning, match=r"cannot run this network \(ModuleNotFoundError.*: PyTorch runs it"):
        captioner = Captioner.load(tiny_bundle, exports=tmp_path)

    assert isinstance(captioner.engine, PyTorchEngine)


def test_captioner_whose_engine_says_something_else_is_run_by_pytorch(tiny_bundle, tmp_path, monkeypatch):
    class Silent(PyTorchEngine):
        """Prefers the last word of the vocabulary."""

        def step(self, state, tokens, /):
            logs, attention, after = super().step(state, tokens)
            logs[:, :, -1] = 0
            return logs, attention, after

    monkeypatch.setattr(
        "captioner.inference.engine_accelerate", lambda engine, **_: Silent(engine.encoder, engine.decoder)
    )

    with pytest.warns(RuntimeWarning, match=r"says something else than PyTorch of \d probe pictures: PyTorch runs it"):
        captioner = Captioner.load(tiny_bundle, exports=tmp_path)

    assert type(captioner.engine) is PyTorchEngine


@pytest.mark.parametrize("kind", ["show_attend_and_tell", "show_and_tell"])
@pytest.mark.parametrize("count", [1, 4, 5])
@pytest.mark.parametrize("device", DEVICES)
def test_engine_of_half_precision_gives_what_pytorch_gives(kind, count, device, tmp_path):
    captioner = Captioner.load(bundle_make(tmp_path / "bundle", decoder=kind), device=device)
    reference = PyTorchEngine(captioner.encoder, captioner.decoder)
    engine, pixels = CudaEngine(reference), pixels_of(count, device)

    for _ in range(2):  # the second time from what the first one has captured
        for given, wanted in zip(run(engine, pixels), run(reference, pixels), strict=True):
            assert given.shape == wanted.shape
            assert not wanted.numel() or (given.float() - wanted).abs().max() <= 0.05 * wanted.abs().max()


@pytest.mark.parametrize("device", DEVICES)
def test_engine_of_half_precision_keeps_what_it_gave_when_it_goes_on(device, tiny_bundle):
    captioner = Captioner.load(tiny_bundle, device=device)
    engine = CudaEngine(PyTorchEngine(captioner.encoder, captioner.decoder))
    with torch.inference_mode():
        state, _ = engine.start(pixels_of(3, device))
        given = engine.step(state, torch.ones(3, 1, dtype=torch.int64, device=device))
        kept = [*state.memory, state.hidden, *given[:2], given[2].hidden]
        before = [part.clone() for part in kept]
        engine.step(given[2], torch.full((3, 1), 5, device=device))
        engine.step(given[2].keep(torch.tensor([2], device=device)), torch.full((1, 1), 6, device=device))
        engine.start(255 - pixels_of(3, device))

    for now, then in zip(kept, before, strict=True):
        assert torch.equal(now, then)


def test_captured_function_gives_what_its_next_run_does_not_overwrite():
    place = torch.zeros(4, 1)

    def twice(given: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (place.copy_(2 * given),)  # as a graph does: into the same place each time

    captured = _Captured(twice, [torch.ones(3, 1)], photos=4)
    first = captured([torch.ones(3, 1)])
    captured([torch.full((4, 1), 5.0)])

    assert first[0].tolist() == [[2], [2], [2]]


@pytest.mark.parametrize("device", DEVICES)
def test_engine_of_half_precision_says_what_the_bundle_knows(device, tiny_bundle):
    captioner = Captioner.load(tiny_bundle, device=device)
    captioner.engine = CudaEngine(PyTorchEngine(captioner.encoder, captioner.decoder))
    squares = [np.asarray(Image.new("RGB", (SIZE, SIZE), colour)) for colour in CAPTIONS]

    assert [result.text for result in captioner.caption_batch(squares)] == list(CAPTIONS.values())


@NO_GPU
def test_captioner_says_the_same_on_a_gpu_as_on_the_cpu(tiny_bundle, reference):
    captioner = Captioner.load(tiny_bundle, device="cuda")
    assert isinstance(captioner.engine, CudaEngine)
    for count in (7, 1, 7):
        mine, wanted = captioner.caption_batch(photos(count)), reference.caption_batch(photos(count))
        assert [result.text for result in mine] == [result.text for result in wanted]


def test_engine_that_cannot_be_kept_says_so(reference, tmp_path):
    folder = tmp_path / "file"
    folder.write_text("no folder")

    with pytest.raises(EngineUnfit, match=r"NotADirectoryError|FileExistsError"):
        engine_accelerate(PyTorchEngine(reference.encoder, reference.decoder), size=SIZE, threads=1, exports=folder)
