"""The photos of the token's user."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, generics
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webapp.api.errors import error_body, error_status
from webapp.api.pagination import Pagination
from webapp.api.permissions import user_of
from webapp.api.schema import answers
from webapp.api.serializers import (
    DecisionSerializer,
    PhotoSerializer,
    PhotoSummarySerializer,
    PhotoTextSerializer,
    TextConflictSerializer,
    UploadSerializer,
    UploadsSerializer,
)
from webapp.captioning.errors import CaptionMissing, DecisionConflict, TextRejected
from webapp.captioning.models import CaptionJob
from webapp.captioning.selectors import photos as photo_selectors
from webapp.captioning.services import photo_intake as photo_services
from webapp.captioning.services.caption_jobs import photo_retry
from webapp.captioning.services.decisions import photo_text_write
from webapp.photos.models import Photo


class PhotosView(generics.ListAPIView[Photo]):
    serializer_class = PhotoSummarySerializer
    pagination_class = Pagination
    parser_classes = (MultiPartParser,)

    def get_queryset(self) -> Any:
        return photo_selectors.photos_of(user_of(self.request), states=self._states())

    def rows_count(self) -> int:
        return photo_selectors.photos_count(user_of(self.request), states=self._states())

    def _states(self) -> list[str]:
        states = self.request.query_params.getlist("state")
        for state in states:
            if state not in CaptionJob.State.values:
                raise exceptions.ValidationError(
                    {"state": f"“{state}” is none of: {', '.join(CaptionJob.State.values)}."}
                )
        return states

    @extend_schema(
        operation_id="photos_list",
        parameters=[OpenApiParameter("state", enum=CaptionJob.State.values, many=True)],
        responses=answers({200: PhotoSummarySerializer(many=True)}, 400, 401),
    )
    def get(self, request: Request) -> Response:
        """Your photos, newest first."""
        return super().get(request)

    @extend_schema(
        operation_id="photos_upload",
        request={"multipart/form-data": UploadSerializer},
        responses=answers(dict.fromkeys((202, 413, 422, 503, 507), UploadsSerializer), 400, 401, 403),
    )
    def post(self, request: Request) -> Response:
        """Upload photos to be captioned. A refused file does not stop the others."""
        uploads = photo_services.photos_upload(owner=user_of(request), files=request.FILES.getlist("file"))
        errors = [upload.error for upload in uploads if upload.error]
        answer: dict[str, Any] = {
            "results": uploads,
            "accepted": len(uploads) - len(errors),
            "rejected": len(errors),
            "summary": str(photo_services.uploads_tally(uploads)),
        }
        if len(errors) < len(uploads):
            status = 202
        else:
            status = max(error_status(error) for error in errors)  # a full disk (507) says more than a bad file (422)
            code = errors[0].code if len(errors) == 1 else "all_rejected"
            message = (
                errors[0].message if len(errors) == 1 else f"All {len(errors)} files were rejected: see “results”."
            )
            answer |= error_body(code, message)
        return Response(UploadsSerializer(answer, context={"request": request}).data, status=status)


class PhotoView(APIView):
    parser_classes = (JSONParser,)

    @extend_schema(operation_id="photos_detail", responses=answers({200: PhotoSerializer}, 401, 404))
    def get(self, request: Request, photo_id: int) -> Response:
        """The state of one photo, and its caption if it has one."""
        return Response(PhotoSerializer(_photo(request, photo_id), context={"request": request}).data)

    @extend_schema(
        operation_id="photos_edit",
        request=PhotoTextSerializer,
        responses=answers({200: PhotoSerializer, 409: TextConflictSerializer}, 400, 401, 403, 404, 422),
    )
    def patch(self, request: Request, photo_id: int) -> Response:
        """Write your own text for a photo, or choose no caption. No model writes over it.

        The model's own text (`machine_caption`) is approved by writing it.
        """
        photo = _photo(request, photo_id)
        asked = PhotoTextSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        newest = photo_selectors.decision_newest(photo)
        seen = values.get("seen", newest.pk if newest else None)
        try:
            photo_text_write(photo=photo, writer=user_of(request), text=values["text"] or "", seen=seen)
        except TextRejected as refused:
            return Response(error_body("too_long", str(refused)), status=422)
        except CaptionMissing as refused:
            return Response(error_body("no_caption", str(refused)), status=409)
        except DecisionConflict as refused:
            message = f"{refused.newest.reviewer} has decided on this caption since you read it. Read it, then decide."
            told = error_body("conflict", message) | {"decision": DecisionSerializer(refused.newest).data}
            return Response(told, status=409)
        return Response(PhotoSerializer(_photo(request, photo_id), context={"request": request}).data)

    @extend_schema(operation_id="photos_delete", responses=answers({204: None}, 401, 403, 404))
    def delete(self, request: Request, photo_id: int) -> Response:
        """Delete a photo with its captions and files."""
        photo_services.photo_delete(photo=_photo(request, photo_id))
        return Response(status=204)


class PhotoRetryView(APIView):
    @extend_schema(
        operation_id="photos_retry",
        request=None,
        responses=answers({202: PhotoSerializer}, 401, 403, 404, 409),
    )
    def post(self, request: Request, photo_id: int) -> Response:
        """Caption a failed, quarantined or cancelled photo again."""
        photo_retry(photo=_photo(request, photo_id))
        return Response(PhotoSerializer(_photo(request, photo_id), context={"request": request}).data, status=202)


def _photo(request: Request, photo_id: int) -> Photo:
    mine = photo_selectors.photos_of(user_of(request))
    photo = photo_selectors.photos_detailed(mine).filter(pk=photo_id).first()
    if photo is None:
        raise exceptions.NotFound(f"You have no photo {photo_id}. GET {reverse('api:photos')} lists yours.")
    return photo
