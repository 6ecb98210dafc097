from django.db import models
from knox.models import AbstractAuthToken


class AuthToken(AbstractAuthToken):  # type: ignore[misc]  # knox has no types
    """An API token, which knox stores hashed. It has a name that its owner chose, and a scope."""

    class Scope(models.TextChoices):
        READ = "read", "Read"
        WRITE = "write", "Read and write"

    name = models.CharField(max_length=100, blank=True)
    scope = models.CharField(max_length=16, choices=Scope, default=Scope.WRITE)

    def __str__(self) -> str:
        return self.name or self.token_key
