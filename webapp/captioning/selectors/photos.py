"""Reads: photos with their job and shown caption, in a constant number of queries."""

from collections import Counter
from collections.abc import Collection
from typing import Any, Final

from django.db.models import Q, QuerySet

from webapp.accounts.models import User
from webapp.captioning.counters import JOBS
from webapp.captioning.job_states import UNSUCCESSFUL, WAITING
from webapp.captioning.models import CAPTION_DETAILS, Caption, CaptionJob, Decision, ModelVersion
from webapp.counters.selectors import counts_of
from webapp.photos.access import sees_all_photos
from webapp.photos.models import Photo, ReviewState

State = CaptionJob.State
STATES: Final = {
    CaptionJob.Standing.WAITING: {*WAITING, State.PAUSED},
    CaptionJob.Standing.CAPTIONED: {State.DONE},
    CaptionJob.Standing.FAILED: {*UNSUCCESSFUL},
}
DECISIONS_TOLD: Final = 50
_SEARCHED = ("search_words", "search_objects")
_UNLISTED = (*_SEARCHED, *(f"caption__{name}" for name in CAPTION_DETAILS))
_UNREAD = tuple(f"caption__model_version__{name}" for name in ("vocabulary", "card", "metrics"))


def photos_of(owner: User, *, states: Collection[str] = ()) -> QuerySet[Photo]:
    """An owner's photos, newest first. With `states`, only photos whose job is in one of them."""
    photos = photos_listed()
    if not states:
        return photos.filter(owner=owner)
    standings = [standing for standing, those in STATES.items() if not those.isdisjoint(states)]
    if len(standings) > 1:
        return photos.filter(owner=owner, job__state__in=states)
    # By the job's copies of owner and time, which have an index with the standing. The photo's own are the same.
    photos = photos.filter(job__owner=owner, job__standing=standings[0])
    photos = photos.order_by("-job__photo_created_at", "-job__photo")
    return photos if STATES[standings[0]] == set(states) else photos.filter(job__state__in=states)


def photos_visible_to(user: User) -> QuerySet[Photo]:
    """The photos that a person may see: their own. Staff for photos or captions see all."""
    return photos_listed() if sees_all_photos(user) else photos_of(user)


def photos_by_id(photos: QuerySet[Photo], ids: Collection[int], *, user: User) -> dict[int, Photo]:
    """Those of `photos` that have these ids and that the person may look at.

    Whose they are is not asked of the database: SQLite would read all photos of the owner to find a few ids.
    """
    found = photos.in_bulk(list(ids)) if ids else {}
    if sees_all_photos(user):
        return found
    return {key: photo for key, photo in found.items() if photo.owner_id == user.pk}


def photos_listed() -> QuerySet[Photo]:
    """All photos, newest first, with the columns that a list shows."""
    return Photo.objects.select_related("job", "caption").defer(*_UNLISTED).order_by("-created_at", "-id")


def photos_detailed(photos: QuerySet[Photo]) -> QuerySet[Photo]:
    """Photos of a selector above, with the columns that a photo's page shows."""
    return photos.defer(None).select_related("job", "owner", "caption__model_version").defer(*_SEARCHED, *_UNREAD)


def objects_shown(photo: Photo) -> list[dict[str, Any]]:
    """What the image classifier sees in the photo, of the caption that also tells the search: see `text_ranking`."""
    if photo.text_by != Photo.TextBy.PERSON:
        return photo.caption.seen_objects if photo.caption else []
    captions = Caption.objects.filter(photo=photo).annotate(active=Q(model_version__state=ModelVersion.State.ACTIVE))
    return captions.order_by("-active", "-id").values_list("seen_objects", flat=True).first() or []


def decision_newest(photo: Photo) -> Decision | None:
    """The newest decision on the photo's caption, of any verdict. Who decides next must have seen it."""
    return None if photo.caption_id is None else decision_newest_on(photo.caption_id)


def decision_newest_on(caption_id: int) -> Decision | None:
    """The newest decision on a caption, of any verdict."""
    return Decision.objects.filter(caption=caption_id).select_related("reviewer").order_by("-id").first()


def decision_shown(photo: Photo) -> Decision | None:
    """The decision that stands on the photo's caption: the newest, unless it was withdrawn."""
    return None if photo.review_state == ReviewState.UNDECIDED else decision_newest(photo)


def decisions_told(photo: Photo) -> list[Decision]:
    """The newest decisions on any of the photo's captions, newest first.

    Sorted here: asked for the newest few, a database may walk through everybody's decisions to find them.
    """
    decisions = Decision.objects.filter(caption__photo=photo).select_related("reviewer").order_by()
    return sorted(decisions, key=lambda decision: decision.pk, reverse=True)[:DECISIONS_TOLD]


def photos_beside(photo: Photo, *, standing: str = "") -> tuple[int | None, int | None]:
    """The ids of the owner's next newer and next older photo; with a standing, of those of that standing. Two index
    look-ups."""
    rows: QuerySet[Any] = Photo.objects.filter(owner=photo.owner_id)
    at, key = "created_at", "id"
    if standing:
        rows = CaptionJob.objects.filter(owner=photo.owner_id, standing=standing)
        at, key = "photo_created_at", "photo"
    newer = rows.filter(**{f"{at}__gte": photo.created_at}).exclude(**{at: photo.created_at, f"{key}__lte": photo.pk})
    older = rows.filter(**{f"{at}__lte": photo.created_at}).exclude(**{at: photo.created_at, f"{key}__gte": photo.pk})
    return (
        newer.order_by(at, key).values_list(key, flat=True).first(),
        older.order_by(f"-{at}", f"-{key}").values_list(key, flat=True).first(),
    )


def photos_counts(owner: User) -> dict[str, int]:
    """The number of an owner's photos: all, and by standing."""
    states = _states_counted(owner)
    counts = {standing.value: sum(states[state] for state in those) for standing, those in STATES.items()}
    return {"all": sum(states.values()), **counts}


def photos_count(owner: User, *, states: Collection[str] = ()) -> int:
    """The number of rows of `photos_of`."""
    counted = _states_counted(owner)
    if states and State.RUNNING not in states and State.QUEUED in states:
        counted[State.QUEUED] -= _running(owner)
    elif State.RUNNING in states and State.QUEUED not in states:
        counted[State.RUNNING] = _running(owner)
    return sum(count for state, count in counted.items() if not states or state in states)


def _states_counted(owner: User) -> Counter[str]:
    """By state; running counts as queued."""
    states = Counter[str]()
    for (_, state), count in counts_of(JOBS, owner.pk).items():
        states[state] += count
    return states


def _running(owner: User) -> int:
    """Counts rows: only few are running at a time."""
    return CaptionJob.objects.filter(owner=owner, state=State.RUNNING).count()
