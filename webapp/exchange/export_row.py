"""A photo as an export tells it. No database."""

from dataclasses import dataclass
from typing import Any, Final

COLUMNS: Final = ("file_name", "text", "text_by", "model_version", "review", "certainty", "id", "sha256")


@dataclass(frozen=True)
class ExportRow:
    """`file_name` is unique in the export. `text` is empty where the photo has none.

    A person's text has neither model version nor certainty: those of the caption that it corrects say nothing of it.
    """

    id: int
    file_name: str
    text: str
    text_by: str  # model, person or import; empty: nobody
    model_version: str | None
    review: str  # undecided, approved, edited or rejected
    certainty: float | None  # of the model that wrote the text, 0 to 1
    sha256: str
    width: int
    height: int
    original: str  # path below the media folder

    def columns(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in COLUMNS}
