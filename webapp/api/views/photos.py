"""The photos of the token's user."""

from typing import Any, Final

from django.urls import reverse
from django.utils.functional import cached_property
from drf_spectacular.types import OpenApiTypes
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
from webapp.captioning.counters import SURENESS
from webapp.captioning.errors import CaptionMissing, DecisionConflict, TextRejected
from webapp.captioning.models import CaptionJob
from webapp.captioning.selectors import photos as photo_selectors
from webapp.captioning.services import photo_intake as photo_services
from webapp.captioning.services.caption_jobs import photo_retry
from webapp.captioning.services.decisions import photo_text_write
from webapp.finding.photo_filter import SORTS, photo_filter_read
from webapp.finding.selectors import FoundPhotos
from webapp.photos.formats import FORMATS_KEPT
from webapp.photos.models import Photo, ReviewState

_FILTERS: Final = [
    OpenApiParameter(
        "q", description="words of text, file name or what the classifier sees, or their beginnings; "
        "“\"two dogs\"” is a phrase, “-cat” finds the others"
    ),
    OpenApiParameter("state", enum=CaptionJob.State.values, many=True, description="of the job; any of them"),
    OpenApiParameter("by", enum=Photo.TextBy.values, description="who wrote the text"),
    OpenApiParameter("review", enum=ReviewState.values, description="the newest verdict of a person"),
    OpenApiParameter("sure", enum=list(SURENESS), description="how sure the model is of the text that it wrote"),
    OpenApiParameter("model", int, description="id of the model version"),
    OpenApiParameter("batch", int, description="id of a batch that the photo came with"),
    OpenApiParameter("since", OpenApiTypes.DATE, description="first day of the upload, in UTC"),
    OpenApiParameter("until", OpenApiTypes.DATE, description="last day of the upload, in UTC"),
    OpenApiParameter("format", enum=FORMATS_KEPT, description="of the file"),
    OpenApiParameter(
        "sort", enum=SORTS, description="“best” if something is searched for, else “newest”; “unsure”: least sure first"
    ),
]  # fmt: skip


class PhotosView(generics.ListAPIView[Photo]):
    serializer_class = PhotoSummarySerializer
    pagination_class = Pagination
    parser_classes = (MultiPartParser,)

    def get_queryset(self) -> Any:
        return self._found

    def rows_count(self) -> int:
        return self._found.count()

    @cached_property
    def _found(self) -> FoundPhotos:
        wanted, problems = photo_filter_read(self.request.query_params)
        if problems:
            raise exceptions.ValidationError(problems)
        return FoundPhotos(user_of(self.request), wanted)

    @extend_schema(
        operation_id="photos_list",
        parameters=_FILTERS,
        responses=answers({200: PhotoSummarySerializer(many=True)}, 400, 401),
    )
    def get(self, request: Request) -> Response:
        """Your photos: all, newest first, or those that all of the filters find."""
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
