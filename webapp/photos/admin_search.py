"""The search of the staff's lists whose rows belong to photos: by text, file name, objects seen, owner and digest.

The lists keep their order, so text and objects weigh the same here.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin.options import IS_FACETS_VAR
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, ORDER_VAR, PAGE_VAR, SEARCH_VAR
from django.db.models import Q, QuerySet
from django.db.models.functions import Length
from django.http import HttpRequest
from django.utils.text import smart_split

from webapp.accounts.models import User
from webapp.photos.models import Photo
from webapp.photos.search_filter import search_filter
from webapp.photos.search_newest import photos_newest_found
from webapp.photos.search_query import search_query

LISTED: Final = 500  # photos, of what finds more
OWNERS_TRIED: Final = 20  # of all whose names contain a word, those with the shortest names
WORDS_TRIED: Final = 4  # for names of owners
NAME_LENGTH: Final = 150  # characters of a user name at the most
WORD_LENGTH: Final = 3  # characters; a shorter one is an owner's whole name or none
NO_LIMIT: Final = 2**31
_DIGEST: Final = re.compile("[0-9a-fA-F]{64}")
_NO_FILTERS: Final = {SEARCH_VAR, PAGE_VAR, ORDER_VAR, ALL_VAR, ERROR_FLAG, IS_FACETS_VAR}


@dataclass(frozen=True)
class Found:
    """The ids of photos; the newest ones where there are `more`."""

    ids: list[int]
    more: bool


class PhotoSearch(admin.ModelAdmin[Any]):
    """Finds rows by their photo. `photo_lookup` leads from a row to it."""

    photo_lookup = "photo"
    search_fields = ("name",)  # shows the field; `get_search_results` says what it finds
    search_help_text = "Words of text, file name or what the classifier sees, or their beginnings; an owner's name"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_query(search_term):
            return queryset, False
        found = photos_found(search_term)
        if found.more and request.GET.keys() - _NO_FILTERS:  # a filter may want others than the newest
            return queryset.filter(**{f"{self.photo_lookup}__in": photos_matching(search_term)}), False
        if found.more and request.method == "GET":
            told = "More was found than is listed here, which is the newest. Add a word, or a filter, to narrow it."
            self.message_user(request, told, messages.INFO)
        rows = self.model._default_manager.filter(**{f"{self.photo_lookup}__in": found.ids}).order_by()
        # The limit, which is none, keeps PostgreSQL from going through the list's order in search of them.
        return queryset.filter(pk__in=rows.values("pk")[:NO_LIMIT]), False


def photos_found(text: str) -> Found:
    """The newest photos that have each word in their text, their file's name, the objects seen in them or their owner's
    name."""
    if _DIGEST.fullmatch(text.strip()):
        branches = [list(Photo.objects.filter(sha256=text.strip().lower()).values_list("pk", flat=True))]
    else:
        branches = [photos_newest_found(text, limit=LISTED + 1)]
        for rest, owners in _owners_by_rest(text).items():
            theirs = Photo.objects.filter(search_filter(rest), owner_id__in=owners).order_by("-created_at", "-pk")
            branches.append(list(theirs.values_list("pk", flat=True)[: LISTED + 1]))
    ids = {pk for branch in branches for pk in branch[:LISTED]}
    return Found(sorted(ids), more=any(len(branch) > LISTED for branch in branches))


def photos_matching(text: str) -> QuerySet[Photo]:
    """All photos of which `photos_found` gives the newest."""
    matching = search_filter(text)
    for rest, owners in _owners_by_rest(text).items():
        matching |= Q(owner_id__in=owners) & search_filter(rest)
    return Photo.objects.filter(matching)


def _owners_by_rest(text: str) -> dict[str, list[int]]:
    """The owners whose names contain some of the words, by what remains of the text for their photos to have."""
    words = list(smart_split(text))
    owners: dict[int, str] = {}
    for word in [word for word in words[:WORDS_TRIED] if len(word) <= NAME_LENGTH]:
        lookup = "username__icontains" if len(word) >= WORD_LENGTH else "username__iexact"
        named = User.objects.filter(**{lookup: word}).order_by(Length("username"), "pk")
        owners |= named.values_list("pk", "username")[:OWNERS_TRIED]
    rests = defaultdict[str, list[int]](list)
    for pk, username in owners.items():
        name = username.casefold()
        rest = [word for word in words if word.casefold() not in name]
        rests[" ".join(rest)].append(pk)
    return rests
