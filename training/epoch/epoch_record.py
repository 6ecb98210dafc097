"""An epoch in numbers: what the table, the curves and the checkpoint keep of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Self


@dataclass(frozen=True)
class EpochRecord:
    """An epoch in numbers, of the validation photos where nothing else is said.

    stage, epoch, epochs: the epoch within its stage, from 1, and how many it has. train_loss, validation_loss: mean
    nats a token, the second without label smoothing. bleu_4, cider: x 100; comparable: by COCO's own scorer.
    distinct: different captions per photo. peak, distance: see scoring.attention_focus; None without attention.
    captions_per_second: of training. data_share: of that time, spent waiting for data, 0..1.
    rate, encoder_rate: learning rates at the end of the epoch.
    """

    stage: str
    epoch: int
    epochs: int
    seconds: float
    train_loss: float
    validation_loss: float
    bleu_4: float | None
    cider: float | None
    comparable: bool
    distinct: float
    peak: float | None
    distance: float | None
    captions_per_second: float
    data_share: float
    rate: float
    encoder_rate: float

    @property
    def key(self) -> tuple[str, int]:
        return self.stage, self.epoch

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError for what is no record."""
        if unknown := data.keys() - {field.name for field in fields(cls)}:
            raise KeyError(", ".join(sorted(unknown)))
        return cls(**{field.name: _typed(data[field.name], str(field.type)) for field in fields(cls)})


def _typed(value: Any, kind: str) -> Any:
    """A value of JSON, or the text of a cell in a CSV file, as the type of the field."""
    if kind == "str":
        return str(value)
    if "None" in kind and value in {None, ""}:
        return None
    if kind == "bool":
        return {"True": True, "False": False}[str(value)]
    return int(value) if kind == "int" else float(value)
