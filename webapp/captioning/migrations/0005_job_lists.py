"""Jobs get the owner and the time of their photo, for an index by which the gallery lists them by standing."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("captioning", "0004_staff_lists"),
        ("photos", "0003_search_index"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="captionjob",
            name="owner",
            field=models.ForeignKey(
                db_index=False,
                help_text="the photo's, for the index",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="captionjob",
            name="photo_created_at",
            field=models.DateTimeField(help_text="the photo's, for the index", null=True),
        ),
    ]
