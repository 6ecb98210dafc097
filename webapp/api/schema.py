"""What drf-spectacular cannot find out by itself."""

from typing import Any

from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme

from webapp.api.serializers import ErrorBodySerializer


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]
    target_class = "webapp.api.authentication.TokenAuthentication"
    name = "token"


def answers(answer: dict[int, Any], *errors: int) -> dict[int, Any]:
    """The responses of an operation: what it answers where all is well, and the statuses of its errors."""
    return answer | dict.fromkeys(errors, ErrorBodySerializer)
