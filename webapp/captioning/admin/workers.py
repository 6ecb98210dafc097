"""The workers' page: their work, the waiting photos, and problems. It refreshes itself."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from webapp.admin import ReadOnlyAdmin, changelist_url
from webapp.captioning.models import CaptionJob, WorkerHeartbeat
from webapp.captioning.selectors.operating_state import operation

State = CaptionJob.State


@admin.register(WorkerHeartbeat)
class WorkerHeartbeatAdmin(ReadOnlyAdmin):
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = operation()
        refreshes = bool(request.headers.get("HX-Request"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Workers",
            "now": now,
            "announce": refreshes and now.message != request.GET.get("told", ""),
            "jobs": {
                state.value: changelist_url("captioning_captionjob", state__exact=state.value)
                for state in (State.QUEUED, State.RUNNING, State.FAILED, State.QUARANTINED)
            }
            if request.user.has_perm("captioning.view_captionjob")
            else {},
        }
        request.current_app = self.admin_site.name
        page = "_operation" if refreshes else "change_list"
        return TemplateResponse(request, f"admin/captioning/workerheartbeat/{page}.html", context)
