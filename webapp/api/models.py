from django.db import models
from knox.models import AbstractAuthToken


class AuthToken(AbstractAuthToken):  # type: ignore[misc]  # knox has no types
    """An API token (stored hashed by knox) with a name its owner recognises it by, and what it may do."""

    class Scope(models.TextChoices):
        READ = "read", "Read"
        WRITE = "write", "Read and write"

    name = models.CharField(max_length=100, blank=True)
    scope = models.CharField(max_length=16, choices=Scope, default=Scope.WRITE)

    def __str__(self) -> str:
        return self.name or self.token_key
