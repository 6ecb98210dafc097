"""Writes: what a person decides about a caption. Every decision is a row; the machine's text stays as it is."""

from collections.abc import Iterable
from typing import Final

from django.db import transaction

from webapp.accounts.models import User
from webapp.gallery.models import Caption
from webapp.review.errors import ReviewConflict, TextRejected
from webapp.review.models import Review

TEXT_LIMIT: Final = 1000  # characters


def _decide(*, caption: Caption, reviewer: User, decision: Review.Decision, text: str, seen: int | None) -> Review:
    with transaction.atomic():
        Caption.objects.select_for_update().only("id").get(pk=caption.pk)  # one decision at a time about a caption
        newest = Review.objects.filter(caption=caption).select_related("reviewer").order_by("-id").first()
        if newest is not None and newest.pk != seen:
            raise ReviewConflict(
                f"{newest.reviewer} {newest.get_decision_display().lower()} this caption after you opened it. "
                "Look at it again, then decide."
            )
        return Review.objects.create(caption=caption, reviewer=reviewer, decision=decision, text=text)


def caption_approve(*, caption: Caption, reviewer: User, seen: int | None) -> Review:
    """The machine's text is right. `seen` is the newest review the person knew of (its id, None where there was none):
    ReviewConflict where another came in between."""
    return _decide(caption=caption, reviewer=reviewer, decision=Review.Decision.APPROVED, text=caption.text, seen=seen)


def caption_edit(*, caption: Caption, reviewer: User, text: str, seen: int | None) -> Review:
    """The person's text counts from now on, on one line. TextRejected: it is empty, too long or the machine's own."""
    text = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    if not text:
        raise TextRejected("The caption is empty: write one, or reject the machine's.")
    if len(text) > TEXT_LIMIT:
        raise TextRejected(f"The caption has {len(text)} characters, the limit is {TEXT_LIMIT}: shorten it.")
    if text == caption.text:
        raise TextRejected("This is the machine's text, word for word: approve it instead.")
    return _decide(caption=caption, reviewer=reviewer, decision=Review.Decision.EDITED, text=text, seen=seen)


def caption_reject(*, caption: Caption, reviewer: User, seen: int | None) -> Review:
    """The machine's text is wrong, and the person writes none in its place."""
    return _decide(caption=caption, reviewer=reviewer, decision=Review.Decision.REJECTED, text="", seen=seen)


def captions_approve(*, captions: Iterable[Caption], reviewer: User) -> int:
    """Approve those of `captions` that nobody has decided yet; how many that were."""
    approved = 0
    for caption in captions:
        try:
            caption_approve(caption=caption, reviewer=reviewer, seen=None)
        except ReviewConflict:
            continue
        approved += 1
    return approved
