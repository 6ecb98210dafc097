"""The batches of the token's user."""

from typing import Any, Final

from django.urls import reverse
from django.utils.functional import cached_property
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, generics
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webapp.api.pagination import Pagination
from webapp.api.permissions import user_of
from webapp.api.schema import answers
from webapp.api.serializers import BatchItemSerializer, BatchSerializer, BatchUploadSerializer
from webapp.batches import selectors as batch_selectors
from webapp.batches.errors import BatchRejected
from webapp.batches.models import Batch, BatchItem
from webapp.batches.services import batch_control
from webapp.batches.services.zip_unpacking import batch_create_from_zip
from webapp.photos.upload_parser import ARCHIVE_FIELD

ACTIONS: Final = {
    "pause": batch_control.batch_pause,
    "resume": batch_control.batch_resume,
    "cancel": batch_control.batch_cancel,
}


def batch_of(request: Request, batch_id: int) -> Batch:
    batch = batch_selectors.batches_of(user_of(request)).filter(pk=batch_id).first()
    if batch is None:
        raise exceptions.NotFound(f"You have no batch {batch_id}. GET {reverse('api:batches')} lists yours.")
    return batch


def _answer(request: Request, batch_id: int, *, status: int) -> Response:
    return Response(BatchSerializer(batch_of(request, batch_id), context={"request": request}).data, status=status)


class BatchesView(generics.ListAPIView[Batch]):
    serializer_class = BatchSerializer
    pagination_class = Pagination
    parser_classes = (MultiPartParser,)

    def get_queryset(self) -> Any:
        return batch_selectors.batches_of(user_of(self.request))

    def paginate_queryset(self, queryset: Any) -> Any:
        return batch_selectors.batches_counted(super().paginate_queryset(queryset) or [])

    @extend_schema(operation_id="batches_list", responses=answers({200: BatchSerializer(many=True)}, 401))
    def get(self, request: Request) -> Response:
        """Your batches, newest first."""
        return super().get(request)

    @extend_schema(
        operation_id="batches_upload",
        request={"multipart/form-data": BatchUploadSerializer},
        responses=answers({202: BatchSerializer}, 400, 401, 403, 413, 422, 503, 507),
    )
    def post(self, request: Request) -> Response:
        """Upload a zip of photos. A worker unpacks it. A refused file in it does not stop the others."""
        file = request.FILES.get(ARCHIVE_FIELD)
        if file is None:
            raise BatchRejected("no_file", "No zip was sent. Put it into the field “archive”.")
        batch = batch_create_from_zip(owner=user_of(request), file=file, name=str(request.POST.get("name", "")))
        return _answer(request, batch.pk, status=202)


class BatchView(APIView):
    @extend_schema(operation_id="batches_detail", responses=answers({200: BatchSerializer}, 401, 404))
    def get(self, request: Request, batch_id: int) -> Response:
        """The state and progress of a batch."""
        return _answer(request, batch_id, status=200)


class BatchActionView(APIView):
    @extend_schema(
        operation_id="batches_action",
        request=None,
        parameters=[OpenApiParameter("action", location="path", enum=list(ACTIONS))],
        responses=answers({200: BatchSerializer}, 401, 403, 404, 409),
    )
    def post(self, request: Request, batch_id: int, action: str) -> Response:
        """Pause, resume or cancel a batch. Existing captions stay."""
        if action not in ACTIONS:
            raise exceptions.NotFound(f"“{action}” is no action of a batch. Use one of: {', '.join(ACTIONS)}.")
        ACTIONS[action](batch=batch_of(request, batch_id))
        return _answer(request, batch_id, status=200)


class BatchItemsView(generics.ListAPIView[BatchItem]):
    serializer_class = BatchItemSerializer
    pagination_class = Pagination

    def get_queryset(self) -> Any:
        if self._failed:
            return batch_selectors.batch_failures(self._batch)
        return self._batch.items.select_related("photo__job").order_by("pk")

    def rows_count(self) -> int:
        if self._failed:
            return batch_selectors.batch_failures_count(self._batch)
        return batch_selectors.batch_items_count(self._batch)

    @cached_property
    def _batch(self) -> Batch:
        return batch_of(self.request, self.kwargs["batch_id"])

    @property
    def _failed(self) -> bool:
        return self.request.query_params.get("failed") == "true"

    @extend_schema(
        operation_id="batches_items",
        parameters=[OpenApiParameter("failed", bool, description="only files without a caption, each with the reason")],
        responses=answers({200: BatchItemSerializer(many=True)}, 401, 404),
    )
    def get(self, request: Request, batch_id: int) -> Response:
        """The files of a batch, in the batch's order."""
        return super().get(request)
