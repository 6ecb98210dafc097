"""Reading photos with their job and the caption that stands below them, in a constant number of queries."""

from django.db.models import Count, Q, QuerySet

from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob, Decision
from webapp.photos.access import sees_all_photos
from webapp.photos.models import Photo, ReviewState
from webapp.photos.search_filter import search_filter

WAITING = (CaptionJob.State.QUEUED, CaptionJob.State.RUNNING)
UNSUCCESSFUL = (CaptionJob.State.FAILED, CaptionJob.State.QUARANTINED, CaptionJob.State.CANCELLED)
_UNLISTED = ("search_words", "caption__attention", "caption__words", "caption__alternatives")
_UNREAD = tuple(f"caption__model_version__{name}" for name in ("vocabulary", "card", "metrics"))


def photos_of(owner: User, *, states: tuple[str, ...] = ()) -> QuerySet[Photo]:
    """An owner's photos, newest first; only those whose job is in one of `states`, if any are given."""
    photos = photos_listed().filter(owner=owner)
    return photos.filter(job__state__in=states) if states else photos


def photos_search(*, owner: User, query: str) -> QuerySet[Photo]:
    """An owner's photos whose text or file name the query finds, newest first.

    Any query will do: see `search_query`.
    """
    return photos_of(owner).filter(search_filter(query))


def photos_visible_to(user: User) -> QuerySet[Photo]:
    """The photos that a person may look at: one's own; staff who look after photos or captions, all."""
    return photos_listed() if sees_all_photos(user) else photos_of(user)


def photos_listed() -> QuerySet[Photo]:
    """Everybody's, newest first, with all that a list shows."""
    return Photo.objects.select_related("job", "owner", "caption").defer(*_UNLISTED).order_by("-created_at", "-id")


def photos_detailed(photos: QuerySet[Photo]) -> QuerySet[Photo]:
    """Those of a selector above, with all that the page of one photo shows."""
    return photos.defer(None).select_related("job", "owner", "caption__model_version").defer("search_words", *_UNREAD)


def decision_shown(photo: Photo) -> Decision | None:
    """The newest decision on the caption that stands below the photo, whatever it was."""
    if photo.review_state == ReviewState.UNDECIDED:
        return None
    return Decision.objects.filter(caption=photo.caption_id).select_related("reviewer").order_by("-id").first()


def photos_counts(owner: User) -> dict[str, int]:
    """How many of an owner's photos are there, wait, are captioned, have failed: one query."""
    return Photo.objects.filter(owner=owner).aggregate(
        all=Count("id"),
        waiting=Count("id", filter=Q(job__state__in=(*WAITING, CaptionJob.State.PAUSED))),
        captioned=Count("id", filter=Q(job__state=CaptionJob.State.DONE)),
        failed=Count("id", filter=Q(job__state__in=UNSUCCESSFUL)),
    )
