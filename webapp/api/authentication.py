from typing import Any

from knox import auth
from rest_framework.exceptions import AuthenticationFailed


class TokenAuthentication(auth.TokenAuthentication):  # type: ignore[misc]  # knox has no types
    """`Authorization: Token ...`, hashed in the database."""

    def authenticate_credentials(self, token: bytes) -> Any:
        if not token.isascii():
            raise AuthenticationFailed("Invalid token.")  # knox fails on such bytes
        return super().authenticate_credentials(token)
