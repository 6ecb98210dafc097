from typing import TYPE_CHECKING

from webapp.errors import SiteError

if TYPE_CHECKING:
    from webapp.captioning.models import Decision


class StaleLease(SiteError):
    """A write by a worker that no longer holds the lease."""


class DecisionError(Exception):
    """A decision was not recorded. The message says why, and the remedy."""


class DecisionConflict(DecisionError):
    """Another person decided after the reviewer opened the caption. `newest` is that decision."""

    def __init__(self, newest: "Decision") -> None:
        super().__init__(
            f"{newest.reviewer} {newest.get_verdict_display().lower()} this caption after you opened it. "
            "Reload the page, then decide."
        )
        self.newest = newest


class TextRejected(DecisionError):
    """The text cannot be a caption."""


class CaptionMissing(DecisionError):
    """The photo has no caption yet, on which a person could decide."""
