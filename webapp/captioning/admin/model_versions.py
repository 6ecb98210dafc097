"""Model versions."""

import json
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from markdown_it import MarkdownIt

from webapp.admin import ReadOnlyAdmin, act_on_each, state_badge
from webapp.captioning.counters import CAPTIONS
from webapp.captioning.models import ModelVersion
from webapp.captioning.services import model_versions
from webapp.counters.selectors import counts_of_many


def _flat(metrics: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested metrics, each under one joined name: {"scores": {"cider": 52.1}} -> {"scores cider": 52.1}."""
    flat: dict[str, Any] = {}
    for name, value in metrics.items():
        key = f"{prefix} {name}".strip()
        flat |= _flat(value, key) if isinstance(value, dict) else {key: value}
    return flat


def _metric(version: ModelVersion, name: str) -> str:
    """The first metric whose name ends in `name`, of any data set; "" if there is none."""
    found = (value for key, value in _flat(version.metrics).items() if key.lower().endswith(name))
    return next((f"{value:.1f}" for value in found if isinstance(value, int | float)), "")


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = ["name", "digest", "badge", "bleu_4", "cider", "captions", "created_at", "activated_at"]
    list_filter = ["state"]
    search_fields = ["name", "version"]
    fields = [
        "name", "badge", "error", "metrics_table", "card_html", "config_text", "words", "version", "path", "created_at",
        "activated_at",
    ]  # fmt: skip
    actions = ["activate", "verify"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.defer("vocabulary", "card")

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        shown = super().get_changelist_instance(request)
        counts = counts_of_many(CAPTIONS, [version.pk for version in shown.result_list])
        for version in shown.result_list:
            version.caption_count = sum(counts[version.pk].values())
        return shown

    @admin.display(description="version")
    def digest(self, version: ModelVersion) -> str:
        return version.version[:12]

    @admin.display(description="state", ordering="state")
    def badge(self, version: ModelVersion) -> str:
        return state_badge(version.state, version.get_state_display())

    @admin.display()
    def captions(self, version: Any) -> int:
        return int(version.caption_count)

    @admin.display(description="BLEU-4", empty_value="–")
    def bleu_4(self, version: ModelVersion) -> str:
        return _metric(version, "bleu_4")

    @admin.display(description="CIDEr", empty_value="–")
    def cider(self, version: ModelVersion) -> str:
        return _metric(version, "cider")

    @admin.display(description="metrics", empty_value="none")
    def metrics_table(self, version: ModelVersion) -> str:
        rows = format_html_join("", "<tr><th scope='row'>{}</th><td>{}</td></tr>", _flat(version.metrics).items())
        return format_html("<table class='metrics'>{}</table>", rows) if rows else ""

    @admin.display(description="card", empty_value="none")
    def card_html(self, version: ModelVersion) -> str:
        html = MarkdownIt("commonmark", {"html": False}).enable("table").render(version.card)
        return format_html("<div class='model-card'>{}</div>", mark_safe(html))  # noqa: S308 - raw HTML in the card is escaped

    @admin.display(description="configuration")
    def config_text(self, version: ModelVersion) -> str:
        return format_html("<pre>{}</pre>", json.dumps(version.config, indent=2, ensure_ascii=False))

    @admin.display(description="vocabulary")
    def words(self, version: ModelVersion) -> str:
        return f"{len(version.vocabulary)} words"

    @admin.action(description="Activate the selected model version", permissions=["manage"])
    def activate(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        if queryset.count() != 1:
            self.message_user(request, "Select exactly one model version. Only one can be active.", messages.WARNING)
            return
        act_on_each(
            self, request, queryset, "activated; workers swap to it once it is loaded",
            lambda version: model_versions.model_version_activate(model_version_id=version.pk),
        )  # fmt: skip

    @admin.action(description="Verify the selected model versions again", permissions=["manage"])
    def verify(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        act_on_each(
            self, request, queryset, "sent to a worker for verification",
            lambda version: model_versions.model_version_verify(model_version_id=version.pk),
        )  # fmt: skip
