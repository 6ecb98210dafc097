"""The shapes of the API's JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webapp.api.models import AuthToken
from webapp.batches.models import Batch, BatchItem
from webapp.batches.selectors import batch_progress
from webapp.captioning.models import CaptionJob, Decision, ModelVersion
from webapp.captioning.seen_objects import CERTAIN
from webapp.captioning.selectors.photos import decision_newest, decision_shown, objects_shown
from webapp.captioning.services.decisions import TEXT_LIMIT
from webapp.photos.models import Photo


class ErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="for programs")
    message = serializers.CharField(help_text="for people: what happened and what to do")
    fields = serializers.DictField(required=False, help_text="what is wrong with each field")  # type: ignore[assignment]


def _error_of(row: CaptionJob | BatchItem) -> dict[str, str] | None:
    return {"code": row.error_code, "message": row.error_message} if row.error_code else None


class ErrorBodySerializer(serializers.Serializer[Any]):
    error = ErrorSerializer()


# --- Accounts ---------------------------------------------------------------------------------------------------------
class LoginSerializer(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=4096, trim_whitespace=False, style={"input_type": "password"})
    name = serializers.CharField(
        max_length=100, required=False, default="", allow_blank=True, help_text="a name to recognise the token by"
    )
    scope = serializers.ChoiceField(AuthToken.Scope.choices, default=AuthToken.Scope.WRITE)


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="shown once; send it as `Authorization: Token ...`")
    name = serializers.CharField()
    scope = serializers.ChoiceField(AuthToken.Scope.choices)
    expires_at = serializers.DateTimeField()


# --- Photos -----------------------------------------------------------------------------------------------------------
class ModelVersionSerializer(serializers.ModelSerializer[ModelVersion]):
    class Meta:
        model = ModelVersion
        fields = ["id", "name", "version"]


class DecisionSerializer(serializers.ModelSerializer[Decision]):
    decision = serializers.ChoiceField(Decision.Verdict.choices, source="verdict")
    reviewer = serializers.CharField(source="reviewer.username")

    class Meta:
        model = Decision
        fields = ["id", "decision", "text", "reviewer", "created_at"]


class WordSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    log_probability = serializers.FloatField()
    seen = serializers.FloatField(
        required=False, help_text="only of a word that the image classifier chose: its probability, 0 to 1"
    )


class SeenObjectSerializer(serializers.Serializer[Any]):
    word = serializers.CharField(help_text="an everyday word in the singular")
    probability = serializers.FloatField(help_text="0 to 1, calibrated")


class AlternativeSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    confidence = serializers.FloatField()


class TimingsSerializer(serializers.Serializer[Any]):
    queued_at = serializers.DateTimeField(source="job.queued_at")
    started_at = serializers.DateTimeField(source="job.started_at", allow_null=True)
    finished_at = serializers.DateTimeField(source="job.finished_at", allow_null=True)
    decode_ms = serializers.FloatField(
        source="caption.decode_ms", allow_null=True, help_text="opening and resizing the file"
    )
    wait_ms = serializers.FloatField(
        source="caption.wait_ms", allow_null=True, help_text="from decoded to the start of its micro-batch"
    )
    model_ms = serializers.FloatField(
        source="caption.model_ms", allow_null=True, help_text="its micro-batch in the model"
    )


class PhotoSummarySerializer(serializers.ModelSerializer[Photo]):
    """A photo in a list, as `captioning.selectors.photos` reads it."""

    state = serializers.ChoiceField(CaptionJob.State.choices, source="job.state")
    status_url = serializers.HyperlinkedIdentityField("api:photo", lookup_url_kwarg="photo_id")
    caption = serializers.SerializerMethodField(
        help_text="the text that a person wrote or approved, else the model's; null if there is none yet, or if a "
        "person wants none (then `caption_by` is `person`)"
    )
    caption_by = serializers.SerializerMethodField(help_text="who wrote `caption`")
    confidence = serializers.FloatField(source="caption.confidence", allow_null=True, help_text="0 to 1")
    error = serializers.SerializerMethodField()

    class Meta:
        model = Photo
        fields = [
            "id", "name", "state", "status_url", "caption", "caption_by", "review_state", "confidence", "error",
            "width", "height", "format", "size_bytes", "sha256", "created_at",
        ]  # fmt: skip

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_caption(self, photo: Photo) -> str | None:
        return photo.text or None

    @extend_schema_field(serializers.ChoiceField(Photo.TextBy.choices, allow_null=True))
    def get_caption_by(self, photo: Photo) -> str | None:
        return photo.text_by or None

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, photo: Photo) -> dict[str, str] | None:
        return _error_of(photo.job)


class PhotoSerializer(PhotoSummarySerializer):
    """All details of one photo."""

    machine_caption = serializers.CharField(
        source="caption.text", allow_null=True, help_text="the model's text, regardless of decisions by people"
    )
    model_version = ModelVersionSerializer(source="caption.model_version", allow_null=True)
    review = serializers.SerializerMethodField(help_text="the newest decision of a person on this caption")
    seen = serializers.SerializerMethodField(
        help_text="id of the newest decision on this caption, also of a withdrawn one; send it with a new text"
    )
    words = WordSerializer(source="caption.words", many=True, default=[])
    alternatives = AlternativeSerializer(source="caption.alternatives", many=True, default=[])
    objects = serializers.SerializerMethodField(
        help_text="what the image classifier sees, likeliest first; the search finds those of probability "
        f"{CERTAIN} or more. Where a person wrote the text, the active model's classifier."
    )
    timings = TimingsSerializer(source="*")

    class Meta(PhotoSummarySerializer.Meta):
        fields = [
            *PhotoSummarySerializer.Meta.fields,
            "machine_caption", "model_version", "review", "seen", "words", "alternatives", "objects", "timings",
        ]  # fmt: skip

    @extend_schema_field(SeenObjectSerializer(many=True))
    def get_objects(self, photo: Photo) -> Any:
        return SeenObjectSerializer(objects_shown(photo), many=True).data

    @extend_schema_field(DecisionSerializer(allow_null=True))
    def get_review(self, photo: Photo) -> Any:
        decision = decision_shown(photo)
        return DecisionSerializer(decision).data if decision else None

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_seen(self, photo: Photo) -> int | None:
        newest = decision_newest(photo)
        return newest.pk if newest else None


class PhotoTextSerializer(serializers.Serializer[Any]):
    """A person's text for a photo."""

    text = serializers.CharField(
        allow_null=True,
        allow_blank=True,
        trim_whitespace=False,
        help_text=f"up to {TEXT_LIMIT} characters, put on one line; null or empty: the photo has no caption",
    )
    seen = serializers.IntegerField(
        required=False,
        allow_null=True,
        help_text="`seen` of the photo as you read it: a newer decision is then a conflict (409). Without it your text "
        "replaces any other",
    )


class TextConflictSerializer(serializers.Serializer[Any]):
    """Why a text was not taken. `decision` is the one that you have not seen."""

    error = ErrorSerializer()
    decision = DecisionSerializer(required=False)


class UploadSerializer(serializers.Serializer[Any]):
    """The form of an upload: the field `file`, once for each file."""

    file = serializers.ListField(child=serializers.FileField())


class UploadedSerializer(serializers.Serializer[Any]):
    """The result for one file: a photo, or an error."""

    name = serializers.CharField()
    id = serializers.IntegerField(source="photo.pk", allow_null=True)
    status_url = serializers.HyperlinkedRelatedField[Photo](
        "api:photo", source="photo", lookup_url_kwarg="photo_id", read_only=True, allow_null=True
    )
    state = serializers.ChoiceField(CaptionJob.State.choices, source="photo.job.state", allow_null=True)
    created = serializers.BooleanField(help_text="false if you had already uploaded the same file")
    error = ErrorSerializer(allow_null=True)


class UploadsSerializer(serializers.Serializer[Any]):
    results = UploadedSerializer(many=True, help_text="in the order of the files")
    accepted = serializers.IntegerField()
    rejected = serializers.IntegerField()
    summary = serializers.CharField(help_text="a summary of the results, for people")
    error = ErrorSerializer(required=False, help_text="only if every file was rejected")


# --- Batches ----------------------------------------------------------------------------------------------------------
class BatchUploadSerializer(serializers.Serializer[Any]):
    archive = serializers.FileField(help_text="a zip of photos")
    name = serializers.CharField(required=False, help_text="default: the zip's file name")


class ProgressSerializer(serializers.Serializer[Any]):
    """Counts of a batch's files by state. `settled` sums captioned, failed, left_out, deleted and cancelled."""

    total = serializers.IntegerField()
    captioned = serializers.IntegerField()
    failed = serializers.IntegerField(help_text="rejected as a photo, or could not be captioned")
    left_out = serializers.IntegerField(help_text="not a photo, such as a text file")
    deleted = serializers.IntegerField(help_text="the photo was deleted later")
    waiting = serializers.IntegerField()
    paused = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    untaken = serializers.IntegerField(help_text="not unpacked yet")
    settled = serializers.IntegerField()
    finished = serializers.BooleanField()


class BatchSerializer(serializers.ModelSerializer[Batch]):
    """A batch as `batches.selectors` reads it."""

    status_url = serializers.HyperlinkedIdentityField("api:batch", lookup_url_kwarg="batch_id")
    items_url = serializers.HyperlinkedIdentityField("api:batch_items", lookup_url_kwarg="batch_id")
    progress = serializers.SerializerMethodField()

    class Meta:
        model = Batch
        fields = [
            "id", "name", "source", "submission", "state", "error", "status_url", "items_url", "progress", "created_at",
        ]  # fmt: skip

    @extend_schema_field(ProgressSerializer)
    def get_progress(self, batch: Batch) -> Any:
        return ProgressSerializer(batch_progress(batch)).data


class BatchItemSerializer(serializers.ModelSerializer[BatchItem]):
    """One file of a batch: its photo, or the reason why it has none."""

    photo_id = serializers.IntegerField(allow_null=True)
    status_url = serializers.HyperlinkedRelatedField[Photo](
        "api:photo", source="photo", lookup_url_kwarg="photo_id", read_only=True, allow_null=True
    )
    state = serializers.ChoiceField(CaptionJob.State.choices, source="photo.job.state", allow_null=True)
    error = serializers.SerializerMethodField()

    class Meta:
        model = BatchItem
        fields = ["name", "outcome", "photo_id", "status_url", "state", "error"]

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, item: BatchItem) -> dict[str, str] | None:
        return _error_of(item.photo.job if item.photo else item)
