from typing import Any

from django import template

from webapp.captioning.models import CaptionJob
from webapp.captioning.selectors.operating_state import span_text
from webapp.finding.marks import text_marked
from webapp.finding.photo_filter import PhotoFilter
from webapp.upkeep.selectors import media_messages as messages_of_media

register = template.Library()
register.filter("span", span_text)


@register.simple_tag(takes_context=True)
def media_messages(context: dict[str, Any]) -> list[str]:
    """Messages about missing or foreign files, for staff who may view photos."""
    request = context.get("request")
    return messages_of_media() if request is not None and request.user.has_perm("photos.view_photo") else []


@register.filter
def percent(share: float) -> str:
    """0.734 -> "73 %". Only the exact shares 0 and 1 become 0 % and 100 %."""
    return f"{min(99, max(1, round(100 * share))) if 0 < share < 1 else round(100 * share)} %"


@register.simple_tag(takes_context=True)
def marked(context: dict[str, Any], text: str) -> str:
    """The text with what a search wanted marked, where a page shows what a search found."""
    found = context.get("found")
    return text_marked(text, found.q) if isinstance(found, PhotoFilter) and found.q else text


@register.filter
def same(one: object, other: object) -> bool:
    return one == other


@register.filter
def pending(job: CaptionJob) -> bool:
    """Whether an open page should poll this job again."""
    return job.state in {CaptionJob.State.QUEUED, CaptionJob.State.RUNNING, CaptionJob.State.PAUSED}
