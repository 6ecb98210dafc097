"""Writes: a person's decisions on captions. Every decision is a row. The model's text never changes.

Reviewers decide on one caption (`caption_*`). The owner of a photo writes its text (`photo_text_*`): a decision on the
caption that stands below the photo.
"""

from collections.abc import Iterable
from typing import Final

from django.db import transaction

from webapp.accounts.models import User
from webapp.captioning.errors import CaptionMissing, DecisionConflict, TextRejected
from webapp.captioning.models import Caption, Decision
from webapp.captioning.selectors.photos import decision_newest_on
from webapp.captioning.services.texts import texts_settle
from webapp.captioning.typed_text import typed_text
from webapp.photos.models import Photo

TEXT_LIMIT: Final = 1000  # characters
Verdict = Decision.Verdict


def _lock(photo_id: int) -> None:
    """One decision at a time on a photo: another caption of it may come to stand below it."""
    Photo.objects.select_for_update(no_key=True).only("id").get(pk=photo_id)


def _record(*, caption: Caption, reviewer: User, verdict: Decision.Verdict, text: str) -> Decision:
    decision = Decision.objects.create(caption=caption, reviewer=reviewer, verdict=verdict, text=text)
    texts_settle([caption.photo_id])
    return decision


def _unseen_refuse(newest: Decision | None, *, seen: int | None) -> None:
    if newest is None or newest.pk == seen:
        return
    if seen is None and newest.verdict == Verdict.WITHDRAWN:
        return  # as if nobody had decided
    raise DecisionConflict(newest)


def _decide(*, caption: Caption, reviewer: User, verdict: Decision.Verdict, text: str, seen: int | None) -> Decision:
    with transaction.atomic():
        _lock(caption.photo_id)
        _unseen_refuse(decision_newest_on(caption.pk), seen=seen)
        return _record(caption=caption, reviewer=reviewer, verdict=verdict, text=text)


def caption_approve(*, caption: Caption, reviewer: User, seen: int | None) -> Decision:
    """Record that the model's text is right.

    Args:
        seen: id of the newest decision that the person saw; None if there was none.

    Raises:
        DecisionConflict: there is a newer decision.
    """
    return _decide(caption=caption, reviewer=reviewer, verdict=Verdict.APPROVED, text=caption.text, seen=seen)


def caption_edit(*, caption: Caption, reviewer: User, text: str, seen: int | None) -> Decision:
    """Replace the text by the person's, on one line. TextRejected: it is empty, too long or the model's own."""
    text = _text_checked(text)
    if not text:
        raise TextRejected("The caption is empty. Write one, or reject the model's.")
    if text == caption.text:
        raise TextRejected("This is the model's text, unchanged. Approve it instead.")
    return _decide(caption=caption, reviewer=reviewer, verdict=Verdict.EDITED, text=text, seen=seen)


def caption_reject(*, caption: Caption, reviewer: User, seen: int | None) -> Decision:
    """Record that the model's text is wrong, without another text."""
    return _decide(caption=caption, reviewer=reviewer, verdict=Verdict.REJECTED, text="", seen=seen)


def _text_checked(typed: str) -> str:
    text = typed_text(typed)
    if len(text) > TEXT_LIMIT:
        raise TextRejected(f"The caption has {len(text)} characters; the limit is {TEXT_LIMIT}. Shorten it.")
    return text


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


def photo_text_write(*, photo: Photo, writer: User, text: str, seen: int | None) -> Decision:
    """Put the person's text below the photo, on one line. An empty one says that the photo has no text.

    The machine's own text is approved: a person chose it. A text that a person has already given is not written again,
    so a form that is sent twice decides once.

    Args:
        seen: id of the newest decision on the caption that the person saw; None if there was none.

    Raises:
        TextRejected: it is longer than `TEXT_LIMIT`.
        DecisionConflict: there is a newer decision, with another text.
        CaptionMissing: the photo has no caption yet.
    """
    text = _text_checked(text)
    with transaction.atomic():
        caption = _caption_locked(photo)
        newest = decision_newest_on(caption.pk)
        verdict = Verdict.APPROVED if text == caption.text else Verdict.EDITED
        if newest is not None and (newest.verdict, newest.text) == (verdict, text):
            return newest
        _unseen_refuse(newest, seen=seen)
        return _record(caption=caption, reviewer=writer, verdict=verdict, text=text)


def photo_text_put_back(*, photo: Photo, writer: User, seen: int | None) -> Decision | None:
    """Withdraw the newest decision on the photo's caption. The text is again the machine's, or what a decision on
    another caption says. None if nothing was decided. Raises as `photo_text_write`."""
    with transaction.atomic():
        caption = _caption_locked(photo)
        newest = decision_newest_on(caption.pk)
        if newest is None or newest.verdict == Verdict.WITHDRAWN:
            return newest
        _unseen_refuse(newest, seen=seen)
        return _record(caption=caption, reviewer=writer, verdict=Verdict.WITHDRAWN, text="")


def _caption_locked(photo: Photo) -> Caption:
    """The caption that stands below the photo, which stays so until the transaction ends."""
    _lock(photo.pk)
    standing = Photo.objects.filter(pk=photo.pk).values("caption")
    caption = Caption.objects.only("photo", "text").filter(pk__in=standing).first()
    if caption is None:
        raise CaptionMissing("The photo has no caption yet. Write your text once it has one.")
    return caption
