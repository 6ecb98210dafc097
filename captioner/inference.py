"""A loaded model that captions photos."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from captioner.beam_search import Hypothesis, Stepper, beam_search
from captioner.bundle import Bundle, bundle_load
from captioner.config import BundleConfig, Preprocessing
from captioner.consensus import consensus_create
from captioner.engines import CudaEngine, Engine, EngineUnfit, PyTorchEngine, engine_accelerate
from captioner.errors import BundleIncompatible, CaptionImpossible, DeviceError
from captioner.lstm_decoders import DecoderState
from captioner.objects.object_decoding import object_search
from captioner.objects.object_evidence import ObjectEvidence, SeenObject
from captioner.objects.object_grammar import articles_mend
from captioner.objects.object_vocabulary import ObjectVocabulary
from captioner.probe_pictures import probe_pictures
from captioner.vocabulary import Vocabulary, caption_text

THREADS = torch.get_num_threads()  # of the engine: as many as torch takes by itself, one for each core


@dataclass(frozen=True)
class Word:
    """A word of a caption and the log-probability that the model gave it, after the words before it.

    `seen`: the probability of the object that the word says, 0..1, where the word is the classifier's: the caption
    model was never taught it, or hardly.
    """

    text: str
    log_probability: float
    seen: float | None = None


@dataclass(frozen=True)
class Alternative:
    """Another caption of the beam."""

    text: str
    confidence: float


@dataclass(frozen=True)
class CaptionResult:
    """The model's captions of one photo.

    `confidence`: exp of the mean log-probability of the words and <end>, in 0..1. It is a geometric mean: how sure the
    model was of a word on average. It is not the probability that the caption is right.
    `alternatives`: the rest of the beam, best first, each text once.
    `attention`: uint8 (T, H, W), one map per word, 255 the greatest weight of that map; (T, 0, 0) from a decoder
    without attention.
    `objects`: what the classifier sees, at most five, likeliest first; empty where the encoder has no classifier.
    """

    text: str
    words: tuple[Word, ...]
    confidence: float
    alternatives: tuple[Alternative, ...]
    attention: np.ndarray
    objects: tuple[SeenObject, ...] = ()


class Captioner:
    """A model bundle on a device: "cpu", "cuda", "cuda:1", ... or "auto" (CUDA where there is one, else the CPU).

    `engine` runs it. On a CPU that is PyTorch, or ONNX Runtime if `exports` names a folder to keep its networks in (the
    first load of a bundle then takes some seconds more). On a GPU it is half precision. If such an engine cannot run or
    does not say the same as PyTorch, PyTorch runs the model, with a RuntimeWarning. Not safe for several threads.
    """

    def __init__(self, bundle: Bundle, *, device: str = "cpu", exports: Path | None = None) -> None:
        self.version: str = bundle.version
        self.config: BundleConfig = bundle.config
        self.vocabulary: Vocabulary = bundle.vocabulary
        self.preprocessing: Preprocessing = bundle.config.preprocessing
        name = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        try:
            self.device = torch.device(name)
            self.encoder = bundle.encoder.to(self.device)
            self.decoder = bundle.decoder.to(self.device)
            self.head = None if bundle.object_head is None else bundle.object_head.to(self.device)
        except (RuntimeError, AssertionError) as error:  # what torch raises depends on how it was built
            reason = str(error).partition("\n")[0]
            raise DeviceError(
                f"The device {device} cannot be used: {reason}. Give another one, such as cpu."
            ) from error
        self.objects: _Objects | None = None
        if bundle.object_words is not None and bundle.config.objects is not None:
            evidence = ObjectEvidence(bundle.object_words, temperature=bundle.config.objects.temperature)
            vocabulary = ObjectVocabulary(self.vocabulary, bundle.object_words, device=self.device)
            self.objects = _Objects(evidence.to(self.device), vocabulary)
        reference = PyTorchEngine(self.encoder, self.decoder, self.head)
        self.engine: Engine = reference
        if self.device.type == "cuda":
            self._accelerate(reference, lambda: CudaEngine(reference))
        elif self.device.type == "cpu" and exports is not None:
            size = self.preprocessing.size
            self._accelerate(
                reference, lambda: engine_accelerate(reference, size=size, threads=THREADS, exports=exports)
            )
            # ONNX Runtime leaves little to torch, and torch's threads would only wait for those of ONNX Runtime.
            torch.set_num_threads(THREADS if self.engine is reference else 1)

    @classmethod
    def load(cls, directory: str | Path, *, device: str = "cpu", exports: Path | None = None) -> Self:
        """Loads a bundle. Raises BundleError, DeviceError."""
        return cls(bundle_load(Path(directory)), device=device, exports=exports)

    def _accelerate(self, reference: PyTorchEngine, create: Callable[[], Engine]) -> None:
        """Takes another engine instead of the reference, if it can run here and says the same of the probe pictures."""
        try:
            engine = create()
            probes = self._pixels(probe_pictures(self.preprocessing.size))
            differing = sum(
                one[0][0].tokens != other[0][0].tokens
                for one, other in zip(self._search(engine, probes), self._search(reference, probes), strict=True)
            )
            if differing:
                name = type(engine).__name__
                raise EngineUnfit(f"{name} says something else than PyTorch of {differing} probe pictures")
        except (EngineUnfit, RuntimeError) as error:  # CUDA raises RuntimeError
            reason = str(error).partition("\n")[0]
            warnings.warn(f"{reason}: PyTorch runs it, slower.", RuntimeWarning, stacklevel=3)
        else:
            self.engine = engine

    @torch.inference_mode()
    def caption_batch(
        self, images: Sequence[np.ndarray], *, beam: int | None = None, max_words: int | None = None
    ) -> list[CaptionResult]:
        """Captions each image: uint8 (S, S, 3) as captioner.preprocessing.photo_pixels gives it.

        `beam` and `max_words`: the bundle's own defaults unless given. The words of an image do not depend on the
        images beside it, rounding aside. Raises ValueError for images of another shape or type, BundleIncompatible
        where the encoder's grid is no square.
        """
        if not images:
            return []
        size = self.preprocessing.size
        for image in images:
            if image.shape != (size, size, 3) or image.dtype != np.uint8:
                raise ValueError(
                    f"An image must be uint8 ({size}, {size}, 3), not {image.dtype} {image.shape}: use photo_pixels."
                )
        found = self._search(self.engine, self._pixels(images), beam=beam, max_words=max_words)
        return [self._result(hypotheses, seen) for hypotheses, seen in found]

    def _pixels(self, images: Sequence[np.ndarray]) -> Tensor:
        """uint8 (B, 3, S, S)"""
        pixels = torch.from_numpy(np.stack(images))
        if self.device.type == "cuda":
            pixels = pixels.pin_memory()  # the copy to the GPU then runs beside the next lines
        return pixels.to(self.device, non_blocking=True).permute(0, 3, 1, 2)

    def _search(
        self, engine: Engine, pixels: Tensor, *, beam: int | None = None, max_words: int | None = None
    ) -> list[tuple[list[Hypothesis], Tensor | None]]:
        """The captions of each photo, and the probabilities of the objects in it: float (words of the table,)."""
        decoding = self.config.decoding

        def search(stepper: Stepper[Any], photos: Tensor, information: Sequence[float]) -> list[list[Hypothesis]]:
            return beam_search(
                stepper,
                photos,
                beam=decoding.beam if beam is None else beam,
                max_words=decoding.max_words if max_words is None else max_words,
                length_penalty=decoding.length_penalty,
                consensus=consensus_create(decoding, information),
            )

        state, scores = engine.start(pixels)
        started, objects = _Started(state, engine), self.objects
        if objects is not None and scores is not None:
            seen = objects.evidence.probabilities(scores)
            found = object_search(started, objects.vocabulary, seen, search=lambda s, p: search(s, p, s.information))
            return list(zip(found, seen.cpu(), strict=True))
        photos = torch.arange(len(pixels), device=pixels.device)
        return [(captions, None) for captions in search(started, photos, self.vocabulary.information)]

    def _result(self, hypotheses: list[Hypothesis], seen: Tensor | None) -> CaptionResult:
        if not hypotheses:
            raise CaptionImpossible("The model's numbers are not finite for this photo, so there is no caption.")
        best, (places, words) = hypotheses[0], self._words(hypotheses[0], seen)
        text = _text(words)
        confidences: dict[str, float] = {}
        for other in hypotheses[1:]:
            confidences.setdefault(_text(self._words(other, seen)[1]), _confidence(other))
        confidences.pop(text, None)
        return CaptionResult(
            text=text,
            words=tuple(words),
            confidence=_confidence(best),
            alternatives=tuple(Alternative(text, confidence) for text, confidence in confidences.items()),
            attention=_maps(best.attention.numpy()[places]),
            objects=() if seen is None or self.objects is None else self.objects.evidence.told(seen),
        )

    def _words(self, hypothesis: Hypothesis, seen: Tensor | None) -> tuple[list[int], list[Word]]:
        """The words that stay once articles are mended, and the place of each in the hypothesis."""
        tokens, logs = hypothesis.tokens, hypothesis.log_probabilities
        if seen is None or self.objects is None:
            return list(range(len(tokens))), [
                Word(word, log) for word, log in zip(self.vocabulary.decode(tokens), logs, strict=False)
            ]
        known = self.objects.vocabulary
        mended = articles_mend([known.words[token] for token in tokens], articles=known.articles)
        said = [known.objects[token] for token in tokens]
        sure = [float(seen[number]) if known.borrowed[number] else 0.0 for number in said]
        return [place for place, _ in mended], [Word(word, logs[place], sure[place] or None) for place, word in mended]


@dataclass(frozen=True)
class _Objects:
    evidence: ObjectEvidence
    vocabulary: ObjectVocabulary


class _Started:
    """An engine that has encoded the photos already. They go by their numbers."""

    def __init__(self, state: DecoderState, engine: Engine) -> None:
        self._state, self.step = state, engine.step

    def start(self, photos: Tensor, /) -> DecoderState:
        return self._state if len(photos) == len(self._state.hidden) else self._state.keep(photos)


def _text(words: Sequence[Word]) -> str:
    return caption_text(word.text for word in words)


def _confidence(hypothesis: Hypothesis) -> float:
    return math.exp(sum(hypothesis.log_probabilities) / len(hypothesis.log_probabilities))


def _maps(attention: np.ndarray) -> np.ndarray:
    """Weights (T, L) -> uint8 (T, H, W) of a square grid. Raises BundleIncompatible where L is no square."""
    side = math.isqrt(attention.shape[1])
    if side * side != attention.shape[1]:
        raise BundleIncompatible(
            f"The encoder gives {attention.shape[1]} places, not a square grid, so its attention cannot be drawn. "
            "Use a bundle whose encoder gives as many rows as columns."
        )
    maps = attention.reshape(len(attention), side, side)
    if side == 0:
        return maps.astype(np.uint8)
    return np.asarray((maps * (255 / maps.max(axis=(1, 2), keepdims=True))).round(), dtype=np.uint8)
