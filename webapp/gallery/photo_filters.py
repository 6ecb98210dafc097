"""The filters as the gallery shows them: what can be chosen, what is, and what to drop where nothing is found."""

from dataclasses import dataclass, replace
from typing import Final

from webapp.accounts.models import User
from webapp.batches.models import Batch
from webapp.batches.selectors import batches_of
from webapp.captioning.models import CaptionJob
from webapp.captioning.selectors.model_versions import model_versions_used
from webapp.finding.photo_filter import BEST, NEWEST, PhotoFilter
from webapp.finding.selectors import FoundPhotos, photos_counted
from webapp.photos.formats import FORMATS_KEPT
from webapp.photos.models import Photo, ReviewState

BATCHES_OFFERED: Final = 100  # the newest
BY: Final = {
    Photo.TextBy.MODEL.value: "the model",
    Photo.TextBy.PERSON.value: "a person",
    Photo.TextBy.IMPORT.value: "an import",
}
REVIEW: Final = {
    ReviewState.APPROVED.value: "Approved",
    ReviewState.EDITED.value: "Edited",
    ReviewState.REJECTED.value: "Rejected",
    ReviewState.UNDECIDED.value: "Not reviewed",
}
SURE: Final = {"sure": "Sure", "fairly": "Fairly sure", "unsure": "Unsure"}
SORTS: Final = {
    BEST: "Best match", NEWEST: "Newest", "oldest": "Oldest", "name": "Name", "unsure": "Least sure",
}  # fmt: skip


@dataclass(frozen=True)
class Field:
    """A choice of the form. `options`: value and label, "" for no filter first."""

    name: str
    label: str
    chosen: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Chip:
    """A filter that is on. `query` is that of the page without it."""

    name: str
    label: str
    query: str


class FilterForm:
    """What the filter is called and offered on an owner's page. Batches and models that are not there filter nothing.

    Args:
        wanted: as the URL says it.
    """

    def __init__(self, owner: User, wanted: PhotoFilter) -> None:
        self._owner = owner
        self._models = {row.pk: str(row) for row in model_versions_used()}
        self._batches = {
            row.pk: row.name for row in batches_of(owner).select_related(None).only("name")[:BATCHES_OFFERED]
        }
        if wanted.batch is not None and wanted.batch not in self._batches:
            older = Batch.objects.filter(owner=owner, pk=wanted.batch).values_list("pk", "name")
            self._batches |= dict(older)
        if wanted.model not in self._models:
            wanted = replace(wanted, model=None)
        if wanted.batch not in self._batches:
            wanted = replace(wanted, batch=None)
        self.wanted = wanted
        self._counts = photos_counted(owner, wanted)

    def fields(self) -> list[Field]:
        """Those with something to choose from."""
        wanted = self.wanted
        offered = {name: label for name, label in BY.items() if name != Photo.TextBy.IMPORT or wanted.by == name}
        models = {str(key): label for key, label in self._models.items()}
        batches = {str(key): label for key, label in self._batches.items()}
        fields = [
            _field("by", "Text by", "Anybody", wanted.by, {key: label.capitalize() for key, label in offered.items()}),
            _field("review", "Review", "Any", wanted.review, REVIEW),
            _field("sure", "The model is", "Sure or not", wanted.sure, SURE),
            _field("format", "Format", "Any", wanted.format, {name: name for name in FORMATS_KEPT}),
        ]
        if len(models) > 1 or wanted.model is not None:
            fields.append(_field("model", "Model version", "Any", str(wanted.model or ""), models))
        if batches:
            fields.append(_field("batch", "Batch", "Any", str(wanted.batch or ""), batches))
        return [self._counted(field) for field in fields]

    def _counted(self, field: Field) -> Field:
        """With the number of photos behind each value, where that is known."""
        counts = self._counts.get(field.name)
        if counts is None:
            return field
        none, *options = field.options
        return replace(field, options=(none, *((value, f"{label} ({counts[value]:,})") for value, label in options)))

    def sort(self) -> Field:
        """Its first option is none: the order then depends on whether something is searched for."""
        default = self.wanted.without("sort").order
        others = {name: label for name, label in SORTS.items() if name not in {BEST, default}}
        chosen = "" if self.wanted.order == default else self.wanted.order
        return _field("sort", "Sort by", SORTS[default], chosen, others)

    def chips(self) -> list[Chip]:
        """The filters that are on. The tabs show groups of states, so these are none."""
        wanted = self.wanted
        labels = {
            "q": f"“{wanted.q}”" if wanted.q else "",
            "states": "" if wanted.show else " or ".join(CaptionJob.State(state).label for state in wanted.states),
            "by": wanted.by and f"Text by {BY[wanted.by]}",
            "review": REVIEW.get(wanted.review, ""),
            "sure": SURE.get(wanted.sure, ""),
            "model": self._models.get(wanted.model or 0, ""),
            "batch": self._batches.get(wanted.batch or 0, ""),
            "since": f"Since {_day(wanted, 'since')}" if wanted.since else "",
            "until": f"Until {_day(wanted, 'until')}" if wanted.until else "",
            "format": wanted.format,
        }
        return [Chip(name, label, wanted.without(name).query()) for name, label in labels.items() if label]

    def filters_on(self) -> int:
        """How many besides what is searched for."""
        return sum(chip.name != "q" for chip in self.chips())

    def helpful_drops(self) -> list[Chip]:
        """The filters without which something is found."""
        chips = self.chips()
        if self.wanted.show not in {"", "all"}:
            label = CaptionJob.Standing(self.wanted.show).label
            chips.append(Chip("states", label, self.wanted.without("states").query()))
        if len(chips) < 2:
            return chips
        return [chip for chip in chips if FoundPhotos(self._owner, self.wanted.without(chip.name)).any()]


def _field(name: str, label: str, empty: str, chosen: str, options: dict[str, str]) -> Field:
    return Field(name, label, chosen, (("", empty), *options.items()))


def _day(wanted: PhotoFilter, name: str) -> str:
    day = getattr(wanted, name)
    return f"{day.day} {day:%B} {day.year}"
