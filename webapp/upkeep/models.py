"""The table with one row about the site."""

from django.db import models
from django.db.models import Q


class Installation(models.Model):
    """The single row that identifies the site of this database.

    A file in the media folder holds the same identity: see `upkeep/services/media_identity.py`.
    """

    identity = models.CharField(max_length=32, help_text="the media folder says the same; empty until they are paired")
    clock_seen_at = models.DateTimeField(null=True, blank=True, help_text="database time of the last sweep")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="one_installation")]

    def __str__(self) -> str:
        return self.identity
