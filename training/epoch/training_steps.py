"""The training steps of one stage, epoch after epoch, and their state between any two of them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from captioner.vocabulary import PAD
from training.batches.prefetcher import Prefetcher
from training.batches.training_set import Batch, TrainingSet
from training.epoch.learning_rate import rate_share
from training.epoch.weight_averaging import average_create, average_update
from training.errors import TrainingDiverged
from training.hardware.mixed_precision import Arithmetic
from training.hardware.out_of_memory import memory_required
from training.model.trained_model import TrainedModel
from training.objectives.objective import Objective
from training.options.stage_plan import DECODER, ENCODER, SELF_CRITICAL, Stage
from training.options.training_options import TrainingOptions


class StageTrainer:
    """Trains `model` by `objective`, epoch after epoch.

    Random draws in a step depend on the seed, the stage, the epoch and the step alone. So a run that goes on from
    `state` takes the steps that it would have taken.

    epoch, step: `step` steps of epoch `epoch` are done. nats, tokens, captions, seconds, waited: sums over the steps of
    this epoch.
    """

    seconds: float
    waited: float

    def __init__(
        self,
        stage: Stage,
        model: TrainedModel,
        *,
        data: TrainingSet,
        objective: Objective,
        options: TrainingOptions,
        arithmetic: Arithmetic,
        device: torch.device,
    ) -> None:
        self.stage, self.model, self.data, self.objective = stage, model, data, objective
        self.options, self.arithmetic, self.device = options, arithmetic, device
        self.average = average_create(model)
        decoder = list(model.decoder.parameters())
        self._rates = (stage.rate, stage.encoder_rate)
        self.optimizer = torch.optim.AdamW(
            [{"params": decoder}, {"params": model.encoder_parameters()}],
            lr=0.0,
            weight_decay=options.weight_decay,
            fused=True,
        )
        self.scaler = torch.amp.GradScaler(device.type, enabled=arithmetic.scaled)
        self.epoch = 1
        self._sums_clear()

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return self.data.steps

    def rates(self) -> tuple[float, float]:
        """Learning rates of decoder and encoder at the next step."""
        share = rate_share(
            (self.epoch - 1) * self.steps + self.step,
            steps=self.stage.epochs * self.steps,
            warmup=round(self.options.warmup_epochs * self.steps),
            cosine=self.options.schedule == "cosine",
        )
        return self._rates[0] * share, self._rates[1] * share

    def epoch_run(self, *, between: Callable[[], None]) -> None:
        """The rest of this epoch. `between` is called before each step. It may save the state or raise."""
        self.model.train()
        self.model.learn(self.stage.learning(self.epoch))
        label = f"{self.stage.name} {self.epoch}/{self.stage.epochs}"
        bar = tqdm(total=self.steps, initial=self.step, desc=label, unit="step", disable=None)
        with bar, Prefetcher(self._batches()) as batches:
            begun, waited = time.perf_counter(), batches.waited
            for batch in batches:
                between()
                self._step(batch)
                now = time.perf_counter()
                self.seconds, begun = self.seconds + now - begun, now
                self.waited, waited = self.waited + batches.waited - waited, batches.waited
                bar.set_postfix(
                    loss=f"{self.nats / self.tokens:.3f}",
                    captions_s=f"{self.captions / self.seconds:.0f}",
                    refresh=False,
                )
                bar.update()

    def epoch_next(self) -> None:
        self.epoch += 1
        self._sums_clear()

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "place": {name: getattr(self, name) for name in _PLACE},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from a former `state`."""
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        if state["scaler"]:  # empty where nothing was scaled; a scaler refuses that
            self.scaler.load_state_dict(state["scaler"])
        for name in _PLACE:
            setattr(self, name, state["place"][name])

    def _sums_clear(self) -> None:
        self.step, self.tokens, self.captions = 0, 0, 0
        self.nats, self.seconds, self.waited = 0.0, 0.0, 0.0

    def _batches(self) -> Iterator[Batch]:
        return self.data.batches(
            seed=(self.options.seed, _order(self.stage), self.epoch), first=self.step, device=self.device
        )

    def _step(self, batch: Batch) -> None:
        place = (self.epoch - 1) * self.steps + self.step
        torch.manual_seed(
            int(np.random.SeedSequence((self.options.seed, _order(self.stage), place)).generate_state(1)[0])
        )
        for group, rate in zip(self.optimizer.param_groups, self.rates(), strict=True):
            group["lr"] = rate
        flag, size = self._batch_flag()
        remedy = f"Start again with {flag} {max(1, size // 2)}, or a smaller --hidden."
        with memory_required(self.device, what=f"a step with {flag} {size}", remedy=remedy):
            nats = self._learn(batch)
        average_update(self.average, self.model, decay=self.options.averaging, step=place)
        tokens = int((batch.tokens != PAD).sum()) - batch.captions
        self.nats, self.tokens = self.nats + nats * tokens, self.tokens + tokens
        self.captions, self.step = self.captions + batch.captions, self.step + 1

    def _learn(self, batch: Batch) -> float:
        """One step of the optimizer. Returns the cross-entropy a word, in nats; raises TrainingDiverged."""
        with self.arithmetic.autocast():
            loss = self.objective(self.model, batch)
        nats = float(loss.nats.detach())
        if not math.isfinite(nats) or not math.isfinite(float(loss.total.detach())):
            raise TrainingDiverged(
                f"The loss is {nats} in step {self.step + 1} of epoch {self.epoch} of stage {self.stage.name}. "
                f"Start again with a lower {_RATES[self.stage.name]} (now {self.stage.rate:.2g}), with --clip 1, "
                "or with --precision float32."
            )
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss.total).backward()  # type: ignore[no-untyped-call]
        if self.options.clip:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.options.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return nats

    def _batch_flag(self) -> tuple[str, int]:
        if self.options.batching == "bucketed":
            return "--batch-photos", self.options.batch_photos
        return "--batch-captions", self.options.batch_captions


_RATES = {DECODER: "--decoder-rate", ENCODER: "--finetune-rate", SELF_CRITICAL: "--scst-rate"}
_PLACE = ("epoch", "step", "tokens", "captions", "nats", "seconds", "waited")


def _order(stage: Stage) -> int:
    """A number of the stage's own, for seeds."""
    return int.from_bytes(stage.name.encode()[:4], "big")
