"""Reading photos, with their job and captions, in a constant number of queries."""

from dataclasses import dataclass

from django.db.models import Count, Prefetch, Q, QuerySet

from webapp.accounts.models import User
from webapp.captioning.models import Caption, CaptionJob, Decision
from webapp.photos.access import sees_all_photos
from webapp.photos.models import Photo

WAITING = (CaptionJob.State.QUEUED, CaptionJob.State.RUNNING)
UNSUCCESSFUL = (CaptionJob.State.FAILED, CaptionJob.State.QUARANTINED, CaptionJob.State.CANCELLED)


@dataclass(frozen=True)
class CaptionShown:
    """What stands below a photo. `review` is the newest decision on `caption`, whatever it was."""

    text: str
    caption: Caption
    review: Decision | None

    @property
    def by_person(self) -> bool:
        return self.review is not None and self.review.verdict != Decision.Verdict.REJECTED

    @property
    def rejected(self) -> bool:
        return self.review is not None and self.review.verdict == Decision.Verdict.REJECTED


def photos_of(owner: User, *, states: tuple[str, ...] = ()) -> QuerySet[Photo]:
    """An owner's photos, newest first; only those whose job is in one of `states`, if any are given."""
    photos = photos_with_captions().filter(owner=owner)
    return photos.filter(job__state__in=states) if states else photos


def photos_visible_to(user: User) -> QuerySet[Photo]:
    """The photos that a person may look at: one's own; staff who look after photos or captions, all."""
    photos = photos_with_captions()
    return photos if sees_all_photos(user) else photos.filter(owner=user)


def photos_with_captions() -> QuerySet[Photo]:
    # The newest first, by what was written last: the clock may have been set back meanwhile.
    decisions = Decision.objects.select_related("reviewer").order_by("-id")
    captions = (
        Caption.objects.select_related("model_version")
        .order_by("-id")
        .defer("attention", "model_version__vocabulary", "model_version__card", "model_version__metrics")
    )
    return (
        Photo.objects.select_related("job", "owner")
        .prefetch_related(
            Prefetch("captions", queryset=captions),
            Prefetch("captions__decisions", queryset=decisions),
        )
        .order_by("-created_at", "-id")
    )


def caption_shown(photo: Photo) -> CaptionShown | None:
    """The person's text where there is one, else what the newest model wrote; None before any. Needs no query when the
    photo comes from the selectors above."""
    reviewed: list[CaptionShown] = []
    newest: CaptionShown | None = None
    for caption in photo.captions.all():
        review = next(iter(caption.decisions.all()), None)
        if newest is None:
            newest = CaptionShown(caption.text, caption, review)
        if review is not None and review.verdict != Decision.Verdict.REJECTED:
            reviewed.append(CaptionShown(review.text or caption.text, caption, review))
    return max(reviewed, key=lambda shown: shown.review.pk, default=newest)


def photos_counts(owner: User) -> dict[str, int]:
    """How many of an owner's photos are there, wait, are captioned, have failed: one query."""
    return Photo.objects.filter(owner=owner).aggregate(
        all=Count("id"),
        waiting=Count("id", filter=Q(job__state__in=(*WAITING, CaptionJob.State.PAUSED))),
        captioned=Count("id", filter=Q(job__state=CaptionJob.State.DONE)),
        failed=Count("id", filter=Q(job__state__in=UNSUCCESSFUL)),
    )
