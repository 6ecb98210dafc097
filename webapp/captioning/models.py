"""The tables of captioning. A row is the truth; a message on the queue only hints at work."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Case, Q, Value, When

from webapp.photos.models import Photo, ReviewState

CAPTION_DETAILS = ("attention", "words", "alternatives", "seen_objects")  # columns that no list shows


class ModelVersion(models.Model):
    """A registered bundle, with a copy of the data that the web process shows. That process opens no bundle."""

    class State(models.TextChoices):
        CANDIDATE = "candidate", "Candidate"  # registered, not yet verified by a worker
        VERIFIED = "verified", "Verified"
        REJECTED = "rejected", "Rejected"  # verification failed: `error` says why
        ACTIVE = "active", "Active"
        RETIRED = "retired", "Retired"

    version = models.CharField(max_length=64, unique=True, help_text="sha256 of the bundle's manifest")
    name = models.CharField(max_length=200)
    path = models.CharField(max_length=1000, help_text="folder of the bundle, below the data folder")
    state = models.CharField(max_length=16, choices=State, default=State.CANDIDATE)
    error = models.TextField(blank=True)
    config = models.JSONField(default=dict)
    vocabulary = models.JSONField(default=list)
    metrics = models.JSONField(default=dict)
    card = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    activated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=Q(state="active"), name="one_active_model_version")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.version[:12]})"

    @property
    def folder(self) -> Path:
        """The bundle's current folder. The data folder may have moved since the registration."""
        return Path(settings.DATA_DIR) / self.path


class CaptionJob(models.Model):
    """The work of captioning one photo: its state, and the lease of the worker that captions it.

    A worker takes a lease for some seconds and renews it. `token` rises with every lease. A write with an older token
    is refused (a fencing token: Kleppmann, "How to do distributed locking", 2016).
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Captioning"
        DONE = "done", "Captioned"
        FAILED = "failed", "Failed"  # because of the file: `error_message` says why
        QUARANTINED = "quarantined", "Quarantined"  # opening it harmed a process; may be retried
        PAUSED = "paused", "Paused"
        CANCELLED = "cancelled", "Cancelled"

    class Lane(models.TextChoices):
        INTERACTIVE = "interactive", "Interactive"
        BULK = "bulk", "Bulk"

    class Standing(models.TextChoices):
        """A group of states, as the gallery filters them."""

        WAITING = "waiting", "Waiting"
        CAPTIONED = "captioned", "Captioned"
        FAILED = "failed", "Failed"

    photo = models.OneToOneField(Photo, on_delete=models.CASCADE, related_name="job")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False,
        help_text="the photo's, for the index",
    )  # fmt: skip
    photo_created_at = models.DateTimeField(help_text="the photo's, for the index")
    lane = models.CharField(max_length=16, choices=Lane, default=Lane.INTERACTIVE)
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    token = models.PositiveBigIntegerField(default=0, help_text="fencing token: rises with every lease")
    lease_count = models.PositiveIntegerField(default=0, help_text="leases since the job was queued, without a result")
    harm_count = models.PositiveIntegerField(default=0, help_text="times the file crashed, hung or bloated its decoder")
    worker = models.CharField(max_length=200, blank=True)
    error_code = models.CharField(max_length=32, blank=True)
    error_message = models.TextField(blank=True)
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    standing = models.GeneratedField(
        expression=Case(
            When(state="done", then=Value(Standing.CAPTIONED)),
            When(state__in=("failed", "quarantined", "cancelled"), then=Value(Standing.FAILED)),
            default=Value(Standing.WAITING),
        ),
        output_field=models.CharField(max_length=16, choices=Standing),
        db_persist=True,
    )

    class Meta:
        indexes = [
            models.Index(fields=["owner", "standing", "-photo_created_at", "-photo"], name="job_newest_first"),
            models.Index(fields=["state", "lane", "queued_at"], name="job_waiting"),
            models.Index(fields=["state", "lease_expires_at"], name="job_leases"),
            models.Index(fields=["-queued_at", "-id"], name="job_newest"),  # staff's lists
            models.Index(fields=["state", "-queued_at", "-id"], name="job_newest_in_state"),
        ]

    def __str__(self) -> str:
        return f"{self.photo_id}: {self.state}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._state.adding:
            self.owner_id, self.photo_created_at = self.photo.owner_id, self.photo.created_at
        super().save(*args, **kwargs)


class Caption(models.Model):
    """The text that one model version wrote for one photo. It never changes: people add decisions.
    `review_state` is the verdict of the newest decision, unless that was withdrawn."""

    # The constraint and an index below begin with these two.
    photo = models.ForeignKey(Photo, on_delete=models.CASCADE, related_name="captions", db_index=False)
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="captions", db_index=False)
    text = models.TextField()
    confidence = models.FloatField(help_text="exp(mean log-probability of the words and <end>), 0 to 1")
    words = models.JSONField(help_text='[{"text", "log_probability"}], with "seen" where the classifier chose the word')
    alternatives = models.JSONField(default=list, help_text='[{"text", "confidence"}], best first')
    seen_objects = models.JSONField(
        default=list, help_text='[{"word", "probability"}] that the image classifier sees, likeliest first'
    )
    attention = models.BinaryField(default=bytes, help_text="uint8, one map per word, row by row")
    attention_shape = models.JSONField(default=list, help_text="[words, height, width]")
    decode_ms = models.FloatField(help_text="opening and resizing the file")
    wait_ms = models.FloatField(help_text="from decoded to the start of its micro-batch")
    model_ms = models.FloatField(help_text="its micro-batch in the model")
    created_at = models.DateTimeField(auto_now_add=True)
    review_state = models.CharField(
        max_length=16, choices=ReviewState, default=ReviewState.UNDECIDED, help_text="its newest decision's verdict"
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["photo", "model_version"], name="caption_once_per_photo_and_version")
        ]
        indexes = [
            models.Index(fields=["created_at"], name="caption_newest"),  # for the captions of the last minute
            # The review queue: of all model versions, and of one.
            models.Index(fields=["-review_state", "confidence", "id"], name="caption_queue"),
            models.Index(fields=["model_version", "-review_state", "confidence", "id"], name="caption_version_queue"),
        ]

    def __str__(self) -> str:
        return self.text


class Decision(models.Model):
    """One person's verdict on one caption. The newest counts. None is ever changed or deleted."""

    class Verdict(models.TextChoices):
        APPROVED = "approved", "Approved"
        EDITED = "edited", "Edited"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Put back"  # as if nobody had decided

    caption = models.ForeignKey(Caption, on_delete=models.CASCADE, related_name="decisions")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions")
    verdict = models.CharField(max_length=16, choices=Verdict)
    text = models.TextField(
        blank=True, help_text="the text that the person approved or wrote; edited to nothing, the photo has no text"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        default_permissions = ("add", "view")  # add: may decide. No permission changes the history
        indexes = [models.Index(fields=["-created_at", "-id"], name="decision_newest")]

    def __str__(self) -> str:
        return f"{self.verdict} by {self.reviewer}"


class WorkerHeartbeat(models.Model):
    """A worker's report, written every few seconds. Without a fresh one, no worker is running."""

    name = models.CharField(max_length=200, unique=True, help_text="host and process")
    device = models.CharField(max_length=64)
    model_version = models.ForeignKey(ModelVersion, on_delete=models.SET_NULL, null=True, blank=True)
    captions = models.PositiveBigIntegerField(default=0, help_text="written since the worker started")
    failures = models.PositiveBigIntegerField(default=0)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    last_caption_at = models.DateTimeField(null=True, blank=True)
    last_finish_at = models.DateTimeField(null=True, blank=True, help_text="caption or failure, within 5 s")
    error = models.TextField(blank=True, help_text="why it ended or cannot work, such as a corrupt bundle")

    class Meta:
        ordering = ["-seen_at"]
        verbose_name = "worker"

    def __str__(self) -> str:
        return self.name
