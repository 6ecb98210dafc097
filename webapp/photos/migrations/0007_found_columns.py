"""What owners filter their photos by is a column of the photo: one index then answers every filter."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("captioning", "0009_seen_objects"),
        ("photos", "0006_search_objects"),
    ]

    operations = [
        migrations.AddField(
            model_name="photo",
            name="confidence",
            field=models.FloatField(
                blank=True, help_text="how sure the model is of the text; none where it did not write it", null=True
            ),
        ),
        migrations.AddField(
            model_name="photo",
            name="model_version",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="the caption's",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="captioning.modelversion",
            ),
        ),
    ]
