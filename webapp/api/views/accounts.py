"""Log in for an API token, and log out."""

from typing import Any

from django.contrib.auth import authenticate, user_logged_in, user_logged_out
from drf_spectacular.utils import extend_schema
from knox.models import get_token_model
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

from webapp.api.errors import LockedOut, LoginFailed
from webapp.api.schema import answers
from webapp.api.serializers import LoginSerializer, TokenSerializer


class LoginView(APIView):
    """Get a token for a name and password. Five wrong passwords lock the account for 15 minutes."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (ScopedRateThrottle,)
    throttle_scope = "login"

    @extend_schema(
        operation_id="login",
        request=LoginSerializer,
        responses=answers({200: TokenSerializer}, 400, 401, 429),
    )
    def post(self, request: Request) -> Response:
        form = LoginSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        http_request: Any = request._request  # django-axes marks this one
        user = authenticate(http_request, username=asked["username"], password=asked["password"])
        if user is None:
            if getattr(http_request, "axes_locked_out", False):
                http_request.axes_locked_out = False  # otherwise its middleware answers with an HTML page
                raise LockedOut
            raise LoginFailed
        user_logged_in.send(sender=user.__class__, request=http_request, user=user)
        token, secret = get_token_model().objects.create(user=user, name=asked["name"], scope=asked["scope"])
        answer = {"token": secret, "name": token.name, "scope": token.scope, "expires_at": token.expiry}
        return Response(TokenSerializer(answer).data)


class LogoutView(APIView):
    """Revoke the token that this request is sent with."""

    permission_classes = (IsAuthenticated,)  # for tokens of any scope

    @extend_schema(operation_id="logout", request=None, responses=answers({204: None}, 401))
    def post(self, request: Request) -> Response:
        request.auth.delete()
        user_logged_out.send(sender=request.user.__class__, request=request._request, user=request.user)
        return Response(status=204)
