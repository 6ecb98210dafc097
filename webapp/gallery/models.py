"""The rows of the gallery. A row is the truth; a message on the queue is a hint that there is work."""

import secrets
from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse


def submission_id_make() -> str:
    return secrets.token_hex(6)


class Installation(models.Model):
    """The one row that says which site this database belongs to.

    The media folder carries the same identity in a file: see `services/identity.py`.
    """

    identity = models.CharField(max_length=32, help_text="the media folder says the same; empty until they are paired")
    clock_seen_at = models.DateTimeField(null=True, blank=True, help_text="database time of the last sweep")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="one_installation")]

    def __str__(self) -> str:
        return self.identity


class MediaRemoval(models.Model):
    """A folder of files whose row a person deleted. The files go next, also after a crash; only then does this row."""

    folder = models.CharField(max_length=200, unique=True, help_text="path below the media folder")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.folder


class ModelVersion(models.Model):
    """A registered bundle, with a copy of all that the web needs of it: the web process never opens a bundle."""

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
        """Where the bundle lies now: the data folder may have been moved since it was registered."""
        return Path(settings.DATA_DIR) / self.path


class Batch(models.Model):
    """A bulk submission. Its progress is counted from its items and their jobs, never stored."""

    class Source(models.TextChoices):
        FOLDER = "folder", "Folder"
        ZIP = "zip", "Zip file"
        API = "api", "API"

    class State(models.TextChoices):
        UNPACKING = "unpacking", "Unpacking"  # its items are still being made
        RUNNING = "running", "Running"  # finished when no item waits: see selectors
        PAUSED = "paused", "Paused"
        CANCELLED = "cancelled", "Cancelled"
        FAILED = "failed", "Failed"  # could not be unpacked at all: `error` says why

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


class Photo(models.Model):
    """What a person uploaded. `original` is kept untouched; pages show the derivatives."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="photos")
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

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["owner", "sha256"], name="photo_once_per_owner")]
        indexes = [models.Index(fields=["owner", "-created_at", "-id"], name="photo_newest_first")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("photo", args=[self.pk])


class BatchItem(models.Model):
    """One file of a batch: its photo, or why there is none.

    A file is known by its raw name and its content. A file that was edited under the same name is another item.
    """

    class Outcome(models.TextChoices):
        PENDING = "pending", "Not taken in yet"
        TAKEN = "taken", "Taken"
        SAME = "same", "There already"  # the owner had a photo of the same content
        CHANGED = "changed", "Changed"  # taken; an earlier run took other content under this name
        FAILED = "failed", "Failed"
        LEFT_OUT = "left_out", "Left out"  # no photo, or none that is wanted: `error_message` says why
        GONE = "gone", "Gone"  # it failed or was left out, and is no longer in the folder

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

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["batch", "key", "sha256"], name="content_once_per_item")]

    def __str__(self) -> str:
        return self.name


class CaptionJob(models.Model):
    """The work of captioning one photo: its state, and the lease of the worker that has it in hand.

    A worker takes a lease for some seconds and renews it; `token` rises with every lease, and a write with an older
    token is refused (a fencing token: Kleppmann, "How to do distributed locking", 2016).
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Captioning"
        DONE = "done", "Captioned"
        FAILED = "failed", "Failed"  # the file's fault: `error_message` says why
        QUARANTINED = "quarantined", "Quarantined"  # it harmed the process that opened it; staff may retry
        PAUSED = "paused", "Paused"
        CANCELLED = "cancelled", "Cancelled"

    class Lane(models.TextChoices):
        INTERACTIVE = "interactive", "Interactive"
        BULK = "bulk", "Bulk"

    photo = models.OneToOneField(Photo, on_delete=models.CASCADE, related_name="job")
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

    class Meta:
        indexes = [
            models.Index(fields=["state", "lane", "queued_at"], name="job_waiting"),
            models.Index(fields=["state", "lease_expires_at"], name="job_leases"),
        ]

    def __str__(self) -> str:
        return f"{self.photo_id}: {self.state}"


class Caption(models.Model):
    """What one model version wrote about one photo; never changed afterwards (people's decisions are reviews)."""

    photo = models.ForeignKey(Photo, on_delete=models.CASCADE, related_name="captions")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="captions")
    text = models.TextField()
    confidence = models.FloatField(help_text="exp(mean log-probability of the words and <end>), 0 to 1")
    words = models.JSONField(help_text='[{"text", "log_probability"}]')
    alternatives = models.JSONField(default=list, help_text='[{"text", "confidence"}], best first')
    attention = models.BinaryField(default=bytes, help_text="uint8, one map per word, row by row")
    attention_shape = models.JSONField(default=list, help_text="[words, height, width]")
    decode_ms = models.FloatField(help_text="opening and resizing the file")
    wait_ms = models.FloatField(help_text="from decoded to the start of its micro-batch")
    model_ms = models.FloatField(help_text="its micro-batch in the model")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["photo", "model_version"], name="caption_once_per_photo_and_version")
        ]
        indexes = [
            models.Index(fields=["confidence"], name="caption_confidence"),
            models.Index(fields=["created_at"], name="caption_newest"),  # captions of the last minute
        ]

    def __str__(self) -> str:
        return self.text


class WorkerHeartbeat(models.Model):
    """What a worker says of itself every few seconds; "no worker is running" is read from here."""

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
