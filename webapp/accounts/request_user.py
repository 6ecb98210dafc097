from django.http import HttpRequest

from webapp.accounts.models import User


def user_of(request: HttpRequest) -> User:
    """The account behind a request that a login guards."""
    assert isinstance(request.user, User)
    return request.user
