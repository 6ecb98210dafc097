"""The table that a run prints: a line for each epoch."""

from __future__ import annotations

from training.epoch.epoch_record import EpochRecord


def table_header() -> str:
    """The line above those of table_line."""
    return (
        f"{'stage':<13} {'epoch':>7} {'time':>8} {'train':>7} {'valid.':>7} {'BLEU-4':>7} {'CIDEr':>7} {'distinct':>9} "
        f"{'peak':>6} {'dist.':>6} {'captions/s':>11} {'data':>5}"
    )


def table_line(record: EpochRecord) -> str:
    """An epoch for the terminal, in the columns of table_header. A star: scores of the fallback, not comparable."""
    minutes, seconds = divmod(round(record.seconds), 60)
    hours, minutes = divmod(minutes, 60)
    time = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    star = "" if record.comparable else "*"
    return (
        f"{record.stage:<13} {f'{record.epoch}/{record.epochs}':>7} {time:>8} {record.train_loss:>7.3f} "
        f"{record.validation_loss:>7.3f} {_cell(record.bleu_4, 1, star):>7} {_cell(record.cider, 1, star):>7} "
        f"{record.distinct:>9.0%} {_cell(record.peak, 1):>6} {_cell(record.distance, 2):>6} "
        f"{record.captions_per_second:>11,.0f} {record.data_share:>5.0%}"
        + ("" if record.comparable else "   * without Java: not comparable")
    )


def _cell(value: float | None, digits: int, mark: str = "") -> str:
    return "–" if value is None else f"{value:.{digits}f}{mark}"
