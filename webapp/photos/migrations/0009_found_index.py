"""The index of an owner's newest photos gets the columns that filters and orders read."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("photos", "0008_found_columns_filled"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="photo",
            index=models.Index(
                fields=[
                    "owner", "-created_at", "-id", "text_by", "review_state", "confidence", "model_version", "format",
                    "name",
                ],
                name="photo_found",
            ),
        ),
        migrations.RemoveIndex(model_name="photo", name="photo_newest_first"),
    ]
