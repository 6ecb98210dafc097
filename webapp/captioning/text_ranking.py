"""Which of the texts about a photo stands below it. No database.

By rank: the newest that a person wrote or approved, else what the active model version wrote, else the newest caption.
A person's text may be empty: then the photo has none. A rejected caption stands only where there is no better one, and
is shown as rejected.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from webapp.photos.models import Photo, ReviewState
from webapp.photos.search_words import search_words

_STANDING = (ReviewState.APPROVED, ReviewState.EDITED)


@dataclass(frozen=True)
class Said:
    """A caption with its newest decision, unless that was withdrawn."""

    caption_id: int
    text: str
    written_at: datetime
    by_active_model: bool
    objects: tuple[str, ...] = ()  # that the image classifier is certain of
    decision_id: int = 0  # 0: no decision stands
    verdict: str = ReviewState.UNDECIDED
    decision_text: str = ""
    decided_at: datetime | None = None
    confidence: float = 0.0
    model_version_id: int | None = None


@dataclass(frozen=True)
class ShownText:
    """The columns of `Photo` that tell its text."""

    text: str = ""
    text_by: str = ""
    text_at: datetime | None = None
    caption_id: int | None = None
    review_state: str = ReviewState.UNDECIDED
    confidence: float | None = None
    model_version_id: int | None = None
    search_words: str = ""
    search_objects: str = ""


def text_rank(captions: Sequence[Said], *, name: str) -> ShownText:
    """The text of a photo with these captions, and the words by which a search finds it: the text's, its file name's
    and, with less weight, those of the objects in it.

    The objects are those of the caption that stands. Where a person wrote the text, the active model's caption tells
    them: it may be newer than the one that the person corrected.
    """
    if not captions:
        return ShownText(search_words=search_words(name))
    by_model = max(captions, key=lambda each: (each.by_active_model, each.caption_id))
    standing = [said for said in captions if said.verdict in _STANDING]
    said = max(standing, key=lambda each: each.decision_id) if standing else by_model
    edited = said.verdict == ReviewState.EDITED
    text = said.decision_text if edited else said.text
    return ShownText(
        text=text,
        text_by=Photo.TextBy.PERSON if edited else Photo.TextBy.MODEL,
        text_at=said.decided_at or said.written_at,
        caption_id=said.caption_id,
        review_state=said.verdict,
        confidence=None if edited else said.confidence,
        model_version_id=said.model_version_id,
        search_words=search_words(text, name),
        search_objects=search_words(*(by_model if edited else said).objects),
    )
