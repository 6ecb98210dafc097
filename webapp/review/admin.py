"""The review pages for staff: a list, least confident captions first, and a page with the photo beside the text."""

from typing import Any
from urllib.parse import parse_qsl

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator

from webapp.admin import ReadOnlyAdmin, state_badge
from webapp.captioning.counters import BANDS
from webapp.captioning.errors import DecisionError
from webapp.captioning.models import CAPTION_DETAILS, Caption, Decision, ModelVersion
from webapp.captioning.seen_objects import word_certainty
from webapp.captioning.services import decisions as services
from webapp.photos.admin_pictures import media_url, photo_image
from webapp.photos.admin_search import PhotoSearch
from webapp.photos.models import ReviewState
from webapp.review import selectors
from webapp.review.models import CaptionForReview
from webapp.review.selectors import QUEUE, Filters
from webapp.row_ids import row_id


class _QueueFilter(admin.SimpleListFilter):
    """A filter of the list that the review page applies too: see `Filters`."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return selectors.captions_filter(queryset, Filters.of({str(self.parameter_name): self.value() or ""}))


class DecisionFilter(_QueueFilter):
    title = "decision"
    parameter_name = "decision"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[Any, str]]:
        return [*ReviewState.choices]


class ModelVersionFilter(_QueueFilter):
    title = "model version"
    parameter_name = "model_version"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[Any, str]]:
        return [(str(version.pk), str(version)) for version in ModelVersion.objects.only("name", "version")]


class ConfidenceFilter(_QueueFilter):
    title = "confidence"
    parameter_name = "confidence"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[Any, str]]:
        return [(band, f"{band.replace('-', ' to ')} %") for band in BANDS]


def _words(caption: Caption) -> list[dict[str, object]]:
    """The words with the fifth of their probability (`level`, 0 to 4) for shading, and a title that says it."""
    words = []
    for word in caption.words:
        probability, classified = word_certainty(word)
        title = f"{probability:.0%}".replace("%", " % sure") + (", says the image classifier" if classified else "")
        words.append({"text": word["text"], "title": title, "level": min(int(5 * probability), 4)})
    return words


@admin.register(CaptionForReview)
class CaptionForReviewAdmin(PhotoSearch, ReadOnlyAdmin):
    list_display = ["thumbnail", "shown_text", "confidence_percent", "decision_badge", "version"]
    list_display_links = ["thumbnail", "shown_text"]
    list_filter = [DecisionFilter, ModelVersionFilter, ConfidenceFilter]
    actions = ["approve_selected"]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("captioning.view_decision") or self.has_manage_permission(request)

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("captioning.add_decision")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return selectors.captions_for_review()

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return QUEUE

    # --- The list -----------------------------------------------------------------------------------------------------
    @admin.display(description="photo")
    def thumbnail(self, caption: CaptionForReview) -> str:
        return photo_image(caption.photo, kind="thumbnail")

    @admin.display(description="caption", ordering="text")
    def shown_text(self, caption: Any) -> str:
        if caption.review_state == ReviewState.EDITED:
            return format_html("{} <del>{}</del>", caption.reviewed_text or "No caption", caption.text)
        return str(caption.text)

    @admin.display(description="confidence", ordering="confidence")
    def confidence_percent(self, caption: CaptionForReview) -> str:
        return f"{caption.confidence:.0%}"

    @admin.display(description="model version", ordering="model_version__name")
    def version(self, caption: CaptionForReview) -> str:
        return caption.model_version.name

    @admin.display(description="decision", ordering="review_state")
    def decision_badge(self, caption: Any) -> str:
        return state_badge(caption.review_state, caption.get_review_state_display())

    @admin.action(description="Approve the selected captions that are undecided", permissions=["manage"])
    def approve_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        approved = services.captions_approve(
            captions=queryset.filter(review_state=ReviewState.UNDECIDED), reviewer=_reviewer(request)
        )
        self.message_user(request, f"{approved} captions approved.", messages.SUCCESS)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        filters = Filters.of(request.GET)
        first = selectors.caption_next(filters=filters) if self.has_view_permission(request) else None
        context = {
            "progress": selectors.review_progress(filters),
            "start_url": self._page_url(first, request.GET.urlencode()) if first else None,
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    # --- The page of one caption --------------------------------------------------------------------------------------
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        caption = self.get_object(request, unquote(object_id))
        if caption is None:
            raise Http404(f"there is no caption {object_id}")
        kept = request.GET.get("_changelist_filters", "")
        next_caption = selectors.caption_next(filters=Filters.of(dict(parse_qsl(kept))), after=caption)
        next_url = self._page_url(next_caption, kept)
        error = None
        if request.method == "POST":
            try:
                self._decide(request, caption)
            except DecisionError as refused:
                error = str(refused)
                caption = self.get_object(request, unquote(object_id))
            else:
                if next_caption is None:
                    self.message_user(request, "No other caption waits for review here.", messages.INFO)
                return HttpResponseRedirect(next_url)
        return self._page(request, caption, kept=kept, next_url=next_url, error=error)

    def _decide(self, request: HttpRequest, caption: Any) -> None:
        if not self.has_manage_permission(request):
            raise PermissionDenied
        text = request.POST.get("text", "")
        known: dict[str, Any] = {
            "caption": caption,
            "reviewer": _reviewer(request),
            "seen": row_id(request.POST.get("seen", "")),
        }
        match request.POST.get("decision"):
            case "approve":
                if text not in {"", caption.text, caption.reviewed_text}:
                    raise DecisionError(
                        "The text was changed. Save it as an edit, or undo the change before you approve."
                    )
                decision = services.caption_approve(**known)
            case "edit":
                decision = services.caption_edit(**known, text=text)
            case "reject":
                decision = services.caption_reject(**known)
            case other:
                raise DecisionError(f"“{other}” is not a decision. Approve, edit or reject.")
        self.log_change(request, caption, decision.get_verdict_display())
        message = format_html(
            '{}: “{}” <a href="{}">Look again</a>',
            decision.get_verdict_display(),
            Truncator(decision.text or caption.text).chars(80),
            request.get_full_path(),
        )
        self.message_user(request, message, messages.SUCCESS)

    def _page(
        self, request: HttpRequest, caption: Any, *, kept: str, next_url: str, error: str | None
    ) -> TemplateResponse:
        decisions = list(selectors.caption_decisions(caption))
        shown = caption.reviewed_text or caption.text
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Review a caption",
            "caption": caption,
            "words": _words(caption),
            "alternatives": [each for each in caption.alternatives if each["text"] != caption.text],
            "preview_url": media_url(caption.photo, kind="preview"),
            "decisions": decisions,
            "seen": decisions[0].pk if decisions else "",
            "shown": shown,
            "typed": request.POST.get("text", shown),
            "error": error,
            "may_decide": self.has_manage_permission(request),
            "progress": selectors.review_progress(Filters.of(dict(parse_qsl(kept)))),
            "next_url": next_url,
            "list_url": self._page_url(None, kept),
            "may_see_photo": request.user.has_perm("photos.view_photo"),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(
            request, "admin/review/captionforreview/change_form.html", context, status=409 if error else 200
        )

    def _page_url(self, caption: CaptionForReview | None, kept: str) -> str:
        """The URL of a caption's page, or of the list if `caption` is None, with the list's filters."""
        if caption is None:
            return reverse("admin:review_captionforreview_changelist") + (f"?{kept}" if kept else "")
        query = {"_changelist_filters": kept} if kept else None
        return reverse("admin:review_captionforreview_change", args=[caption.pk], query=query)


def _reviewer(request: HttpRequest) -> Any:
    return request.user  # always staff: the admin admits no others


class ReviewerFilter(admin.SimpleListFilter):
    title = "reviewer"
    parameter_name = "reviewer"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[Any, str]]:
        return [(str(reviewer.pk), str(reviewer)) for reviewer in selectors.reviewers()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        reviewer = row_id(self.value() or "")
        return queryset if reviewer is None else queryset.filter(reviewer=reviewer)


@admin.register(Decision)
class DecisionAdmin(PhotoSearch, ReadOnlyAdmin):
    """The history of decisions, read-only."""

    list_display = ["created_at", "reviewer", "verdict", "text", "machine_text"]
    list_filter = ["verdict", ReviewerFilter, "created_at"]
    list_select_related = ["reviewer", "caption"]
    photo_lookup = "caption__photo"
    fields = ["caption", "machine_text", "verdict", "text", "reviewer", "created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Decision]:
        return super().get_queryset(request).defer(*(f"caption__{name}" for name in CAPTION_DETAILS))

    @admin.display(description="the machine's text")
    def machine_text(self, decision: Decision) -> str:
        return decision.caption.text
