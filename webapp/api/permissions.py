from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from webapp.accounts.models import User
from webapp.api.models import AuthToken


class TokenScope(BasePermission):
    """A token of scope `read` may not write."""

    message = "This token may only read. Log in again with the scope “write”."
    code = "read_only_token"

    def has_permission(self, request: Request, view: Any) -> bool:
        token = request.auth
        return request.method in SAFE_METHODS or (isinstance(token, AuthToken) and token.scope == AuthToken.Scope.WRITE)


def user_of(request: Request) -> User:
    """The account behind a token."""
    assert isinstance(request.user, User)
    return request.user
