"""Which of their photos a person wants, and in which order: read from a URL, and written back to one. No database.

    q=dog -cat        words of text, file name or what the classifier sees: see `search_query`
    show=failed       a group of job states, or state=… for single states
    by=person         who wrote the text
    review=approved   the newest verdict of a person
    sure=unsure       how sure the model is of its text: a band
    model=3           the model version that wrote the caption
    batch=7           a batch that the photo came with
    since=, until=    the days of the upload, in UTC, both included
    format=PNG        of the file
    sort=oldest       the order

All filters go together. A value that nobody offered is left out, as if it had not been there.
"""

import datetime as dt
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from django.http import QueryDict

from webapp.captioning.counters import SURENESS
from webapp.captioning.models import CaptionJob
from webapp.captioning.selectors.photos import STATES
from webapp.photos.formats import FORMATS_KEPT
from webapp.photos.models import Photo, ReviewState
from webapp.photos.search_query import search_query

TEXT_LENGTH: Final = 500  # characters of a search that are read
LARGEST_ID: Final = 2**63 - 1
LAST_DAY: Final = dt.date(9999, 12, 31)  # has no day after it
BEST, NEWEST = "best", "newest"
SORTS: Final = (BEST, NEWEST, "oldest", "name", "unsure")
_CHOICES: Final = {
    "by": tuple(Photo.TextBy.values),
    "review": tuple(ReviewState.values),
    "sure": tuple(SURENESS),
    "format": FORMATS_KEPT,
    "sort": SORTS,
}
STANDINGS: Final[dict[str, frozenset[str]]] = {standing.value: frozenset(states) for standing, states in STATES.items()}


@dataclass(frozen=True)
class PhotoFilter:
    """Values as in the URL; an empty one filters nothing. `states` are job states, in the order of their class."""

    q: str = ""
    states: tuple[str, ...] = ()
    by: str = ""
    review: str = ""
    sure: str = ""
    model: int | None = None
    batch: int | None = None
    since: dt.date | None = None
    until: dt.date | None = None
    format: str = ""
    sort: str = ""

    @property
    def show(self) -> str:
        """The standing that the states are; "all" without any, "" for other states."""
        if not self.states:
            return "all"
        return next((name for name, states in STANDINGS.items() if states == set(self.states)), "")

    @property
    def ranked(self) -> bool:
        """Whether photos whose text or file name is searched for go before those in which it is only seen."""
        return self.order == BEST and bool(search_query(self.q).wanted)

    @property
    def order(self) -> str:
        """The sort that counts: the best first if something is searched for, else the newest."""
        if self.q:
            return self.sort or BEST
        return NEWEST if self.sort in {"", BEST} else self.sort

    @property
    def narrowed(self) -> bool:
        """Whether anything besides the states filters."""
        return replace(self, states=(), sort="") != PhotoFilter()

    def without(self, *names: str) -> "PhotoFilter":
        """The same with these values empty."""
        empty = PhotoFilter()
        return replace(self, **{name: getattr(empty, name) for name in names})

    def query(self, **changed: Any) -> str:
        """For a URL, without question mark; "" where nothing filters. `changed`: values that differ there."""
        found = replace(self, **changed)
        query = QueryDict(mutable=True)
        for field in fields(found):
            value = getattr(found, field.name)
            if field.name == "states":
                if found.show and value:
                    query["show"] = found.show
                else:
                    query.setlist("state", [state for state in CaptionJob.State.values if state in value])
            elif value not in {None, ""}:
                query[field.name] = str(value)
        return query.urlencode()


def photo_filter_read(query: QueryDict) -> tuple[PhotoFilter, dict[str, str]]:
    """The filter that a URL's query says, and what is wrong with the values that were left out, by name."""
    values: dict[str, Any] = {"q": " ".join(query.get("q", "")[:TEXT_LENGTH].replace("\0", " ").split())}
    problems: dict[str, str] = {}
    values["states"] = _states(query, problems)
    for name, choices in _CHOICES.items():
        values[name] = _choice(query, name, choices, problems)
    for name in ("model", "batch"):
        values[name] = _number(query, name, problems)
    for name in ("since", "until"):
        values[name] = _day(query, name, problems)
    return PhotoFilter(**values), problems


def photo_filter_of(query: QueryDict) -> PhotoFilter:
    return photo_filter_read(query)[0]


def _states(query: QueryDict, problems: dict[str, str]) -> tuple[str, ...]:
    show = _choice(query, "show", ("all", *STANDINGS), problems)
    wanted: set[str] = set(STANDINGS.get(show, ()))
    for state in query.getlist("state"):
        if state in CaptionJob.State.values:
            wanted.add(state)
        elif state:
            problems["state"] = _none_of(state, CaptionJob.State.values)
    return tuple(state for state in CaptionJob.State.values if state in wanted)


def _choice(query: QueryDict, name: str, choices: Any, problems: dict[str, str]) -> str:
    value = query.get(name, "")
    if value and value not in choices:
        problems[name] = _none_of(value, choices)
        return ""
    return value


def _number(query: QueryDict, name: str, problems: dict[str, str]) -> int | None:
    value = query.get(name, "")
    if value.isascii() and value.isdecimal() and len(value) < 20 and int(value) <= LARGEST_ID:
        return int(value)
    if value:
        problems[name] = f"“{value[:40]}” is no id."
    return None


def _day(query: QueryDict, name: str, problems: dict[str, str]) -> dt.date | None:
    value = query.get(name, "")
    try:
        day = dt.date.fromisoformat(value) if value else None
    except ValueError:
        day = LAST_DAY
    if day is None or day < LAST_DAY:
        return day
    problems[name] = f"“{value[:40]}” is no day: write it as 2026-11-30."
    return None


def _none_of(value: str, choices: Any) -> str:
    return f"“{value[:40]}” is none of: {', '.join(choices)}."
