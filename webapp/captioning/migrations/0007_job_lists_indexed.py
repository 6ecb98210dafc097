import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("captioning", "0006_job_lists_filled"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="captionjob",
            name="owner",
            field=models.ForeignKey(
                db_index=False,
                help_text="the photo's, for the index",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="captionjob",
            name="photo_created_at",
            field=models.DateTimeField(help_text="the photo's, for the index"),
        ),
        migrations.AddField(
            model_name="captionjob",
            name="standing",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Case(
                    models.When(state="done", then=models.Value("captioned")),
                    models.When(state__in=("failed", "quarantined", "cancelled"), then=models.Value("failed")),
                    default=models.Value("waiting"),
                ),
                output_field=models.CharField(
                    choices=[("waiting", "Waiting"), ("captioned", "Captioned"), ("failed", "Failed")], max_length=16
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="captionjob",
            index=models.Index(
                fields=["owner", "standing", "-photo_created_at", "-photo"], name="job_newest_first"
            ),
        ),
    ]
