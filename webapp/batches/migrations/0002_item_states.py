"""Files of a batch get the state of their photo's job, for counts and lists. Triggers fill it after `migrate`."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("batches", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="batchitem",
            name="job_state",
            field=models.CharField(
                blank=True,
                default="",
                editable=False,
                help_text="state of its photo's job; triggers keep it, running counts as queued: see `counters.py`",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="batchitem",
            name="problem",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Case(
                    models.When(
                        models.Q(("outcome", "failed"), ("job_state__in", ("failed", "quarantined")), _connector="OR"),
                        then=models.Value("failed"),
                    ),
                    models.When(outcome="left_out", then=models.Value("left_out")),
                    default=models.Value("none"),
                ),
                output_field=models.CharField(
                    choices=[("failed", "Failed"), ("left_out", "Left out"), ("none", "None")], max_length=16
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="batchitem",
            index=models.Index(fields=["batch", "problem", "id"], name="item_problems"),
        ),
        migrations.AddIndex(
            model_name="batchitem",
            index=models.Index(fields=["batch", "-photo"], name="item_photos"),
        ),
    ]
