from django.contrib.auth.models import AbstractUser


class User(AbstractUser):  # type: ignore[django-manager-missing]  # of tokens: knox has no types
    """An account. Django cannot swap the user model later, so this class exists from the first migration."""
