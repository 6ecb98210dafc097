"""The models have moved to their rooms. Here only those of this one go; the tables stay."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("gallery", "0006_rooms"),
        ("photos", "0001_initial"),
        ("captioning", "0001_initial"),
        ("batches", "0001_initial"),
        ("upkeep", "0001_initial"),
        ("review", "0002_rooms"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel(name=name)
                for name in (
                    "CaptionJob",
                    "Caption",
                    "WorkerHeartbeat",
                    "ModelVersion",
                    "BatchItem",
                    "Batch",
                    "Photo",
                    "MediaRemoval",
                    "Installation",
                )
            ],
        ),
    ]
