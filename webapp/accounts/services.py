"""Deleting an account."""

from typing import Final

from django.dispatch import Signal

from webapp.accounts.models import User

account_deleting: Final = Signal()
"""Sent with `user` before an account is deleted. The apps above delete what the account owns, files included."""


def account_delete(*, user: User) -> None:
    account_deleting.send(sender=User, user=user)
    user.delete()
