"""The one row about the site itself."""

from django.db import models
from django.db.models import Q


class Installation(models.Model):
    """The one row that says which site this database belongs to.

    The media folder carries the same identity in a file: see `upkeep/services/media_identity.py`.
    """

    identity = models.CharField(max_length=32, help_text="the media folder says the same; empty until they are paired")
    clock_seen_at = models.DateTimeField(null=True, blank=True, help_text="database time of the last sweep")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="one_installation")]

    def __str__(self) -> str:
        return self.identity
