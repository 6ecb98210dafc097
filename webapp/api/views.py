"""REST, thin over the services. Whose photos: those of the token's user, and nobody else's."""

from typing import Any

from django.contrib.auth import authenticate, user_logged_in, user_logged_out
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from knox.models import get_token_model
from rest_framework import exceptions, generics
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

from webapp.api.errors import LockedOut, LoginFailed, error_body, gallery_status
from webapp.api.serializers import (
    ErrorBodySerializer,
    LoginSerializer,
    PhotoSerializer,
    PhotoSummarySerializer,
    TokenSerializer,
    UploadSerializer,
    UploadsSerializer,
)
from webapp.gallery.models import CaptionJob, Photo
from webapp.gallery.selectors import photos as photo_selectors
from webapp.gallery.services import photos as photo_services

ERROR = ErrorBodySerializer


class Pagination(PageNumberPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


class LoginView(APIView):
    """A token for a name and password. After five wrong passwords the account is locked for a quarter of an hour."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (ScopedRateThrottle,)
    throttle_scope = "login"

    @extend_schema(
        operation_id="login",
        request=LoginSerializer,
        responses={200: TokenSerializer, 400: ERROR, 401: ERROR, 429: ERROR},
    )
    def post(self, request: Request) -> Response:
        form = LoginSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        http_request: Any = request._request  # the one that axes marks
        user = authenticate(http_request, username=asked["username"], password=asked["password"])
        if user is None:
            if getattr(http_request, "axes_locked_out", False):
                http_request.axes_locked_out = False  # else its middleware answers with a page
                raise LockedOut
            raise LoginFailed
        user_logged_in.send(sender=user.__class__, request=http_request, user=user)
        token, secret = get_token_model().objects.create(user=user, name=asked["name"], scope=asked["scope"])
        answer = {"token": secret, "name": token.name, "scope": token.scope, "expires_at": token.expiry}
        return Response(TokenSerializer(answer).data)


class LogoutView(APIView):
    """The token it is sent with is no longer valid."""

    permission_classes = (IsAuthenticated,)  # whatever the token's scope

    @extend_schema(operation_id="logout", request=None, responses={204: None, 401: ERROR})
    def post(self, request: Request) -> Response:
        request.auth.delete()
        user_logged_out.send(sender=request.user.__class__, request=request._request, user=request.user)
        return Response(status=204)


class PhotosView(generics.ListAPIView[Photo]):
    serializer_class = PhotoSummarySerializer
    pagination_class = Pagination
    parser_classes = (MultiPartParser,)

    def get_queryset(self) -> Any:
        states = self.request.query_params.getlist("state")
        for state in states:
            if state not in CaptionJob.State.values:
                raise exceptions.ValidationError(
                    {"state": f"“{state}” is none of: {', '.join(CaptionJob.State.values)}."}
                )
        return photo_selectors.photos_of(self.request.user, states=tuple(states))  # type: ignore[arg-type]

    @extend_schema(
        operation_id="photos_list",
        parameters=[OpenApiParameter("state", enum=CaptionJob.State.values, many=True)],
        responses={200: PhotoSummarySerializer(many=True), 400: ERROR, 401: ERROR},
    )
    def get(self, request: Request) -> Response:
        """Your photos, newest first."""
        return super().get(request)

    @extend_schema(
        operation_id="photos_upload",
        request={"multipart/form-data": UploadSerializer},
        responses={
            202: UploadsSerializer, 400: ERROR, 401: ERROR, 403: ERROR, 413: UploadsSerializer, 422: UploadsSerializer
        },
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Upload photos to be captioned. A file that is refused does not stop its neighbours."""
        uploads = photo_services.photos_upload(owner=request.user, files=request.FILES.getlist("file"))  # type: ignore[arg-type]
        errors = [upload.error for upload in uploads if upload.error]
        answer: dict[str, Any] = {
            "results": uploads,
            "accepted": len(uploads) - len(errors),
            "rejected": len(errors),
        }
        statuses = {gallery_status(error) for error in errors}
        if len(errors) < len(uploads):
            status = 202
        else:
            status = statuses.pop() if len(statuses) == 1 else 422
            code = errors[0].code if len(errors) == 1 else "all_rejected"
            message = errors[0].message if len(errors) == 1 else f"None of {len(errors)} files was taken: see results."
            answer |= error_body(code, message)
        return Response(UploadsSerializer(answer, context={"request": request}).data, status=status)


class PhotoView(APIView):
    @extend_schema(operation_id="photos_detail", responses={200: PhotoSerializer, 401: ERROR, 404: ERROR})
    def get(self, request: Request, photo_id: int) -> Response:
        """The state of one photo, and its caption once there is one."""
        return Response(PhotoSerializer(_photo(request, photo_id), context={"request": request}).data)

    @extend_schema(operation_id="photos_delete", responses={204: None, 401: ERROR, 403: ERROR, 404: ERROR})
    def delete(self, request: Request, photo_id: int) -> Response:
        """Delete a photo with its captions and files."""
        photo_services.photo_delete(photo=_photo(request, photo_id))
        return Response(status=204)


class PhotoRetryView(APIView):
    @extend_schema(
        operation_id="photos_retry",
        request=None,
        responses={202: PhotoSerializer, 401: ERROR, 403: ERROR, 404: ERROR, 409: ERROR},
    )
    def post(self, request: Request, photo_id: int) -> Response:
        """Caption a photo again that failed, was quarantined or was cancelled."""
        photo_services.photo_retry(photo=_photo(request, photo_id))
        return Response(PhotoSerializer(_photo(request, photo_id), context={"request": request}).data, status=202)


def _photo(request: Request, photo_id: int) -> Photo:
    return get_object_or_404(photo_selectors.photos_of(request.user), pk=photo_id)  # type: ignore[arg-type]


@extend_schema(exclude=True)
class UnknownView(APIView):
    """Any other path below the API: JSON as well, where Django's own answer is a page."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise exceptions.NotFound(f"There is nothing at {request.path}. Paths end in a slash; /api/schema/ lists them.")
