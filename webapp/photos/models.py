"""Tables of photos and their files."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse


class ReviewState(models.TextChoices):
    """The newest verdict of a person on a caption."""

    UNDECIDED = "undecided", "Undecided"
    APPROVED = "approved", "Approved"
    EDITED = "edited", "Edited"
    REJECTED = "rejected", "Rejected"


class Photo(models.Model):
    """An uploaded photo. `original` is kept unchanged; pages show the derivatives.

    `text` is the text below the photo. Only `captioning.services.texts` writes it and the columns after it.
    """

    class TextBy(models.TextChoices):
        MODEL = "model", "Model"
        PERSON = "person", "Person"
        IMPORT = "import", "Import"

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="photos", db_index=False
    )  # the indexes below begin with the owner
    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=255, help_text="the file's name as it came, made safe to show")
    original = models.CharField(max_length=200, help_text="path below the media folder")
    thumbnail = models.CharField(max_length=200, help_text="oriented, free of metadata")
    preview = models.CharField(max_length=200, help_text="oriented, free of metadata, larger")
    format = models.CharField(max_length=16)
    width = models.PositiveIntegerField(help_text="after orientation")
    height = models.PositiveIntegerField(help_text="after orientation")
    size_bytes = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    text = models.TextField(blank=True, default="", help_text="what stands below the photo; empty before any caption")
    text_by = models.CharField(
        max_length=16, choices=TextBy, blank=True, default="", help_text="who wrote the text; empty: nobody"
    )
    text_at = models.DateTimeField(null=True, blank=True, help_text="when it was written, or last decided on")
    caption = models.ForeignKey(
        "captioning.Caption", on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        help_text="the caption that the text is, or was made of",
    )  # fmt: skip
    review_state = models.CharField(max_length=16, choices=ReviewState, default=ReviewState.UNDECIDED)
    confidence = models.FloatField(
        null=True, blank=True, help_text="how sure the model is of the text; none where it did not write it"
    )
    model_version = models.ForeignKey(
        "captioning.ModelVersion", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False,
        help_text="the caption's",
    )  # fmt: skip
    search_words = models.TextField(blank=True, default="", editable=False, help_text="see `search_words.py`")
    search_objects = models.TextField(
        blank=True, default="", editable=False, help_text="the words of objects in it, which weigh less in a search"
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["owner", "sha256"], name="photo_once_per_owner")]
        indexes = [
            # An owner's list, with all that it is filtered and sorted by: neither needs the rows of 100,000 photos.
            models.Index(
                fields=[
                    "owner",
                    "-created_at",
                    "-id",
                    "text_by",
                    "review_state",
                    "confidence",
                    "model_version",
                    "format",
                    "name",
                ],
                name="photo_found",
            ),
            # For the staff's lists. The second index holds only decided photos. Its condition has one term per state,
            # because SQLite recognises only such terms in a query.
            models.Index(fields=["-created_at", "-id"], name="photo_newest_of_all"),
            models.Index(
                fields=["review_state", "-created_at", "-id"],
                name="photo_decided",
                condition=Q(review_state="approved") | Q(review_state="edited") | Q(review_state="rejected"),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("photo", args=[self.pk])


class MediaRemoval(models.Model):
    """A folder whose row a person deleted. Its files are removed next, also after a crash; then this row is deleted."""

    folder = models.CharField(max_length=200, unique=True, help_text="path below the media folder")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.folder
