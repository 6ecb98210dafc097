"""Draws the learning curves of a run: losses and CIDEr by epoch, stage after stage."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from training.epoch.best_epoch import best_index
from training.epoch.epoch_record import EpochRecord

# Okabe and Ito's colours, which people of any colour vision tell apart. Dashes and marks tell them apart in grey.
_BLUE, _VERMILION, _GREEN, _GREY = "#0072b2", "#d55e00", "#009e73", "#666666"
_DPI = 120


def curves_png(records: Sequence[EpochRecord]) -> bytes:
    """A PNG of two panels for the epochs of a run, oldest first, one at least. A dashed line where a stage begins.

    The training loss is broken there, because a stage begins with the best weights before it.
    """
    figure = Figure(figsize=(8, 7), layout="constrained")
    losses, scores = figure.subplots(2, 1, sharex=True)
    _losses_draw(losses, records)
    _scores_draw(scores, records)
    _stages_draw((losses, scores), records)
    scores.set_xlabel("epoch of the run")
    scores.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    scores.set_xlim(0.5, len(records) + 0.5)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_DPI)
    return file.getvalue()


def _losses_draw(axes: Axes, records: Sequence[EpochRecord]) -> None:
    label: str | None = "training"
    for stage in _stages(records):
        axes.plot(stage, [records[n - 1].train_loss for n in stage], "--s", color=_VERMILION, label=label, markersize=4)
        label = None  # named once in the legend
    epochs = range(1, len(records) + 1)
    axes.plot(epochs, [r.validation_loss for r in records], "-o", color=_BLUE, label="validation", markersize=4)
    axes.set_ylabel("loss (nats a word)")
    axes.legend(frameon=False)
    _tidy(axes)


def _scores_draw(axes: Axes, records: Sequence[EpochRecord]) -> None:
    ciders = [float("nan") if r.cider is None else r.cider for r in records]
    axes.plot(range(1, len(records) + 1), ciders, "-o", color=_GREEN, markersize=4)
    comparable = all(record.comparable for record in records)
    axes.set_ylabel("validation CIDEr × 100" + ("" if comparable else "\nof the fallback scorer, not comparable"))
    index = best_index(records)
    epoch, best = index + 1, ciders[index]
    if math.isfinite(best):
        axes.plot([epoch], [best], "o", markersize=11, fillstyle="none", color="black")
        inwards = "left" if 2 * epoch <= len(records) else "right"
        axes.annotate(f"best {best:.1f}", (epoch, best), xytext=(0, -18), textcoords="offset points", ha=inwards)
    _tidy(axes)


def _stages_draw(panels: Sequence[Axes], records: Sequence[EpochRecord]) -> None:
    for index, stage in enumerate(_stages(records)):
        for axes in panels:
            if index:
                axes.axvline(stage[0] - 0.5, color=_GREY, linestyle="--", linewidth=1)
        panels[0].annotate(
            records[stage[0] - 1].stage, (stage[0] - 0.45, 1.02), xycoords=("data", "axes fraction"), color=_GREY
        )


def _stages(records: Sequence[EpochRecord]) -> list[list[int]]:
    """The epochs of the run, from 1, of each stage in turn."""
    numbers = range(1, len(records) + 1)
    return [list(group) for _, group in groupby(numbers, key=lambda number: records[number - 1].stage)]


def _tidy(axes: Axes) -> None:
    axes.grid(axis="y", color="#dddddd", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
