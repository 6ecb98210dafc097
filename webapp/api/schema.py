"""What drf-spectacular cannot infer."""

from typing import Any

from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme

from webapp.api.serializers import ErrorBodySerializer


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]
    target_class = "webapp.api.authentication.TokenAuthentication"
    name = "token"


def answers(answer: dict[Any, Any], *errors: int) -> dict[Any, Any]:
    """The responses of an operation: its answer on success, by status and perhaps type; and its errors' statuses."""
    return answer | dict.fromkeys(errors, ErrorBodySerializer)
