"""Batches and their files."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from webapp.admin import ChoiceFilter, ReadOnlyAdmin, act_on_each, changelist_url, state_badge
from webapp.batches.models import Batch, BatchItem
from webapp.batches.selectors import FAILED, batch_progress, batches_all, batches_counted
from webapp.batches.services import batch_control
from webapp.captioning.models import CaptionJob
from webapp.captioning.services.caption_jobs import photo_retry

ERROR_CODES = (
    "broken_link", "cancelled", "clutter", "corrupt_member", "deleted", "empty", "encrypted", "failed", "folder_link",
    "hidden", "nested_archive", "no_space", "not_a_file", "not_a_picture", "not_an_image", "symlink", "too_many_bytes",
    "too_many_pixels", "truncated", "unreadable", "unreadable_folder", "unsafe_path", "unsupported_compression",
    "unsupported_format", "vanished",
)  # fmt: skip
State = CaptionJob.State
BADGES: dict[str, str] = {BatchItem.Outcome.PENDING: "queued", BatchItem.Outcome.FAILED: "failed"}


class ErrorCodeFilter(ChoiceFilter):
    title = "error code"
    parameter_name = "error_code"
    values = ERROR_CODES


class JobStateFilter(ChoiceFilter):
    """By the item's copy of the state, where a photo in a worker's hands counts as queued."""

    title = "state of the photo's job"
    parameter_name = "job_state"
    labels = dict(State.choices)
    values = tuple(state for state in State.values if state != State.RUNNING)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those that failed are looked up by the index of problems, which holds few others."""
        items = super().queryset(request, queryset)
        return items.filter(problem=BatchItem.Problem.FAILED) if self.value() in FAILED else items


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    list_display = ["name", "owner", "source", "badge", "progress", "created_at"]
    list_filter = ["state", "source", "created_at"]
    list_select_related = ["owner"]
    search_fields = ["name", "owner__username"]
    fields = ["name", "owner", "source", "submission", "origin", "badge", "progress", "links", "error", "created_at"]
    actions = ["pause", "resume", "cancel"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return batches_all()

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        shown = super().get_changelist_instance(request)
        shown.result_list = batches_counted(shown.result_list)
        return shown

    @admin.display(description="state", ordering="state")
    def badge(self, batch: Batch) -> str:
        return state_badge(batch.state, batch.get_state_display())

    @admin.display()
    def progress(self, batch: Batch) -> str:
        counts = batch_progress(batch)
        waiting = counts.total - counts.settled
        told = f"{counts.captioned} of {counts.total} captioned, {waiting} waiting, {counts.failed} failed"
        return f"{told}, {counts.left_out} left out" if counts.left_out else told

    @admin.display(description="look at")
    def links(self, batch: Batch) -> str:
        return format_html(
            '<a href="{}">files and states of their photos</a>',
            changelist_url("batches_batchitem", batch=batch.pk),
        )

    @admin.action(description="Pause the selected batches", permissions=["manage"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        act_on_each(self, request, queryset, "paused", lambda batch: batch_control.batch_pause(batch=batch))

    @admin.action(description="Resume the selected batches", permissions=["manage"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        act_on_each(self, request, queryset, "resumed", lambda batch: batch_control.batch_resume(batch=batch))

    @admin.action(description="Cancel the selected batches", permissions=["manage"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        act_on_each(self, request, queryset, "cancelled", lambda batch: batch_control.batch_cancel(batch=batch))


@admin.register(BatchItem)
class BatchItemAdmin(ReadOnlyAdmin):
    """The files of one batch. The batch's page links to it."""

    list_display = ["name", "state", "photo", "error_code", "error_message"]
    list_filter = ["outcome", ErrorCodeFilter, JobStateFilter]
    list_select_related = ["photo__job"]
    search_fields = ["name"]
    fields = ["batch", "name", "photo", "error_code", "error_message"]
    actions = ["retry"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display()
    def state(self, item: BatchItem) -> str:
        if item.photo is None:
            return state_badge(BADGES.get(item.outcome, "cancelled"), item.get_outcome_display())
        return state_badge(item.photo.job.state, item.photo.job.get_state_display())

    @admin.action(description="Caption failed, quarantined and cancelled photos again", permissions=["manage"])
    def retry(self, request: HttpRequest, queryset: QuerySet[BatchItem]) -> None:
        taken = queryset.exclude(photo=None).select_related("photo")
        act_on_each(self, request, taken, "queued again", lambda item: photo_retry(photo=item.photo))
