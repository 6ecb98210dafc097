from django.contrib.auth.models import AbstractUser


class User(AbstractUser):  # type: ignore[django-manager-missing]  # of tokens: knox has no types
    """An account. Our own class from the first migration on, because it cannot be swapped in later."""
