"""Photos and their caption jobs."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat

from webapp.admin import ChoiceFilter, DeletesWhole, ReadOnlyAdmin, act_on_each, state_badge
from webapp.captioning.models import Caption, CaptionJob
from webapp.captioning.services.caption_jobs import photo_retry
from webapp.captioning.services.photo_intake import photo_delete
from webapp.photos.admin_pictures import photo_image
from webapp.photos.admin_search import PhotoSearch
from webapp.photos.formats import FORMATS_KEPT
from webapp.photos.models import Photo

QUARANTINED_FOR = ("harmful", "no_result")  # error codes
FAILED_FOR = (
    "empty", "model_error", "not_an_image", "too_many_bytes", "too_many_pixels", "truncated", "unreadable",
    "unsupported_format",
)  # fmt: skip


class FormatFilter(ChoiceFilter):
    title = "format"
    parameter_name = "format"
    values = FORMATS_KEPT


class ErrorCodeFilter(ChoiceFilter):
    title = "error code"
    parameter_name = "error_code"
    values = tuple(sorted((*FAILED_FOR, *QUARANTINED_FOR)))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Filters by state too: the code implies it, and the index is by state."""
        state = CaptionJob.State.QUARANTINED if self.value() in QUARANTINED_FOR else CaptionJob.State.FAILED
        jobs = super().queryset(request, queryset)
        return jobs.filter(state=state) if self.value() else jobs


class CaptionInline(admin.TabularInline[Caption, Photo]):
    model = Caption
    fields = ["text", "confidence_percent", "objects_seen", "model_version", "timings", "created_at"]
    readonly_fields = ["confidence_percent", "objects_seen", "timings", "created_at"]
    extra = 0
    can_delete = False
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Caption]:
        return super().get_queryset(request).select_related("model_version").defer("attention")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="confidence")
    def confidence_percent(self, caption: Caption) -> str:
        return f"{caption.confidence:.0%}"

    @admin.display(description="sees")
    def objects_seen(self, caption: Caption) -> str | None:
        return ", ".join(f"{seen['word']} {seen['probability']:.0%}" for seen in caption.seen_objects) or None

    @admin.display(description="milliseconds")
    def timings(self, caption: Caption) -> str:
        return f"{caption.decode_ms:.0f} opening, {caption.wait_ms:.0f} waiting, {caption.model_ms:.0f} model"


@admin.register(Photo)
class PhotoAdmin(DeletesWhole, PhotoSearch, ReadOnlyAdmin):
    list_display = ["thumbnail_image", "name", "owner", "state", "shown_text", "size", "created_at"]
    list_display_links = ["thumbnail_image", "name"]
    list_filter = ["job__state", "review_state", FormatFilter, "created_at"]
    photo_lookup = "pk"
    fields = [
        "preview_image", "name", "owner", "state", "error", "text", "text_by", "text_at", "review_state", "size",
        "sha256", "created_at",
    ]  # fmt: skip
    inlines = [CaptionInline]
    actions = ["retry"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("photos.delete_photo")

    def delete_model(self, request: HttpRequest, obj: Photo) -> None:
        photo_delete(photo=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Photo]) -> None:
        for photo in queryset:
            photo_delete(photo=photo)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.select_related("owner", "job").defer("search_words", "search_objects")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Newest first. With a filter by state, by the time of queueing: the index of jobs has this order."""
        return ("-job__queued_at", "-job__id") if "job__state__exact" in request.GET else ("-created_at", "-id")

    @admin.display(description="photo")
    def thumbnail_image(self, photo: Photo) -> str:
        return photo_image(photo, kind="thumbnail")

    @admin.display(description="photo")
    def preview_image(self, photo: Photo) -> str:
        return photo_image(photo, kind="preview")

    @admin.display(ordering="job__state")
    def state(self, photo: Photo) -> str:
        return state_badge(photo.job.state, photo.job.get_state_display())

    @admin.display(description="text")
    def shown_text(self, photo: Photo) -> str:
        return photo.text or photo.job.error_message

    @admin.display(empty_value="none")
    def error(self, photo: Photo) -> str | None:
        return f"{photo.job.error_code}: {photo.job.error_message}" if photo.job.error_code else None

    @admin.display(ordering="size_bytes")
    def size(self, photo: Photo) -> str:
        return f"{photo.width} × {photo.height}, {filesizeformat(photo.size_bytes)} {photo.format}"

    @admin.action(description="Caption failed, quarantined and cancelled photos again", permissions=["manage"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Photo]) -> None:
        act_on_each(self, request, queryset, "queued again", lambda photo: photo_retry(photo=photo))


@admin.register(CaptionJob)
class CaptionJobAdmin(PhotoSearch, ReadOnlyAdmin):
    list_display = [
        "thumbnail",
        "photo",
        "owner",
        "badge",
        "error",
        "lane",
        "worker",
        "leases",
        "queued_at",
        "finished_at",
    ]
    list_display_links = ["thumbnail", "photo"]
    list_filter = ["state", ErrorCodeFilter, "lane", "queued_at"]
    list_select_related = ["photo", "owner"]
    ordering = ["-queued_at", "-id"]
    fields = [
        "thumbnail", "photo", "owner", "badge", "error", "lane", "worker", "lease_expires_at", "token", "lease_count",
        "harm_count", "queued_at", "started_at", "finished_at",
    ]  # fmt: skip
    actions = ["retry"]

    @admin.display(description="image")
    def thumbnail(self, job: CaptionJob) -> str:
        return photo_image(job.photo, kind="thumbnail")

    @admin.display(description="state", ordering="state")
    def badge(self, job: CaptionJob) -> str:
        return state_badge(job.state, job.get_state_display())

    @admin.display(ordering="error_code")
    def error(self, job: CaptionJob) -> str:
        return f"{job.error_code}: {job.error_message}" if job.error_code else ""

    @admin.display(description="leases / harm")
    def leases(self, job: CaptionJob) -> str:
        return f"{job.lease_count} / {job.harm_count}"

    @admin.action(description="Try failed, quarantined and cancelled jobs again", permissions=["manage"])
    def retry(self, request: HttpRequest, queryset: QuerySet[CaptionJob]) -> None:
        act_on_each(self, request, queryset, "queued again", lambda job: photo_retry(photo=job.photo))
