"""Writes: a person's decisions on captions. Every decision is a row. The model's text never changes."""

from collections.abc import Iterable
from typing import Final

from django.db import transaction

from webapp.accounts.models import User
from webapp.captioning.errors import DecisionConflict, TextRejected
from webapp.captioning.models import Caption, Decision
from webapp.captioning.services.texts import texts_settle

TEXT_LIMIT: Final = 1000  # characters


def _decide(*, caption: Caption, reviewer: User, verdict: Decision.Verdict, text: str, seen: int | None) -> Decision:
    with transaction.atomic():
        Caption.objects.select_for_update(no_key=True).only("id").get(
            pk=caption.pk
        )  # one decision at a time on a caption
        newest = Decision.objects.filter(caption=caption).select_related("reviewer").order_by("-id").first()
        if newest is not None and newest.pk != seen:
            raise DecisionConflict(
                f"{newest.reviewer} {newest.get_verdict_display().lower()} this caption after you opened it. "
                "Reload the page, then decide."
            )
        decision = Decision.objects.create(caption=caption, reviewer=reviewer, verdict=verdict, text=text)
        texts_settle([caption.photo_id])
        return decision


def caption_approve(*, caption: Caption, reviewer: User, seen: int | None) -> Decision:
    """Record that the model's text is right.

    Args:
        seen: id of the newest decision that the person saw; None if there was none.

    Raises:
        DecisionConflict: there is a newer decision.
    """
    return _decide(caption=caption, reviewer=reviewer, verdict=Decision.Verdict.APPROVED, text=caption.text, seen=seen)


def caption_edit(*, caption: Caption, reviewer: User, text: str, seen: int | None) -> Decision:
    """Replace the text by the person's, on one line. TextRejected: it is empty, too long or the model's own."""
    text = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    if not text:
        raise TextRejected("The caption is empty. Write one, or reject the model's.")
    if len(text) > TEXT_LIMIT:
        raise TextRejected(f"The caption has {len(text)} characters; the limit is {TEXT_LIMIT}. Shorten it.")
    if text == caption.text:
        raise TextRejected("This is the model's text, unchanged. Approve it instead.")
    return _decide(caption=caption, reviewer=reviewer, verdict=Decision.Verdict.EDITED, text=text, seen=seen)


def caption_reject(*, caption: Caption, reviewer: User, seen: int | None) -> Decision:
    """Record that the model's text is wrong, without another text."""
    return _decide(caption=caption, reviewer=reviewer, verdict=Decision.Verdict.REJECTED, text="", seen=seen)


def captions_approve(*, captions: Iterable[Caption], reviewer: User) -> int:
    """Approve the captions that are still undecided. Returns their number."""
    approved = 0
    for caption in captions:
        try:
            caption_approve(caption=caption, reviewer=reviewer, seen=None)
        except DecisionConflict:
            continue
        approved += 1
    return approved
