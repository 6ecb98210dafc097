"""The captions of the token's user, as a file."""

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from webapp.api.permissions import user_of
from webapp.api.schema import answers
from webapp.api.views.batches import batch_of
from webapp.exchange.downloads import export_answer
from webapp.exchange.export_order import Format
from webapp.exchange.forms import ExportForm

_FIELDS = ExportForm.base_fields
_FLAGS = ("photos", "reviewed", "all")
_FILES = ("text/csv", "application/jsonl", "application/json", "application/zip")


class AnyType(BaseContentNegotiation):
    """The parameter `format` names the file's form here. Elsewhere it chooses among renderers."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class ExportView(APIView):
    content_negotiation_class = AnyType
    http_method_names = ["get", "options"]  # no HEAD: the answer's length is known only once it is made

    @extend_schema(
        operation_id="export",
        parameters=[
            OpenApiParameter("format", enum=Format.values, required=True),
            *(OpenApiParameter(name, bool, description=str(_FIELDS[name].help_text)) for name in _FLAGS),
            OpenApiParameter("q", description=str(_FIELDS["q"].help_text)),
            OpenApiParameter("batch", int, description=str(_FIELDS["batch"].help_text)),
            OpenApiParameter("ids", description=str(_FIELDS["ids"].help_text)),
        ],
        responses=answers({(200, kind): OpenApiTypes.BINARY for kind in _FILES}, 400, 401, 404),
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Your captions as a file, in the order of the photos' ids.

        CSV, JSON Lines (Hugging Face imagefolder), COCO captions, or a zip of text or XMP side-cars.
        """
        form = ExportForm(request.query_params)
        if not form.is_valid():
            raise exceptions.ValidationError({name: list(map(str, said)) for name, said in form.errors.items()})
        batch_id = form.cleaned_data["batch"]
        batch = batch_of(request, batch_id) if batch_id is not None else None
        return export_answer(form.order(owner=user_of(request), batch=batch))
