"""Tables of bulk submissions."""

import secrets

from django.conf import settings
from django.db import models
from django.db.models import Case, Q, Value, When
from django.urls import reverse

from webapp.photos.models import Photo


def submission_id_make() -> str:
    return secrets.token_hex(6)


class Batch(models.Model):
    """A bulk submission. Its progress is counted from its items and their jobs, never stored."""

    class Source(models.TextChoices):
        FOLDER = "folder", "Folder"
        ZIP = "zip", "Zip file"
        API = "api", "API"

    class State(models.TextChoices):
        UNPACKING = "unpacking", "Unpacking"  # its files are still being taken in
        RUNNING = "running", "Running"  # finished once no file waits: see `selectors`
        PAUSED = "paused", "Paused"
        CANCELLED = "cancelled", "Cancelled"
        FAILED = "failed", "Failed"  # could not be unpacked: `error` says why

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="batches")
    name = models.CharField(max_length=200)
    source = models.CharField(max_length=16, choices=Source)
    submission = models.CharField(
        max_length=100, default=submission_id_make, help_text="the submission's own id, given or made"
    )
    origin = models.TextField(blank=True, help_text="absolute path of the folder that was submitted")
    state = models.CharField(max_length=16, choices=State, default=State.RUNNING)
    archive = models.CharField(max_length=200, blank=True, help_text="the zip as it came, below the media folder")
    error = models.TextField(blank=True)
    unpack_lease_expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "batches"
        constraints = [models.UniqueConstraint(fields=["owner", "submission"], name="submission_once_per_owner")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("batch", args=[self.pk])


class BatchItem(models.Model):
    """One file of a batch: its photo, or the reason why it has none.

    Raw name and content identify a file. A file that was edited under the same name is another item.
    """

    class Outcome(models.TextChoices):
        PENDING = "pending", "Not taken in yet"
        TAKEN = "taken", "Taken"
        SAME = "same", "There already"  # the owner had a photo of the same content
        CHANGED = "changed", "Changed"  # taken; an earlier run took other content under this name
        FAILED = "failed", "Failed"
        LEFT_OUT = "left_out", "Left out"  # not a photo, or not wanted: `error_message` says why
        GONE = "gone", "Gone"  # it failed or was left out, and is no longer in the folder

    class Problem(models.TextChoices):
        """The reason why a file has no caption, as listed on the batch's page."""

        FAILED = "failed", "Failed"  # not taken, or its photo could not be captioned
        LEFT_OUT = "left_out", "Left out"
        NONE = "none", "None"

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="items")
    name = models.CharField(max_length=1000, help_text="path inside the folder or zip, made safe to show")
    key = models.CharField(max_length=64, help_text="sha256 of the path's raw bytes")
    sha256 = models.CharField(max_length=64, blank=True, help_text="of the content, once it was read")
    outcome = models.CharField(max_length=16, choices=Outcome, default=Outcome.PENDING)
    photo = models.ForeignKey(
        Photo, on_delete=models.SET_NULL, null=True, blank=True, related_name="batch_items",
        help_text="none where it was not taken, or was deleted since",
    )  # fmt: skip
    error_code = models.CharField(max_length=32, blank=True)
    error_message = models.TextField(blank=True)
    job_state = models.CharField(
        max_length=16, blank=True, default="", editable=False,
        help_text="state of its photo's job; triggers keep it, running counts as queued: see `counters.py`",
    )  # fmt: skip
    problem = models.GeneratedField(
        expression=Case(
            When(Q(outcome="failed") | Q(job_state__in=("failed", "quarantined")), then=Value(Problem.FAILED)),
            When(outcome="left_out", then=Value(Problem.LEFT_OUT)),
            default=Value(Problem.NONE),
        ),
        output_field=models.CharField(max_length=16, choices=Problem),
        db_persist=True,
    )

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["batch", "key", "sha256"], name="content_once_per_item")]
        indexes = [
            models.Index(fields=["batch", "problem", "id"], name="item_problems"),
            models.Index(fields=["batch", "outcome", "id"], name="item_outcome"),  # the admin's list by outcome
            models.Index(fields=["batch", "-photo"], name="item_photos"),
        ]

    def __str__(self) -> str:
        return self.name
