from django.conf import settings
from django.db import models

from webapp.gallery.models import Caption


class Review(models.Model):
    """One decision of one person on one caption. The newest counts; none is ever changed or deleted."""

    class Decision(models.TextChoices):
        APPROVED = "approved", "Approved"
        EDITED = "edited", "Edited"
        REJECTED = "rejected", "Rejected"

    caption = models.ForeignKey(Caption, on_delete=models.CASCADE, related_name="reviews")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews")
    decision = models.CharField(max_length=16, choices=Decision)
    text = models.TextField(blank=True, help_text="what the person wrote; empty where the caption was rejected")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        default_permissions = ("add", "view")  # add: may decide. Nobody is given the right to rewrite the history

    def __str__(self) -> str:
        return f"{self.decision} by {self.reviewer}"


class CaptionForReview(Caption):
    """The same rows as captions, under a page of the admin of their own. Its permissions are those of `Review`."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "caption for review"
        verbose_name_plural = "captions for review"
