"""What drf-spectacular cannot infer."""

from typing import Any

from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme

from webapp.api.serializers import ErrorBodySerializer


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]
    target_class = "webapp.api.authentication.TokenAuthentication"
    name = "token"


def answers(answer: dict[int, Any], *errors: int) -> dict[int, Any]:
    """The responses of an operation: its answer on success, and the HTTP statuses of its errors."""
    return answer | dict.fromkeys(errors, ErrorBodySerializer)
